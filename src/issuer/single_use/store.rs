//! [`SingleUseStore`]: where it is remembered which single-use tokens are still to be used.

use std::sync::Arc;

use crate::clock::UnixTime;
use crate::issuer::random::TokenHash;
use crate::revocation::StoreError;

/// A place where single-use tokens are kept. Write plain `async fn`.
///
/// | method | used by | if the store has lost its data |
/// |---|---|---|
/// | [`put`](Self::put), [`take`](Self::take) | opaque tokens: they count while they are **there** | none is accepted |
/// | [`claim`](Self::claim) | signed tokens: they count until they are **marked** | one that was used is accepted again until it expires; keep lifetimes to seconds |
///
/// 1. Each method is one atomic step: of any number of concurrent calls of `take`, or of `claim`,
///    with one id exactly one succeeds.
/// 2. Ids of `put` and of `claim` are apart from each other.
/// 3. Time is `now` of the call. From `until` on, `take` finds nothing; a claim need not be
///    remembered any longer, and one whose `until` is not after `now` fails. Everything is removed
///    by itself soon after.
/// 4. Every wait has a bound that the store sets itself, and what cannot be told is an error.
///
/// `testing::single_use::conformance` (features `issuer` and `testing`) tests a store for these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not store single-use tokens",
    note = "implement `SingleUseStore` with plain `async fn`s, or use `MemorySingleUseStore`"
)]
pub trait SingleUseStore: Send + Sync + 'static {
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

    /// Marks the id as used until `until`. Whether it was not: `true` for exactly one caller, and for
    /// none if `until` has come.
    ///
    /// # Errors
    ///
    /// If that cannot be decided at present. The id may then be marked.
    fn claim(
        &self,
        id: &TokenHash,
        until: UnixTime,
        now: UnixTime,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
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

    fn claim(
        &self,
        id: &TokenHash,
        until: UnixTime,
        now: UnixTime,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        (**self).claim(id, until, now)
    }
}
