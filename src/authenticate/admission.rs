//! [`Admission`]: the decision on a request, and how it is handed on.

use http::Extensions;

use super::authentication::Authentication;
use super::authenticator::NotRevoked;
use crate::claims::Claims;
use crate::credentials::TokenOrigin;
use crate::rejection::Rejection;
use crate::verify::Verified;

/// Whether a request goes on to the service.
pub(crate) enum Admission<C> {
    Admitted {
        claims: Claims<C>,
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
        Self::Admitted { claims: Claims::new(token, at, origin), origin }
    }

    /// Tells handlers and guards; whatever an outer layer had told them is replaced. Yields whether
    /// the response has to be kept from shared caches.
    pub(crate) fn attach(self, extensions: &mut Extensions) -> Result<bool, Rejection> {
        let (outcome, claims) = match self {
            Self::Admitted { claims, origin } => {
                (Authentication::Authenticated(claims.principal()), Some((claims, origin)))
            }
            Self::Anonymous => (Authentication::Anonymous, None),
            Self::Preflight => (Authentication::Preflight, None),
            Self::Inspected(rejection) => (Authentication::Rejected(rejection), None),
            Self::Rejected(rejection) => return Err(rejection),
        };
        // The outer layer's claims may be of a type that this one does not know.
        if let Some(Authentication::Authenticated(outer)) = extensions.insert(outcome) {
            outer.remove_claims(extensions);
        }
        let Some((claims, origin)) = claims else {
            return Ok(false);
        };
        extensions.insert(claims);
        Ok(origin == TokenOrigin::Query)
    }
}
