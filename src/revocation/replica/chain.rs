//! [`Chain`]: how far the log was read, and whether what was acknowledged to this node is in it.

use std::collections::VecDeque;

use super::log::{LogHead, LogId, LogItem};
use super::name::LogEntry;

/// How many of the last items' ids are remembered, to find what is acknowledged after it was read.
const RECENT: usize = 16_384;
/// How many acknowledged places may wait to be read.
const AWAITED: usize = 4_096;
/// How many entries that are acknowledged during a load are remembered.
const MEANWHILE: usize = 65_536;

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
    /// What was acknowledged since a load began, if that is known whole.
    meanwhile: Option<Vec<LogEntry>>,
}

/// What was known when a load began.
pub(super) struct Before {
    /// The places that the log has to have: the last one that was read and those that are awaited.
    pub(super) places: Vec<LogId>,
    /// How many of them wait to be read.
    waiting: usize,
    /// Whether one is known not to be there.
    pub(super) lost: bool,
}

/// What the first item after a place tells of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
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

    /// This node was told that these are in force at this place.
    pub(super) fn acknowledged(&mut self, entries: &[LogEntry], id: LogId) {
        if let Some(meanwhile) = &mut self.meanwhile
            && id != LogId::START
        {
            meanwhile.extend(entries);
            if meanwhile.len() > MEANWHILE {
                self.meanwhile = None;
            }
        }
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

    /// Whether a place that is not after what was read is part of it.
    pub(super) fn has(&self, id: &LogId) -> bool {
        let found = self.recent.binary_search_by_key(&id.place(), LogId::place);
        found.is_ok_and(|at| self.recent.get(at) == Some(id))
    }

    /// A load begins.
    pub(super) fn begin(&mut self) -> Before {
        self.meanwhile = Some(Vec::new());
        let places = self.last.iter().chain(&self.awaited);
        Before {
            places: places.filter(|id| **id != LogId::START).copied().collect(),
            waiting: self.awaited.len(),
            lost: self.lost,
        }
    }

    /// Goes on from where everything was loaded. What waited before the load began was acknowledged
    /// before the log was asked where it stands: what is not there by then is lost. If all was
    /// `compared` with what is known here, that is settled.
    pub(super) fn restart(&mut self, head: &LogHead, before: &Before, compared: bool) {
        self.awaited.drain(..before.waiting.min(self.awaited.len()));
        let due: Vec<_> = self.awaited.extract_if(.., |id| !head.last.is_before(id)).collect();
        self.epoch = head.epoch.clone();
        self.last = Some(head.last);
        self.recent = VecDeque::from([head.last]);
        self.lost = false;
        self.unsure = !compared && due.iter().any(|id| *id != head.last);
    }

    /// What was acknowledged since the load began, or since this was last asked: it need not be in
    /// what was loaded, and is awaited in the log. `None` if it was too much.
    pub(super) fn meanwhile(&mut self) -> Option<Vec<LogEntry>> {
        self.meanwhile.as_mut().map(std::mem::take)
    }

    /// The load is over.
    pub(super) fn end(&mut self) {
        self.meanwhile = None;
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

/// Finds out whether the log has lost one of some places, from its items in their order.
pub(super) struct Search {
    head: LogId,
    /// The places that are still open, the earliest last.
    open: Vec<LogId>,
    lost: bool,
}

impl Search {
    pub(super) fn new(mut places: Vec<LogId>, head: &LogHead) -> Self {
        let head = head.last;
        let lost = places.iter().any(|id| !id.is_before(&head) && *id != head);
        places.retain(|id| id.is_before(&head));
        places.sort_by_key(|id| std::cmp::Reverse(id.place()));
        Self { head, open: places, lost }
    }

    /// After which place to read on; `None` if that would tell nothing more.
    pub(super) fn from(&self) -> Option<LogId> {
        if self.lost { None } else { self.open.last().copied() }
    }

    /// The next items after [`from`](Self::from). If there is none the log was cut off, and nothing
    /// can be told.
    pub(super) fn take(&mut self, items: &[LogItem]) {
        if items.is_empty() {
            self.open.clear();
        }
        for item in items {
            while let Some(place) = self.open.pop_if(|place| !item.id.is_before(place)) {
                let fate = if place.is_before(&item.id) {
                    fate(place, self.head, Some(item))
                } else if place == item.id {
                    Fate::Kept
                } else {
                    Fate::Lost
                };
                self.lost |= fate == Fate::Lost;
            }
        }
    }

    pub(super) const fn has_lost(&self) -> bool {
        self.lost
    }
}

/// What became of the item at a place that was read or acknowledged: by where the log stands and the
/// first item after it that is left.
fn fate(own: LogId, head: LogId, next: Option<&LogItem>) -> Fate {
    if head == own || own == LogId::START {
        return Fate::Kept;
    }
    if !own.is_before(&head) {
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

    fn begun_and_restarted(chain: &mut Chain, last: LogId) {
        let before = chain.begin();
        chain.restart(&head(last), &before, true);
    }

    fn loaded() -> Chain {
        let mut chain = Chain::default();
        begun_and_restarted(&mut chain, id(1));
        chain
    }

    #[test]
    fn the_first_item_that_is_left_tells_loss_from_trimming() {
        let at = |next: Option<LogItem>| fate(id(5), id(9), next.as_ref());
        assert_eq!(at(Some(item(5, 7))), Fate::Kept);
        assert_eq!(at(Some(item(3, 7))), Fate::Lost);
        assert_eq!(at(Some(item(6, 7))), Fate::Unknown);
        assert_eq!(at(None), Fate::Unknown);
        assert_eq!(fate(id(5), id(5), None), Fate::Kept);
        assert_eq!(fate(id(5), id(4), None), Fate::Lost);
        // Two primaries gave different items the same id.
        let twin = LogId::new(5, 0, 99);
        assert_eq!(fate(id(5), twin, None), Fate::Lost);
        let after = LogItem { previous: twin, ..item(5, 7) };
        assert_eq!(at(Some(after)), Fate::Lost);
    }

    #[test]
    fn each_place_is_looked_for() {
        let log = [item(1, 2), item(2, 4), item(4, 5), item(5, 8), item(8, 9)];
        let lost = |places: &[LogId], log: &[LogItem]| {
            let mut search = Search::new(places.to_vec(), &head(id(9)));
            while let Some(from) = search.from() {
                let after = log.iter().filter(|item| from.is_before(&item.id));
                // A few at a time.
                search.take(&after.take(2).cloned().collect::<Vec<_>>());
            }
            search.has_lost()
        };
        assert!(!lost(&[], &log));
        assert!(!lost(&[id(9), id(2), id(1), id(8)], &log));
        assert!(lost(&[id(2), id(3), id(9)], &log), "the first and the last are there");
        assert!(lost(&[id(2), LogId::new(5, 0, 99)], &log), "another item has its id");
        assert!(lost(&[id(10)], &log) && lost(&[LogId::new(9, 0, 99)], &log));
        // Cut off: of what was before, nothing can be told.
        assert!(!lost(&[id(2), id(3)], &log[3..]));
        assert!(lost(&[id(3), id(7)], &log[3..]));
        assert!(!lost(&[id(3)], &[]));
    }

    #[test]
    fn what_was_acknowledged_has_to_come_by() {
        let mut chain = loaded();
        chain.acknowledged(&[], id(3));
        assert_eq!(chain.own(), Some(id(3)));
        assert!(chain.advance(&item(1, 2)) && chain.advance(&item(2, 3)));
        assert!(chain.is_sound() && chain.awaited.is_empty());
        // Read before it was acknowledged.
        chain.acknowledged(&[], id(2));
        assert!(chain.is_sound());

        let mut chain = loaded();
        chain.acknowledged(&[], id(3));
        assert!(chain.advance(&item(1, 4)));
        assert!(chain.lost);

        let mut chain = loaded();
        chain.acknowledged(&[], LogId::new(3, 0, 99));
        assert!(chain.advance(&item(1, 3)));
        assert!(chain.lost, "another item has its id");

        let mut chain = loaded();
        assert!(chain.advance(&item(1, 4)));
        chain.acknowledged(&[], id(3));
        assert!(chain.lost, "it was passed over before it was acknowledged");

        let mut chain = Chain::default();
        begun_and_restarted(&mut chain, id(5));
        chain.acknowledged(&[], id(4));
        assert!(!chain.is_sound() && !chain.lost, "from before the load: who knows");
        begun_and_restarted(&mut chain, id(9));
        assert!(chain.is_sound());
    }

    #[test]
    fn a_loss_is_found_once() {
        let mut chain = loaded();
        chain.acknowledged(&[], id(9));
        let before = chain.begin();
        assert_eq!(before.places, [id(1), id(9)]);
        let late = item(0, 12).entry;
        chain.acknowledged(&[late], id(12));
        chain.restart(&head(id(4)), &before, true);
        assert_eq!(chain.meanwhile(), Some(vec![late]));
        assert_eq!(chain.meanwhile(), Some(vec![]));
        chain.end();
        assert_eq!(chain.meanwhile(), None);
        assert_eq!(chain.own(), Some(id(12)), "that may still come");
        assert!(chain.advance(&item(4, 11)) && chain.is_sound());
        assert!(chain.advance(&item(11, 13)) && !chain.is_sound());
    }

    #[test]
    fn what_comes_during_a_load_is_remembered_up_to_a_bound() {
        let mut chain = loaded();
        let many = vec![item(0, 1).entry; MEANWHILE + 1];
        chain.acknowledged(&many, id(9));
        chain.begin();
        chain.acknowledged(&many[1..], id(9));
        assert_eq!(chain.meanwhile().map(|all| all.len()), Some(MEANWHILE));
        chain.acknowledged(&many, id(9));
        assert_eq!(chain.meanwhile(), None);
    }

    #[test]
    fn a_broken_chain_is_not_followed() {
        let mut chain = Chain::default();
        assert!(!chain.advance(&item(0, 1)), "nothing was loaded");
        begun_and_restarted(&mut chain, id(1));
        assert!(!chain.advance(&item(2, 3)));
        assert!(!chain.advance(&item(1, 1)), "ids rise");
        assert_eq!(chain.last(), Some(id(1)));
    }

    #[test]
    fn it_holds_no_more_than_it_may() {
        let mut chain = Chain::default();
        begun_and_restarted(&mut chain, LogId::START);
        for at in 1..=(RECENT as u64 + 10) {
            assert!(chain.advance(&LogItem { previous: chain.last().unwrap(), ..item(0, at) }));
        }
        assert_eq!(chain.recent.len(), RECENT);
        for at in 0..=AWAITED as u64 {
            chain.acknowledged(&[], id(1_000_000 + at));
        }
        assert_eq!(chain.awaited.len(), AWAITED);
        assert!(!chain.is_sound());
    }
}
