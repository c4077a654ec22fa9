//! [`MemoryStoreBuilder`].

use std::fmt;
use std::sync::Arc;

use super::store::MemoryStore;
use crate::clock::{Clock, SystemClock};
use crate::revocation::Identifiers;

/// Sets up a [`MemoryStore`].
#[derive(Clone)]
#[must_use = "a builder does nothing until it builds"]
pub struct MemoryStoreBuilder {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) capacity: usize,
    pub(super) required: Identifiers,
}

impl MemoryStoreBuilder {
    pub(super) fn new() -> Self {
        Self { clock: Arc::new(SystemClock), capacity: 1_000_000, required: Identifiers::TOKEN_ID }
    }

    /// Sets the clock that tells what has expired. The system's by default. Look-ups never ask it.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets how many revocations are held at most, 1,000,000 by default. Memory is taken as it is
    /// needed: some 26 bytes for a token or session, 38 for a subject.
    pub fn capacity(mut self, entries: usize) -> Self {
        self.capacity = entries;
        self
    }

    /// Sets the identifiers that a token must carry, `jti` by default. Name those that you revoke
    /// by: for sessions alone [`Identifiers::SESSION_ID`], for "log out everywhere" as well
    /// `Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH`.
    pub fn require(mut self, required: Identifiers) -> Self {
        self.required = required;
        self
    }

    /// The store.
    #[must_use]
    pub fn build(self) -> MemoryStore {
        MemoryStore::from_builder(self)
    }
}

impl fmt::Debug for MemoryStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStoreBuilder")
            .field("capacity", &self.capacity)
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}
