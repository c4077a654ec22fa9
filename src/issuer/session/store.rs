//! [`SessionStore`]: where the records of sessions are kept, and swapped.

use std::fmt;
use std::sync::Arc;

use super::id::{IndexKey, SessionId};
use crate::clock::UnixTime;
use crate::revocation::{Revocation, TokenIdentity};
use crate::store::StoreError;

/// A place where the records of sessions are kept, and those of
/// [single-use tokens](crate::issuer::single_use). Write plain `async fn`.
///
/// A store knows no rules of sessions. It keeps opaque bytes under an id, with a version that
/// changes whenever they do, and swaps several of them in one step. What a refresh token does to a
/// session is decided by [`Sessions`](super::Sessions) alone, and new fields of a record need no new
/// store. A single-use token is a record too, of an id that is made as those of sessions are.
///
/// 1. [`commit`](Self::commit) is **one atomic step**, all or nothing, for everyone at once: see
///    [`Commit`] for its conditions, in their order.
/// 2. `Done` means that the step is as durable as the store ever makes it. An error may mean that it
///    was taken and its answer lost.
/// 3. What is not known for certain is an error: [`load`](Self::load) answers `None` only if it is
///    certain that there is no such record, by the same copy of the data that `commit` writes to. A
///    copy that may lag behind cannot be asked.
/// 4. Time is the `now` of the call, never the store's own. From [`remove_at`](Write::remove_at) on
///    a record need not be found, listed or counted any longer, and is removed by itself soon after.
///    What `load` does not find any more is not there for `commit` either, and can be written anew.
/// 5. The store is a [`RevocationStore`] too (or is given to [`Apart`](super::Apart) with one, which
///    asks and revokes there). It must hold revocations by session, by subject and by version.
/// 6. **A revocation that comes alone**, through [`RevocationStore::revoke`], of anything but a
///    single token, is kept not only until its `keep_until`, but until the last `remove_at` of
///    all records: sessions that it covers must never go on.
///    [`Revocation::keep_at_least`] makes such a revocation. One whose `keep_until` has passed
///    counts too, while there are sessions. Those in a [`Commit`] are kept as they are.
/// 7. Ids and index keys are fixed numbers of characters of the base64url alphabet, records are at
///    most 32 KiB, and versions are below 2^63.
/// 8. Every wait has a bound that the store sets itself.
///
/// `testing::session::conformance` (features `issuer` and `testing`) tests a store for these rules.
///
/// [`RevocationStore`]: crate::revocation::RevocationStore
/// [`RevocationStore::revoke`]: crate::revocation::RevocationStore::revoke
///
/// In SQL it is a table of sessions (`id` primary key, `version`, `record`, `index_key` with an
/// index, `remove_at`) and a transaction for `commit`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not store sessions",
    note = "implement `SessionStore` with plain `async fn`s, or use `MemorySessionStore`"
)]
pub trait SessionStore: Send + Sync + 'static {
    /// The record of this id. One round trip.
    ///
    /// # Errors
    ///
    /// If it cannot be known whether there is one.
    fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> impl Future<Output = Result<Option<StoredSession>, StoreError>> + Send;

    /// Takes a step, if its conditions hold. One round trip.
    ///
    /// # Errors
    ///
    /// If it may not have been taken: the store is out of reach or full. A store that has no room
    /// for the revocations of sessions that end must end them all the same, and then answers
    /// with the error: see [`Commit::writes`].
    fn commit(&self, step: &Commit) -> impl Future<Output = Result<Committed, StoreError>> + Send;

    /// The records that stand under this key, ordered by id, from the one after `after` on; as many
    /// as the store likes. It need not be of one moment: what joins or leaves meanwhile may be in it
    /// or not.
    ///
    /// # Errors
    ///
    /// If they cannot be known at present.
    fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;
}

/// A record as it is kept. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// Whose record it is.
    pub id: SessionId,
    /// The [`version`](Write::version) that it was written with.
    pub version: u64,
    /// The bytes that were written.
    pub record: Vec<u8>,
}

/// A part of what stands under an index key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The records, ordered by id.
    pub sessions: Vec<StoredSession>,
    /// Where to go on; `None` if this was the last part.
    pub next: Option<SessionId>,
}

/// A step to be taken as a whole. The first condition that fails is the answer, and then nothing has
/// changed:
///
/// 1. [`unless_revoked`](Self::unless_revoked): [`Committed::Revoked`];
/// 2. each of the [`writes`](Self::writes) replaces what it says: else [`Committed::Conflict`];
/// 3. [`limit`](Self::limit): [`Committed::Crowded`];
/// 4. if the store has a bound of its own, whether there is room: [`Committed::Full`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Commit {
    /// Nothing happens if the store holds a revocation that covers this.
    pub unless_revoked: Option<TokenIdentity<'static>>,
    /// The records to be written, of different ids.
    ///
    /// Of a store that keeps revocations somewhere with less room than records: first those that
    /// [end](Write::ends) are written, then the revocations, then the others.
    pub writes: Vec<Write>,
    /// How many records there may be under a key.
    pub limit: Option<Limit>,
    /// To be in force from the same moment on.
    pub revocations: Vec<Revocation>,
    /// The time of this step, in whole milliseconds.
    pub now: UnixTime,
}

/// A record to be written.
#[derive(Clone)]
#[non_exhaustive]
pub struct Write {
    /// Whose record it is.
    pub id: SessionId,
    /// The version that must be there. `None` if there must be no record of this id.
    pub replaces: Option<u64>,
    /// The version that this becomes: a random number below 2^63.
    pub version: u64,
    /// The bytes to keep, at most 32 KiB.
    pub record: Vec<u8>,
    /// The key that what it replaces is listed under, for stores that keep lists apart.
    pub was_under: Option<IndexKey>,
    /// The key that it is listed under from now on.
    pub under: Option<IndexKey>,
    /// When it need not be kept any longer.
    pub remove_at: UnixTime,
    /// Whether this is the end of a session, or of a token. It must not fail for want of room: the
    /// record that it replaces has had some. If `remove_at` has come, nothing need be kept of it.
    pub ends: bool,
}

/// How many records there may be under a key after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limit {
    /// The key.
    pub index: IndexKey,
    /// The most that are allowed.
    pub most: usize,
}

/// What became of a [`Commit`].
///
/// Not `non_exhaustive`: a caller that skips an answer it does not know could take a refusal for
/// success.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Committed {
    /// All of it is in force.
    Done,
    /// A revocation covers it. Nothing has changed.
    Revoked,
    /// A record is of another version, is there or is not. Nothing has changed.
    Conflict,
    /// There would be too many under the key. Nothing has changed.
    Crowded,
    /// There is no room for another record, and would be if one that is listed under this key ended.
    /// Nothing has changed. A store that has no such key to name is an error:
    /// [`StoreError::full`].
    Full(IndexKey),
}

impl fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSession")
            .field("id", &self.id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write")
            .field("id", &self.id)
            .field("replaces", &self.replaces)
            .field("version", &self.version)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

impl<S: SessionStore> SessionStore for Arc<S> {
    fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> impl Future<Output = Result<Option<StoredSession>, StoreError>> + Send {
        (**self).load(id, now)
    }

    fn commit(&self, step: &Commit) -> impl Future<Output = Result<Committed, StoreError>> + Send {
        (**self).commit(step)
    }

    fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send {
        (**self).list(index, after, now)
    }
}
