//! [`Replica`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::builder::ReplicaBuilder;
use super::feed::Feed;
use super::health::ReplicaHealth;
use super::log::{LogId, RevocationLog};
use super::name::LogEntry;
use super::pace::Pace;
use super::state::Shared;
use crate::clock::UnixTime;
use crate::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, TokenIdentity,
};
use crate::store::{Once, OnceId, StoreError};

/// A local copy of the revocations in a [`RevocationLog`]. A clone is a handle on the same copy.
///
/// 1. A check does no I/O and takes no lock. What is in the copy is revoked, always.
/// 2. The copy is loaded once and then follows the log, over a connection of its own. It knows
///    whether it missed anything, and loads anew if it did.
/// 3. Its age is measured from the last moment at which a primary vouched for it that takes writes.
///    While it is older than [`max_staleness`](ReplicaBuilder::max_staleness), tokens that are not in
///    it are up to [`OnStale`](super::OnStale).
/// 4. A revocation goes to the log and then takes effect here at once, and on other nodes within
///    some 20 ms.
/// 5. If the log lost what it had acknowledged, to this node or in the log, it is written back.
/// 6. The background task ends when the last handle is dropped.
///
/// It is a [`RevocationStore`], for a layer to ask and to revoke with.
pub struct Replica<L: RevocationLog> {
    handle: Arc<Task>,
    shared: Arc<Shared<L>>,
}

struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<L: RevocationLog> Replica<L> {
    /// Sets up a replica of what is in this log.
    pub fn builder(log: L) -> ReplicaBuilder<L> {
        ReplicaBuilder::new(log)
    }

    pub(super) fn start(builder: ReplicaBuilder<L>) -> Result<Self, StoreError> {
        let runtime = Handle::try_current().map_err(|_| {
            StoreError::configuration("a replica runs on tokio, and there is no runtime here")
        })?;
        let ReplicaBuilder { log, max_staleness, on_stale, capacity, clock } = builder;
        let pace = Pace::real();
        let times = (clock, pace.clone());
        let shared = Arc::new(Shared::new(log, capacity, (max_staleness, on_stale), times));
        let task = runtime.spawn(Feed::new(Arc::clone(&shared), pace).run());
        Ok(Self { handle: Arc::new(Task(task.abort_handle())), shared })
    }

    /// Waits until the copy was loaded for the first time. That takes as long as the log is out of
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
        self.shared.health()
    }

    /// The log that this is a copy of.
    #[must_use]
    pub fn store(&self) -> &L {
        &self.shared.log
    }

    /// Takes revocations that were put in force through the log itself, as a step of a session does:
    /// they take effect here at once. The position is what [`Appended`](super::Appended) would have
    /// told, or [`LogId::START`] if it is not known: if the log turns out to lack it, they are
    /// written back.
    pub fn acknowledged(&self, entries: &[LogEntry], position: LogId) {
        self.shared.acknowledged(entries, position);
    }
}

impl<L: RevocationLog> RevocationStore for Replica<L> {
    fn required_identifiers(&self) -> Identifiers {
        self.shared.log.required_identifiers()
    }

    #[inline]
    fn known(&self, token: &TokenIdentity<'_>) -> Option<Result<RevocationStatus, StoreError>> {
        self.shared.answer(token)
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        match self.shared.answer(token) {
            Some(answer) => answer,
            None => self.shared.log.status(token).await,
        }
    }

    /// On `Ok` it is in force in the log and here; other nodes follow within some 20 ms.
    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.shared.revoke(revocation).await
    }
}

/// Asks the store: a replica has a copy of its revocations only.
impl<L: RevocationLog + Once> Once for Replica<L> {
    async fn claim(&self, id: &OnceId, until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        self.shared.log.claim(id, until, now).await
    }
}

impl<L: RevocationLog> Clone for Replica<L> {
    fn clone(&self) -> Self {
        Self { handle: Arc::clone(&self.handle), shared: Arc::clone(&self.shared) }
    }
}

impl<L: RevocationLog> fmt::Debug for Replica<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replica")
            .field("handles", &Arc::strong_count(&self.handle))
            .field("entries", &self.shared.table.len())
            .field("staleness", &self.staleness())
            .finish_non_exhaustive()
    }
}
