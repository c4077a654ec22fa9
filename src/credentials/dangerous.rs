//! Places that a token can be in but should not be.

use std::borrow::Cow;

use http::HeaderName;
use percent_encoding::{percent_decode, percent_decode_str};

use super::source::TokenSource;
use super::token::{BearerToken, DEFAULT_MAX_LEN, TokenOrigin, invalid};
use crate::head::RequestHead;
use crate::rejection::Rejection;

/// A parameter of the query string that holds the token
/// ([RFC 6750 §2.3](https://www.rfc-editor.org/rfc/rfc6750#section-2.3)).
///
/// Query strings end up in access logs, browser histories, `Referer` fields and caches. RFC 6750
/// says not to use this unless nothing else is possible, and
/// [RFC 9700 §4.3.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.3.2) not at all. Where it
/// is used, tokens should live for minutes and logs should drop the query; the layer sends
/// `Cache-Control: private`.
///
/// Names and values are percent-decoded as RFC 3986 has it, so `+` stays what it is: as the space
/// of HTML forms it could not be part of a token anyway. The parameter twice, or empty, or not a
/// `b64token` is an invalid request.
#[derive(Debug, Clone)]
#[must_use]
pub struct QueryParameter {
    name: Box<str>,
    max_len: usize,
}

impl QueryParameter {
    /// The parameter of this name, `access_token` in RFC 6750, with a token of up to 16 KiB
    /// (16,384 bytes).
    pub fn named(name: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), max_len: DEFAULT_MAX_LEN }
    }

    /// Takes tokens of up to this many bytes, counted when decoded.
    pub fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes;
        self
    }
}

impl TokenSource for QueryParameter {
    fn find(&self, head: &RequestHead<'_>) -> Result<Option<BearerToken>, Rejection> {
        let query = head.uri().query().unwrap_or_default();
        let mut values = query.split('&').filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            percent_decode_str(name).eq(self.name.bytes()).then_some(value)
        });
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(invalid("the token's query parameter was sent twice"));
        }
        // Every byte of the token takes at most three in the query.
        if value.len() / 3 > self.max_len {
            return Err(invalid("the token is longer than the limit"));
        }
        let token: Cow<'_, [u8]> = percent_decode(value.as_bytes()).into();
        BearerToken::copied(&token, self.max_len, TokenOrigin::Query).map(Some)
    }

    fn header_names(&self) -> Vec<HeaderName> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::rejection::RejectionKind;

    fn find(target: &str) -> Result<Option<String>, Rejection> {
        let request = Request::get(target).body(()).unwrap();
        let source = QueryParameter::named("access_token").max_len(8);
        let found = source.find(&RequestHead::from(&request))?;
        Ok(found.map(|token| {
            assert_eq!(token.origin(), TokenOrigin::Query);
            token.expose_secret().to_owned()
        }))
    }

    #[test]
    fn rfc6750_s2_3_finds_the_parameter() {
        for (target, token) in [
            ("/?access_token=a.b-c", "a.b-c"),
            ("/x?a=b&access_token=abc&c", "abc"),
            ("/?access%5Ftoken=abc", "abc"),
            ("/?access_token=%61%62%63", "abc"),
            ("/?access_token=a%2Fb%3d", "a/b="),
            ("/?access_token=a+b", "a+b"),
            ("/?access_token=abc==", "abc=="),
            ("/?access_token=%61%62%63%64%65%66%67%68", "abcdefgh"),
        ] {
            assert_eq!(find(target).unwrap().as_deref(), Some(token), "{target}");
        }
    }

    #[test]
    fn other_parameters_are_no_token() {
        for target in
            ["/", "/?", "/?a=b", "/?Access_Token=abc", "/access_token=abc", "/?token=access_token"]
        {
            assert_eq!(find(target).unwrap(), None, "{target}");
        }
    }

    #[test]
    fn repeated_and_ill_formed_parameters_are_invalid_requests() {
        let long = format!("/?access_token={}", "a".repeat(40_000));
        for target in [
            "/?access_token=a&access_token=a",
            "/?access_token=a&access%5ftoken=b",
            "/?access_token=a&access_token",
            "/?access_token",
            "/?access_token=",
            "/?access_token=a%20b",
            "/?access_token=%zz",
            "/?access_token=a%",
            "/?access_token=%00",
            "/?access_token=%ff",
            "/?access_token=%0d%0a",
            "/?access_token=%25%36%31",
            "/?access_token=abcdefghi",
            &long,
        ] {
            let rejection = find(target).unwrap_err();
            assert_eq!(rejection.kind(), RejectionKind::InvalidRequest, "{target}");
        }
    }
}
