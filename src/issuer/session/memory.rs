//! [`MemorySessionStore`]: sessions in this process's memory.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::id::{IndexKey, SessionId};
use super::store::{Commit, Committed, Page, SessionStore, StoredSession, Write};
use super::table::{Room, Table};
use crate::clock::{Clock, SystemClock, UnixTime};
use crate::revocation::{
    Identifiers, MemoryStore, Revocation, RevocationStatus, RevocationStore, RevocationTarget,
    TokenIdentity,
};
use crate::store::StoreError;

/// Sessions in this process's memory, the revocations of those that ended, and single-use tokens. A
/// clone is a handle on the same store.
///
/// 1. Each step holds one lock for a few microseconds, never while anything waits.
/// 2. The number of sessions is bounded. A full store first forgets what has expired, then the
///    sessions that ended longest ago (which stay dead, but a stolen token of theirs is no longer
///    noticed). What lives it never forgets: for one more to begin, [`Sessions`](super::Sessions)
///    ends the least recently used session of the subject that has most, as it ends one of too many:
///    revoked in the same step, and told. A few accounts cannot keep all others out. Where every
///    subject has one session only, it refuses to begin another. Ending needs no room.
/// 3. Expired records go a few at a time, with each step. Single-use tokens have as much room
///    again, of their own, and a store that is full of them takes no more.
/// 4. A session that cannot be revoked for want of room ends all the same, and the call is an error:
///    its access tokens may live on, it is not refreshed.
/// 5. To the layer it is a revocation check that answers without a lock; tokens need a `sid`, a
///    `sub` and an `iat`, unless the [`MemoryStore`] that it was given says otherwise. Revoke through
///    this handle: what is revoked in that [`MemoryStore`] directly is forgotten at its
///    `keep_until`, and a session that nobody refreshed before then lives on.
///
/// It goes by the system's clock, and so must the issuer. An issuer with another clock needs a store
/// with that [`clock`](MemorySessionStoreBuilder::clock).
///
/// It forgets when the process ends: everyone is signed out then. Access tokens that were revoked
/// live on after a restart if their signing key does, for the rest of their lifetime.
#[derive(Clone)]
pub struct MemorySessionStore {
    inner: Arc<Inner>,
}

struct Inner {
    revocations: MemoryStore,
    capacity: usize,
    table: Mutex<Table>,
}

/// Sets up a [`MemorySessionStore`].
#[must_use = "a builder does nothing until `build`"]
pub struct MemorySessionStoreBuilder {
    revocations: Option<MemoryStore>,
    capacity: usize,
    clock: Arc<dyn Clock>,
}

impl MemorySessionStoreBuilder {
    /// Sets how many sessions it holds, 100,000 by default, and how many single-use tokens beside
    /// them.
    pub fn capacity(mut self, records: usize) -> Self {
        self.capacity = records;
        self
    }

    /// Goes by this clock, which should be the issuer's. The system's by default.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Revokes in this store, which goes by a clock of its own. By default it makes one that wants
    /// tokens to have a `sid`, a `sub` and an `iat`.
    pub fn revocations(mut self, revocations: MemoryStore) -> Self {
        self.revocations = Some(revocations);
        self
    }

    /// The store.
    #[must_use]
    pub fn build(self) -> MemorySessionStore {
        let Self { revocations, capacity, clock } = self;
        let revocations = revocations.unwrap_or_else(|| {
            let required = Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH;
            MemoryStore::builder().clock(clock).require(required).build()
        });
        let table = Mutex::default();
        MemorySessionStore { inner: Arc::new(Inner { revocations, capacity, table }) }
    }
}

impl fmt::Debug for MemorySessionStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessionStoreBuilder")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// How many expired records go with each step.
const SWEEP: usize = 4;
/// How many records a page has.
const PAGE: usize = 256;

impl MemorySessionStore {
    /// A store for 100,000 sessions, with revocations of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Sets up a store.
    pub fn builder() -> MemorySessionStoreBuilder {
        MemorySessionStoreBuilder {
            revocations: None,
            capacity: 100_000,
            clock: Arc::new(SystemClock),
        }
    }

    /// Where the sessions that ended are revoked.
    #[must_use]
    pub fn revocations(&self) -> &MemoryStore {
        &self.inner.revocations
    }

    /// How many records are held: of live sessions, and of those that ended or expired and have not
    /// gone yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table().len()
    }

    /// Whether no record is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.inner.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn revoke_now(&self, revocation: &Revocation) -> Result<(), StoreError> {
        if revocation.keep_until() <= self.inner.revocations.now() {
            return Err(StoreError::unavailable(
                "the store's clock is far ahead of the issuer's: see MemorySessionStoreBuilder::clock",
            ));
        }
        self.inner.revocations.revoke_now(revocation)
    }

    fn commit_now(&self, step: &Commit) -> Result<Committed, StoreError> {
        let mut table = self.table();
        let token = step.unless_revoked.as_ref();
        if token.is_some_and(|token| self.inner.revocations.status_now(token).is_revoked()) {
            return Ok(Committed::Revoked);
        }
        table.purge(step.now, SWEEP);
        let as_it_was = |write: &Write| table.version(&write.id, step.now) == write.replaces;
        if !step.writes.iter().all(as_it_was) {
            return Ok(Committed::Conflict);
        }
        if step.limit.as_ref().is_some_and(|limit| table.is_crowded(limit, step)) {
            return Ok(Committed::Crowded);
        }
        match table.make_room(self.inner.capacity, step) {
            Room::There => {}
            Room::Under(index) => return Ok(Committed::Full(index)),
            Room::None => return Err(StoreError::full()),
        }
        let (ending, others): (Vec<&Write>, Vec<_>) =
            step.writes.iter().partition(|write| write.ends);
        ending.into_iter().for_each(|write| table.put(write, step.now));
        for revocation in &step.revocations {
            self.revoke_now(revocation)?;
        }
        others.into_iter().for_each(|write| table.put(write, step.now));
        table.trim(self.inner.capacity);
        Ok(Committed::Done)
    }
}

impl SessionStore for MemorySessionStore {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        Ok(self.table().get(id, now))
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        self.commit_now(step)
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        let mut sessions = self.table().list(index, after, now, PAGE + 1);
        let more = sessions.len() > PAGE;
        sessions.truncate(PAGE);
        let next = sessions.last().filter(|_| more).map(|last| last.id.clone());
        Ok(Page { sessions, next })
    }
}

impl RevocationStore for MemorySessionStore {
    fn required_identifiers(&self) -> Identifiers {
        self.inner.revocations.required_identifiers()
    }

    #[inline]
    fn known(&self, token: &TokenIdentity<'_>) -> Option<Result<RevocationStatus, StoreError>> {
        self.inner.revocations.known(token)
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        Ok(self.inner.revocations.status_now(token))
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        let table = self.table();
        match revocation.target() {
            RevocationTarget::Token { .. } => self.inner.revocations.revoke_now(revocation),
            _ => {
                let revocation = revocation.clone().keep_at_least(table.last());
                self.inner.revocations.revoke_now(&revocation)
            }
        }
    }
}

impl Default for MemorySessionStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemorySessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessionStore")
            .field("len", &self.len())
            .field("capacity", &self.inner.capacity)
            .finish_non_exhaustive()
    }
}
