//! Several sources in order.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;

use super::source::TokenSource;
use super::token::{BearerToken, invalid};
use crate::head::RequestHead;
use crate::rejection::Rejection;

/// Several places in which one token may be.
///
/// All are asked, in order. The token of the only one that has one is taken; tokens in two places
/// are an invalid request even if they are equal
/// ([RFC 6750 §2](https://www.rfc-editor.org/rfc/rfc6750#section-2): one method per request); and
/// the first that rejects the request decides. Empty, it finds nothing.
#[derive(Clone, Default)]
#[must_use]
pub struct Sources {
    all: Vec<Arc<dyn TokenSource>>,
}

impl Sources {
    /// No sources yet.
    pub const fn new() -> Self {
        Self { all: Vec::new() }
    }

    /// These and one more.
    pub fn and(mut self, source: impl TokenSource) -> Self {
        self.all.push(Arc::new(source));
        self
    }
}

impl TokenSource for Sources {
    fn find(&self, head: &RequestHead<'_>) -> Result<Option<BearerToken>, Rejection> {
        let mut found = None;
        let mut twice = false;
        for source in &self.all {
            if let Some(token) = source.find(head)? {
                twice |= found.replace(token).is_some();
            }
        }
        if twice {
            return Err(invalid("tokens were sent in more than one place"));
        }
        Ok(found)
    }

    fn header_names(&self) -> Vec<HeaderName> {
        let mut names: Vec<HeaderName> = Vec::new();
        for name in self.all.iter().flat_map(|source| source.header_names()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("len", &self.all.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::header::{AUTHORIZATION, COOKIE};

    use super::*;
    use crate::credentials::{AuthorizationHeader, Cookie, TokenOrigin};
    use crate::rejection::RejectionKind;

    fn both() -> Sources {
        Sources::new().and(AuthorizationHeader::new()).and(Cookie::named("t"))
    }

    fn find(
        source: &Sources,
        fields: &[(HeaderName, &str)],
    ) -> Result<Option<TokenOrigin>, RejectionKind> {
        let mut request = Request::builder();
        for (name, value) in fields {
            request = request.header(name, *value);
        }
        let request = request.body(()).unwrap();
        let found = source.find(&RequestHead::from(&request));
        found.map(|token| token.map(|token| token.origin())).map_err(|rejection| rejection.kind())
    }

    #[test]
    fn takes_the_only_token() {
        assert_eq!(find(&both(), &[]), Ok(None));
        assert_eq!(find(&Sources::new(), &[(AUTHORIZATION, "Bearer a")]), Ok(None));
        let header = [(AUTHORIZATION, "Bearer a"), (COOKIE, "u=a; t=")];
        assert_eq!(find(&both(), &header), Ok(Some(TokenOrigin::Authorization)));
        let cookie = [(AUTHORIZATION, "Basic a"), (COOKIE, "t=a")];
        assert_eq!(find(&both(), &cookie), Ok(Some(TokenOrigin::Cookie)));
    }

    #[test]
    fn rfc6750_s2_two_places_are_an_invalid_request() {
        for cookie in ["t=a", "t=b", "t=a b", "t=a; t=a"] {
            let fields = [(AUTHORIZATION, "Bearer a"), (COOKIE, cookie)];
            assert_eq!(find(&both(), &fields), Err(RejectionKind::InvalidRequest), "{cookie}");
        }
        let fields = [(AUTHORIZATION, "Bearer"), (COOKIE, "t=a")];
        assert_eq!(find(&both(), &fields), Err(RejectionKind::InvalidRequest));
    }

    #[test]
    fn an_error_wins_over_what_others_found() {
        let deny = |_: &RequestHead<'_>| Err(RejectionKind::MalformedToken.into());
        let fields = [(AUTHORIZATION, "Bearer a"), (COOKIE, "t=a")];
        assert_eq!(find(&both().and(deny), &fields), Err(RejectionKind::MalformedToken));
    }

    #[test]
    fn names_each_header_field_once() {
        let boxed: Box<dyn TokenSource> = Box::new(Cookie::named("u"));
        let shared: Arc<dyn TokenSource> = Arc::new(AuthorizationHeader::new());
        let sources = both().and(boxed).and(shared);
        assert_eq!(sources.header_names(), [AUTHORIZATION, COOKIE]);
    }
}
