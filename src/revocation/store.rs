//! [`RevocationStore`]: what a store implements; [`StoreCheck`] makes the layer's check of it.

use std::fmt;
use std::sync::Arc;

use super::{
    BoxCheckFuture, Identifiers, Revocation, RevocationCheck, RevocationStatus, StoreError,
    TokenIdentity,
};
use crate::step::Step;

/// A place where revocations are kept. Write plain `async fn`.
///
/// 1. Once [`revoke`](Self::revoke) has answered `Ok`, every later [`status`](Self::status) of a
///    token that [`Revocation::applies_to`] says `Revoked`, until
///    [`keep_until`](Revocation::keep_until). What holds after that is up to the store.
/// 2. A second revocation of the same thing never weakens the first: the later moments and the
///    higher version stay.
/// 3. One question is one round trip, however many identifiers it takes.
/// 4. Identifiers come from whoever issues tokens and may be 16 KiB of anything: store a hash of
///    them, with their lengths or another encoding under which `("a", "b:c")` and `("a:b", "c")`
///    differ.
/// 5. Every wait has a bound that the store sets itself. Nobody else will.
/// 6. What cannot be told is an error, never [`RevocationStatus::Active`]. That is more than an
///    outage: a database that was demoted, or that drops entries to make room, cannot tell either.
/// 7. A version is any `u64`, a moment is kept to the millisecond or better, rounded up.
/// 8. [`required_identifiers`](Self::required_identifiers) names something, or nobody notices a
///    token that cannot be revoked.
///
/// **Which kinds it has to hold.** Whatever its callers revoke by; the rest is
/// [`StoreError::unsupported`]. A store of sessions needs sessions, subjects and versions: "log out
/// everywhere" revokes by subject. The conformance suite is told which kinds a store has to hold
/// and finds what is missing.
///
/// `testing::revocation::conformance` (feature `testing`) tests a store for these rules.
///
/// ```
/// use std::collections::HashSet;
/// use std::sync::{Mutex, PoisonError};
/// use tower_bearer::revocation::{
///     Identifiers, Revocation, RevocationStatus, RevocationStore, RevocationTarget, StoreError,
///     TokenIdentity,
/// };
///
/// /// Knows single tokens only, of whichever issuer.
/// #[derive(Default)]
/// struct Tokens(Mutex<HashSet<String>>);
///
/// impl RevocationStore for Tokens {
///     fn required_identifiers(&self) -> Identifiers {
///         Identifiers::TOKEN_ID
///     }
///
///     async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
///         let revoked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         let found = token.token_id().is_some_and(|id| revoked.contains(id));
///         Ok(RevocationStatus::revoked_if(found))
///     }
///
///     async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
///         let (RevocationTarget::Token { token_id }, None) =
///             (revocation.target(), revocation.scope())
///         else {
///             return Err(StoreError::unsupported());
///         };
///         let mut revoked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         revoked.insert(token_id.to_owned());
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not store revocations",
    note = "implement `RevocationStore` with plain `async fn`s, or use `MemoryStore`"
)]
#[doc(alias("blacklist", "denylist", "blocklist", "logout", "revoke"))]
pub trait RevocationStore: Send + Sync + 'static {
    /// The identifiers that a token must carry to be decided on. The layer rejects a token that
    /// lacks one of them, without asking.
    fn required_identifiers(&self) -> Identifiers;

    /// The answer, where it takes no waiting: from memory. `None` has [`status`](Self::status)
    /// asked, which is what a store behind a network does and needs no writing. It must neither
    /// block nor guess.
    #[inline]
    fn known(&self, token: &TokenIdentity<'_>) -> Option<Result<RevocationStatus, StoreError>> {
        let _ = token;
        None
    }

    /// Whether anything that was revoked covers the token. One round trip.
    ///
    /// # Errors
    ///
    /// If that cannot be known at present.
    fn status(
        &self,
        token: &TokenIdentity<'_>,
    ) -> impl Future<Output = Result<RevocationStatus, StoreError>> + Send;

    /// Takes back what the revocation covers. On `Ok` it is in force.
    ///
    /// # Errors
    ///
    /// If it may not be in force: the store is out of reach, full, or cannot hold its kind.
    fn revoke(
        &self,
        revocation: &Revocation,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl<S: RevocationStore> RevocationStore for Arc<S> {
    fn required_identifiers(&self) -> Identifiers {
        (**self).required_identifiers()
    }

    #[inline]
    fn known(&self, token: &TokenIdentity<'_>) -> Option<Result<RevocationStatus, StoreError>> {
        (**self).known(token)
    }

    fn status(
        &self,
        token: &TokenIdentity<'_>,
    ) -> impl Future<Output = Result<RevocationStatus, StoreError>> + Send {
        (**self).status(token)
    }

    fn revoke(
        &self,
        revocation: &Revocation,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        (**self).revoke(revocation)
    }
}

/// Asks a [`RevocationStore`] on behalf of the layer. A clone shares the store.
///
/// What the store knows at once is answered at once. Other questions allocate: the future is boxed
/// and owns a copy of the token's identity. That is small beside a round trip;
/// [`Cached`](super::Cached) saves both.
///
/// Where a check is taken, a store is taken too and wrapped in this.
///
/// There is no timeout here: the store bounds its own waiting.
pub struct StoreCheck<S>(Arc<S>);

impl<S: RevocationStore> StoreCheck<S> {
    /// The check that asks this store.
    pub fn new(store: S) -> Self {
        Self(Arc::new(store))
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.0
    }
}

impl<S: RevocationStore> RevocationCheck for StoreCheck<S> {
    type Future = BoxCheckFuture;

    fn required(&self) -> Identifiers {
        self.0.required_identifiers()
    }

    fn check(
        &self,
        token: &TokenIdentity<'_>,
    ) -> Step<Result<RevocationStatus, StoreError>, Self::Future> {
        if let Some(answer) = self.0.known(token) {
            return Step::Now(answer);
        }
        let store = Arc::clone(&self.0);
        let token = token.clone().into_owned();
        Step::Later(Box::pin(async move { store.status(&token).await }))
    }
}

impl<S> Clone for StoreCheck<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for StoreCheck<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreCheck").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;
    use crate::revocation::{MemoryStore, StoreErrorKind};
    use futures_util::FutureExt;

    fn later(step: Step<Result<RevocationStatus, StoreError>, BoxCheckFuture>) -> BoxCheckFuture {
        match step {
            Step::Now(_) => panic!("a store is asked later"),
            Step::Later(future) => future,
        }
    }

    #[test]
    fn the_adapter_asks_the_store() {
        /// Knows nothing at once.
        struct Remote(MemoryStore);
        impl RevocationStore for Remote {
            fn required_identifiers(&self) -> Identifiers {
                Identifiers::SESSION_ID
            }
            async fn status(
                &self,
                token: &TokenIdentity<'_>,
            ) -> Result<RevocationStatus, StoreError> {
                self.0.status(token).await
            }
            async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
                self.0.revoke(revocation).await
            }
        }
        let store = MemoryStore::new();
        let check = StoreCheck::new(Arc::new(Remote(store.clone())));
        assert_eq!(check.required(), Identifiers::SESSION_ID);
        let session = Revocation::session("s", UnixTime::MAX);
        check.store().revoke(&session).now_or_never().unwrap().unwrap();
        assert_eq!(store.len(), 1);
        let owned = String::from("s");
        let future =
            later(check.clone().check(&TokenIdentity::new().with_session_id(owned.as_str())));
        drop(owned);
        assert!(future.now_or_never().unwrap().unwrap().is_revoked());
    }

    #[test]
    fn an_outage_is_an_error_and_never_active() {
        struct Down;
        impl RevocationStore for Down {
            fn required_identifiers(&self) -> Identifiers {
                Identifiers::NONE
            }
            async fn status(&self, _: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
                Err(StoreError::unavailable("refused"))
            }
            async fn revoke(&self, _: &Revocation) -> Result<(), StoreError> {
                Err(StoreError::unavailable("refused"))
            }
        }
        let future = later(StoreCheck::new(Down).check(&TokenIdentity::new()));
        let error = future.now_or_never().unwrap().unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    }
}
