//! [`MemorySingleUseStore`].

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::store::SingleUseStore;
use crate::clock::UnixTime;
use crate::key::TokenHash;
use crate::store::{MemoryOnce, Once, OnceId, StoreError};

/// Single-use tokens in this process's memory: 100,000 that were minted and as many that were
/// claimed, unless told otherwise. A full store takes no more. A clone is a handle on the same store.
#[derive(Clone)]
pub struct MemorySingleUseStore {
    table: Arc<Mutex<Table>>,
    capacity: usize,
    once: MemoryOnce,
}

type Id = [u8; 32];

#[derive(Default)]
struct Table {
    entries: HashMap<Id, (UnixTime, String)>,
    deadlines: BTreeSet<(UnixTime, Id)>,
}

impl Table {
    fn insert(&mut self, id: Id, until: UnixTime, payload: String) {
        self.remove(&id);
        self.entries.insert(id, (until, payload));
        self.deadlines.insert((until, id));
    }

    fn remove(&mut self, id: &Id) -> Option<(UnixTime, String)> {
        let (until, payload) = self.entries.remove(id)?;
        self.deadlines.remove(&(until, *id));
        Some((until, payload))
    }

    fn purge(&mut self, now: UnixTime) {
        while let Some((deadline, id)) = self.deadlines.first().copied() {
            if deadline > now {
                break;
            }
            self.remove(&id);
        }
    }
}

impl MemorySingleUseStore {
    /// A store for 100,000 tokens.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(100_000)
    }

    /// A store for this many tokens.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { table: Arc::default(), capacity, once: MemoryOnce::with_capacity(capacity) }
    }

    /// The table, less what has expired.
    fn table(&self, now: UnixTime) -> MutexGuard<'_, Table> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.purge(now);
        table
    }
}

impl SingleUseStore for MemorySingleUseStore {
    async fn put(
        &self,
        id: &TokenHash,
        payload: &str,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        let mut table = self.table(now);
        if table.entries.len() >= self.capacity {
            return Err(StoreError::full());
        }
        table.insert(*id.as_bytes(), until, payload.to_owned());
        Ok(())
    }

    async fn take(&self, id: &TokenHash, now: UnixTime) -> Result<Option<String>, StoreError> {
        let taken = self.table(now).remove(id.as_bytes());
        Ok(taken.filter(|(until, _)| now < *until).map(|(_, payload)| payload))
    }
}

impl Once for MemorySingleUseStore {
    async fn claim(&self, id: &OnceId, until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        self.once.claim_now(id, until, now)
    }
}

impl Default for MemorySingleUseStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemorySingleUseStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySingleUseStore")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
