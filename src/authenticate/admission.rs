//! [`Admission`]: the decision on a request, and how it is handed on.

use http::Extensions;

use super::authenticator::NotRevoked;
use super::outcome::Outcome;
use crate::claims::{Claims, Principal};
use crate::credentials::TokenOrigin;
use crate::rejection::Rejection;
use crate::time::UnixTime;
use crate::verify::Verified;

/// Whether a request goes on to the service.
pub(crate) enum Admission<C> {
    Admitted {
        claims: Claims<C>,
        at: UnixTime,
        origin: TokenOrigin,
    },
    Anonymous,
    Preflight,
    /// It goes on, and the handler is told what is wrong.
    Inspected(Rejection),
    Rejected(Rejection),
}

impl<C: Send + Sync + 'static> Admission<C> {
    /// The only way from a verified token to claims.
    pub(super) fn admit(verified: Verified<C>, _: NotRevoked) -> Self {
        let Verified { token, at, origin } = verified;
        Self::Admitted { claims: Claims(token), at, origin }
    }

    /// Tells handlers and guards; whatever an outer layer had told them is replaced. Yields whether
    /// the response has to be kept from shared caches.
    pub(crate) fn attach(self, extensions: &mut Extensions) -> Result<bool, Rejection> {
        let (outcome, claims) = match self {
            Self::Admitted { claims, at, origin } => {
                (Outcome::Authenticated(Principal::new(&claims, at)), Some((claims, origin)))
            }
            Self::Anonymous => (Outcome::Anonymous, None),
            Self::Preflight => (Outcome::Preflight, None),
            Self::Inspected(rejection) => (Outcome::Rejected(rejection), None),
            Self::Rejected(rejection) => return Err(rejection),
        };
        // The outer layer's claims may be of a type that this one does not know.
        if let Some(Outcome::Authenticated(outer)) = extensions.insert(outcome) {
            outer.remove_claims(extensions);
        }
        let Some((claims, origin)) = claims else {
            return Ok(false);
        };
        extensions.insert(claims);
        Ok(origin == TokenOrigin::Query)
    }
}
