//! [`Table`]: the revocations that a replica knows, searched without locks.
//!
//! What stands in it is the digest of a name itself, so that an entry can be written back to the
//! log.

use super::name::{EntryName, LogEntry, Namer};
use crate::revocation::TokenIdentity;
use crate::revocation::fingerprint::{Fingerprint, random};
use crate::revocation::marker::Class;
use crate::revocation::table::{Entry, Shards};

pub(super) struct Table {
    shards: Shards,
    secret: u64,
}

impl Table {
    /// How many parts everything consists of.
    pub(super) const PARTS: usize = Shards::PARTS;

    pub(super) fn new(capacity: usize) -> Self {
        Self { shards: Shards::new(capacity), secret: random() }
    }

    /// Whether an entry covers the token.
    #[inline]
    pub(super) fn revoked(&self, token: &TokenIdentity<'_>) -> bool {
        let mut namer = Namer::default();
        self.shards.cover(token, |marker| self.place(namer.name(marker)))
    }

    /// Adds an entry or strengthens it; false if there is no room. `now` is in seconds since 1970.
    pub(super) fn insert(&self, entry: &LogEntry, now: u64) -> bool {
        if expired(entry, now) {
            return true;
        }
        let LogEntry { name, keep_until, bound } = *entry;
        let entry = Entry { print: self.place(name), keep_until, bound };
        self.shards.insert(name.class, &entry, now).stored
    }

    /// Whether there is an entry of this name that is at least as strong.
    pub(super) fn holds(&self, entry: &LogEntry) -> bool {
        let kept = self.shards.kept(entry.name.class, self.place(entry.name));
        kept.is_some_and(|(until, bound)| until >= entry.keep_until && bound >= entry.bound)
    }

    /// Removes what has expired from one part, and from the next one the next time.
    pub(super) fn sweep(&self, now: u64) {
        self.shards.sweep(usize::MAX, now);
    }

    /// Removes what has expired from one of the [`PARTS`](Self::PARTS).
    pub(super) fn purge_part(&self, part: usize, now: u64) {
        self.shards.purge_part(part, now);
    }

    pub(super) fn len(&self) -> usize {
        self.shards.len()
    }

    /// Whether there is room worth loading everything anew for.
    pub(super) fn has_room(&self) -> bool {
        let capacity = self.shards.capacity();
        self.len() < capacity - capacity / 16
    }

    /// The entries of one of the [`PARTS`](Self::PARTS) that are in force.
    pub(super) fn part(&self, part: usize, now: u64) -> impl Iterator<Item = LogEntry> {
        self.shards.part(part, now).map(|(class, entry)| self.read(class, &entry))
    }

    /// Where a name stands. Who may choose identifiers knows their digests, so the home of an
    /// entry is scrambled by a secret, in a way that can be undone.
    fn place(&self, name: EntryName) -> Fingerprint {
        let [a, b, c, d, print @ ..] = name.digest;
        let print = u64::from_le_bytes(print);
        let tag = u32::from_le_bytes([a, b, c, d]) ^ self.scramble(print);
        Fingerprint { first: u64::from(tag), second: print }
    }

    fn read(&self, class: Class, entry: &Entry) -> LogEntry {
        let print = entry.print.second;
        let tag = (entry.print.first as u32) ^ self.scramble(print);
        let mut digest = [0; 12];
        digest[..4].copy_from_slice(&tag.to_le_bytes());
        digest[4..].copy_from_slice(&print.to_le_bytes());
        let name = EntryName { class, digest };
        LogEntry { name, keep_until: entry.keep_until, bound: entry.bound }
    }

    fn scramble(&self, print: u64) -> u32 {
        let product = u128::from(print ^ self.secret) * 0x9E37_79B9_7F4A_7C15;
        (product >> 64) as u32 ^ (product >> 32) as u32
    }
}

/// Whether an entry need not be kept any more. `now` is in seconds since 1970.
pub(super) fn expired(entry: &LogEntry, now: u64) -> bool {
    entry.keep_until != u32::MAX && u64::from(entry.keep_until) <= now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;
    use crate::revocation::Revocation;

    fn subject(id: u64, keep_until: u64) -> LogEntry {
        let until = UnixTime::from_secs(keep_until);
        LogEntry::from(&Revocation::subject(id.to_string(), UnixTime::from_secs(id), until))
    }

    fn all(table: &Table, now: u64) -> impl Iterator<Item = LogEntry> {
        (0..Table::PARTS).flat_map(move |part| table.part(part, now).collect::<Vec<_>>())
    }

    #[test]
    fn every_entry_can_be_read_back() {
        let table = Table::new(usize::MAX);
        let mut entries: Vec<_> = (1..2000).map(|id| subject(id, 100 + id % 2)).collect();
        let until = UnixTime::from_secs(100);
        entries.push(LogEntry::from(&Revocation::token("t", until)));
        entries.push(LogEntry::from(&Revocation::session("s", until).issuer("i")));
        for entry in &entries {
            assert!(!table.holds(entry));
            assert!(table.insert(entry, 0));
            assert!(table.holds(entry));
        }
        let stronger = subject(7, 500);
        assert!(!table.holds(&stronger));
        let mut found: Vec<_> = all(&table, 0).collect();
        let key = |entry: &LogEntry| entry.name.to_string();
        found.sort_by_key(key);
        entries.sort_by_key(key);
        assert_eq!(found, entries);
        assert_eq!(all(&table, 100).count(), 1000);
        (0..Table::PARTS).for_each(|part| table.purge_part(part, 100));
        assert_eq!(table.len(), 1000);
    }

    #[test]
    fn a_full_table_says_so_and_keeps_what_it_has() {
        let table = Table::new(2);
        for id in [1, 2] {
            assert!(table.insert(&subject(id, 50), 0));
        }
        assert!(!table.insert(&subject(3, 50), 0));
        assert!(!table.has_room());
        let token = |id| TokenIdentity::new().with_subject(id);
        assert!(table.revoked(&token("1")) && table.revoked(&token("2")));
        assert!(!table.revoked(&token("3")));
        (0..Table::PARTS).for_each(|_| table.sweep(50));
        assert!(table.insert(&subject(3, 50), 49));
        assert!(table.revoked(&token("3")));
    }
}
