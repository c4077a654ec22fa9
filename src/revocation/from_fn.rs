//! Checks made of closures: [`check_fn`] and [`check_async_fn`].

use std::fmt;
use std::future::Ready;

use super::{Identifiers, RevocationCheck, RevocationStatus, StoreError, TokenIdentity};
use crate::step::Step;

/// A check by a closure that answers at once.
///
/// A token needs a `jti`, unless [`CheckFn::requiring`] says otherwise. The closure runs on every
/// request, on the thread that serves it: it must not block.
///
/// ```
/// use tower_bearer::revocation::{Identifiers, RevocationCheck, RevocationStatus, check_fn};
///
/// let check = check_fn(|token| {
///     RevocationStatus::revoked_if(token.subject() == Some("mallory"))
/// })
/// .requiring(Identifiers::SUBJECT);
/// assert_eq!(check.required(), Identifiers::SUBJECT);
/// ```
pub fn check_fn<F>(check: F) -> CheckFn<F>
where
    F: Fn(&TokenIdentity<'_>) -> RevocationStatus + Send + Sync + 'static,
{
    CheckFn { check, required: Identifiers::TOKEN_ID }
}

/// A check by a closure that returns a future.
///
/// A token needs a `jti`, unless [`CheckAsyncFn::requiring`] says otherwise. The future must come
/// to an end by itself.
///
/// ```
/// use tower_bearer::revocation::{RevocationStatus, check_async_fn};
///
/// # async fn is_listed(_: &str) -> std::io::Result<bool> { Ok(false) }
/// # use tower_bearer::revocation::StoreError;
/// let check = check_async_fn(|token| async move {
///     let token_id = token.token_id().unwrap_or_default();
///     let listed = is_listed(token_id).await.map_err(StoreError::unavailable)?;
///     Ok(RevocationStatus::revoked_if(listed))
/// });
/// ```
pub fn check_async_fn<F, Fut>(check: F) -> CheckAsyncFn<F>
where
    F: Fn(TokenIdentity<'static>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<RevocationStatus, StoreError>> + Send + 'static,
{
    CheckAsyncFn { check, required: Identifiers::TOKEN_ID }
}

/// The check that [`check_fn`] makes.
#[derive(Clone, Copy)]
pub struct CheckFn<F> {
    check: F,
    required: Identifiers,
}

/// The check that [`check_async_fn`] makes.
#[derive(Clone, Copy)]
pub struct CheckAsyncFn<F> {
    check: F,
    required: Identifiers,
}

impl<F> CheckFn<F> {
    /// Sets the identifiers that a token must carry, in place of `jti`.
    #[must_use]
    pub fn requiring(mut self, required: Identifiers) -> Self {
        self.required = required;
        self
    }
}

impl<F> CheckAsyncFn<F> {
    /// Sets the identifiers that a token must carry, in place of `jti`.
    #[must_use]
    pub fn requiring(mut self, required: Identifiers) -> Self {
        self.required = required;
        self
    }
}

impl<F> RevocationCheck for CheckFn<F>
where
    F: Fn(&TokenIdentity<'_>) -> RevocationStatus + Send + Sync + 'static,
{
    type Future = Ready<Result<RevocationStatus, StoreError>>;

    fn required(&self) -> Identifiers {
        self.required
    }

    fn check(
        &self,
        token: &TokenIdentity<'_>,
    ) -> Step<Result<RevocationStatus, StoreError>, Self::Future> {
        Step::Now(Ok((self.check)(token)))
    }
}

impl<F, Fut> RevocationCheck for CheckAsyncFn<F>
where
    F: Fn(TokenIdentity<'static>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<RevocationStatus, StoreError>> + Send + 'static,
{
    type Future = Fut;

    fn required(&self) -> Identifiers {
        self.required
    }

    fn check(
        &self,
        token: &TokenIdentity<'_>,
    ) -> Step<Result<RevocationStatus, StoreError>, Self::Future> {
        Step::Later((self.check)(token.clone().into_owned()))
    }
}

impl<F> fmt::Debug for CheckFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckFn").field("required", &self.required).finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for CheckAsyncFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckAsyncFn").field("required", &self.required).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_closure_is_a_check_and_requires_jti() {
        let banned = String::from("bad");
        let check = check_fn(move |token| {
            RevocationStatus::revoked_if(token.token_id() == Some(banned.as_str()))
        });
        assert_eq!(check.required(), Identifiers::TOKEN_ID);
        for (id, expected) in [("bad", true), ("good", false)] {
            let step = check.check(&TokenIdentity::new().with_token_id(id));
            let Step::Now(Ok(status)) = step else {
                panic!("a closure answers at once");
            };
            assert_eq!(status.is_revoked(), expected, "{id}");
        }
    }

    #[test]
    fn an_async_closure_owns_the_identity() {
        let check = check_async_fn(|token| async move {
            Ok(RevocationStatus::revoked_if(token.subject() == Some("ada")))
        })
        .requiring(Identifiers::SUBJECT);
        assert_eq!(check.required(), Identifiers::SUBJECT);
        let subject = String::from("ada");
        let step = check.check(&TokenIdentity::new().with_subject(subject.as_str()));
        drop(subject);
        let Step::Later(future) = step else {
            panic!("an async closure answers later");
        };
        assert!(future.now_or_never().unwrap().unwrap().is_revoked());
    }
}
