//! [`Principal`]: an authenticated request's token, whatever the application's claims type is.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use http::Extensions;

use super::binding::Binding;
use super::registered::RegisteredClaims;
#[cfg(feature = "introspection")]
use super::token::PresentedToken;
use super::token::{Claims, VerifiedToken};
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
    binding: Binding,
}

pub(super) trait AnyToken: Any + Send + Sync {
    fn registered(&self) -> &RegisteredClaims;
    fn bearer(&self) -> &BearerToken;
    fn custom(&self) -> &dyn Any;
    /// Takes the handle that names the claims' type out of a request's extensions.
    fn remove_claims(&self, extensions: &mut Extensions);
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

    fn remove_claims(&self, extensions: &mut Extensions) {
        extensions.remove::<Claims<C>>();
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

    fn remove_claims(&self, extensions: &mut Extensions) {
        extensions.remove::<Claims<C>>();
    }
}

impl<T: AnyToken> AnyToken for Arc<T> {
    fn registered(&self) -> &RegisteredClaims {
        (**self).registered()
    }

    fn bearer(&self) -> &BearerToken {
        (**self).bearer()
    }

    fn custom(&self) -> &dyn Any {
        (**self).custom()
    }

    fn remove_claims(&self, extensions: &mut Extensions) {
        (**self).remove_claims(extensions);
    }
}

impl Principal {
    pub(super) fn new(
        token: Arc<dyn AnyToken>,
        at: UnixTime,
        origin: TokenOrigin,
        binding: Binding,
    ) -> Self {
        Self { token, at, origin, binding }
    }

    /// Takes the claims of this principal out of a request's extensions, whatever their type.
    pub(crate) fn remove_claims(&self, extensions: &mut Extensions) {
        self.token.remove_claims(extensions);
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

    /// What its sender has proven beside having the token.
    #[must_use]
    pub fn binding(&self) -> Binding {
        self.binding
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
