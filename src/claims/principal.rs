//! [`Principal`]: an authenticated request's token, whatever the application's claims type is.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::binding::{Binding, Proven};
use super::registered::RegisteredClaims;
#[cfg(feature = "introspection")]
use super::token::PresentedToken;
use super::token::{Claims, SharedToken, TokenHandle, VerifiedToken};
use crate::clock::UnixTime;
use crate::credentials::{BearerToken, TokenOrigin};

/// Who sent this request, for guards and for middleware that need not know the claims type.
///
/// The layer makes one for every authenticated request. It is the same token that
/// [`Claims<C>`] shows, and the moment at which it was let through.
#[derive(Clone)]
pub struct Principal {
    token: Arc<dyn AnyToken>,
    at: UnixTime,
    origin: TokenOrigin,
    proven: Proven,
}

pub(super) trait AnyToken: Any + Send + Sync {
    fn registered(&self) -> &RegisteredClaims;
    fn bearer(&self) -> &BearerToken;
    fn custom(&self) -> &dyn Any;
}

impl<C: Send + Sync + 'static> AnyToken for VerifiedToken<C> {
    fn registered(&self) -> &RegisteredClaims {
        &self.registered
    }

    fn bearer(&self) -> &BearerToken {
        &self.bearer
    }

    fn custom(&self) -> &dyn Any {
        &self.custom
    }
}

#[cfg(feature = "introspection")]
impl<C: Send + Sync + 'static> AnyToken for PresentedToken<C> {
    fn registered(&self) -> &RegisteredClaims {
        &self.claims.registered
    }

    fn bearer(&self) -> &BearerToken {
        &self.bearer
    }

    fn custom(&self) -> &dyn Any {
        &self.claims.custom
    }
}

impl<C: Send + Sync + 'static> AnyToken for SharedToken<C> {
    fn registered(&self) -> &RegisteredClaims {
        &self.0.registered
    }

    fn bearer(&self) -> &BearerToken {
        &self.0.bearer
    }

    fn custom(&self) -> &dyn Any {
        &self.0.custom
    }
}

impl Principal {
    pub(super) fn new(
        token: Arc<dyn AnyToken>,
        at: UnixTime,
        origin: TokenOrigin,
        proven: Proven,
    ) -> Self {
        Self { token, at, origin, proven }
    }

    /// The claims that every token may have.
    #[must_use]
    pub fn registered(&self) -> &RegisteredClaims {
        self.token.registered()
    }

    /// The token itself, for forwarding.
    #[must_use]
    pub fn token(&self) -> BearerToken {
        self.token.bearer().clone().with_origin(self.origin)
    }

    /// The application's claims, if they are of type `C`.
    #[must_use]
    pub fn claims<C: 'static>(&self) -> Option<&C> {
        self.token.custom().downcast_ref()
    }

    /// The same by the handle that knows the type of the application's claims; `None` if it is not `C`.
    pub(crate) fn typed<C: Send + Sync + 'static>(&self) -> Option<Claims<C>> {
        let token: TokenHandle<C> = TokenHandle::of(Arc::clone(&self.token))?;
        Some(Claims::new(token, self.at, self.origin).with_proof(self.proven))
    }

    /// What its sender has proven beside having the token.
    #[must_use]
    pub fn binding(&self) -> Binding {
        self.proven.binding
    }

    /// When this request was authenticated, by the verifier's clock.
    #[must_use]
    pub fn authenticated_at(&self) -> UnixTime {
        self.at
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal").field("registered", self.registered()).finish_non_exhaustive()
    }
}
