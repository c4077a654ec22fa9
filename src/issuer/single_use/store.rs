//! [`SingleUseStore`]: where it is remembered which single-use tokens are still to be used.

use std::fmt;
use std::sync::Arc;

use crate::clock::UnixTime;
use crate::key::TokenHash;
#[cfg(feature = "replica")]
use crate::revocation::replica::{Replica, RevocationLog};
use crate::store::{Once, StoreError};

/// How many tokens one group holds at most. The oldest goes for one more.
pub const MOST_IN_GROUP: u32 = 16;

/// A place where single-use tokens are kept. Write plain `async fn`.
///
/// | method | used by | if the store has lost its data |
/// |---|---|---|
/// | [`put`](Self::put), [`take`](Self::take), [`attempt`](Self::attempt) | opaque tokens: they count while they are **there** | none is accepted |
/// | [`claim`](Once::claim) | signed tokens: they count until they are **marked** | one that was used is accepted again until it expires; keep lifetimes to seconds |
///
/// 1. Each method is one atomic step: of any number of concurrent calls of `take` or `attempt` with
///    one id exactly one succeeds.
/// 2. Each token is in a group and there in a slot. After a `put`, [`NewToken::most`] of the slot are
///    left and [`MOST_IN_GROUP`] of the group, the new one among them: the oldest are removed.
/// 3. An `attempt` with an id that is in the slot takes it. Any other counts against the slot; when
///    as many were made as it allows since the last `put` there, all tokens of the slot are removed.
///    In a slot without tokens nothing is counted: strangers make nothing grow.
/// 4. `revoke_group` removes all tokens of the group.
/// 5. What was put takes no room away from what is claimed by [`Once`], nor the reverse.
/// 6. Time is `now` of the call. From `until` on nothing is found, and what was put is removed by
///    itself soon after.
/// 7. Every wait has a bound that the store sets itself, and what cannot be told is an error.
///
/// Ids, groups and slots are hashes, bound to the issuer. `testing::single_use::conformance`
/// (features `issuer` and `testing`) tests a store for these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not store single-use tokens",
    note = "implement `SingleUseStore` with plain `async fn`s, or use `MemorySingleUseStore`"
)]
pub trait SingleUseStore: Once {
    /// Keeps a token to be taken once. Its id is new.
    ///
    /// # Errors
    ///
    /// If it may not be kept.
    fn put(
        &self,
        token: &NewToken<'_>,
        now: UnixTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes the token of this id, whatever its group, and yields the payload: to one caller.
    /// `None` if there is none, or not any more.
    ///
    /// # Errors
    ///
    /// If that cannot be decided at present. The token may then be gone.
    fn take(
        &self,
        id: &TokenHash,
        now: UnixTime,
    ) -> impl Future<Output = Result<Option<String>, StoreError>> + Send;

    /// As [`take`](Self::take), for an id that could be guessed: a wrong one is counted.
    ///
    /// # Errors
    ///
    /// If that cannot be decided at present, or not be counted. The token may then be gone.
    fn attempt(
        &self,
        attempt: &Attempt<'_>,
        now: UnixTime,
    ) -> impl Future<Output = Result<Option<String>, StoreError>> + Send;

    /// Removes all tokens of the group.
    ///
    /// # Errors
    ///
    /// If some may be left.
    fn revoke_group(
        &self,
        group: &TokenHash,
        now: UnixTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A token under construction kept. `Debug` shows no payload.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct NewToken<'a> {
    /// What it is found by.
    pub id: &'a TokenHash,
    /// What it can be revoked with.
    pub group: &'a TokenHash,
    /// Where in the group it is, among those that it replaces.
    pub slot: &'a TokenHash,
    /// How many of the slot may be left, this one included; at least one.
    pub most: u32,
    /// What it yields: any text.
    pub payload: &'a str,
    /// When it expires.
    pub until: UnixTime,
}

impl fmt::Debug for NewToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("NewToken");
        debug.field("most", &self.most).field("until", &self.until).finish_non_exhaustive()
    }
}

/// A try to take a token whose id could be guessed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// The group that the token would be in.
    pub group: &'a TokenHash,
    /// The slot that it would be in, and that a wrong try counts against.
    pub slot: &'a TokenHash,
    /// What it would be found by.
    pub id: &'a TokenHash,
    /// How many wrong tries the slot allows; at least one.
    pub most: u32,
}

impl<S: SingleUseStore> SingleUseStore for Arc<S> {
    fn put(
        &self,
        token: &NewToken<'_>,
        now: UnixTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        (**self).put(token, now)
    }

    fn take(
        &self,
        id: &TokenHash,
        now: UnixTime,
    ) -> impl Future<Output = Result<Option<String>, StoreError>> + Send {
        (**self).take(id, now)
    }

    fn attempt(
        &self,
        attempt: &Attempt<'_>,
        now: UnixTime,
    ) -> impl Future<Output = Result<Option<String>, StoreError>> + Send {
        (**self).attempt(attempt, now)
    }

    fn revoke_group(
        &self,
        group: &TokenHash,
        now: UnixTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        (**self).revoke_group(group, now)
    }
}

/// Asks the store: a replica has a copy of its revocations only.
#[cfg(feature = "replica")]
impl<L: RevocationLog + SingleUseStore> SingleUseStore for Replica<L> {
    async fn put(&self, token: &NewToken<'_>, now: UnixTime) -> Result<(), StoreError> {
        self.store().put(token, now).await
    }

    async fn take(&self, id: &TokenHash, now: UnixTime) -> Result<Option<String>, StoreError> {
        self.store().take(id, now).await
    }

    async fn attempt(
        &self,
        attempt: &Attempt<'_>,
        now: UnixTime,
    ) -> Result<Option<String>, StoreError> {
        self.store().attempt(attempt, now).await
    }

    async fn revoke_group(&self, group: &TokenHash, now: UnixTime) -> Result<(), StoreError> {
        self.store().revoke_group(group, now).await
    }
}
