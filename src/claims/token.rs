//! [`Claims<C>`]: the claims of a token that was verified and not revoked.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::registered::RegisteredClaims;
use crate::credentials::BearerToken;

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
/// token may have. It is one `Arc`: cheap to clone, whatever `C` is. Only the layer makes one, so
/// whoever holds one knows that all checks were done.
///
/// With the `axum` feature it is an extractor; elsewhere [`Claims::from_extensions`] finds it.
///
/// `Debug` shows neither the token nor any claim.
pub struct Claims<C>(pub(crate) Arc<VerifiedToken<C>>);

impl<C> Claims<C> {
    /// The claims that every token may have: issuer, subject, times, scopes, roles.
    #[must_use]
    pub fn registered(&self) -> &RegisteredClaims {
        &self.0.registered
    }

    /// The token itself, for forwarding to another service on behalf of the same user.
    ///
    /// Forward it only to services that the token's audience names.
    #[must_use]
    pub fn token(&self) -> &BearerToken {
        &self.0.bearer
    }
}

impl<C: Send + Sync + 'static> Claims<C> {
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
        Self(Arc::clone(&self.0))
    }
}

impl<C> Deref for Claims<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0.custom
    }
}

impl<C> fmt::Debug for Claims<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").field("registered", &self.0.registered).finish_non_exhaustive()
    }
}
