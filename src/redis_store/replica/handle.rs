//! [`Replica`].

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::feed::Feed;
use super::freshness::Freshness;
use super::{OnStale, ReplicaBuilder, ReplicaHealth};
use crate::redis_store::RedisStore;
use crate::revocation::replica::{LogEntry, Table};
use crate::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, StoreError, TokenIdentity,
};

/// A local copy of the revocations in Redis. A clone is a handle on the same copy.
///
/// 1. A check does no I/O and takes no lock. What is in the copy is revoked, always.
/// 2. The copy is loaded once and then follows the log in Redis, over a connection of its own. It
///    knows whether it missed anything, and loads anew if it did.
/// 3. Its age is measured. While it is older than
///    [`max_staleness`](ReplicaBuilder::max_staleness), tokens that are not in it are up to
///    [`OnStale`].
/// 4. A revocation goes to Redis and then takes effect here at once, and on other nodes in
///    milliseconds.
/// 5. If Redis lost its data, what is known here is written back.
/// 6. The background task ends when the last handle is dropped.
///
/// It is a [`RevocationStore`], for a layer to ask and to revoke with. With the
/// feature `issuer` it is also the store of sessions and of single-use tokens that its store is; a
/// session that ends over it is rejected by it once the call has returned.
#[derive(Clone)]
pub struct Replica {
    handle: Arc<Task>,
    shared: Arc<Shared>,
}

/// What the background task shares with the handles. It holds none of them.
pub(super) struct Shared {
    pub(super) store: RedisStore,
    pub(super) table: Table,
    pub(super) freshness: Freshness,
    pub(super) max_staleness: Duration,
    on_stale: OnStale,
    /// How often something was left out of the table for lack of room.
    pub(super) left_out: AtomicU64,
    /// How many of those a later load made up for.
    pub(super) made_up: AtomicU64,
    pub(super) loaded: watch::Sender<bool>,
    pub(super) report: Report,
}

/// What the background task has to tell.
#[derive(Default)]
pub(super) struct Report {
    pub(super) connected: AtomicBool,
    pub(super) loads: AtomicU64,
    pub(super) losses: AtomicU64,
    pub(super) last_id: Mutex<String>,
    pub(super) last_error: Mutex<Option<String>>,
}

struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Replica {
    /// Sets up a replica of what is in this store.
    pub fn builder(store: RedisStore) -> ReplicaBuilder {
        ReplicaBuilder::new(store)
    }

    pub(super) fn start(builder: ReplicaBuilder) -> Result<Self, StoreError> {
        let runtime = Handle::try_current().map_err(StoreError::unavailable)?;
        let shared = Arc::new(Shared {
            store: builder.store,
            table: Table::new(builder.capacity),
            freshness: Freshness::new(builder.clock),
            max_staleness: builder.max_staleness,
            on_stale: builder.on_stale,
            left_out: AtomicU64::new(0),
            made_up: AtomicU64::new(0),
            loaded: watch::Sender::new(false),
            report: Report::default(),
        });
        let task = runtime.spawn(Feed::new(Arc::clone(&shared)).run());
        Ok(Self { handle: Arc::new(Task(task.abort_handle())), shared })
    }

    /// Waits until the copy was loaded for the first time. That takes as long as Redis is out of
    /// reach: give the wait a bound of your own if you need one.
    pub async fn ready(&self) {
        let mut loaded = self.shared.loaded.subscribe();
        // The sender is in `self`.
        let _ = loaded.wait_for(|loaded| *loaded).await;
    }

    /// How old the copy is: everything that was revoked longer ago is in it. `None` until it was
    /// loaded for the first time.
    #[must_use]
    pub fn staleness(&self) -> Option<Duration> {
        self.shared.freshness.age()
    }

    /// How the replica does: for health checks and metrics.
    #[must_use]
    pub fn health(&self) -> ReplicaHealth {
        let report = &self.shared.report;
        let last_id = report.last_id.lock().unwrap_or_else(PoisonError::into_inner);
        let last_error = report.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        ReplicaHealth {
            connected: report.connected.load(Ordering::Relaxed),
            staleness: self.staleness(),
            current: self.shared.decides_alone(),
            entries: self.shared.table.len(),
            full: self.shared.is_full(),
            last_id: last_id.clone(),
            loads: report.loads.load(Ordering::Relaxed),
            losses: report.losses.load(Ordering::Relaxed),
            last_error: last_error.clone(),
        }
    }

    /// The store that this is a copy of.
    #[must_use]
    pub fn store(&self) -> &RedisStore {
        &self.shared.store
    }

    /// Takes a revocation that is in force in Redis.
    pub(super) fn insert(&self, revocation: &Revocation) {
        self.shared.insert(&LogEntry::from(revocation));
    }

    /// The answer, if it takes no I/O.
    fn answer(&self, token: &TokenIdentity<'_>) -> Option<Result<RevocationStatus, StoreError>> {
        // Age first: what the table lacks below was revoked after that moment.
        let decides = self.shared.decides_alone();
        if self.shared.table.revoked(token) {
            return Some(Ok(RevocationStatus::Revoked));
        }
        if decides {
            return Some(Ok(RevocationStatus::Active));
        }
        match self.shared.on_stale {
            OnStale::AskStore => None,
            OnStale::FailClosed => Some(Err(StoreError::unavailable(
                "the local copy of the revocations is older than allowed, or incomplete",
            ))),
        }
    }
}

impl Shared {
    fn decides_alone(&self) -> bool {
        let age = self.freshness.age();
        age.is_some_and(|age| age <= self.max_staleness) && !self.is_full()
    }

    /// Whether there are revocations that the table lacks for want of room.
    pub(super) fn is_full(&self) -> bool {
        self.made_up.load(Ordering::Acquire) != self.left_out.load(Ordering::Acquire)
    }

    /// Takes what is revoked into the table, or notes that there is no room.
    pub(super) fn insert(&self, entry: &LogEntry) {
        let now = self.freshness.expiry();
        if !self.table.insert(entry, now) {
            self.left_out.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl RevocationStore for Replica {
    fn required_identifiers(&self) -> Identifiers {
        self.shared.store.required_identifiers()
    }

    #[inline]
    fn known(&self, token: &TokenIdentity<'_>) -> Option<Result<RevocationStatus, StoreError>> {
        self.answer(token)
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        match self.answer(token) {
            Some(answer) => answer,
            None => self.shared.store.status(token).await,
        }
    }

    /// On `Ok` it is in force in Redis and here; other nodes follow in milliseconds.
    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.shared.store.revoke(revocation).await?;
        self.insert(revocation);
        Ok(())
    }
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replica")
            .field("handles", &Arc::strong_count(&self.handle))
            .field("entries", &self.shared.table.len())
            .field("staleness", &self.staleness())
            .finish_non_exhaustive()
    }
}
