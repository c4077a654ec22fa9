//! One shard of the store: an open-addressing table of atomics that readers search without locks.
//!
//! A slot is a mark (8 bits of the fingerprint, or that the slot is free), a print (64 further
//! bits), a value (32 further bits and the expiry in seconds) and, where entries have one, a bound.
//! A search walks over the marks, which are dense: an identifier that nobody revoked is told by one
//! cache line or two, out of 17 MB for ten million entries. A reader finds an entry that is in
//! force because
//!
//! 1. a writer fills bound, value, print and mark in this order, and a reader reads them in the
//!    reverse order;
//! 2. an entry in force stays where it is, and every slot between its home and itself stays
//!    occupied or a gravestone, which a search walks over;
//! 3. a table that grows or shrinks is built anew beside the old one and swapped in whole, while
//!    the shard's lock keeps writers out;
//! 4. a bound only ever rises while its entry is in force;
//! 5. a slot is a gravestone before another entry gets it, so a reader that looks at mark and print
//!    once more after the bound knows whose bound it was.
//!
//! A reader that meets a slot in the middle of a change can at worst miss an entry that expired,
//! or one whose revocation has not returned yet. `model.rs` has every interleaving of these tried.

#[cfg(not(all(test, tower_bearer_loom)))]
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[cfg(all(test, tower_bearer_loom))]
use loom::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::revocation::fingerprint::Fingerprint;

const EMPTY: u8 = 0;
const GRAVE: u8 = 1;
const SMALLEST: usize = 16;

/// An expiry that never comes.
pub(in crate::revocation) const FOREVER: u32 = u32::MAX;

pub(super) struct Shard {
    table: ArcSwap<Table>,
    writer: Mutex<Writer>,
    bounded: bool,
}

#[derive(Default)]
struct Writer {
    /// Entries, expired ones among them.
    live: usize,
    /// Entries and gravestones.
    used: usize,
    /// Where the next sweep goes on.
    hand: usize,
}

#[derive(Default)]
struct Table {
    marks: Box<[AtomicU8]>,
    slots: Box<[Slot]>,
    bounds: Box<[AtomicU64]>,
}

#[derive(Default)]
struct Slot {
    print: AtomicU64,
    value: AtomicU64,
}

pub(in crate::revocation) struct Entry {
    pub(in crate::revocation) print: Fingerprint,
    /// Seconds since 1970, or [`FOREVER`].
    pub(in crate::revocation) keep_until: u32,
    pub(in crate::revocation) bound: u64,
}

pub(in crate::revocation) struct Inserted {
    /// Whether there was room.
    pub(in crate::revocation) stored: bool,
    /// How many expired entries went.
    pub(in crate::revocation) removed: usize,
}

pub(in crate::revocation) struct Swept {
    pub(in crate::revocation) removed: usize,
    /// The earliest expiry among the entries that were looked at and stay.
    pub(in crate::revocation) earliest: u32,
}

impl Shard {
    pub(super) fn new(bounded: bool) -> Self {
        Self { table: ArcSwap::default(), writer: Mutex::default(), bounded }
    }

    /// The bound of the entry with this fingerprint; zero for entries that have none.
    #[inline]
    pub(super) fn get(&self, print: Fingerprint) -> Option<u64> {
        self.table.load().get(print.second, tag(print))
    }

    /// Adds an entry or strengthens the one that is there. `reserve` is asked for room if one is
    /// added.
    pub(super) fn insert(
        &self,
        entry: &Entry,
        now: u64,
        reserve: impl FnOnce() -> bool,
    ) -> Inserted {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut table = self.table.load_full();
        let (print, tag) = (entry.print.second, tag(entry.print));
        if let Some(slot) = table.find(print, tag) {
            table.strengthen(slot, entry, now);
            return Inserted { stored: true, removed: 0 };
        }
        if !reserve() {
            return Inserted { stored: false, removed: 0 };
        }
        let mut removed = 0;
        if (writer.used + 1) * 4 > table.marks.len() * 3 {
            (table, removed) = self.rebuild(&mut writer, &table, now, 1);
        }
        let value = pack(entry.keep_until, tag);
        let reused = table.place(print, value, entry.bound);
        writer.live += 1;
        writer.used += usize::from(!reused);
        Inserted { stored: true, removed }
    }

    /// Removes expired entries among the next `slots`; nothing if a writer is at work.
    pub(super) fn sweep(&self, slots: usize, now: u64) -> Swept {
        match self.writer.try_lock() {
            Ok(writer) => self.sweep_locked(writer, slots, now),
            Err(std::sync::TryLockError::Poisoned(poisoned)) => {
                self.sweep_locked(poisoned.into_inner(), slots, now)
            }
            Err(std::sync::TryLockError::WouldBlock) => Swept { removed: 0, earliest: FOREVER },
        }
    }

    /// Removes all expired entries.
    pub(super) fn purge(&self, now: u64) -> Swept {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.sweep_locked(writer, usize::MAX, now)
    }

    /// Until when the entry with this fingerprint is kept, and its bound.
    #[cfg(feature = "replica")]
    pub(super) fn kept(&self, print: Fingerprint) -> Option<(u32, u64)> {
        // with writers kept out, so that both are the same entry's
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let table = self.table.load_full();
        let slot = table.find(print.second, tag(print))?;
        let value = table.slots[slot].value.load(Ordering::Relaxed);
        Some((keep_until(value), table.bound(slot)))
    }

    /// The entries, without those that expired.
    #[cfg(feature = "replica")]
    pub(super) fn entries(&self, now: u64) -> Vec<Entry> {
        // with writers kept out, so that no bound is taken for another entry's
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let table = self.table.load_full();
        let in_force = table.entries().filter(|entry| !expired(entry.1, now));
        let entries = in_force.map(|(print, value, bound)| Entry {
            print: Fingerprint { first: u64::from(value as u32), second: print },
            keep_until: keep_until(value),
            bound,
        });
        entries.collect()
    }

    fn sweep_locked(&self, mut writer: MutexGuard<'_, Writer>, slots: usize, now: u64) -> Swept {
        let table = self.table.load_full();
        let size = table.marks.len();
        let mut swept = Swept { removed: 0, earliest: FOREVER };
        for _ in 0..slots.min(size) {
            let slot = writer.hand % size;
            writer.hand = (slot + 1) % size;
            if table.marks[slot].load(Ordering::Relaxed) <= GRAVE {
                continue;
            }
            let value = table.slots[slot].value.load(Ordering::Relaxed);
            if expired(value, now) {
                writer.live -= 1;
                writer.used -= table.bury(slot);
                swept.removed += 1;
            } else {
                swept.earliest = swept.earliest.min(keep_until(value));
            }
        }
        if size > SMALLEST && writer.live * 4 < size {
            swept.removed += self.rebuild(&mut writer, &table, now, 0).1;
        }
        swept
    }

    /// Moves what is in force to a table that fits it and `more`; yields that table and how many
    /// entries were left behind.
    fn rebuild(
        &self,
        writer: &mut Writer,
        old: &Table,
        now: u64,
        more: usize,
    ) -> (Arc<Table>, usize) {
        let entries = || old.entries().filter(|entry| !expired(entry.1, now));
        let live = entries().count();
        let table = Table::with_room_for(live + more, self.bounded);
        for (print, value, bound) in entries() {
            table.place(print, value, bound);
        }
        let removed = writer.live - live;
        *writer = Writer { live, used: live, hand: 0 };
        let table = Arc::new(table);
        self.table.store(Arc::clone(&table));
        (table, removed)
    }
}

impl Table {
    /// A table that this many entries fill to three fifths. It is built anew at three quarters.
    fn with_room_for(entries: usize, bounded: bool) -> Self {
        if entries == 0 {
            return Self::default();
        }
        let size = (entries / 3 * 5 + 6).max(SMALLEST);
        let bounds = if bounded { size } else { 0 };
        Self {
            marks: (0..size).map(|_| AtomicU8::new(EMPTY)).collect(),
            slots: (0..size).map(|_| Slot::default()).collect(),
            bounds: (0..bounds).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn get(&self, print: u64, tag: u32) -> Option<u64> {
        let slot = self.find(print, tag)?;
        let bound = self.bound(slot);
        let same = self.marks[slot].load(Ordering::Acquire) == mark(print)
            && self.slots[slot].is(print, tag);
        same.then_some(bound)
    }

    fn find(&self, print: u64, tag: u32) -> Option<usize> {
        let size = self.marks.len();
        let mark = mark(print);
        let mut slot = home(tag, size);
        for _ in 0..size {
            let found = self.marks[slot].load(Ordering::Acquire);
            if found == EMPTY {
                return None;
            }
            if found == mark && self.slots[slot].is(print, tag) {
                return Some(slot);
            }
            slot += 1;
            if slot == size {
                slot = 0;
            }
        }
        None
    }

    /// Fills the first free slot; true if it was a gravestone. There must be a free one.
    fn place(&self, print: u64, value: u64, bound: u64) -> bool {
        let size = self.marks.len();
        let home = home(value as u32, size);
        for slot in (home..size).chain(0..home) {
            let found = self.marks[slot].load(Ordering::Relaxed);
            if found <= GRAVE {
                if let Some(own) = self.bounds.get(slot) {
                    own.store(bound, Ordering::Release);
                }
                self.slots[slot].value.store(value, Ordering::Release);
                self.slots[slot].print.store(print, Ordering::Release);
                self.marks[slot].store(mark(print), Ordering::Release);
                return found == GRAVE;
            }
        }
        false
    }

    fn strengthen(&self, slot: usize, entry: &Entry, now: u64) {
        let own = &self.slots[slot].value;
        let value = own.load(Ordering::Relaxed);
        let (mut bound, mut until) = (entry.bound, entry.keep_until);
        if !expired(value, now) {
            bound = bound.max(self.bound(slot));
            until = until.max(keep_until(value));
        }
        if let Some(own) = self.bounds.get(slot) {
            own.store(bound, Ordering::Release);
        }
        own.store(pack(until, value as u32), Ordering::Release);
    }

    /// Frees a slot; yields how many slots are not even gravestones any more.
    ///
    /// A gravestone before an empty slot is on nobody's way.
    fn bury(&self, slot: usize) -> usize {
        let size = self.marks.len();
        self.marks[slot].store(GRAVE, Ordering::Release);
        if self.marks[(slot + 1) % size].load(Ordering::Relaxed) != EMPTY {
            return 0;
        }
        let mut cleared = 0;
        let mut slot = slot;
        while self.marks[slot].load(Ordering::Relaxed) == GRAVE {
            self.marks[slot].store(EMPTY, Ordering::Release);
            cleared += 1;
            slot = slot.checked_sub(1).unwrap_or(size - 1);
        }
        cleared
    }

    fn bound(&self, slot: usize) -> u64 {
        let bound = self.bounds.get(slot);
        bound.map_or(0, |bound| bound.load(Ordering::Acquire))
    }

    fn entries(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        let slots = self.marks.iter().zip(&self.slots).enumerate();
        slots.filter_map(|(number, (mark, slot))| {
            let print = slot.print.load(Ordering::Relaxed);
            let value = slot.value.load(Ordering::Relaxed);
            let taken = mark.load(Ordering::Relaxed) > GRAVE;
            taken.then(|| (print, value, self.bound(number)))
        })
    }
}

impl Slot {
    fn is(&self, print: u64, tag: u32) -> bool {
        // Acquire, so that a bound read after this is the entry's.
        self.print.load(Ordering::Acquire) == print
            && self.value.load(Ordering::Acquire) as u32 == tag
    }
}

fn home(tag: u32, size: usize) -> usize {
    ((u64::from(tag) * size as u64) >> 32) as usize
}

/// The mark of an entry: neither of the two that tell a free slot.
fn mark(print: u64) -> u8 {
    ((print >> 56) as u8).max(GRAVE + 1)
}

fn tag(print: Fingerprint) -> u32 {
    print.first as u32
}

fn pack(keep_until: u32, tag: u32) -> u64 {
    (u64::from(keep_until) << 32) | u64::from(tag)
}

fn keep_until(value: u64) -> u32 {
    (value >> 32) as u32
}

fn expired(value: u64, now: u64) -> bool {
    let until = keep_until(value);
    until != FOREVER && u64::from(until) <= now
}

#[cfg(all(test, tower_bearer_loom))]
mod model;

#[cfg(all(test, not(tower_bearer_loom)))]
mod tests {
    use super::*;

    fn entry(id: u64, keep_until: u32, bound: u64) -> Entry {
        // Few homes, so that runs are long and collide.
        let print = Fingerprint { first: (id % 7) << 29, second: id };
        Entry { print, keep_until, bound }
    }

    fn insert(shard: &Shard, entry: &Entry, now: u64) -> usize {
        let inserted = shard.insert(entry, now, || true);
        assert!(inserted.stored);
        inserted.removed
    }

    #[test]
    fn colliding_homes_and_odd_prints_are_kept_apart() {
        let shard = Shard::new(true);
        for id in 2..500 {
            insert(&shard, &entry(id, FOREVER, id), 0);
        }
        for id in 2..500 {
            assert_eq!(shard.get(entry(id, 0, 0).print), Some(id));
        }
        for id in 500..1000 {
            assert_eq!(shard.get(entry(id, 0, 0).print), None);
        }
        for id in [0, 1, 1 << 56, u64::MAX] {
            let shard = Shard::new(false);
            assert_eq!(shard.get(entry(id, 0, 0).print), None);
            insert(&shard, &entry(id, FOREVER, 0), 0);
            assert_eq!(shard.get(entry(id, 0, 0).print), Some(0));
        }
    }

    #[test]
    fn removing_entries_never_hides_their_neighbours() {
        let shard = Shard::new(false);
        let until = |id: u64| if id.is_multiple_of(3) { 10 } else { FOREVER };
        for id in 2..300 {
            insert(&shard, &entry(id, until(id), 0), 0);
        }
        let mut removed = 0;
        for round in 0..200 {
            removed += shard.sweep(7, 10).removed;
            removed += insert(&shard, &entry(1000 + round, FOREVER, 0), 10);
            for id in (2..300).filter(|id| id % 3 != 0) {
                assert!(shard.get(entry(id, 0, 0).print).is_some(), "{id}");
            }
        }
        removed += shard.purge(10).removed;
        assert_eq!(removed, (2..300).filter(|id| id % 3 == 0).count());
        assert_eq!(shard.get(entry(3, 0, 0).print), None);
    }

    #[test]
    fn a_weaker_revocation_changes_nothing_and_an_expired_one_is_replaced() {
        let shard = Shard::new(true);
        insert(&shard, &entry(9, 100, 50), 0);
        insert(&shard, &entry(9, 40, 20), 0);
        assert_eq!(shard.get(entry(9, 0, 0).print), Some(50));
        assert_eq!(shard.purge(99).removed, 0);
        insert(&shard, &entry(9, 200, 20), 100);
        assert_eq!(shard.get(entry(9, 0, 0).print), Some(20));
        assert_eq!(shard.purge(199).earliest, 200);
        assert_eq!(shard.purge(200).removed, 1);
    }

    #[test]
    fn memory_follows_what_is_in_force() {
        let shard = Shard::new(false);
        for id in 2..10_000_u64 {
            insert(&shard, &entry(id.wrapping_mul(0x9E37_79B9), 10, 0), 0);
        }
        shard.purge(10);
        assert_eq!(shard.table.load().marks.len(), 0);
        // A steady flow: a tenth is in force at any time.
        for id in 2..20_000_u64 {
            let now = 20 + id;
            let keep_until = u32::try_from(now + 100).unwrap();
            insert(&shard, &entry(id, keep_until, 0), now);
            shard.sweep(64, now);
        }
        assert!(shard.table.load().marks.len() < 1000);
    }

    #[test]
    fn no_room_leaves_no_trace() {
        let shard = Shard::new(false);
        assert!(!shard.insert(&entry(5, FOREVER, 0), 0, || false).stored);
        assert_eq!(shard.get(entry(5, 0, 0).print), None);
    }
}
