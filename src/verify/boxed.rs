//! [`BoxVerifier`]: a verifier whose type is not known.

use std::fmt;
use std::sync::Arc;

use super::token_verifier::TokenVerifier;
use super::verified::Verified;
use crate::credentials::BearerToken;
use crate::head::RequestHead;
use crate::rejection::Rejection;
use crate::step::{BoxFuture, Step};

type Answer<C> = Result<Verified<C>, Rejection>;

/// A [`TokenVerifier`] of any type with claims of this one: for verifiers that are chosen at run
/// time, signed tokens here and opaque ones there. A clone shares it.
///
/// An answer that is there at once costs a virtual call; only one that must be waited for is boxed.
pub struct BoxVerifier<C>(Arc<dyn Erased<C>>);

impl<C: Send + Sync + 'static> BoxVerifier<C> {
    /// Erases the type of a verifier.
    pub fn new(verifier: impl TokenVerifier<Claims = C>) -> Self {
        Self(Arc::new(verifier))
    }
}

/// [`TokenVerifier`] as a trait that can be `dyn`.
trait Erased<C>: Send + Sync {
    fn verify(
        &self,
        token: BearerToken,
        head: &RequestHead<'_>,
    ) -> Step<Answer<C>, BoxFuture<'static, Answer<C>>>;
}

impl<V: TokenVerifier> Erased<V::Claims> for V {
    fn verify(
        &self,
        token: BearerToken,
        head: &RequestHead<'_>,
    ) -> Step<Answer<V::Claims>, BoxFuture<'static, Answer<V::Claims>>> {
        match TokenVerifier::verify(self, token, head) {
            Step::Now(answer) => Step::Now(answer),
            Step::Later(future) => Step::Later(Box::pin(future)),
        }
    }
}

impl<C: Send + Sync + 'static> TokenVerifier for BoxVerifier<C> {
    type Claims = C;
    type Future = BoxFuture<'static, Answer<C>>;

    fn verify(&self, token: BearerToken, head: &RequestHead<'_>) -> Step<Answer<C>, Self::Future> {
        self.0.verify(token, head)
    }
}

impl<C> Clone for BoxVerifier<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> fmt::Debug for BoxVerifier<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxVerifier").finish_non_exhaustive()
    }
}
