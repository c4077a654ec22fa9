//! [`Admission`]: the decision on a request, and how it is handed on.

use http::header::CACHE_CONTROL;
use http::{Extensions, HeaderMap, HeaderValue};

use super::authentication::Authentication;
use crate::bound::DPOP_NONCE;
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
                after.nonce = claims.proven().nonce_due;
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
    /// RFC 9449 §8.2: the client is to have the next nonce before this one ends.
    nonce: bool,
}

impl AfterEffects {
    #[inline]
    pub(super) fn apply(
        self,
        headers: &mut HeaderMap,
        nonce: impl FnOnce() -> Option<HeaderValue>,
    ) {
        if self.private {
            keep_from_shared_caches(headers);
        }
        if self.nonce
            && let Some(nonce) = nonce()
        {
            headers.insert(DPOP_NONCE, nonce);
            // A cached answer would give an old one (RFC 9449 §8.2).
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
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
