//! `Authorization: Bearer …`.

use http::HeaderName;

use super::header::HeaderField;
use super::source::TokenSource;
use super::token::BearerToken;
use crate::head::RequestHead;
use crate::rejection::Rejection;

/// The default source: the `Authorization` header field
/// ([RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
///
/// | field | outcome |
/// |---|---|
/// | absent | no token |
/// | `Bearer`, in any case, then spaces and a `b64token` | the token |
/// | another scheme | no token |
/// | two fields, whatever their schemes | invalid request |
/// | `Bearer` without a token, or with more than one word | invalid request |
/// | no scheme at its beginning (RFC 9110 §11.4), or empty | invalid request |
/// | longer than the limit, whatever the scheme | invalid request |
#[derive(Debug, Clone)]
#[must_use]
pub struct AuthorizationHeader(HeaderField);

impl AuthorizationHeader {
    /// Takes fields of up to 16 KiB (16,384 bytes).
    pub const fn new() -> Self {
        Self(HeaderField::authorization())
    }

    /// Takes fields of up to this many bytes, scheme included.
    pub const fn max_len(mut self, bytes: usize) -> Self {
        self.0.max_len = bytes;
        self
    }
}

impl Default for AuthorizationHeader {
    fn default() -> Self {
        Self::new()
    }
}

impl TokenSource for AuthorizationHeader {
    fn find(&self, head: &RequestHead<'_>) -> Result<Option<BearerToken>, Rejection> {
        self.0.find(head)
    }

    fn header_names(&self) -> Vec<HeaderName> {
        self.0.header_names()
    }
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;
    use http::{HeaderValue, Request};
    use proptest::prelude::*;

    use super::super::token::DEFAULT_MAX_LEN;
    use super::*;
    use crate::rejection::RejectionKind;

    fn find(source: &AuthorizationHeader, fields: &[&[u8]]) -> Result<Option<String>, Rejection> {
        let mut request = Request::new(());
        for field in fields {
            let value = HeaderValue::from_bytes(field).unwrap();
            request.headers_mut().append(AUTHORIZATION, value);
        }
        let found = source.find(&RequestHead::from(&request))?;
        Ok(found.map(|token| token.expose_secret().to_owned()))
    }

    #[test]
    fn rfc6750_s2_1_scheme_in_any_case_and_spaces() {
        for field in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c", "bEaReR   a.b.c"] {
            let found = find(&AuthorizationHeader::new(), &[field.as_bytes()]).unwrap();
            assert_eq!(found.as_deref(), Some("a.b.c"), "{field}");
        }
    }

    #[test]
    fn no_field_and_other_schemes_are_no_token() {
        let source = AuthorizationHeader::new();
        assert_eq!(find(&source, &[]).unwrap(), None);
        for other in
            [&b"Basic abc"[..], b"DPoP abc", b"Bearerabc", b"eyJ.a.b", b"Basic", b"Digest \xff"]
        {
            assert_eq!(find(&source, &[other]).unwrap(), None);
        }
    }

    #[test]
    fn rfc6750_s3_1_ill_formed_fields_are_invalid_requests() {
        let bad: [&[&[u8]]; 24] = [
            &[b""],
            &[b" "],
            &[b"Bearer"],
            &[b"bearer"],
            &[b"Bearer "],
            &[b"Bearer    "],
            &[b" Bearer abc"],
            &[b"Bearer abc "],
            &[b"Bearer a b"],
            &[b"Bearer a, Bearer b"],
            &[b"Bearer a,b"],
            &[b"Bearer\tabc"],
            &[b"Bearer \tabc"],
            &[b"Bearer abc\t"],
            &[b"Bearer \xe4bc"],
            &[b"\xff"],
            &[b"Be\xe4rer abc"],
            &[b"Bearer, abc"],
            &[b"Bearer: abc"],
            &[b"Bearer=abc"],
            &[b"Bearer \"abc\""],
            &[b"Bearer abc", b"Bearer abc"],
            &[b"Bearer abc", b"Basic abc"],
            &[b"Basic abc", b"Basic abc"],
        ];
        for fields in bad {
            let rejection = find(&AuthorizationHeader::new(), fields).unwrap_err();
            assert_eq!(rejection.kind(), RejectionKind::InvalidRequest, "{fields:?}");
        }
    }

    #[test]
    fn a_scheme_that_was_sent_twice_is_named() {
        let doubled = "the token itself begins with a scheme: was `Bearer` put before it twice?";
        for field in ["Bearer Bearer a.b.c", "bearer  BEARER a.b.c"] {
            let rejection = find(&AuthorizationHeader::new(), &[field.as_bytes()]).unwrap_err();
            assert_eq!(rejection.kind(), RejectionKind::InvalidRequest);
            assert_eq!(rejection.reason(), doubled);
        }
        let other = find(&AuthorizationHeader::new(), &[b"Bearer Bear er"]).unwrap_err();
        assert_ne!(other.reason(), doubled);
    }

    #[test]
    fn the_limit_counts_the_whole_field() {
        let fits = format!("Bearer {}", "a".repeat(DEFAULT_MAX_LEN - 7));
        let over = format!("{fits}a");
        let other = format!("Basic {}", "a".repeat(DEFAULT_MAX_LEN));
        let source = AuthorizationHeader::new();
        assert!(find(&source, &[fits.as_bytes()]).unwrap().is_some());
        for over in [over, other, " ".repeat(DEFAULT_MAX_LEN + 1)] {
            let rejection = find(&source, &[over.as_bytes()]).unwrap_err();
            assert_eq!(rejection.kind(), RejectionKind::InvalidRequest);
        }
        let source = source.max_len(10);
        assert!(find(&source, &[b"Bearer abc"]).unwrap().is_some());
        assert!(find(&source, &[b"Bearer abcd"]).is_err());
    }

    fn field() -> impl Strategy<Value = Vec<u8>> {
        let prefix = prop_oneof![Just(""), Just("Bearer "), Just("bearer  "), Just("Bearer")];
        let rest = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..64),
            "[a-c. =/]{0,8}".prop_map(String::into_bytes),
        ];
        (prefix, rest).prop_map(|(prefix, rest)| [prefix.as_bytes(), &rest].concat())
    }

    proptest! {
        #[test]
        fn any_bytes_yield_a_b64token_or_none(field in field()) {
            if let Ok(value) = HeaderValue::from_bytes(&field) {
                let mut request = Request::new(());
                request.headers_mut().append(AUTHORIZATION, value);
                let found = AuthorizationHeader::new().find(&RequestHead::from(&request));
                if let Ok(Some(token)) = found {
                    prop_assert!(BearerToken::parse(token.expose_secret()).is_ok());
                    prop_assert!(field.ends_with(token.as_bytes()));
                }
            }
        }
    }
}
