//! [`IntoRevocation`]: a store or a check, wherever one of the two is taken.

use super::check::RevocationCheck;
use super::store::{RevocationStore, StoreCheck};

/// A [`RevocationStore`] or a [`RevocationCheck`]: what a layer takes to ask.
///
/// A store is asked through [`StoreCheck`], which waits, and allocates, only for what the store does
/// not know at once. The parameter tells the two apart and is never named.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be asked whether a token was revoked",
    label = "neither a `RevocationStore` nor a `RevocationCheck`",
    note = "a store of your own implements `RevocationStore`, with plain `async fn`",
    note = "a closure is wrapped in `check_fn(..)` or `check_async_fn(..)`"
)]
pub trait IntoRevocation<Marker> {
    /// The check that it becomes.
    type Check: RevocationCheck;

    /// The check.
    fn into_check(self) -> Self::Check;
}

#[doc(hidden)]
#[derive(Debug)]
pub struct AsCheck;

#[doc(hidden)]
#[derive(Debug)]
pub struct AsStore;

impl<R: RevocationCheck> IntoRevocation<AsCheck> for R {
    type Check = R;

    fn into_check(self) -> R {
        self
    }
}

impl<S: RevocationStore> IntoRevocation<AsStore> for S {
    type Check = StoreCheck<S>;

    fn into_check(self) -> StoreCheck<S> {
        StoreCheck::new(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;
    use crate::revocation::{
        BoxRevocationCheck, Cached, MemoryStore, NoRevocation, Revocation, TokenIdentity, both,
        check_fn,
    };
    use crate::step::Step;
    use std::time::Duration;

    fn answers_at_once<M>(what: impl IntoRevocation<M>) -> bool {
        let step = what.into_check().check(&TokenIdentity::new().with_token_id("a"));
        match step {
            Step::Now(answer) => answer.unwrap().is_revoked(),
            Step::Later(_) => panic!("it waits"),
        }
    }

    #[test]
    fn stores_and_checks_are_taken_alike_and_what_is_known_is_answered_at_once() {
        let store = MemoryStore::new();
        assert!(!answers_at_once(store.clone()));
        store.revoke_now(&Revocation::token("a", UnixTime::MAX)).unwrap();
        assert!(answers_at_once(store.clone()));
        assert!(answers_at_once(std::sync::Arc::new(store.clone())));
        assert!(answers_at_once(both(NoRevocation, store.clone())));
        assert!(answers_at_once(BoxRevocationCheck::new(store.clone())));
        assert!(answers_at_once(Cached::new(store, Duration::ZERO)));
        assert!(!answers_at_once(check_fn(|_| crate::revocation::RevocationStatus::Active)));
    }
}
