//! [`Table`]: the records of the memory store.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use super::id::{IndexKey, SessionId};
use super::store::{Commit, Limit, StoredSession, Write};
use crate::clock::UnixTime;

/// Records by id, by index key, by when they go, and by when they were written.
#[derive(Default)]
pub(super) struct Table {
    records: HashMap<SessionId, Kept>,
    lists: HashMap<IndexKey, BTreeMap<SessionId, u64>>,
    /// The lists by length, so that the longest is at hand.
    lengths: BTreeSet<(usize, IndexKey)>,
    deadlines: BTreeSet<(UnixTime, SessionId)>,
    /// What stands under no key, in the order it was written.
    unlisted: BTreeSet<(u64, SessionId)>,
    /// Counts what is written.
    clock: u64,
}

struct Kept {
    version: u64,
    record: Vec<u8>,
    under: Option<IndexKey>,
    remove_at: UnixTime,
    written: u64,
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn version(&self, id: &SessionId) -> Option<u64> {
        self.records.get(id).map(|kept| kept.version)
    }

    pub(super) fn get(&self, id: &SessionId, now: UnixTime) -> Option<StoredSession> {
        let kept = self.records.get(id).filter(|kept| now < kept.remove_at)?;
        Some(StoredSession { id: id.clone(), version: kept.version, record: kept.record.clone() })
    }

    pub(super) fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
        most: usize,
    ) -> Vec<StoredSession> {
        let Some(list) = self.lists.get(index) else {
            return Vec::new();
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let listed = list.range((from, Bound::Unbounded));
        listed.filter_map(|(id, _)| self.get(id, now)).take(most).collect()
    }

    /// When the last record goes.
    pub(super) fn last(&self) -> UnixTime {
        self.deadlines.last().map_or(UnixTime::EPOCH, |(deadline, _)| *deadline)
    }

    /// Whether there would be too many under a key.
    pub(super) fn is_crowded(&self, limit: &Limit, step: &Commit) -> bool {
        let list = self.lists.get(&limit.index);
        let ids = list.into_iter().flat_map(BTreeMap::keys);
        let stays = |id: &&SessionId| {
            let live = self.records.get(*id).is_some_and(|kept| step.now < kept.remove_at);
            live && !step.writes.iter().any(|write| write.id == **id)
        };
        let come = step.writes.iter().filter(|write| write.under.as_ref() == Some(&limit.index));
        ids.filter(stays).count() + come.count() > limit.most
    }

    pub(super) fn put(&mut self, write: &Write) {
        self.remove(&write.id);
        self.clock += 1;
        let (id, written) = (write.id.clone(), self.clock);
        match &write.under {
            Some(index) => {
                let list = self.lists.entry(index.clone()).or_default();
                self.lengths.remove(&(list.len(), index.clone()));
                list.insert(id.clone(), written);
                self.lengths.insert((list.len(), index.clone()));
            }
            None => {
                self.unlisted.insert((written, id.clone()));
            }
        }
        self.deadlines.insert((write.remove_at, id.clone()));
        let kept = Kept {
            version: write.version,
            record: write.record.clone(),
            under: write.under.clone(),
            remove_at: write.remove_at,
            written,
        };
        self.records.insert(id, kept);
    }

    fn remove(&mut self, id: &SessionId) {
        let Some(kept) = self.records.remove(id) else {
            return;
        };
        match kept.under {
            Some(index) => {
                if let Some(list) = self.lists.get_mut(&index) {
                    self.lengths.remove(&(list.len(), index.clone()));
                    list.remove(id);
                    if list.is_empty() {
                        self.lists.remove(&index);
                    } else {
                        self.lengths.insert((list.len(), index));
                    }
                }
            }
            None => {
                self.unlisted.remove(&(kept.written, id.clone()));
            }
        }
        self.deadlines.remove(&(kept.remove_at, id.clone()));
    }

    /// Removes some of what has expired.
    pub(super) fn purge(&mut self, now: UnixTime, most: usize) {
        for _ in 0..most {
            match self.deadlines.first() {
                Some((deadline, id)) if *deadline <= now => {
                    let id = id.clone();
                    self.remove(&id);
                }
                _ => break,
            }
        }
    }

    /// Whether there is room for a new record, perhaps by giving up another.
    pub(super) fn make_room(&mut self, capacity: usize, new: &Write, now: UnixTime) -> bool {
        if self.len() < capacity {
            return true;
        }
        self.purge(now, usize::MAX);
        if self.len() < capacity {
            return true;
        }
        let own =
            new.under.as_ref().and_then(|index| self.lists.get(index)).map_or(0, BTreeMap::len);
        let ended = self.unlisted.first().map(|(_, id)| id.clone());
        let victim = ended.or_else(|| {
            let (length, index) = self.lengths.last()?;
            // With as many as the longest list, the new one takes the place of one of its own.
            let index = if own == *length { new.under.as_ref()? } else { index };
            let list = self.lists.get(index).filter(|_| *length > 1)?;
            list.iter().min_by_key(|(_, written)| **written).map(|(id, _)| id.clone())
        });
        victim.inspect(|id| self.remove(id)).is_some() && self.len() < capacity
    }
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::*;

    fn write(index: Option<&str>, now: u64) -> Write {
        let (id, _) = SessionId::unique("i").unwrap();
        Write {
            id,
            replaces: None,
            version: 1,
            record: vec![1],
            was_under: None,
            under: index.map(|name| IndexKey::of_subject("i", name).unwrap()),
            remove_at: UnixTime::from_secs(now + 100),
            ends: false,
        }
    }

    fn put(table: &mut Table, index: Option<&str>, now: u64) -> Option<SessionId> {
        let write = write(index, now);
        if !table.make_room(6, &write, UnixTime::from_secs(now)) {
            return None;
        }
        table.put(&write);
        Some(write.id)
    }

    #[test]
    fn a_full_table_gives_up_the_expired_then_the_ended_then_the_greediest() {
        let table = &mut Table::default();
        let expired = put(table, Some("ada"), 0).unwrap();
        let ended = put(table, None, 50).unwrap();
        let greedy: Vec<_> = (0..3).map(|_| put(table, Some("eve"), 50).unwrap()).collect();
        let bob = put(table, Some("bob"), 50).unwrap();
        let has = |table: &Table, id| table.version(id).is_some();
        put(table, Some("cy"), 110).unwrap();
        assert!(!has(table, &expired) && has(table, &ended));
        put(table, Some("di"), 110).unwrap();
        assert!(!has(table, &ended) && greedy.iter().all(|id| has(table, id)));
        put(table, Some("ed"), 110).unwrap();
        assert!(!has(table, &greedy[0]) && has(table, &greedy[1]));
        // the greediest takes of its own
        let more = put(table, Some("eve"), 110).unwrap();
        assert!(!has(table, &greedy[1]) && has(table, &greedy[2]) && has(table, &more));
        put(table, Some("flo"), 110).unwrap();
        assert!(!has(table, &greedy[2]) && has(table, &more));
        // everyone has one
        assert!(put(table, Some("gus"), 110).is_none());
        assert!(has(table, &bob) && table.len() == 6);
        assert_eq!((table.lists.len(), table.lengths.len(), table.deadlines.len()), (6, 6, 6));
    }

    #[test]
    fn what_is_replaced_leaves_nothing_behind() {
        let table = &mut Table::default();
        let mut write = write(Some("ada"), 0);
        table.put(&write);
        for under in [None, Some("eve"), None] {
            write.under = under.map(|name| IndexKey::of_subject("i", name).unwrap());
            write.remove_at = write.remove_at.saturating_add(std::time::Duration::from_secs(1));
            table.put(&write);
        }
        assert_eq!((table.len(), table.deadlines.len(), table.unlisted.len()), (1, 1, 1));
        assert!(table.lists.is_empty() && table.lengths.is_empty());
        assert_eq!(table.last(), UnixTime::from_secs(103));
        table.remove(&write.id);
        assert!(table.deadlines.is_empty() && table.unlisted.is_empty());
    }
}
