//! [`Table`]: the revocations that a replica knows, searched without locks.
//!
//! The shards are those of the memory store. What differs is what stands in them: the digest of a
//! name itself, so that an entry can be written back to Redis.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use crate::redis_store::name::{KINDS, Name, Value};
use crate::revocation::{Entry, Fingerprint, Shard, TokenIdentity, random};

const SHARDS: usize = 16;

pub(super) struct Table {
    shards: Box<[Shard]>,
    /// One bit for each kind that was ever revoked, so that others are not looked for.
    seen: AtomicU8,
    entries: AtomicUsize,
    capacity: usize,
    /// The shard that is swept next.
    hand: AtomicUsize,
    secret: u64,
}

impl Table {
    pub(super) fn new(capacity: usize) -> Self {
        let kinds = (0_u8..8).map(Name::is_bounded);
        let shards = kinds.flat_map(|bounded| (0..SHARDS).map(move |_| Shard::new(bounded)));
        Self {
            shards: shards.collect(),
            seen: AtomicU8::new(0),
            entries: AtomicUsize::new(0),
            capacity,
            hand: AtomicUsize::new(0),
            secret: random(),
        }
    }

    /// Whether an entry covers the token.
    #[inline]
    pub(super) fn revoked(&self, token: &TokenIdentity<'_>) -> bool {
        let seen = self.seen.load(Ordering::Acquire);
        if seen == 0 {
            return false;
        }
        let mut revoked = false;
        Name::each_of(token, seen, |name| {
            let (shard, print) = self.place(name);
            let bound = self.shards[shard].get(print);
            revoked = bound.is_some_and(|bound| name.covers(bound, token));
            !revoked
        });
        revoked
    }

    /// Adds an entry or strengthens it; false if there is no room. `now` is in seconds since 1970.
    pub(super) fn insert(&self, name: Name, value: Value, now: u64) -> bool {
        if u64::from(value.keep_until) <= now {
            return true;
        }
        let (shard, print) = self.place(name);
        let entry = Entry { print, keep_until: value.keep_until, bound: value.bound };
        self.seen.fetch_or(1 << name.kind, Ordering::Release);
        let more = |entries| (entries < self.capacity).then_some(entries + 1);
        let reserve =
            || self.entries.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        let inserted = self.shards[shard].insert(&entry, now, reserve);
        self.entries.fetch_sub(inserted.removed, Ordering::Relaxed);
        inserted.stored
    }

    /// How many calls of [`sweep`](Self::sweep) come by everything.
    pub(super) const PARTS: usize = KINDS * SHARDS;

    /// Removes what has expired from one part, and from the next one the next time.
    pub(super) fn sweep(&self, now: u64) {
        let hand = self.hand.fetch_add(1, Ordering::Relaxed) % Self::PARTS;
        let swept = self.shards[hand].purge(now);
        self.entries.fetch_sub(swept.removed, Ordering::Relaxed);
    }

    pub(super) fn len(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// Whether there is room worth loading everything anew for.
    pub(super) fn has_room(&self) -> bool {
        self.len() < self.capacity - self.capacity / 16
    }

    /// The entries that are in force, a part at a time.
    pub(super) fn parts(&self, now: u64) -> impl Iterator<Item = Vec<(Name, Value)>> {
        (0_u8..).zip(self.shards.chunks(SHARDS)).flat_map(move |(kind, shards)| {
            shards.iter().map(move |shard| {
                let entries = shard.entries(now).into_iter();
                entries.map(|entry| self.read(kind, &entry)).collect()
            })
        })
    }

    /// Where a name stands. Who may choose identifiers knows their digests, so the home of an
    /// entry is scrambled by a secret, in a way that can be undone.
    fn place(&self, name: Name) -> (usize, Fingerprint) {
        let [a, b, c, d, print @ ..] = name.digest;
        let print = u64::from_le_bytes(print);
        let tag = u32::from_le_bytes([a, b, c, d]) ^ self.scramble(print);
        let shard = usize::from(name.kind) * SHARDS + (print as usize) % SHARDS;
        (shard, Fingerprint { first: u64::from(tag), second: print })
    }

    fn read(&self, kind: u8, entry: &Entry) -> (Name, Value) {
        let print = entry.print.second;
        let tag = (entry.print.first as u32) ^ self.scramble(print);
        let mut digest = [0; 12];
        digest[..4].copy_from_slice(&tag.to_le_bytes());
        digest[4..].copy_from_slice(&print.to_le_bytes());
        (Name { kind, digest }, Value { keep_until: entry.keep_until, bound: entry.bound })
    }

    fn scramble(&self, print: u64) -> u32 {
        let product = u128::from(print ^ self.secret) * 0x9E37_79B9_7F4A_7C15;
        (product >> 64) as u32 ^ (product >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;
    use crate::revocation::Revocation;

    fn subject(id: u64, keep_until: u64) -> (Name, Value) {
        let until = UnixTime::from_secs(keep_until);
        Name::of(&Revocation::subject(id.to_string(), UnixTime::from_secs(id), until))
    }

    #[test]
    fn every_entry_can_be_read_back() {
        let table = Table::new(usize::MAX);
        let mut entries: Vec<_> = (1..2000).map(|id| subject(id, 100 + id % 2)).collect();
        let until = UnixTime::from_secs(100);
        entries.push(Name::of(&Revocation::token("t", until)));
        entries.push(Name::of(&Revocation::session("s", until).issuer("i")));
        for (name, value) in &entries {
            assert!(table.insert(*name, *value, 0));
        }
        let mut found: Vec<_> = table.parts(0).flatten().collect();
        let key = |entry: &(Name, Value)| (entry.0.kind, entry.0.digest);
        found.sort_by_key(key);
        entries.sort_by_key(key);
        assert_eq!(found, entries);
        assert_eq!(table.parts(100).flatten().count(), 1000);
        (0..Table::PARTS).for_each(|_| table.sweep(100));
        assert_eq!(table.len(), 1000);
    }

    #[test]
    fn a_full_table_says_so_and_keeps_what_it_has() {
        let table = Table::new(2);
        for id in [1, 2] {
            let (name, value) = subject(id, 50);
            assert!(table.insert(name, value, 0));
        }
        let (name, value) = subject(3, 50);
        assert!(!table.insert(name, value, 0));
        assert!(!table.has_room());
        let token = |id| TokenIdentity::new().with_subject(id);
        assert!(table.revoked(&token("1")) && table.revoked(&token("2")));
        assert!(!table.revoked(&token("3")));
        (0..Table::PARTS).for_each(|_| table.sweep(50));
        assert!(table.insert(name, value, 49));
        assert!(table.revoked(&token("3")));
    }
}
