//! A token in a header field.

use std::borrow::Cow;

use http::HeaderName;
use http::header::AUTHORIZATION;

use super::scheme::token_start;
use super::source::TokenSource;
use super::token::{BearerToken, DEFAULT_MAX_LEN, TokenOrigin, invalid};
use crate::head::RequestHead;
use crate::rejection::Rejection;

/// A header field that holds the bare token, such as `X-Access-Token: …`; or, with
/// [`HeaderField::with_scheme`], one that is written as `Authorization` is.
///
/// The field twice, empty, or with anything but one `b64token` is an invalid request.
#[derive(Debug, Clone)]
#[must_use]
pub struct HeaderField {
    name: HeaderName,
    scheme: Option<Cow<'static, str>>,
    pub(super) max_len: usize,
}

impl HeaderField {
    /// The field of this name, with a token of up to 16 KiB (16,384 bytes).
    pub const fn named(name: HeaderName) -> Self {
        Self { name, scheme: None, max_len: DEFAULT_MAX_LEN }
    }

    /// Expects this scheme, in any case, and spaces before the token. With another scheme the
    /// field holds no token.
    pub fn with_scheme(mut self, scheme: impl Into<Cow<'static, str>>) -> Self {
        self.scheme = Some(scheme.into());
        self
    }

    /// `Authorization: Bearer …`.
    pub(super) const fn authorization() -> Self {
        let scheme = Some(Cow::Borrowed("Bearer"));
        Self { name: AUTHORIZATION, scheme, max_len: DEFAULT_MAX_LEN }
    }

    /// Takes fields of up to this many bytes, scheme included.
    pub const fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes;
        self
    }
}

impl TokenSource for HeaderField {
    fn find(&self, head: &RequestHead<'_>) -> Result<Option<BearerToken>, Rejection> {
        let mut fields = head.headers().get_all(&self.name).iter();
        let Some(field) = fields.next() else {
            return Ok(None);
        };
        if fields.next().is_some() {
            return Err(invalid("more than one header field holds a token"));
        }
        if field.len() > self.max_len {
            return Err(invalid("the token's header field is over the limit"));
        }
        let start = match &self.scheme {
            None => 0,
            Some(scheme) => match token_start(field.as_bytes(), scheme)? {
                Some(start) => start,
                None => return Ok(None),
            },
        };
        let origin = if self.name == AUTHORIZATION {
            TokenOrigin::Authorization
        } else {
            TokenOrigin::Header
        };
        BearerToken::within(field, start..field.len(), self.max_len, origin).map(Some)
    }

    fn header_names(&self) -> Vec<HeaderName> {
        vec![self.name.clone()]
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::rejection::RejectionKind;

    const NAME: HeaderName = HeaderName::from_static("x-access-token");

    fn find(source: &HeaderField, fields: &[&str]) -> Result<Option<String>, Rejection> {
        let mut request = Request::builder();
        for field in fields {
            request = request.header(NAME, *field);
        }
        let request = request.body(()).unwrap();
        let found = source.find(&RequestHead::from(&request))?;
        Ok(found.map(|token| {
            assert_eq!(token.origin(), TokenOrigin::Header);
            token.expose_secret().to_owned()
        }))
    }

    #[test]
    fn holds_the_bare_token() {
        let source = HeaderField::named(NAME);
        assert_eq!(find(&source, &[]).unwrap(), None);
        assert_eq!(find(&source, &["a.b"]).unwrap().as_deref(), Some("a.b"));
        let source = source.max_len(3);
        for bad in [&["Bearer abc"][..], &[""], &["a b"], &["a", "a"], &["a", ""], &["abcd"]] {
            let rejection = find(&source, bad).unwrap_err();
            assert_eq!(rejection.kind(), RejectionKind::InvalidRequest, "{bad:?}");
        }
    }

    #[test]
    fn or_a_scheme_before_it() {
        let source = HeaderField::named(NAME).with_scheme("Bearer");
        assert_eq!(find(&source, &["bearer abc"]).unwrap().as_deref(), Some("abc"));
        assert_eq!(find(&source, &["Basic abc"]).unwrap(), None);
        for bad in [&["Bearer"][..], &["Bearer a b"], &["Bearer a", "Basic b"], &[""]] {
            let rejection = find(&source, bad).unwrap_err();
            assert_eq!(rejection.kind(), RejectionKind::InvalidRequest, "{bad:?}");
        }
    }

    #[test]
    fn a_token_of_the_authorization_field_is_said_to_be_from_there() {
        let source = HeaderField::named(AUTHORIZATION).with_scheme("Token");
        let request = Request::get("/").header(AUTHORIZATION, "token abc").body(()).unwrap();
        let token = source.find(&RequestHead::from(&request)).unwrap().unwrap();
        assert_eq!(token.origin(), TokenOrigin::Authorization);
    }
}
