//! [`Chain`]: how far the log was read, and whether what was acknowledged to this node is in it.

use std::collections::VecDeque;

use super::log::{LogHead, LogId, LogItem};

/// How many of the last items' ids are remembered, to find what is acknowledged after it was read.
const RECENT: usize = 16_384;
/// How many acknowledged places may wait to be read.
const AWAITED: usize = 4_096;

/// Each item names the one before it, so what was read is one unbroken chain. A place that was
/// acknowledged to this node has to come by in it, or it was lost.
#[derive(Default)]
pub(super) struct Chain {
    epoch: Box<str>,
    /// `None` until the copy was loaded.
    last: Option<LogId>,
    /// In the order of their ids.
    recent: VecDeque<LogId>,
    awaited: Vec<LogId>,
    /// Whether an acknowledged place is known not to be in the chain.
    lost: bool,
    /// Whether that cannot be told any more.
    unsure: bool,
}

/// What the first item after a place tells of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// It is in the log's history.
    Kept,
    /// It was taken back.
    Lost,
    /// The log is too short to tell.
    Unknown,
}

impl Chain {
    pub(super) const fn last(&self) -> Option<LogId> {
        self.last
    }

    /// Takes an epoch that was made since, if there was none. False if there was another.
    pub(super) fn is_of(&mut self, epoch: &str) -> bool {
        if self.epoch.is_empty() {
            self.epoch = epoch.into();
        }
        *self.epoch == *epoch
    }

    /// This node was told that what it revoked is in force at this place.
    pub(super) fn acknowledged(&mut self, id: LogId) {
        match self.last {
            _ if id == LogId::START => {}
            Some(last) if !last.is_before(&id) => self.look_up(&id),
            _ if self.awaited.contains(&id) => {}
            _ if self.awaited.len() < AWAITED => self.awaited.push(id),
            _ => self.unsure = true,
        }
    }

    /// The last place that was read or acknowledged.
    pub(super) fn own(&self) -> Option<LogId> {
        self.last.iter().chain(&self.awaited).max_by_key(|id| id.place()).copied()
    }

    /// Goes on by an item; false if it does not follow what was read.
    #[must_use]
    pub(super) fn advance(&mut self, item: &LogItem) -> bool {
        if self.last != Some(item.previous) || !item.previous.is_before(&item.id) {
            return false;
        }
        self.last = Some(item.id);
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(item.id);
        let due: Vec<_> = self.awaited.extract_if(.., |id| !item.id.is_before(id)).collect();
        due.iter().for_each(|id| self.look_up(id));
        true
    }

    /// Whether everything that was read and acknowledged is in the log for all that is known.
    pub(super) const fn is_sound(&self) -> bool {
        !self.lost && !self.unsure
    }

    pub(super) const fn has_lost(&self) -> bool {
        self.lost
    }

    /// Whether a place that is not after what was read is part of it.
    pub(super) fn has(&self, id: &LogId) -> bool {
        let found = self.recent.binary_search_by_key(&id.place(), LogId::place);
        found.is_ok_and(|at| self.recent.get(at) == Some(id))
    }

    /// How many acknowledged places wait to be read.
    pub(super) const fn waiting(&self) -> usize {
        self.awaited.len()
    }

    /// Begins anew where everything was loaded. The first `asked` of what waits was acknowledged
    /// before the log was asked where it stands: what is not there by then is lost. If all was
    /// `compared` with what is known here, that is settled.
    pub(super) fn restart(&mut self, head: &LogHead, asked: usize, compared: bool) {
        self.awaited.drain(..asked.min(self.awaited.len()));
        let due: Vec<_> = self.awaited.extract_if(.., |id| !head.last.is_before(id)).collect();
        self.epoch = head.epoch.clone();
        self.last = Some(head.last);
        self.recent = VecDeque::from([head.last]);
        self.lost = false;
        self.unsure = !compared && due.iter().any(|id| *id != head.last);
    }

    fn look_up(&mut self, id: &LogId) {
        if self.has(id) {
            return;
        }
        match self.recent.front() {
            Some(first) if !id.is_before(first) => self.lost = true,
            _ => self.unsure = true,
        }
    }
}

/// What became of the item at a place that was read or acknowledged: by where the log stands and the
/// first item after it that is left.
pub(super) fn fate(own: LogId, head: &LogHead, next: Option<&LogItem>) -> Fate {
    if head.last == own || own == LogId::START {
        return Fate::Kept;
    }
    if !own.is_before(&head.last) {
        return Fate::Lost;
    }
    match next {
        None => Fate::Unknown,
        Some(next) if next.previous == own => Fate::Kept,
        // It was trimmed, and what became of it before that cannot be told.
        Some(next) if own.is_before(&next.previous) => Fate::Unknown,
        Some(_) => Fate::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;
    use crate::revocation::Revocation;
    use crate::revocation::replica::LogEntry;

    fn id(at: u64) -> LogId {
        LogId::new(at, 0, at)
    }

    fn item(previous: u64, own: u64) -> LogItem {
        let entry = LogEntry::from(&Revocation::token("t", UnixTime::MAX));
        LogItem { id: id(own), previous: id(previous), entry }
    }

    fn head(last: LogId) -> LogHead {
        LogHead { epoch: "e".into(), last, beat: "".into() }
    }

    #[test]
    fn the_first_item_that_is_left_tells_loss_from_trimming() {
        let at = |next: Option<LogItem>| fate(id(5), &head(id(9)), next.as_ref());
        assert_eq!(at(Some(item(5, 7))), Fate::Kept);
        assert_eq!(at(Some(item(3, 7))), Fate::Lost);
        assert_eq!(at(Some(item(6, 7))), Fate::Unknown);
        assert_eq!(at(None), Fate::Unknown);
        assert_eq!(fate(id(5), &head(id(5)), None), Fate::Kept);
        assert_eq!(fate(id(5), &head(id(4)), None), Fate::Lost);
        // Two primaries gave different items the same id.
        let twin = LogId::new(5, 0, 99);
        assert_eq!(fate(id(5), &head(twin), None), Fate::Lost);
        let after = LogItem { previous: twin, ..item(5, 7) };
        assert_eq!(at(Some(after)), Fate::Lost);
    }

    #[test]
    fn what_was_acknowledged_has_to_come_by() {
        let loaded = || {
            let mut chain = Chain::default();
            chain.restart(&head(id(1)), 0, true);
            chain
        };
        let mut chain = loaded();
        chain.acknowledged(id(3));
        assert_eq!(chain.own(), Some(id(3)));
        assert!(chain.advance(&item(1, 2)) && chain.advance(&item(2, 3)));
        assert!(chain.is_sound() && chain.awaited.is_empty());
        // Read before it was acknowledged.
        chain.acknowledged(id(2));
        assert!(chain.is_sound());

        let mut chain = loaded();
        chain.acknowledged(id(3));
        assert!(chain.advance(&item(1, 4)));
        assert!(chain.has_lost());

        let mut chain = loaded();
        chain.acknowledged(LogId::new(3, 0, 99));
        assert!(chain.advance(&item(1, 3)));
        assert!(chain.has_lost(), "another item has its id");

        let mut chain = loaded();
        assert!(chain.advance(&item(1, 4)));
        chain.acknowledged(id(3));
        assert!(chain.has_lost(), "it was passed over before it was acknowledged");

        let mut chain = Chain::default();
        chain.restart(&head(id(5)), 0, true);
        chain.acknowledged(id(4));
        assert!(!chain.is_sound() && !chain.has_lost(), "from before the load: who knows");
        chain.restart(&head(id(9)), 0, true);
        assert!(chain.is_sound());
    }

    #[test]
    fn a_loss_is_found_once() {
        let mut chain = Chain::default();
        chain.restart(&head(id(1)), 0, true);
        chain.acknowledged(id(9));
        let asked = chain.waiting();
        chain.acknowledged(id(12));
        chain.restart(&head(id(4)), asked, true);
        assert_eq!(chain.own(), Some(id(12)), "that may still come");
        assert!(chain.advance(&item(4, 11)) && chain.is_sound());
    }

    #[test]
    fn a_broken_chain_is_not_followed() {
        let mut chain = Chain::default();
        assert!(!chain.advance(&item(0, 1)), "nothing was loaded");
        chain.restart(&head(id(1)), 0, true);
        assert!(!chain.advance(&item(2, 3)));
        assert!(!chain.advance(&item(1, 1)), "ids rise");
        assert_eq!(chain.last(), Some(id(1)));
    }

    #[test]
    fn it_holds_no_more_than_it_may() {
        let mut chain = Chain::default();
        chain.restart(&head(LogId::START), 0, true);
        for at in 1..=(RECENT as u64 + 10) {
            assert!(chain.advance(&LogItem { previous: chain.last().unwrap(), ..item(0, at) }));
        }
        assert_eq!(chain.recent.len(), RECENT);
        for at in 0..=AWAITED as u64 {
            chain.acknowledged(id(1_000_000 + at));
        }
        assert_eq!(chain.awaited.len(), AWAITED);
        assert!(!chain.is_sound());
    }
}
