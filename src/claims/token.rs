//! [`Claims<C>`]: the claims of a token that was verified and not revoked.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::binding::{Binding, Proven};
use super::principal::{AnyToken, Principal};
use super::registered::RegisteredClaims;
use crate::clock::UnixTime;
use crate::credentials::{BearerToken, TokenOrigin};

/// What one verified token says.
pub(crate) struct TokenClaims<C> {
    pub(crate) custom: C,
    pub(crate) registered: RegisteredClaims,
}

/// All that is known of one verified token, shared by every handle on it.
pub(crate) struct VerifiedToken<C> {
    claims: TokenClaims<C>,
    pub(crate) bearer: BearerToken,
}

impl<C> VerifiedToken<C> {
    pub(crate) fn new(custom: C, registered: RegisteredClaims, bearer: BearerToken) -> Self {
        Self { claims: TokenClaims { custom, registered }, bearer }
    }
}

impl<C> Deref for VerifiedToken<C> {
    type Target = TokenClaims<C>;

    #[inline]
    fn deref(&self) -> &TokenClaims<C> {
        &self.claims
    }
}

/// What is known without the token, and the token as this request has it.
#[cfg(feature = "introspection")]
pub(crate) struct PresentedToken<C> {
    pub(super) claims: Arc<TokenClaims<C>>,
    pub(super) bearer: BearerToken,
}

/// A verified token, to be counted once more. What is read is not on the cache line of the count, and
/// neither is anything else.
#[repr(align(64))]
pub(crate) struct SharedToken<C>(pub(crate) Arc<VerifiedToken<C>>);

/// A handle on a verified token.
pub(crate) enum TokenHandle<C> {
    Own(Arc<VerifiedToken<C>>),
    /// By a count of its own: a token that many threads use at once need not have them all write to one.
    Shared(Arc<SharedToken<C>>),
    /// Of a token that is remembered by its claims alone.
    #[cfg(feature = "introspection")]
    Presented(Arc<PresentedToken<C>>),
}

impl<C> TokenHandle<C> {
    #[cfg(feature = "introspection")]
    pub(crate) fn presented(claims: Arc<TokenClaims<C>>, bearer: BearerToken) -> Self {
        Self::Presented(Arc::new(PresentedToken { claims, bearer }))
    }

    pub(crate) fn bearer(&self) -> &BearerToken {
        match self {
            Self::Own(token) => &token.bearer,
            Self::Shared(token) => &token.0.bearer,
            #[cfg(feature = "introspection")]
            Self::Presented(token) => &token.bearer,
        }
    }
}

impl<C: Send + Sync + 'static> TokenHandle<C> {
    /// The handle that was given away as one of any type; `None` if its claims are not `C`.
    pub(super) fn of(token: Arc<dyn AnyToken>) -> Option<Self> {
        let token: Arc<dyn Any + Send + Sync> = token;
        let token = match token.downcast() {
            Ok(own) => return Some(Self::Own(own)),
            Err(other) => other,
        };
        let token = match token.downcast() {
            Ok(shared) => return Some(Self::Shared(shared)),
            Err(other) => other,
        };
        #[cfg(feature = "introspection")]
        return token.downcast().ok().map(Self::Presented);
        #[cfg(not(feature = "introspection"))]
        {
            drop(token);
            None
        }
    }
}

impl<C> From<Arc<VerifiedToken<C>>> for TokenHandle<C> {
    fn from(token: Arc<VerifiedToken<C>>) -> Self {
        Self::Own(token)
    }
}

impl<C> Deref for TokenHandle<C> {
    type Target = TokenClaims<C>;

    #[inline]
    fn deref(&self) -> &TokenClaims<C> {
        match self {
            Self::Own(token) => token,
            Self::Shared(token) => &token.0,
            #[cfg(feature = "introspection")]
            Self::Presented(token) => &token.claims,
        }
    }
}

impl<C> Clone for TokenHandle<C> {
    fn clone(&self) -> Self {
        match self {
            Self::Own(token) => Self::Own(Arc::clone(token)),
            Self::Shared(token) => Self::Shared(Arc::clone(token)),
            #[cfg(feature = "introspection")]
            Self::Presented(token) => Self::Presented(Arc::clone(token)),
        }
    }
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
    token: TokenHandle<C>,
    /// When this request was authenticated: the token may have been verified long before.
    at: UnixTime,
    /// Where this request had the token.
    origin: TokenOrigin,
    proven: Proven,
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
        self.token.bearer().clone().with_origin(self.origin)
    }

    /// Where this request had the token.
    pub(crate) fn origin(&self) -> TokenOrigin {
        self.origin
    }

    /// For the one step that has all the proofs, and for tests that do without.
    pub(crate) fn new(token: TokenHandle<C>, at: UnixTime, origin: TokenOrigin) -> Self {
        Self { token, at, origin, proven: Proven::default() }
    }

    /// What its sender has proven beside having it.
    #[must_use]
    pub fn binding(&self) -> Binding {
        self.proven.binding
    }

    /// For the step that has seen the proof.
    pub(crate) fn with_proof(self, proven: Proven) -> Self {
        Self { proven, ..self }
    }

    pub(crate) fn proven(&self) -> Proven {
        self.proven
    }
}

impl<C: Send + Sync + 'static> Claims<C> {
    /// The same token without the claims' type, for guards and for what serves any type.
    #[must_use]
    pub fn principal(&self) -> Principal {
        self.clone().into_principal()
    }

    pub(crate) fn into_principal(self) -> Principal {
        let token: Arc<dyn AnyToken> = match self.token {
            TokenHandle::Own(token) => token as _,
            TokenHandle::Shared(token) => token as _,
            #[cfg(feature = "introspection")]
            TokenHandle::Presented(token) => token as _,
        };
        Principal::new(token, self.at, self.origin, self.proven)
    }
}

impl<C> Clone for Claims<C> {
    fn clone(&self) -> Self {
        let Self { at, origin, proven, .. } = *self;
        Self { token: self.token.clone(), at, origin, proven }
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
