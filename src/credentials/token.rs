//! The token as it was sent: well-formed, not yet verified.

use std::fmt;
use std::ops::Range;

use base64_simd::URL_SAFE_NO_PAD;
use http::HeaderValue;

use crate::rejection::{Rejection, RejectionKind};

/// The default limit, in bytes, of a token and of the header field that holds it.
pub(super) const DEFAULT_MAX_LEN: usize = 16 * 1024;

const SCHEME: &[u8] = b"Bearer ";

/// A rejection for a request whose credentials are ill-formed or ambiguous.
pub(super) const fn invalid(reason: &'static str) -> Rejection {
    Rejection::new(RejectionKind::InvalidRequest, reason)
}

/// A well-formed bearer token, found in a request; nothing is verified yet.
///
/// It is a `b64token`: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
/// ([RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)). That is the only way to
/// have a value of this type.
///
/// Found in a header field, it shares the field's buffer and copies nothing. It therefore is not
/// wiped when dropped: the same bytes live in the server's read buffer, which this crate does not
/// own. A clone keeps that buffer alive; to keep a token beyond its request, keep
/// `BearerToken::parse(token.expose_secret())`.
///
/// `Debug` does not show it, and there is no `Display`.
#[derive(Clone)]
pub struct BearerToken {
    value: HeaderValue,
    start: u32,
    end: u32,
    origin: TokenOrigin,
}

/// In what part of a request a token was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenOrigin {
    /// The `Authorization` header field.
    Authorization,
    /// The `Authorization` header field, with the scheme `DPoP`
    /// ([RFC 9449 §7.1](https://www.rfc-editor.org/rfc/rfc9449#section-7.1)).
    Dpop,
    /// Another header field.
    Header,
    /// A cookie.
    Cookie,
    /// An element of `Sec-WebSocket-Protocol`.
    WebSocketProtocol,
    /// A parameter of the query string. The response must carry `Cache-Control: private`
    /// ([RFC 6750 §2.3](https://www.rfc-editor.org/rfc/rfc6750#section-2.3)).
    Query,
    /// A place that this crate does not know.
    Other,
}

impl TokenOrigin {
    /// A name for metrics and logs, in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::Dpop => "dpop",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::WebSocketProtocol => "websocket_protocol",
            Self::Query => "query",
            Self::Other => "other",
        }
    }
}

impl BearerToken {
    /// Takes a token from anywhere, for your own sources and for tests. Its origin is
    /// [`TokenOrigin::Other`].
    ///
    /// # Errors
    /// [`RejectionKind::InvalidRequest`] if it is empty, is longer than 16 KiB (16,384 bytes), or
    /// is not a `b64token`.
    pub fn parse(token: &str) -> Result<Self, Rejection> {
        Self::parse_up_to(token, DEFAULT_MAX_LEN)
    }

    /// As [`parse`](Self::parse), with another limit in bytes.
    ///
    /// # Errors
    /// [`RejectionKind::InvalidRequest`] if it is empty, is longer than that, or is not a
    /// `b64token`.
    pub fn parse_up_to(token: &str, bytes: usize) -> Result<Self, Rejection> {
        Self::copied(token.as_bytes(), bytes, TokenOrigin::Other)
    }

    /// The same token with another origin, for your own sources.
    #[must_use]
    pub fn with_origin(mut self, origin: TokenOrigin) -> Self {
        self.origin = origin;
        self
    }

    /// The token itself. Whoever holds it can act as its subject: keep it out of logs and errors.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        // A b64token is ASCII, so the default is never taken.
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Where it was found.
    #[must_use]
    pub fn origin(&self) -> TokenOrigin {
        self.origin
    }

    /// An `Authorization` value that forwards the token to another service: `Bearer …`, marked
    /// sensitive.
    #[must_use]
    pub fn authorization_value(&self) -> HeaderValue {
        let field = self.value.as_bytes();
        if field.len() == self.end as usize && field.strip_prefix(SCHEME) == Some(self.as_bytes()) {
            return self.value.clone();
        }
        let text = [SCHEME, self.as_bytes()].concat();
        // A b64token is visible ASCII, so the replacement is never taken.
        let mut value =
            HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        value.set_sensitive(true);
        value
    }

    /// The same token in a buffer of its own, for keeping it beyond its request.
    pub(crate) fn detached(&self) -> Self {
        // The bytes are a token already, so the replacement is never taken.
        Self::copied(self.as_bytes(), usize::MAX, self.origin).unwrap_or_else(|_| self.clone())
    }

    /// The token's bytes, all of them ASCII.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        let range = self.start as usize..self.end as usize;
        // Made by `within` from a range that lies in the value, so the default is never taken.
        self.value.as_bytes().get(range).unwrap_or_default()
    }

    /// The token that is this part of a header field, sharing the field's buffer.
    pub(super) fn within(
        value: &HeaderValue,
        range: Range<usize>,
        max_len: usize,
        origin: TokenOrigin,
    ) -> Result<Self, Rejection> {
        if range.len() > max_len {
            return Err(invalid("the token is longer than the limit"));
        }
        let (Ok(start), Ok(end)) = (u32::try_from(range.start), u32::try_from(range.end)) else {
            return Err(invalid("the header field is longer than 4 GiB"));
        };
        let bytes = value.as_bytes().get(range).unwrap_or_default();
        if !is_b64token(bytes) {
            return Err(ill_formed(bytes));
        }
        let mut value = value.clone();
        value.set_sensitive(true);
        Ok(Self { value, start, end, origin })
    }

    /// A token with a buffer of its own.
    pub(super) fn copied(
        token: &[u8],
        max_len: usize,
        origin: TokenOrigin,
    ) -> Result<Self, Rejection> {
        if token.len() > max_len {
            return Err(invalid("the token is longer than the limit"));
        }
        let value = HeaderValue::from_bytes(token).map_err(|_| ill_formed(token))?;
        Self::within(&value, 0..token.len(), max_len, origin)
    }
}

/// [`BearerToken::parse`], for what takes a token in either form.
impl TryFrom<&str> for BearerToken {
    type Error = Rejection;

    fn try_from(token: &str) -> Result<Self, Rejection> {
        Self::parse(token)
    }
}

/// [`BearerToken::parse`], for what takes a token in either form.
impl TryFrom<&String> for BearerToken {
    type Error = Rejection;

    fn try_from(token: &String) -> Result<Self, Rejection> {
        Self::parse(token)
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken([redacted])")
    }
}

fn ill_formed(token: &[u8]) -> Rejection {
    let scheme = SCHEME.len();
    invalid(match token.get(..scheme) {
        Some(start) if start.eq_ignore_ascii_case(SCHEME) => {
            "the token itself begins with a scheme: was `Bearer` put before it twice?"
        }
        _ => "the token is not a b64token (RFC 6750 section 2.1)",
    })
}

fn is_b64token(token: &[u8]) -> bool {
    is_compact(token) || is_any_b64token(token)
}

/// Whether it is three segments of base64url, as signed tokens are: that is told on vectors. What is not
/// may still be a `b64token`.
fn is_compact(token: &[u8]) -> bool {
    let mut rest = token;
    for _ in 0..2 {
        let Some(dot) = memchr::memchr(b'.', rest) else { return false };
        let (segment, after) = rest.split_at(dot);
        if URL_SAFE_NO_PAD.check(segment).is_err() {
            return false;
        }
        rest = after.get(1..).unwrap_or_default();
    }
    URL_SAFE_NO_PAD.check(rest).is_ok()
}

fn is_any_b64token(token: &[u8]) -> bool {
    let mut body = token;
    while let [rest @ .., b'='] = body {
        body = rest;
    }
    // No early exit: without branches the loop runs on vectors, and a good token is read to its
    // end anyway.
    !body.is_empty() & body.iter().fold(true, |good, byte| good & is_b64(*byte))
}

const fn is_b64(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    // "-", ".", "/" and the digits follow one another in ASCII.
    let digit = byte.wrapping_sub(b'-') < 13;
    letter | digit | (byte == b'+') | (byte == b'_') | (byte == b'~')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALLOWED: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/";

    #[test]
    fn rfc6750_s2_1_charset_is_exact() {
        for byte in 0..=u8::MAX {
            let allowed = ALLOWED.as_bytes().contains(&byte);
            assert_eq!(is_b64(byte), allowed, "{byte:#x}");
            assert_eq!(is_b64token(&[b'a', byte, b'b']), allowed, "{byte:#x}");
            // On vectors and behind them, in each segment.
            for at in 0..150 {
                let mut token = [b'A'; 150];
                (token[50], token[100]) = (b'.', b'.');
                token[at] = byte;
                assert_eq!(
                    is_b64token(&token),
                    allowed || (byte == b'=' && at == 149),
                    "{byte:#x} {at}"
                );
            }
        }
    }

    #[test]
    fn parses_well_formed_tokens() {
        for good in ["a", "a=", "abc==", "e.y.J", ALLOWED] {
            let token = BearerToken::parse(good).unwrap();
            assert_eq!(token.expose_secret(), good);
            assert_eq!(token.origin(), TokenOrigin::Other);
        }
        assert!(BearerToken::parse(&"a".repeat(DEFAULT_MAX_LEN)).is_ok());
    }

    #[test]
    fn the_limit_can_be_set() {
        assert!(BearerToken::parse_up_to("abcd", 4).is_ok());
        assert!(BearerToken::parse_up_to("abcde", 4).is_err());
        assert!(BearerToken::parse_up_to(&"a".repeat(DEFAULT_MAX_LEN + 1), usize::MAX).is_ok());
        assert!(BearerToken::try_from("a b").is_err());
    }

    #[test]
    fn rejects_all_else() {
        let long = "a".repeat(DEFAULT_MAX_LEN + 1);
        let signs = "=".repeat(DEFAULT_MAX_LEN);
        let bad = [
            "", "=", "==", "a=b", "=a", " a", "a ", "a b", "a\tb", "a\r\nb", "a\0", "ä", "a,b",
            "a;b", "\"a\"", "a%41", "a:b", "a@b", "{a}", &long, &signs,
        ];
        for bad in bad {
            let rejection = BearerToken::parse(bad).unwrap_err();
            assert_eq!(rejection.kind(), RejectionKind::InvalidRequest, "{bad}");
        }
    }

    #[test]
    fn shares_the_buffer_of_the_field() {
        let field = HeaderValue::from_str("Bearer abc.def").unwrap();
        let token = BearerToken::within(&field, 7..14, 100, TokenOrigin::Authorization).unwrap();
        assert_eq!(token.as_bytes(), b"abc.def");
        assert_eq!(token.as_bytes().as_ptr(), field.as_bytes()[7..].as_ptr());
        let forwarded = token.authorization_value();
        assert_eq!(forwarded.as_bytes().as_ptr(), field.as_bytes().as_ptr());
        assert!(forwarded.is_sensitive());
    }

    #[test]
    fn forwards_as_one_bearer_value() {
        let odd = HeaderValue::from_str("bearer  abc").unwrap();
        let odd = BearerToken::within(&odd, 8..11, 100, TokenOrigin::Authorization).unwrap();
        for token in [odd, BearerToken::parse("abc").unwrap()] {
            let value = token.authorization_value();
            assert_eq!(value, "Bearer abc");
            assert!(value.is_sensitive());
        }
    }

    #[test]
    fn ranges_outside_of_the_field_are_rejected() {
        let field = HeaderValue::from_str("abc").unwrap();
        assert!(BearerToken::within(&field, 1..4, 100, TokenOrigin::Header).is_err());
        assert!(BearerToken::within(&field, 2..2, 100, TokenOrigin::Header).is_err());
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let token = BearerToken::parse("s3cret").unwrap();
        assert_eq!(format!("{token:?}"), "BearerToken([redacted])");
        assert!(!format!("{:?}", token.authorization_value()).contains("s3cret"));
        assert!(!format!("{:?}", token.value).contains("s3cret"));
    }

    proptest! {
        #[test]
        fn the_quick_look_at_three_segments_says_no_more_than_the_close_one(
            token in "[A-Za-z0-9_.=+/~ -]{0,80}",
        ) {
            prop_assert!(!is_compact(token.as_bytes()) || is_any_b64token(token.as_bytes()));
            prop_assert_eq!(is_b64token(token.as_bytes()), is_any_b64token(token.as_bytes()));
        }

        #[test]
        fn what_parses_comes_back_and_is_in_the_charset(text in any::<String>()) {
            if let Ok(token) = BearerToken::parse(&text) {
                prop_assert_eq!(token.expose_secret(), &text);
                prop_assert!(text.bytes().all(|b| is_b64(b) | (b == b'=')));
            }
        }
    }
}
