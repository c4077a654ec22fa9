//! What the response needs to know of the request.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};

use crate::head::RequestHead;

/// The protocol that a request speaks, told by its method and content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// Plain HTTP: everything that is none of the others.
    Http,
    /// gRPC over HTTP/2: `application/grpc`.
    Grpc,
    /// gRPC-Web with a binary body: `application/grpc-web`.
    GrpcWeb,
    /// gRPC-Web with a body in base64: `application/grpc-web-text`.
    GrpcWebText,
}

/// What a [`Responder`](crate::respond::Responder) may know of the request.
///
/// It is read from the head before the request is handed on, and small enough to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestInfo {
    protocol: Protocol,
    codec: Codec,
    /// Whether it has credentials of the scheme `DPoP`, in a service that speaks it.
    dpop: bool,
}

/// How messages are encoded; strict clients want their own content type back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Unnamed,
    Proto,
    Json,
}

/// Plain HTTP.
impl Default for RequestInfo {
    fn default() -> Self {
        Self { protocol: Protocol::Http, codec: Codec::Unnamed, dpop: false }
    }
}

impl RequestInfo {
    /// The protocol of the request.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    pub(crate) fn in_dpop(self) -> Self {
        Self { dpop: true, ..self }
    }

    /// Whether the challenge of the scheme `DPoP` is the one that tells what was wrong.
    pub(crate) fn is_in_dpop(&self) -> bool {
        self.dpop
    }

    /// The content type for a response in the request's own protocol: `None` for plain HTTP, for
    /// which it is the responder's choice.
    #[must_use]
    pub fn content_type(&self) -> Option<HeaderValue> {
        let [unnamed, proto, json] = match self.protocol {
            Protocol::Http => return None,
            Protocol::Grpc => {
                ["application/grpc", "application/grpc+proto", "application/grpc+json"]
            }
            Protocol::GrpcWeb => {
                ["application/grpc-web", "application/grpc-web+proto", "application/grpc-web+json"]
            }
            Protocol::GrpcWebText => [
                "application/grpc-web-text",
                "application/grpc-web-text+proto",
                "application/grpc-web-text+json",
            ],
        };
        Some(HeaderValue::from_static(match self.codec {
            Codec::Unnamed => unnamed,
            Codec::Proto => proto,
            Codec::Json => json,
        }))
    }

    fn of(content_type: &[u8]) -> Self {
        let http = Self::default();
        let mut rest = content_type;
        let mut protocol = Protocol::Http;
        for (suffix, then) in [
            ("application/grpc", Protocol::Grpc),
            ("-web", Protocol::GrpcWeb),
            ("-text", Protocol::GrpcWebText),
        ] {
            let Some((head, tail)) = rest.split_at_checked(suffix.len()) else {
                break;
            };
            if !head.eq_ignore_ascii_case(suffix.as_bytes()) {
                break;
            }
            (rest, protocol) = (tail, then);
        }
        let codec = match rest {
            [] | [b';' | b' ' | b'\t', ..] => Codec::Unnamed,
            [b'+', codec @ ..] => {
                let end = codec.iter().position(|byte| b"; \t".contains(byte));
                match codec.split_at(end.unwrap_or(codec.len())).0 {
                    name if name.eq_ignore_ascii_case(b"proto") => Codec::Proto,
                    name if name.eq_ignore_ascii_case(b"json") => Codec::Json,
                    _ => Codec::Unnamed,
                }
            }
            _ => return http,
        };
        match protocol {
            Protocol::Http => http,
            _ => Self { protocol, codec, dpop: false },
        }
    }
}

impl From<&RequestHead<'_>> for RequestInfo {
    fn from(head: &RequestHead<'_>) -> Self {
        // gRPC is always POST. Whoever asks otherwise does not know how to read a status of 200 that
        // means no: a cache, or a proxy that asks whether to let a request pass.
        if head.method() != Method::POST {
            return Self::default();
        }
        let content_type = head.headers().get(CONTENT_TYPE);
        Self::of(content_type.map_or(b"", HeaderValue::as_bytes))
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn protocol_and_content_type_follow_the_request() {
        for (request, protocol, response) in [
            ("application/grpc", Protocol::Grpc, "application/grpc"),
            ("Application/gRPC", Protocol::Grpc, "application/grpc"),
            ("application/grpc+proto", Protocol::Grpc, "application/grpc+proto"),
            ("application/grpc+json", Protocol::Grpc, "application/grpc+json"),
            ("application/grpc+thrift", Protocol::Grpc, "application/grpc"),
            ("application/grpc; charset=utf-8", Protocol::Grpc, "application/grpc"),
            ("application/grpc+proto ;a", Protocol::Grpc, "application/grpc+proto"),
            ("application/grpc-web", Protocol::GrpcWeb, "application/grpc-web"),
            ("application/grpc-web+proto", Protocol::GrpcWeb, "application/grpc-web+proto"),
            ("application/grpc-web+json;a", Protocol::GrpcWeb, "application/grpc-web+json"),
            ("application/grpc-web-text", Protocol::GrpcWebText, "application/grpc-web-text"),
            (
                "application/grpc-web-text+proto",
                Protocol::GrpcWebText,
                "application/grpc-web-text+proto",
            ),
        ] {
            let head = Request::post("/").header(CONTENT_TYPE, request).body(()).unwrap();
            let info = RequestInfo::from(&RequestHead::from(&head));
            assert_eq!(info.protocol(), protocol, "{request}");
            assert_eq!(info.content_type().unwrap(), response, "{request}");
        }
    }

    #[test]
    fn all_else_is_plain_http() {
        for request in [
            "",
            "application/json",
            "application/grpcx",
            "application/grpc-webx",
            "grpc",
            "application/grpc-web-textx",
            "application/grpc-text",
            "application/grp",
            "+proto",
            "text/application/grpc",
            "application/proto",
            ";application/grpc",
            "\u{e4}",
        ] {
            let info = RequestInfo::of(request.as_bytes());
            assert_eq!(info.protocol(), Protocol::Http, "{request}");
            assert_eq!(info.content_type(), None, "{request}");
        }
        let info = RequestInfo::from(&RequestHead::from(&Request::new(())));
        assert_eq!(info.protocol(), Protocol::Http);
    }
}
