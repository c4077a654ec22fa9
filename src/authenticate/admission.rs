//! [`Admission`]: the decision on a request, and how it is handed on.

use http::header::CACHE_CONTROL;
use http::{Extensions, HeaderMap, HeaderValue};

use super::authentication::Authentication;
use crate::claims::Claims;
use crate::credentials::TokenOrigin;
use crate::rejection::Rejection;

/// Whether a request goes on to the service.
pub(crate) enum Admission<C> {
    Admitted(Claims<C>),
    Anonymous,
    Preflight,
    /// It goes on, and the handler is told what is wrong.
    Inspected(Rejection),
    Rejected(Rejection),
}

impl<C: Send + Sync + 'static> Admission<C> {
    /// Tells handlers and guards; whatever an outer layer had told them is replaced. Yields what
    /// the decision asks of the response.
    pub(crate) fn attach(self, extensions: &mut Extensions) -> Result<AfterEffects, Rejection> {
        let mut after = AfterEffects::default();
        let authentication = match self {
            Self::Admitted(claims) => {
                after.private = claims.origin() == TokenOrigin::Query;
                Authentication::Authenticated(claims.into_principal())
            }
            Self::Anonymous => Authentication::Anonymous,
            Self::Preflight => Authentication::Preflight,
            Self::Inspected(rejection) => Authentication::Rejected(rejection),
            Self::Rejected(rejection) => return Err(rejection),
        };
        // The claims are found by it, so that there is one entry for both.
        extensions.insert(authentication);
        Ok(after)
    }
}

/// What authentication has to do with the answer to a request that it let through.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AfterEffects {
    /// RFC 6750 §2.3: what answers a token in the query string is for its sender alone.
    private: bool,
}

impl AfterEffects {
    #[inline]
    pub(crate) fn apply(self, headers: &mut HeaderMap) {
        if self.private {
            keep_from_shared_caches(headers);
        }
    }
}

fn keep_from_shared_caches(headers: &mut HeaderMap) {
    // `private` with field names keeps only those fields (RFC 9111 §5.2.2.7): it does not count.
    let kept = |value: &HeaderValue| {
        value.as_bytes().split(|byte| *byte == b',').any(|directive| {
            let directive = directive.trim_ascii();
            [b"private".as_slice(), b"no-store"]
                .iter()
                .any(|word| directive.eq_ignore_ascii_case(word))
        })
    };
    if !headers.get_all(CACHE_CONTROL).iter().any(kept) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
}
