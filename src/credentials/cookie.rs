//! A token in a cookie.

use std::ops::Range;

use http::header::COOKIE;
use http::{HeaderName, HeaderValue};

use super::cross_site::CrossSiteProtection;
use super::list::{parts, trim};
use super::source::TokenSource;
use super::token::{BearerToken, DEFAULT_MAX_LEN, TokenOrigin, invalid};
use crate::dangerous::Dangerous;
use crate::head::RequestHead;
use crate::rejection::Rejection;

/// A cookie that holds the token ([RFC 6265](https://www.rfc-editor.org/rfc/rfc6265)).
///
/// 1. All `Cookie` fields are read, for HTTP/2 and HTTP/3 may split them. The name is compared
///    exactly, case included.
/// 2. An empty value is no token: that is how many services delete a cookie.
/// 3. The same name twice is an invalid request, whatever the values: a subdomain may have planted
///    the other one. Names that begin with `__Host-` cannot be planted.
/// 4. One pair of double quotes around the value is taken off (RFC 6265 §4.1.1); nothing is
///    percent-decoded.
/// 5. A request that carries it and that a page of another site caused is rejected, unless its
///    method is safe: see [`CrossSiteProtection`].
#[derive(Debug, Clone)]
#[must_use]
#[doc(alias("session"))]
pub struct Cookie {
    name: Box<str>,
    max_len: usize,
    /// `None` where the operator chose to do without.
    protection: Option<CrossSiteProtection>,
}

impl Cookie {
    /// The cookie of this name, with a token of up to 16 KiB (16,384 bytes).
    ///
    /// A name that no cookie can have (one with `=` or `;` in it, say) is never found.
    pub fn named(name: impl Into<Box<str>>) -> Self {
        let protection = Some(CrossSiteProtection::new());
        Self { name: name.into(), max_len: DEFAULT_MAX_LEN, protection }
    }

    /// Takes tokens of up to this many bytes.
    pub fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes;
        self
    }

    /// What tells requests of other sites, and which of them are trusted. Default: none is.
    pub fn cross_site_protection(mut self, protection: CrossSiteProtection) -> Self {
        self.protection = Some(protection);
        self
    }

    /// Options that make it take tokens which it should not.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }

    pub(super) fn unprotected(self) -> Self {
        Self { protection: None, ..self }
    }

    /// The value's place if this pair is the cookie looked for.
    fn value(&self, field: &[u8], pair: Range<usize>) -> Option<Range<usize>> {
        let bytes = field.get(pair.clone())?;
        let equals = pair.start + bytes.iter().position(|byte| *byte == b'=')?;
        let name = field.get(trim(field, pair.start..equals))?;
        if name != self.name.as_bytes() {
            return None;
        }
        let value = trim(field, equals + 1..pair.end);
        Some(match field.get(value.clone()) {
            Some([b'"', .., b'"']) => value.start + 1..value.end - 1,
            _ => value,
        })
    }
}

impl Dangerous<Cookie> {
    /// Takes the token whatever site caused the request. Any page of the web can then act for a user
    /// who is signed in, as far as the cookie's `SameSite` lets it; and pages of other subdomains
    /// and ports of the host in any case. For services that check `Origin` themselves, or that
    /// change nothing whatever the method.
    pub fn accept_requests_of_other_sites(self) -> Cookie {
        self.0.unprotected()
    }
}

impl TokenSource for Cookie {
    fn find(&self, head: &RequestHead<'_>) -> Result<Option<BearerToken>, Rejection> {
        let mut found: Option<(&HeaderValue, Range<usize>)> = None;
        for field in head.headers().get_all(COOKIE) {
            for pair in parts(field.as_bytes(), b';') {
                if let Some(value) = self.value(field.as_bytes(), pair) {
                    if found.is_some() {
                        return Err(invalid("the token's cookie was sent twice"));
                    }
                    found = Some((field, value));
                }
            }
        }
        let Some((field, value)) = found.filter(|(_, value)| !value.is_empty()) else {
            return Ok(None);
        };
        let token = BearerToken::within(field, value, self.max_len, TokenOrigin::Cookie)?;
        if let Some(protection) = &self.protection {
            protection.check(head)?;
        }
        Ok(Some(token))
    }

    fn header_names(&self) -> Vec<HeaderName> {
        vec![COOKIE]
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use proptest::prelude::*;

    use super::*;
    use crate::rejection::RejectionKind;

    fn find(fields: &[&[u8]]) -> Result<Option<String>, Rejection> {
        let mut request = Request::new(());
        for field in fields {
            let value = HeaderValue::from_bytes(field).unwrap();
            request.headers_mut().append(COOKIE, value);
        }
        let source = Cookie::named("tok").max_len(8);
        let found = source.find(&RequestHead::from(&request))?;
        Ok(found.map(|token| {
            assert_eq!(token.origin(), TokenOrigin::Cookie);
            token.expose_secret().to_owned()
        }))
    }

    #[test]
    fn finds_the_exact_name_in_any_field() {
        let good: [&[&[u8]]; 9] = [
            &[b"tok=abc"],
            &[b"a=b; tok=abc; c=d"],
            &[b"a=b;tok=abc"],
            &[b"a=b", b"tok=abc"],
            &[b" tok = abc "],
            &[b"tok=\"abc\""],
            &[b"xtok=1; tok=abc; tokx=2; Tok=3"],
            &[b"a=\xff; tok=abc"],
            &[b"a=\"x; tok=abc; y\""],
        ];
        for fields in good {
            assert_eq!(find(fields).unwrap().as_deref(), Some("abc"), "{fields:?}");
        }
        assert_eq!(find(&[b"tok=abc="]).unwrap().as_deref(), Some("abc="));
    }

    #[test]
    fn absent_and_emptied_cookies_are_no_token() {
        let none: [&[&[u8]]; 8] = [
            &[],
            &[b""],
            &[b"a=b"],
            &[b"TOK=abc"],
            &[b"tok"],
            &[b"tok="],
            &[b"tok=\"\""],
            &[b"a=tok=abc"],
        ];
        for fields in none {
            assert_eq!(find(fields).unwrap(), None, "{fields:?}");
        }
    }

    #[test]
    fn repeated_and_ill_formed_cookies_are_invalid_requests() {
        let bad: [&[&[u8]]; 11] = [
            &[b"tok=abc; tok=abc"],
            &[b"tok=abc", b"tok=abc"],
            &[b"tok=abc; tok="],
            &[b"tok=; tok="],
            &[b"tok=abc; tok =def"],
            &[b"tok=a b"],
            &[b"tok=\xe4"],
            &[b"tok=\"abc"],
            &[b"tok=\""],
            &[b"tok=a,b"],
            &[b"tok=abcdefghi"],
        ];
        for fields in bad {
            let rejection = find(fields).unwrap_err();
            assert_eq!(rejection.kind(), RejectionKind::InvalidRequest, "{fields:?}");
        }
    }

    fn post(source: &Cookie, cookie: &str, site: &str) -> Result<bool, RejectionKind> {
        let request = Request::post("/").header(COOKIE, cookie).header("sec-fetch-site", site);
        let request = request.body(()).unwrap();
        let found = source.find(&RequestHead::from(&request));
        found.map(|token| token.is_some()).map_err(|rejection| rejection.kind())
    }

    #[test]
    fn only_a_token_is_protected_from_other_sites() {
        let source = Cookie::named("tok");
        assert_eq!(post(&source, "tok=abc", "same-origin"), Ok(true));
        assert_eq!(post(&source, "tok=abc", "cross-site"), Err(RejectionKind::CrossSite));
        for no_token in ["a=b", "tok=", "TOK=abc"] {
            assert_eq!(post(&source, no_token, "cross-site"), Ok(false), "{no_token}");
        }
        for ill_formed in ["tok=a b", "tok=a; tok=a"] {
            let outcome = post(&source, ill_formed, "cross-site");
            assert_eq!(outcome, Err(RejectionKind::InvalidRequest), "{ill_formed}");
        }
    }

    #[test]
    fn the_protection_can_be_replaced_and_dangerously_left_out() {
        let bare = Cookie::named("tok").dangerous().accept_requests_of_other_sites();
        assert_eq!(post(&bare, "tok=abc", "cross-site"), Ok(true));
        let again = bare.cross_site_protection(CrossSiteProtection::new());
        assert_eq!(post(&again, "tok=abc", "cross-site"), Err(RejectionKind::CrossSite));
    }

    proptest! {
        #[test]
        fn any_field_yields_a_b64token_or_none(
            fields in proptest::collection::vec("[tok=;\" \ta-f.\u{80}-\u{ff}]{0,24}", 0..4),
        ) {
            let fields: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
            if let Ok(Some(token)) = find(&fields) {
                prop_assert!(BearerToken::parse(&token).is_ok());
            }
        }
    }
}
