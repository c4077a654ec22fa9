//! gRPC: HTTP 200, and the status where the client's library reads it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::rejection::Rejection;
use crate::respond::{Challenge, Protocol, RequestInfo};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// Milliseconds to wait before a retry, for clients that retry by themselves (gRFC A6).
const RETRY_PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// What the gRPC specification has encoded in `grpc-message`; bytes beyond ASCII always are.
const MESSAGE: &AsciiSet = &CONTROLS.add(b'%');

/// The response for a request that speaks gRPC or gRPC-Web; `None` for plain HTTP.
///
/// The challenge goes along as metadata, for clients that want to know why or where to get a
/// token: RFC 9110 §11.6.1 allows it in any response.
pub(super) fn respond(
    rejection: &Rejection,
    request: &RequestInfo,
    challenge: &Challenge,
) -> Option<Response<Bytes>> {
    let content_type = request.content_type()?;
    let trailers = trailers(rejection);
    let mut response = Response::new(Bytes::new());
    match request.protocol() {
        // Trailers-only: the one block of header fields is at once the trailers.
        Protocol::Http | Protocol::Grpc => *response.headers_mut() = trailers,
        // In the body alone. Scripts of other origins read every body but only exposed header
        // fields, and grpc-web's own client reports the error twice if it finds it in both.
        Protocol::GrpcWeb => *response.body_mut() = frame(&trailers).into(),
        Protocol::GrpcWebText => *response.body_mut() = STANDARD.encode(frame(&trailers)).into(),
    }
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    challenge.write(rejection, response.headers_mut());
    Some(response)
}

fn trailers(rejection: &Rejection) -> HeaderMap {
    let kind = rejection.kind();
    let mut trailers = HeaderMap::with_capacity(4);
    trailers.insert(GRPC_STATUS, HeaderValue::from(u16::from(kind.grpc_status())));
    let message = utf8_percent_encode(kind.description(), MESSAGE).to_string();
    if let Ok(message) = HeaderValue::try_from(message) {
        trailers.insert(GRPC_MESSAGE, message);
    }
    // With 14 UNAVAILABLE alone: no retry mends the others.
    if let (14, Some(wait)) = (kind.grpc_status(), rejection.retry_after()) {
        let millis = i32::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX);
        trailers.insert(RETRY_PUSHBACK, HeaderValue::from(millis));
    }
    trailers
}

/// One trailer frame of gRPC-Web: the flag, the length, and lines of lower-case `name:value`.
fn frame(trailers: &HeaderMap) -> Vec<u8> {
    let mut lines = Vec::with_capacity(128);
    for (name, value) in trailers {
        for part in [name.as_str().as_bytes(), b":", value.as_bytes(), b"\r\n"] {
            lines.extend_from_slice(part);
        }
    }
    let length = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    [&[0x80], &length.to_be_bytes()[..], &lines].concat()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rejection::RejectionKind;

    #[test]
    fn pushback_is_in_milliseconds_rounded_up_for_unavailable_only() {
        let pushback = |kind: RejectionKind, wait| {
            let trailers = trailers(&Rejection::from(kind).with_retry_after(wait));
            let value = trailers.get(RETRY_PUSHBACK)?.to_str().unwrap();
            Some(value.to_owned())
        };
        for (wait, expected) in [
            (Duration::ZERO, "0"),
            (Duration::from_micros(1_500), "2"),
            (Duration::MAX, "2147483647"),
        ] {
            let found = pushback(RejectionKind::RevocationUnavailable, wait);
            assert_eq!(found.as_deref(), Some(expected));
        }
        assert_eq!(pushback(RejectionKind::Expired, Duration::ZERO), None);
    }

    #[test]
    fn message_is_percent_encoded() {
        let encoded = utf8_percent_encode("50% \u{e4}\r\n", MESSAGE).to_string();
        assert_eq!(encoded, "50%25 %C3%A4%0D%0A");
    }
}
