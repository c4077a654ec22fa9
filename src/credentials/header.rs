//! A token in a header field of one's own.

use http::HeaderName;

use crate::credentials::scheme::token_start;
use crate::credentials::token::{DEFAULT_MAX_LEN, invalid};
use crate::credentials::{BearerToken, TokenOrigin, TokenSource};
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
    scheme: Option<Box<str>>,
    max_len: usize,
}

impl HeaderField {
    /// The field of this name, with a token of up to 16 KiB (16,384 bytes).
    pub const fn named(name: HeaderName) -> Self {
        Self { name, scheme: None, max_len: DEFAULT_MAX_LEN }
    }

    /// Expects this scheme, in any case, and spaces before the token. With another scheme the
    /// field holds no token.
    pub fn with_scheme(mut self, scheme: impl Into<Box<str>>) -> Self {
        self.scheme = Some(scheme.into());
        self
    }

    /// Takes fields of up to this many bytes, scheme included.
    pub fn max_len(mut self, bytes: usize) -> Self {
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
            None => Some(0),
            Some(scheme) => token_start(field.as_bytes(), scheme)?,
        };
        start
            .map(|start| {
                let range = start..field.len();
                BearerToken::within(field, range, self.max_len, TokenOrigin::Header)
            })
            .transpose()
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
}
