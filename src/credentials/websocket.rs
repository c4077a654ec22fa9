//! A token among the subprotocols that a WebSocket client offers.

use std::ops::Range;

use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderName, HeaderValue};

use super::list::parts;
use super::source::TokenSource;
use super::token::{BearerToken, DEFAULT_MAX_LEN, TokenOrigin, invalid};
use crate::head::RequestHead;
use crate::rejection::Rejection;

/// `Sec-WebSocket-Protocol: bearer, <token>, chat`: how a browser sends a token when it opens a
/// WebSocket, for its API can set no header field but the offered subprotocols.
///
/// ```js
/// new WebSocket("wss://api.example.com/feed", ["bearer", token, "chat"])
/// ```
///
/// The element right behind the marker is the token. Several fields count as one list
/// ([RFC 9110 §5.3](https://www.rfc-editor.org/rfc/rfc9110#section-5.3)), and the marker is
/// compared exactly. The marker twice, or with no token behind it, is an invalid request.
///
/// The server must select another subprotocol, here `chat`, or the marker itself; it must never
/// echo the token, which would then show in logs of responses. A browser drops the connection if
/// none is selected at all
/// ([RFC 6455 §4.1](https://www.rfc-editor.org/rfc/rfc6455#section-4.1)).
#[derive(Debug, Clone)]
#[must_use]
#[doc(alias("ws", "subprotocol"))]
pub struct WebSocketProtocol {
    marker: Box<str>,
    max_len: usize,
}

impl WebSocketProtocol {
    /// Takes the element behind this one, of up to 16 KiB (16,384 bytes).
    pub fn marker(marker: impl Into<Box<str>>) -> Self {
        Self { marker: marker.into(), max_len: DEFAULT_MAX_LEN }
    }

    /// Takes tokens of up to this many bytes.
    pub fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes;
        self
    }
}

impl TokenSource for WebSocketProtocol {
    fn find(&self, head: &RequestHead<'_>) -> Result<Option<BearerToken>, Rejection> {
        let mut marked = false;
        let mut found: Option<(&HeaderValue, Range<usize>)> = None;
        for field in head.headers().get_all(SEC_WEBSOCKET_PROTOCOL) {
            let elements = parts(field.as_bytes(), b',').filter(|element| !element.is_empty());
            for element in elements {
                let bytes = field.as_bytes().get(element.clone());
                if bytes == Some(self.marker.as_bytes()) {
                    if marked {
                        return Err(invalid("the token's subprotocol marker was sent twice"));
                    }
                    marked = true;
                } else if marked && found.is_none() {
                    found = Some((field, element));
                }
            }
        }
        match found {
            Some((field, element)) => {
                let origin = TokenOrigin::WebSocketProtocol;
                BearerToken::within(field, element, self.max_len, origin).map(Some)
            }
            None if marked => Err(invalid("no token follows the subprotocol marker")),
            None => Ok(None),
        }
    }

    fn header_names(&self) -> Vec<HeaderName> {
        vec![SEC_WEBSOCKET_PROTOCOL]
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::rejection::RejectionKind;

    fn find(fields: &[&str]) -> Result<Option<String>, Rejection> {
        let mut request = Request::builder();
        for field in fields {
            request = request.header(SEC_WEBSOCKET_PROTOCOL, *field);
        }
        let request = request.body(()).unwrap();
        let source = WebSocketProtocol::marker("bearer").max_len(8);
        let found = source.find(&RequestHead::from(&request))?;
        Ok(found.map(|token| {
            assert_eq!(token.origin(), TokenOrigin::WebSocketProtocol);
            token.expose_secret().to_owned()
        }))
    }

    #[test]
    fn the_element_behind_the_marker_is_the_token() {
        let good: [&[&str]; 6] = [
            &["bearer, abc, chat"],
            &["chat,bearer,abc"],
            &["chat", "bearer", "abc"],
            &["chat, bearer", "abc, mqtt"],
            &["bearer,, ,abc"],
            &["\tbearer ,\tabc"],
        ];
        for fields in good {
            assert_eq!(find(fields).unwrap().as_deref(), Some("abc"), "{fields:?}");
        }
    }

    #[test]
    fn without_the_marker_there_is_no_token() {
        for none in [&[][..], &[""], &["chat"], &["Bearer, abc"], &["bearer.abc"], &["chat, abc"]] {
            assert_eq!(find(none).unwrap(), None, "{none:?}");
        }
    }

    #[test]
    fn the_marker_without_one_token_is_an_invalid_request() {
        let bad: [&[&str]; 8] = [
            &["bearer"],
            &["chat, bearer"],
            &["bearer, "],
            &["bearer, bearer"],
            &["bearer, abc, bearer, def"],
            &["bearer, abc", "bearer, abc"],
            &["bearer, a b"],
            &["bearer, abcdefghi"],
        ];
        for fields in bad {
            let rejection = find(fields).unwrap_err();
            assert_eq!(rejection.kind(), RejectionKind::InvalidRequest, "{fields:?}");
        }
    }
}
