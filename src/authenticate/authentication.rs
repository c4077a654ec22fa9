//! [`Authentication`]: what is known of a request's sender, in the request's extensions.

use std::any::type_name;

use http::Extensions;

use super::log::log;
use crate::claims::{Claims, Principal};
use crate::rejection::{Rejection, RejectionKind};

/// What authentication found out about a request. The layer puts one into the extensions of every
/// request it lets through, so its absence tells that the layer is missing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Authentication {
    /// The token was verified and not revoked.
    Authenticated(Principal),
    /// There was no token, and the mode allows that.
    Anonymous,
    /// A CORS preflight, which browsers send without credentials. To guards it is anonymous.
    Preflight,
    /// The token was bad, and the mode is [`Inspect`](super::Mode::Inspect).
    Rejected(Rejection),
}

const LAYER_MISSING: &str = "no AuthLayer handled this request: put one outside of this route or \
     guard, e.g. `Router::layer(AuthLayer::new(verifier))` after all routes it shall protect were \
     added, or `route_layer`";
const OTHER_TYPE: &str = "the AuthLayer yields claims of another type than this handler takes: the \
     `C` of `Verifier<C>` and of `Claims<C>` must be the same type";

impl Authentication {
    /// The outcome for this request.
    ///
    /// # Errors
    /// Of kind `Misconfigured` if no layer handled the request; the reason says what to do, and so
    /// does the log.
    pub fn of(extensions: &Extensions) -> Result<&Self, Rejection> {
        extensions.get().ok_or_else(|| {
            let rejection = Rejection::new(RejectionKind::Misconfigured, LAYER_MISSING);
            // Here and nowhere else: the layer that logs what it denies is what is missing.
            log(&rejection);
            rejection
        })
    }

    /// Who sent the request.
    ///
    /// # Errors
    /// Of kind `MissingToken` for anonymous requests and preflights; the rejection itself where the
    /// token was bad.
    pub fn principal(&self) -> Result<&Principal, Rejection> {
        match self {
            Self::Authenticated(principal) => Ok(principal),
            Self::Anonymous | Self::Preflight => Err(RejectionKind::MissingToken.into()),
            Self::Rejected(rejection) => Err(rejection.clone()),
        }
    }
}

impl<C: Send + Sync + 'static> Claims<C> {
    /// The claims that the layer found in a request, for tonic, hyper and middleware.
    ///
    /// `None` where the request is anonymous, where the layer is missing, and where it yields
    /// claims of another type than `C`.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<Self> {
        Principal::from_extensions(extensions)?.typed()
    }

    /// The claims that the layer found in a request, or why there are none.
    ///
    /// # Errors
    /// Of kind `MissingToken` if the request is anonymous, `Misconfigured` if the layer is missing
    /// or yields claims of another type, and the token's own rejection in
    /// [`Inspect`](super::Mode::Inspect) mode.
    pub fn require_from(extensions: &Extensions) -> Result<Self, Rejection> {
        match Self::from_extensions(extensions) {
            Some(claims) => Ok(claims),
            None => Err(match Authentication::of(extensions)?.principal() {
                Ok(_) => Rejection::new(RejectionKind::Misconfigured, OTHER_TYPE)
                    .with_source(format!("the handler takes Claims<{}>", type_name::<C>())),
                Err(rejection) => rejection,
            }),
        }
    }
}

impl Principal {
    /// Who sent a request, as the layer put it into its extensions; `None` for anonymous requests
    /// and where the layer is missing.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<&Self> {
        match extensions.get()? {
            Authentication::Authenticated(principal) => Some(principal),
            _ => None,
        }
    }
}

#[cfg(all(test, feature = "tracing"))]
mod tests {
    use super::super::log::logged;
    use super::*;

    #[test]
    fn a_missing_layer_is_logged_with_what_to_do() {
        let text = logged(|| {
            let rejection = Authentication::of(&Extensions::new()).unwrap_err();
            assert_eq!(rejection.kind(), RejectionKind::Misconfigured);
        });
        assert!(text.contains("ERROR") && text.contains("no AuthLayer"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
