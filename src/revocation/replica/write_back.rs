//! [`WriteBack`]: what the log may have lost, given back a little at a time.

use std::time::Duration;

use super::name::LogEntry;
use super::table::Table;

/// How long one slice may take, about. It may be the network that takes it, and then small slices
/// only make it slower: so they are never very small.
const SLICE: Duration = Duration::from_millis(10);
const SMALLEST: usize = 64;
const LARGEST: usize = 512;

/// What the log had when it was loaded, beside what this node knows. What it lacked is written back
/// in slices that take a few milliseconds each; between them the log is read, and what others wrote
/// back meanwhile need not be written again.
pub(super) struct WriteBack {
    /// What the log has, for all that was read of it.
    has: Table,
    /// Nodes begin at different parts.
    part: usize,
    parts_left: usize,
    slice: Vec<LogEntry>,
    size: usize,
    /// By the replica's time.
    pub(super) not_before: Duration,
    /// Whether the loss was counted.
    pub(super) counted: bool,
}

impl WriteBack {
    pub(super) fn new(has: Table, part: usize) -> Self {
        Self {
            has,
            part: part % Table::PARTS,
            parts_left: Table::PARTS,
            slice: Vec::new(),
            size: SMALLEST * 2,
            not_before: Duration::ZERO,
            counted: false,
        }
    }

    /// Whether the log lacks anything.
    pub(super) async fn lacks_any(&mut self, known: &Table, now: u64) -> bool {
        self.find(known, now).await;
        !self.slice.is_empty()
    }

    /// The log has this.
    pub(super) fn note(&self, entry: &LogEntry, now: u64) {
        self.has.insert(entry, now);
    }

    /// What to write next; empty when all is done. `now` is in seconds since 1970.
    pub(super) async fn next(&mut self, known: &Table, now: u64) -> Vec<LogEntry> {
        self.find(known, now).await;
        let first = self.slice.len().saturating_sub(self.size);
        self.slice.split_off(first)
    }

    async fn find(&mut self, known: &Table, now: u64) {
        // It may have come by in the log since it was found to be lacking.
        self.slice.retain(|entry| !self.has.holds(entry));
        // Parts may be small: a slice has as many of them as fit.
        while self.slice.len() < self.size && self.parts_left > 0 {
            let lacking = known.part(self.part, now).filter(|entry| !self.has.holds(entry));
            self.slice.extend(lacking);
            self.part = (self.part + 1) % Table::PARTS;
            self.parts_left -= 1;
            if self.parts_left.is_multiple_of(32) {
                tokio::task::yield_now().await;
            }
        }
    }

    /// These were written, and it took this long.
    pub(super) fn written(&mut self, entries: &[LogEntry], took: Duration, now: u64) {
        entries.iter().for_each(|entry| self.note(entry, now));
        if took > SLICE * 2 {
            self.size = (self.size / 2).max(SMALLEST);
        } else if took < SLICE / 2 {
            self.size = (self.size * 2).min(LARGEST);
        }
    }

    /// These were refused.
    pub(super) fn refused(&mut self, entries: Vec<LogEntry>) {
        self.slice.extend(entries);
        self.size = (self.size / 2).max(SMALLEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;
    use crate::revocation::Revocation;
    use futures_util::FutureExt;

    fn entry(id: usize) -> LogEntry {
        LogEntry::from(&Revocation::token(id.to_string(), UnixTime::from_secs(100)))
    }

    fn all(work: &mut WriteBack, known: &Table) -> usize {
        let mut written = 0;
        loop {
            let mut next = Box::pin(work.next(known, 0));
            let slice = loop {
                if let Some(slice) = (&mut next).now_or_never() {
                    break slice;
                }
            };
            drop(next);
            if slice.is_empty() {
                return written;
            }
            assert!(slice.len() <= LARGEST);
            work.written(&slice, Duration::ZERO, 0);
            written += slice.len();
        }
    }

    #[test]
    fn only_what_is_lacking_is_written_and_once() {
        let (known, has) = (Table::new(usize::MAX), Table::new(usize::MAX));
        for id in 0..5_000 {
            known.insert(&entry(id), 0);
            if id % 5 != 0 {
                has.insert(&entry(id), 0);
            }
        }
        let mut work = WriteBack::new(has, 0);
        assert!(work.lacks_any(&known, 0).now_or_never().is_some_and(|any| any));
        (work.part, work.parts_left) = (77, Table::PARTS);
        work.slice.clear();
        (0..500).step_by(5).for_each(|id| work.note(&entry(id), 0));
        assert_eq!(all(&mut work, &known), 900);
    }

    #[test]
    fn what_is_little_is_one_slice() {
        let known = Table::new(usize::MAX);
        for id in 0..100 {
            known.insert(&entry(id), 0);
        }
        let mut work = WriteBack::new(Table::new(usize::MAX), 77);
        let mut next = Box::pin(work.next(&known, 0));
        let slice = loop {
            if let Some(slice) = (&mut next).now_or_never() {
                break slice;
            }
        };
        assert_eq!(slice.len(), 100);
    }

    #[test]
    fn slices_fit_the_time_they_take() {
        let mut work = WriteBack::new(Table::new(9), 0);
        for _ in 0..10 {
            work.written(&[], Duration::from_millis(1), 0);
        }
        assert_eq!(work.size, LARGEST);
        for _ in 0..10 {
            work.written(&[], Duration::from_millis(100), 0);
        }
        assert_eq!(work.size, SMALLEST);
    }
}
