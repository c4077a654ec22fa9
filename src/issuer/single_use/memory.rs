//! [`MemorySingleUseStore`].

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::store::{Attempt, MOST_IN_GROUP, NewToken, SingleUseStore};
use crate::clock::UnixTime;
use crate::key::TokenHash;
use crate::store::{MemoryOnce, Once, OnceId, StoreError};

/// The most expired tokens that one call removes: more than one adds, and no call is long.
const REMOVED: usize = 16;

/// Single-use tokens in this process's memory: 100,000 that were minted and as many that were
/// claimed, unless told otherwise. A full store takes no more. A clone is a handle on the same store.
#[derive(Clone)]
pub struct MemorySingleUseStore {
    table: Arc<Mutex<Table>>,
    capacity: usize,
    once: MemoryOnce,
}

type Id = [u8; 32];

struct Entry {
    group: Id,
    until: UnixTime,
    payload: String,
}

/// In the order in which they were put.
#[derive(Default)]
struct Group {
    members: Vec<Member>,
    /// Wrong tries, by slot. Those of slots that are empty go with the next change.
    tries: Vec<(Id, u32)>,
}

struct Member {
    id: Id,
    slot: Id,
}

#[derive(Default)]
struct Table {
    entries: HashMap<Id, Entry>,
    groups: HashMap<Id, Group>,
    deadlines: BTreeSet<(UnixTime, Id)>,
}

impl Table {
    fn remove(&mut self, id: &Id) -> Option<Entry> {
        let entry = self.entries.remove(id)?;
        self.deadlines.remove(&(entry.until, *id));
        if let Some(group) = self.groups.get_mut(&entry.group) {
            group.members.retain(|member| member.id != *id);
            let Group { members, tries } = group;
            tries.retain(|(slot, _)| members.iter().any(|member| member.slot == *slot));
            if members.is_empty() {
                self.groups.remove(&entry.group);
            }
        }
        Some(entry)
    }

    fn purge(&mut self, now: UnixTime) {
        for _ in 0..REMOVED {
            let Some((deadline, id)) = self.deadlines.first().copied() else { return };
            if deadline > now {
                return;
            }
            self.remove(&id);
        }
    }

    fn take(&mut self, id: &Id, now: UnixTime) -> Option<String> {
        self.remove(id).filter(|entry| now < entry.until).map(|entry| entry.payload)
    }

    /// The ids of a group's tokens that are still good, the oldest first; of one slot, or of all.
    fn live(&self, group: &Id, slot: Option<&Id>, now: UnixTime) -> Vec<Id> {
        let members = self.groups.get(group).map_or(&[][..], |group| &group.members);
        let found = members.iter().filter(|member| {
            slot.is_none_or(|slot| member.slot == *slot)
                && self.entries.get(&member.id).is_some_and(|entry| now < entry.until)
        });
        found.map(|member| member.id).collect()
    }

    fn put(&mut self, token: &NewToken<'_>, now: UnixTime) {
        let (id, group, slot) =
            (*token.id.as_bytes(), *token.group.as_bytes(), *token.slot.as_bytes());
        self.remove(&id);
        for (slot, most) in [(Some(&slot), token.most), (None, MOST_IN_GROUP)] {
            let live = self.live(&group, slot, now);
            let left = (most.max(1) as usize) - 1;
            for id in live.iter().take(live.len().saturating_sub(left)) {
                self.remove(id);
            }
        }
        let found = self.groups.entry(group).or_default();
        found.tries.retain(|(counted, _)| *counted != slot);
        found.members.push(Member { id, slot });
        self.deadlines.insert((token.until, id));
        let payload = token.payload.to_owned();
        self.entries.insert(id, Entry { group, until: token.until, payload });
    }

    fn attempt(&mut self, attempt: &Attempt<'_>, now: UnixTime) -> Option<String> {
        let (group, slot) = (attempt.group.as_bytes(), attempt.slot.as_bytes());
        let live = self.live(group, Some(slot), now);
        if live.contains(attempt.id.as_bytes()) {
            return self.take(attempt.id.as_bytes(), now);
        }
        if live.is_empty() {
            return None;
        }
        let tries = &mut self.groups.get_mut(group)?.tries;
        let made = match tries.iter_mut().find(|(counted, _)| counted == slot) {
            Some((_, made)) => {
                *made += 1;
                *made
            }
            None => {
                tries.push((*slot, 1));
                1
            }
        };
        if made >= attempt.most {
            for id in live {
                self.remove(&id);
            }
        }
        None
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
    async fn put(&self, token: &NewToken<'_>, now: UnixTime) -> Result<(), StoreError> {
        let mut table = self.table(now);
        // A token that replaces another needs no room.
        let replaces = table.live(token.group.as_bytes(), Some(token.slot.as_bytes()), now).len()
            >= token.most.max(1) as usize;
        if table.entries.len() >= self.capacity && !replaces {
            return Err(StoreError::full());
        }
        table.put(token, now);
        Ok(())
    }

    async fn take(&self, id: &TokenHash, now: UnixTime) -> Result<Option<String>, StoreError> {
        Ok(self.table(now).take(id.as_bytes(), now))
    }

    async fn attempt(
        &self,
        attempt: &Attempt<'_>,
        now: UnixTime,
    ) -> Result<Option<String>, StoreError> {
        Ok(self.table(now).attempt(attempt, now))
    }

    async fn revoke_group(&self, group: &TokenHash, now: UnixTime) -> Result<(), StoreError> {
        let mut table = self.table(now);
        let members = table.groups.remove(group.as_bytes()).unwrap_or_default().members;
        for member in members {
            table.remove(&member.id);
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::store::StoreErrorKind;

    fn hash(number: u32) -> TokenHash {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        TokenHash::from_bytes(bytes)
    }

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    fn put(store: &MemorySingleUseStore, id: u32, group: u32, most: u32) -> Result<(), StoreError> {
        let (id, group, slot) = (hash(id), hash(group), hash(0));
        let token =
            NewToken { id: &id, group: &group, slot: &slot, most, payload: "", until: at(10) };
        store.put(&token, at(1)).now_or_never().unwrap()
    }

    #[test]
    fn one_group_fills_nothing_and_what_is_claimed_has_its_own_room() {
        let store = MemorySingleUseStore::with_capacity(20);
        for id in 0..1000 {
            put(&store, id, 7, u32::MAX).unwrap();
        }
        assert_eq!(store.table(at(1)).entries.len(), MOST_IN_GROUP as usize);
        for id in 1000..1004 {
            put(&store, id, id, 1).unwrap();
        }
        assert_eq!(put(&store, 1004, 1004, 1).unwrap_err().kind(), StoreErrorKind::Full);
        // what replaces another still has room, and so has what is claimed
        put(&store, 1005, 1000, 1).unwrap();
        assert!(
            store.claim(&OnceId::from_hash([1; 32]), at(9), at(1)).now_or_never().unwrap().unwrap()
        );
    }

    #[test]
    fn nothing_is_left_of_what_expired_was_taken_or_revoked() {
        let store = MemorySingleUseStore::new();
        for id in 0..30 {
            put(&store, id, id / 3, 3).unwrap();
        }
        for id in 0..10 {
            assert!(store.take(&hash(id), at(2)).now_or_never().unwrap().unwrap().is_some());
        }
        for group in 5..7 {
            store.revoke_group(&hash(group), at(2)).now_or_never().unwrap().unwrap();
        }
        for _ in 0..2 {
            drop(store.table(at(10)));
        }
        let table = store.table(at(10));
        assert!(table.entries.is_empty() && table.groups.is_empty() && table.deadlines.is_empty());
    }
}
