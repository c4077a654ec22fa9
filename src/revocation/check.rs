//! [`RevocationCheck`]: the question that the layer asks; its dyn form; and the explicit "no".

use std::fmt;
use std::future::Ready;
use std::pin::Pin;
use std::sync::Arc;

use super::into_revocation::IntoRevocation;
use super::{Identifiers, RevocationStatus, StoreError, TokenIdentity};
use crate::step::Step;

/// Decides whether a verified token was taken back. The layer asks it on every request.
///
/// Implement [`RevocationStore`](super::RevocationStore) for a store behind a network, which is
/// plain `async fn`, or give a closure to [`check_fn`](super::check_fn) or
/// [`check_async_fn`](super::check_async_fn). Implement this trait itself for a check that
/// answers at once, or to name its future.
///
/// No method has a default: each is a decision.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be asked whether a token was revoked",
    label = "not a `RevocationCheck`",
    note = "a store of your own implements `RevocationStore`, with plain `async fn`",
    note = "a closure is wrapped in `check_fn(..)` or `check_async_fn(..)`"
)]
#[doc(alias("blacklist", "denylist", "blocklist"))]
pub trait RevocationCheck: Send + Sync + 'static {
    /// Yields the answer where it takes waiting. It must come to an end by itself: the layer waits
    /// as long as it takes.
    type Future: Future<Output = Result<RevocationStatus, StoreError>> + Send + 'static;

    /// The identifiers that a token must carry to be decided on. The layer rejects a token that
    /// lacks one of them, without asking.
    fn required(&self) -> Identifiers;

    /// Whether the token was revoked.
    ///
    /// # Errors
    ///
    /// The answer is an error if it cannot be known at present. The layer then answers 503.
    fn check(
        &self,
        token: &TokenIdentity<'_>,
    ) -> Step<Result<RevocationStatus, StoreError>, Self::Future>;
}

impl<T: RevocationCheck + ?Sized> RevocationCheck for Arc<T> {
    type Future = T::Future;

    fn required(&self) -> Identifiers {
        (**self).required()
    }

    fn check(
        &self,
        token: &TokenIdentity<'_>,
    ) -> Step<Result<RevocationStatus, StoreError>, Self::Future> {
        (**self).check(token)
    }
}

/// The future of a check whose type is not known: boxed.
pub type BoxCheckFuture =
    Pin<Box<dyn Future<Output = Result<RevocationStatus, StoreError>> + Send>>;

/// A check, or store, of any type: chosen by configuration, say. A clone shares it.
///
/// An answer that is there at once costs a virtual call; only one that must be waited for is
/// boxed.
#[derive(Clone)]
pub struct BoxRevocationCheck(Arc<dyn RevocationCheck<Future = BoxCheckFuture>>);

impl BoxRevocationCheck {
    /// Erases the type of a check, or of a store.
    pub fn new<M>(check: impl IntoRevocation<M>) -> Self {
        Self(Arc::new(Boxed(check.into_check())))
    }
}

impl RevocationCheck for BoxRevocationCheck {
    type Future = BoxCheckFuture;

    fn required(&self) -> Identifiers {
        self.0.required()
    }

    fn check(
        &self,
        token: &TokenIdentity<'_>,
    ) -> Step<Result<RevocationStatus, StoreError>, Self::Future> {
        self.0.check(token)
    }
}

impl fmt::Debug for BoxRevocationCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxRevocationCheck").finish_non_exhaustive()
    }
}

struct Boxed<C>(C);

impl<C: RevocationCheck> RevocationCheck for Boxed<C> {
    type Future = BoxCheckFuture;

    fn required(&self) -> Identifiers {
        self.0.required()
    }

    fn check(
        &self,
        token: &TokenIdentity<'_>,
    ) -> Step<Result<RevocationStatus, StoreError>, Self::Future> {
        match self.0.check(token) {
            Step::Now(answer) => Step::Now(answer),
            Step::Later(future) => Step::Later(Box::pin(future)),
        }
    }
}

/// No revocation: a token counts until it expires. What a layer has that was given no store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NoRevocation;

impl RevocationCheck for NoRevocation {
    type Future = Ready<Result<RevocationStatus, StoreError>>;

    #[inline]
    fn required(&self) -> Identifiers {
        Identifiers::NONE
    }

    #[inline]
    fn check(
        &self,
        _: &TokenIdentity<'_>,
    ) -> Step<Result<RevocationStatus, StoreError>, Self::Future> {
        Step::Now(Ok(RevocationStatus::Active))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revocation::{StoreErrorKind, check_async_fn, check_fn};
    use futures_util::FutureExt;

    #[test]
    fn no_store_requires_nothing_and_revokes_nothing() {
        let token = TokenIdentity::new();
        assert!(NoRevocation.required().is_empty());
        let step = NoRevocation.check(&token);
        assert!(matches!(step, Step::Now(Ok(RevocationStatus::Active))));
    }

    #[test]
    fn the_dyn_form_answers_at_once_where_its_inside_does() {
        let check = check_fn(|_| RevocationStatus::Revoked).requiring(Identifiers::SESSION_ID);
        let check = BoxRevocationCheck::new(Arc::new(check));
        assert_eq!(check.required(), Identifiers::SESSION_ID);
        let step = check.clone().check(&TokenIdentity::new());
        assert!(matches!(step, Step::Now(Ok(RevocationStatus::Revoked))));
    }

    #[test]
    fn the_dyn_form_passes_errors_on() {
        let check = check_async_fn(|_| async { Err(StoreError::unavailable("down")) });
        let check = BoxRevocationCheck::new(check);
        let Step::Later(future) = check.check(&TokenIdentity::new()) else {
            panic!("an async closure cannot answer at once");
        };
        let error = future.now_or_never().unwrap().unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    }
}
