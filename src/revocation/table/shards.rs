//! [`Shards`]: a bounded number of entries, spread so that writers rarely meet.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::shard::{Entry, FOREVER, Inserted, Shard, Swept};
use crate::revocation::fingerprint::Fingerprint;
use crate::revocation::identity::TokenIdentity;
use crate::revocation::marker::{Class, Classes, Marker};

/// How many shards each class of revocations has.
const EACH: usize = 64;

/// Entries of every class. What stands for an identifier is up to whoever looks it up.
pub(in crate::revocation) struct Shards {
    shards: Box<[Shard]>,
    /// Which classes were ever revoked, so that others are not looked for.
    seen: AtomicU32,
    capacity: usize,
    written: Written,
}

/// What writers change, away from what readers read.
#[repr(align(128))]
struct Written {
    entries: AtomicUsize,
    /// The shard that is swept next, of those that may hold anything.
    hand: AtomicUsize,
}

impl Shards {
    /// How many parts everything consists of.
    pub(in crate::revocation) const PARTS: usize = Class::COUNT * EACH;

    pub(in crate::revocation) fn new(capacity: usize) -> Self {
        let each = |class: Class| (0..EACH).map(move |_| Shard::new(class.is_bounded()));
        Self {
            shards: Class::all().flat_map(each).collect(),
            seen: AtomicU32::new(0),
            capacity,
            written: Written { entries: AtomicUsize::new(0), hand: AtomicUsize::new(0) },
        }
    }

    /// Whether an entry covers the token.
    #[inline]
    pub(in crate::revocation) fn cover(
        &self,
        token: &TokenIdentity<'_>,
        mut print: impl FnMut(&Marker<'_>) -> Fingerprint,
    ) -> bool {
        let seen = Classes::from_bits(self.seen.load(Ordering::Acquire));
        if seen.is_empty() {
            return false;
        }
        token.any_marker(seen, |marker| {
            let bound = self.bound(marker.class(), print(&marker));
            bound.is_some_and(|bound| marker.kind.covers(bound, token))
        })
    }

    /// The bound of the entry with this fingerprint; zero where entries have none.
    #[inline]
    pub(in crate::revocation) fn bound(&self, class: Class, print: Fingerprint) -> Option<u64> {
        self.shard(class, print).get(print)
    }

    /// Adds an entry or strengthens it. `now` is in seconds since 1970.
    pub(in crate::revocation) fn insert(&self, class: Class, entry: &Entry, now: u64) -> Inserted {
        self.seen.fetch_or(Classes::of(class), Ordering::Release);
        let entries = &self.written.entries;
        let more = |entries| (entries < self.capacity).then_some(entries + 1);
        let reserve = || entries.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        let inserted = self.shard(class, entry.print).insert(entry, now, reserve);
        entries.fetch_sub(inserted.removed, Ordering::Relaxed);
        inserted
    }

    /// Removes what has expired among the next `slots` of one shard, and of another the next time.
    pub(in crate::revocation) fn sweep(&self, slots: usize, now: u64) {
        let seen = Classes::from_bits(self.seen.load(Ordering::Acquire));
        let used = Class::all().filter(|class| seen.contains(*class));
        let count = used.clone().count() * EACH;
        if count == 0 {
            return;
        }
        let hand = self.written.hand.fetch_add(1, Ordering::Relaxed) % count;
        if let Some(class) = used.clone().nth(hand / EACH) {
            let shard = &self.shards[class.index() * EACH + hand % EACH];
            let swept = shard.sweep(slots, now);
            self.written.entries.fetch_sub(swept.removed, Ordering::Relaxed);
        }
    }

    /// Removes what has expired from one of the [`PARTS`](Self::PARTS).
    pub(in crate::revocation) fn purge_part(&self, part: usize, now: u64) -> Swept {
        let Some(shard) = self.shards.get(part) else {
            return Swept { removed: 0, earliest: FOREVER };
        };
        let swept = shard.purge(now);
        self.written.entries.fetch_sub(swept.removed, Ordering::Relaxed);
        swept
    }

    /// The entries of one of the [`PARTS`](Self::PARTS), without those that expired.
    #[cfg(feature = "replica")]
    pub(in crate::revocation) fn part(
        &self,
        part: usize,
        now: u64,
    ) -> impl Iterator<Item = (Class, Entry)> {
        let class = Class::all().nth(part / EACH);
        let entries = class.and_then(|class| Some((class, self.shards.get(part)?.entries(now))));
        let each = |(class, entries): (Class, Vec<Entry>)| {
            entries.into_iter().map(move |entry| (class, entry))
        };
        entries.into_iter().flat_map(each)
    }

    /// What is kept for this fingerprint: until when, and the bound.
    #[cfg(feature = "replica")]
    pub(in crate::revocation) fn kept(
        &self,
        class: Class,
        print: Fingerprint,
    ) -> Option<(u32, u64)> {
        self.shard(class, print).kept(print)
    }

    pub(in crate::revocation) fn len(&self) -> usize {
        self.written.entries.load(Ordering::Relaxed)
    }

    pub(in crate::revocation) const fn capacity(&self) -> usize {
        self.capacity
    }

    fn shard(&self, class: Class, print: Fingerprint) -> &Shard {
        &self.shards[class.index() * EACH + print.second as usize % EACH]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revocation::marker::Kind;

    const CLASS: Class = Class { kind: Kind::Session, scoped: true };

    fn entry(id: u64, keep_until: u32) -> Entry {
        let second = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Entry { print: Fingerprint { first: id, second }, keep_until, bound: 0 }
    }

    #[test]
    fn sweeping_comes_by_everything_that_is_used() {
        let shards = Shards::new(usize::MAX);
        shards.sweep(usize::MAX, 0);
        for id in 0..1000 {
            assert!(shards.insert(CLASS, &entry(id, 10), 0).stored);
        }
        (0..EACH).for_each(|_| shards.sweep(usize::MAX, 10));
        assert_eq!(shards.len(), 0);
    }

    #[test]
    fn what_is_there_needs_no_room() {
        let shards = Shards::new(1);
        assert!(shards.insert(CLASS, &entry(1, 10), 0).stored);
        assert!(!shards.insert(CLASS, &entry(2, 10), 0).stored);
        assert!(shards.insert(CLASS, &entry(1, 20), 0).stored);
        assert_eq!((shards.len(), shards.capacity()), (1, 1));
        (0..Shards::PARTS).for_each(|part| {
            shards.purge_part(part, 20);
        });
        assert!(shards.insert(CLASS, &entry(2, 30), 20).stored);
    }
}
