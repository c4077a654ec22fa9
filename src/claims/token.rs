//! [`Claims<C>`]: the claims of a token that was verified and not revoked.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::principal::Principal;
use super::registered::RegisteredClaims;
use crate::clock::UnixTime;
use crate::credentials::{BearerToken, TokenOrigin};

/// All that is known of one verified token, shared by every handle on it.
pub(crate) struct VerifiedToken<C> {
    pub(crate) custom: C,
    pub(crate) registered: RegisteredClaims,
    pub(crate) bearer: BearerToken,
}

/// The claims of this request's token: it was verified, and it was not revoked when the request
/// came.
///
/// Dereferences to the application's own type `C`; [`Claims::registered`] has the claims that every
/// token may have. It is a handle: cheap to clone, whatever `C` is. Only an
/// [`Authenticator`](crate::authenticate::Authenticator) and its layer make one, so whoever holds
/// one knows that all checks were done.
///
/// With the `axum` feature it is an extractor; elsewhere [`Claims::from_extensions`] finds it.
///
/// `Debug` shows neither the token nor any claim.
#[doc(alias("user", "current_user", "AuthUser", "JwtClaims", "extractor", "TokenData"))]
pub struct Claims<C> {
    token: Arc<VerifiedToken<C>>,
    /// When this request was authenticated: the token may have been verified long before.
    at: UnixTime,
    /// Where this request had the token.
    origin: TokenOrigin,
}

impl<C> Claims<C> {
    /// The claims that every token may have: issuer, subject, times, scopes, roles.
    #[must_use]
    pub fn registered(&self) -> &RegisteredClaims {
        &self.token.registered
    }

    /// The token itself, for forwarding to another service on behalf of the same user.
    ///
    /// Forward it only to services that the token's audience names.
    #[must_use]
    pub fn token(&self) -> BearerToken {
        self.token.bearer.clone().with_origin(self.origin)
    }

    /// Where this request had the token.
    pub(crate) fn origin(&self) -> TokenOrigin {
        self.origin
    }

    /// For the one step that has all the proofs, and for tests that do without.
    pub(crate) fn new(token: Arc<VerifiedToken<C>>, at: UnixTime, origin: TokenOrigin) -> Self {
        Self { token, at, origin }
    }
}

impl<C: Send + Sync + 'static> Claims<C> {
    /// The same token without the claims' type, for guards and for what serves any type.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal::new(Arc::clone(&self.token) as _, self.at, self.origin)
    }

    /// The claims the layer put into a request's extensions, for tonic, hyper and middleware.
    ///
    /// `None` where the request is anonymous, where the layer is missing, and where it yields
    /// claims of another type than `C`.
    #[must_use]
    pub fn from_extensions(extensions: &http::Extensions) -> Option<&Self> {
        extensions.get()
    }
}

impl<C> Clone for Claims<C> {
    fn clone(&self) -> Self {
        Self { token: Arc::clone(&self.token), at: self.at, origin: self.origin }
    }
}

impl<C> Deref for Claims<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.token.custom
    }
}

impl<C> fmt::Debug for Claims<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").field("registered", &self.token.registered).finish_non_exhaustive()
    }
}
