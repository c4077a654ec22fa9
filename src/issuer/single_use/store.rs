//! [`SingleUseStore`]: where it is remembered which single-use tokens are still to be used.

use std::sync::Arc;

use crate::clock::UnixTime;
use crate::key::TokenHash;
use crate::store::{Once, StoreError};

/// A place where single-use tokens are kept. Write plain `async fn`.
///
/// | method | used by | if the store has lost its data |
/// |---|---|---|
/// | [`put`](Self::put), [`take`](Self::take) | opaque tokens: they count while they are **there** | none is accepted |
/// | [`claim`](Once::claim) | signed tokens: they count until they are **marked** | one that was used is accepted again until it expires; keep lifetimes to seconds |
///
/// 1. Each method is one atomic step: of any number of concurrent calls of `take` with one id
///    exactly one succeeds.
/// 2. What was put takes no room away from what is claimed by [`Once`], nor the reverse.
/// 3. Time is `now` of the call. From `until` on, `take` finds nothing, and what was put is removed
///    by itself soon after.
/// 4. Every wait has a bound that the store sets itself, and what cannot be told is an error.
///
/// `testing::single_use::conformance` (features `issuer` and `testing`) tests a store for these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not store single-use tokens",
    note = "implement `SingleUseStore` with plain `async fn`s, or use `MemorySingleUseStore`"
)]
pub trait SingleUseStore: Once {
    /// Keeps a payload until `until`, to be taken once. The id is new.
    ///
    /// # Errors
    ///
    /// If it may not be kept.
    fn put(
        &self,
        id: &TokenHash,
        payload: &str,
        until: UnixTime,
        now: UnixTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes the payload and yields it: to one caller. `None` if there is none, or not any more.
    ///
    /// # Errors
    ///
    /// If that cannot be decided at present. The payload may then be gone.
    fn take(
        &self,
        id: &TokenHash,
        now: UnixTime,
    ) -> impl Future<Output = Result<Option<String>, StoreError>> + Send;
}

impl<S: SingleUseStore> SingleUseStore for Arc<S> {
    fn put(
        &self,
        id: &TokenHash,
        payload: &str,
        until: UnixTime,
        now: UnixTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        (**self).put(id, payload, until, now)
    }

    fn take(
        &self,
        id: &TokenHash,
        now: UnixTime,
    ) -> impl Future<Output = Result<Option<String>, StoreError>> + Send {
        (**self).take(id, now)
    }
}
