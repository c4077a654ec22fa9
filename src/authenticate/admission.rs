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
        let outcome = match self {
            Self::Admitted { claims, at, origin } => {
                let principal = Principal::new(&claims, at);
                extensions.insert(claims);
                extensions.insert(Outcome::Authenticated(principal));
                return Ok(origin == TokenOrigin::Query);
            }
            Self::Anonymous => Outcome::Anonymous,
            Self::Preflight => Outcome::Preflight,
            Self::Inspected(rejection) => Outcome::Rejected(rejection),
            Self::Rejected(rejection) => return Err(rejection),
        };
        extensions.remove::<Claims<C>>();
        extensions.insert(outcome);
        Ok(false)
    }
}
