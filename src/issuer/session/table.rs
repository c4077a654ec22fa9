//! [`Table`]: the records of the memory store.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use super::id::{IndexKey, SessionId};
use super::store::{Commit, Limit, StoredSession, Write};
use crate::clock::UnixTime;

/// Records by id, by index key, by when they go, and by when they were written.
#[derive(Default)]
pub(super) struct Table {
    records: HashMap<SessionId, Kept>,
    lists: HashMap<IndexKey, List>,
    /// The lists of live sessions by length, so that the longest is at hand.
    lengths: BTreeSet<(usize, IndexKey)>,
    deadlines: BTreeSet<(UnixTime, SessionId)>,
    /// What has ended, in the order it was written.
    ended: BTreeSet<(u64, SessionId)>,
    /// How many stand under no key and have not ended: single-use tokens and their groups.
    loose: usize,
    /// Counts what is written.
    clock: u64,
}

#[derive(Default)]
struct List {
    ids: BTreeSet<SessionId>,
    /// How many of them have not ended.
    live: usize,
}

struct Kept {
    version: u64,
    record: Vec<u8>,
    under: Option<IndexKey>,
    remove_at: UnixTime,
    written: u64,
    ended: bool,
}

impl Kept {
    fn is_loose(&self) -> bool {
        self.under.is_none() && !self.ended
    }
}

/// Whether there is room for a new record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Room {
    There,
    /// If one under this key ended.
    Under(IndexKey),
    None,
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// The version that `commit` compares: of what has gone there is none.
    pub(super) fn version(&self, id: &SessionId, now: UnixTime) -> Option<u64> {
        self.records.get(id).filter(|kept| now < kept.remove_at).map(|kept| kept.version)
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
        let listed = list.ids.range((from, Bound::Unbounded));
        listed.filter_map(|id| self.get(id, now)).take(most).collect()
    }

    /// When the last record goes.
    pub(super) fn last(&self) -> UnixTime {
        self.deadlines.last().map_or(UnixTime::EPOCH, |(deadline, _)| *deadline)
    }

    /// Whether there would be too many under a key.
    pub(super) fn is_crowded(&self, limit: &Limit, step: &Commit) -> bool {
        let list = self.lists.get(&limit.index);
        let ids = list.into_iter().flat_map(|list| &list.ids);
        let stays = |id: &&SessionId| {
            let live = self.records.get(*id).is_some_and(|kept| step.now < kept.remove_at);
            live && !step.writes.iter().any(|write| write.id == **id)
        };
        let come = step.writes.iter().filter(|write| write.under.as_ref() == Some(&limit.index));
        ids.filter(stays).count() + come.count() > limit.most
    }

    pub(super) fn put(&mut self, write: &Write, now: UnixTime) {
        self.remove(&write.id);
        if write.remove_at <= now {
            return;
        }
        self.clock += 1;
        let (id, written) = (write.id.clone(), self.clock);
        let kept = Kept {
            version: write.version,
            record: write.record.clone(),
            under: write.under.clone(),
            remove_at: write.remove_at,
            written,
            ended: write.ends,
        };
        if let Some(index) = &kept.under {
            let list = self.lists.entry(index.clone()).or_default();
            list.ids.insert(id.clone());
            if !kept.ended {
                self.lengths.remove(&(list.live, index.clone()));
                list.live += 1;
                self.lengths.insert((list.live, index.clone()));
            }
        }
        if kept.ended {
            self.ended.insert((written, id.clone()));
        }
        self.loose += usize::from(kept.is_loose());
        self.deadlines.insert((write.remove_at, id.clone()));
        self.records.insert(id, kept);
    }

    fn remove(&mut self, id: &SessionId) {
        let Some(kept) = self.records.remove(id) else {
            return;
        };
        self.loose -= usize::from(kept.is_loose());
        if kept.ended {
            self.ended.remove(&(kept.written, id.clone()));
        }
        self.deadlines.remove(&(kept.remove_at, id.clone()));
        let Some(index) = kept.under else {
            return;
        };
        let Some(list) = self.lists.get_mut(&index) else {
            return;
        };
        list.ids.remove(id);
        if !kept.ended {
            self.lengths.remove(&(list.live, index.clone()));
            list.live -= 1;
            if list.live > 0 {
                self.lengths.insert((list.live, index.clone()));
            }
        }
        if list.ids.is_empty() {
            self.lists.remove(&index);
        }
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

    /// Forgets of what has ended as much as is too much.
    pub(super) fn trim(&mut self, capacity: usize) {
        while self.len() - self.loose > capacity
            && let Some((_, id)) = self.ended.first().cloned()
        {
            self.remove(&id);
        }
    }

    /// Whether there is room for the new records of a step, beside those that it takes away. What has
    /// expired goes for them, and then what ended longest ago; what lives never does.
    pub(super) fn make_room(&mut self, capacity: usize, step: &Commit) -> Room {
        let fresh = |write: &&Write| write.replaces.is_none();
        let loose = |write: &&Write| write.under.is_none() && !write.ends;
        let new = || step.writes.iter().filter(fresh);
        let gone =
            step.writes.iter().filter(|write| write.ends && write.replaces.is_some()).count();
        let comes = (new().filter(|write| !loose(write)).count(), new().filter(loose).count());
        if comes == (0, 0) {
            return Room::There;
        }
        // Single-use tokens have room of their own: who asks for many keeps nobody from signing in.
        let full = |table: &Self| {
            let sessions = table.len() - table.loose;
            let over = |has: usize, comes: usize| comes > 0 && has + comes > capacity + gone;
            (over(sessions, comes.0), over(table.loose, comes.1))
        };
        if full(self) != (false, false) {
            self.purge(step.now, usize::MAX);
        }
        while full(self).0
            && let Some((_, id)) = self.ended.first().cloned()
        {
            self.remove(&id);
        }
        match (full(self), self.lengths.last()) {
            ((false, false), _) => Room::There,
            ((true, _), Some((length, index))) => {
                // With as many as the longest list, the new one takes the place of one of its own.
                let own = new().filter_map(|write| write.under.as_ref());
                let own = own.filter(|own| self.lengths.contains(&(*length, (*own).clone())));
                let index = own.last().unwrap_or(index);
                if *length > 1 { Room::Under(index.clone()) } else { Room::None }
            }
            _ => Room::None,
        }
    }
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::*;

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    fn write(index: Option<&str>, now: u64) -> Write {
        let (id, _) = SessionId::unique("i").unwrap();
        Write {
            id,
            replaces: None,
            version: 1,
            record: vec![1],
            was_under: None,
            under: index.map(|name| IndexKey::of_subject("i", name).unwrap()),
            remove_at: at(now + 100),
            ends: false,
        }
    }

    fn step(writes: Vec<Write>, now: u64) -> Commit {
        let (unless_revoked, limit, revocations) = (None, None, Vec::new());
        Commit { unless_revoked, writes, limit, revocations, now: at(now) }
    }

    fn put(table: &mut Table, write: Write, now: u64) -> Result<SessionId, Room> {
        match table.make_room(5, &step(vec![write.clone()], now)) {
            Room::There => table.put(&write, at(now)),
            room => return Err(room),
        }
        Ok(write.id)
    }

    #[test]
    fn a_full_table_gives_up_the_expired_then_the_ended_and_names_who_has_most() {
        let table = &mut Table::default();
        let key = |name: &str| IndexKey::of_subject("i", name).unwrap();
        let begin = |table: &mut Table, name: &str, now| put(table, write(Some(name), now), now);
        begin(table, "ada", 0).unwrap();
        let bob = begin(table, "bob", 50).unwrap();
        let mut ended = write(Some("ended"), 50);
        ended.ends = true;
        table.put(&ended, at(50));
        let eve = [begin(table, "eve", 50).unwrap(), begin(table, "eve", 50).unwrap()];
        begin(table, "cy", 110).unwrap();
        assert!(table.version(&ended.id, at(110)).is_some(), "what has expired goes first");
        begin(table, "di", 110).unwrap();
        assert!(table.version(&ended.id, at(110)).is_none());
        for name in ["ed", "eve", "bob"] {
            assert_eq!(begin(table, name, 110), Err(Room::Under(key("eve"))), "{name}");
        }
        // One of theirs ends in the step that the new one begins in.
        let (new, end) = (write(Some("ed"), 110), Write { id: eve[0].clone(), ..ended.clone() });
        let end = Write { replaces: Some(1), remove_at: at(900), ..end };
        let both = step(vec![end.clone(), new.clone()], 110);
        assert_eq!(table.make_room(5, &both), Room::There);
        both.writes.iter().for_each(|write| table.put(write, at(110)));
        table.trim(5);
        assert_eq!((table.len(), table.version(&end.id, at(110))), (5, None));
        assert_eq!(begin(table, "flo", 110), Err(Room::None), "everyone has one");
        assert!(table.version(&bob, at(110)).is_some() && table.lengths.len() == 5);
        // Single-use tokens have room of their own, and take none away.
        for _ in 0..5 {
            put(table, write(None, 110), 110).unwrap();
        }
        assert_eq!(put(table, write(None, 110), 110), Err(Room::None));
        assert_eq!((table.len(), table.loose), (10, 5));
    }

    #[test]
    fn what_is_replaced_leaves_nothing_behind() {
        let table = &mut Table::default();
        let mut write = write(Some("ada"), 0);
        table.put(&write, at(0));
        for (under, ends) in
            [(None, false), (Some("eve"), false), (Some("eve"), true), (None, true)]
        {
            write.under = under.map(|name| IndexKey::of_subject("i", name).unwrap());
            write.ends = ends;
            write.remove_at = write.remove_at.saturating_add(std::time::Duration::from_secs(1));
            table.put(&write, at(0));
            assert_eq!(table.loose, usize::from(under.is_none() && !ends));
        }
        assert_eq!((table.len(), table.deadlines.len(), table.ended.len()), (1, 1, 1));
        assert!(table.lists.is_empty() && table.lengths.is_empty());
        assert_eq!(table.last(), at(104));
        assert_eq!(table.version(&write.id, at(103)), Some(1));
        assert_eq!(table.version(&write.id, at(104)), None, "as for whoever loads it");
        write.remove_at = at(50);
        table.put(&write, at(50));
        assert!(table.deadlines.is_empty() && table.ended.is_empty() && table.len() == 0);
    }
}
