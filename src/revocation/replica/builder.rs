//! [`ReplicaBuilder`] and [`OnStale`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::handle::Replica;
use super::log::RevocationLog;
use crate::clock::{Clock, SystemClock};
use crate::store::StoreError;

/// What a replica answers about a token that it knows nothing bad of, while its copy is older than
/// allowed, was not loaded yet, or has left something out for lack of room.
///
/// A token that it knows to be revoked is revoked in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OnStale {
    /// What the store says, within its timeout.
    #[default]
    AskStore,
    /// An error, at once; the layer makes a 503 of it.
    FailClosed,
}

/// Sets up a [`Replica`].
#[must_use = "a builder does nothing until it builds"]
pub struct ReplicaBuilder<L> {
    pub(super) log: L,
    pub(super) max_staleness: Duration,
    pub(super) on_stale: OnStale,
    pub(super) capacity: usize,
    pub(super) clock: Arc<dyn Clock>,
}

impl<L: RevocationLog> ReplicaBuilder<L> {
    pub(super) fn new(log: L) -> Self {
        Self {
            log,
            max_staleness: Duration::from_secs(5),
            on_stale: OnStale::default(),
            capacity: 10_000_000,
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets how old the copy may be to decide alone, 5 s by default. It proves its age four times
    /// in that time, and is some 20 ms behind while it is connected. At least every half of that
    /// time one of the nodes writes a heartbeat.
    pub fn max_staleness(mut self, max_staleness: Duration) -> Self {
        self.max_staleness = max_staleness;
        self
    }

    /// Sets what happens while the copy cannot decide alone. Default: the store is asked.
    pub fn on_stale(mut self, on_stale: OnStale) -> Self {
        self.on_stale = on_stale;
        self
    }

    /// Sets how many revocations are held at most, 10,000,000 by default. Memory is taken as it is
    /// needed: some 33 bytes for a token or session, 46 for a subject. If there are more, the copy
    /// cannot decide alone until there is room.
    pub fn capacity(mut self, entries: usize) -> Self {
        self.capacity = entries;
        self
    }

    /// Sets the clock that tells what has expired, and whether time has passed that the monotonic
    /// clock did not see. The system's by default.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The replica. It starts to load in the background, on the tokio runtime that this is called
    /// on, and goes on until its last handle is dropped.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`](crate::store::StoreErrorKind::Configuration) if there is
    /// no tokio runtime here.
    pub fn build(self) -> Result<Replica<L>, StoreError> {
        Replica::start(self)
    }
}

impl<L> fmt::Debug for ReplicaBuilder<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplicaBuilder")
            .field("max_staleness", &self.max_staleness)
            .field("on_stale", &self.on_stale)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
