//! [`Feed`]: the background task that keeps a replica up to date.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::chain::Search;
use super::freshness::Moment;
use super::log::{LogHead, LogId, LogItem, LogReader, RevocationLog};
use super::pace::Pace;
use super::state::Shared;
use super::table::Table;
use super::write_back::WriteBack;
use crate::store::StoreError;

const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How many items are read at once.
const BATCH: usize = 1000;
/// How long to let items gather before the next are read: what a revocation takes to arrive, for
/// one question for many of them.
const GATHER: Duration = Duration::from_millis(15);

pub(super) struct Feed<L> {
    shared: Arc<Shared<L>>,
    pace: Pace,
    /// Where the log stood when it was last looked at, and when that was.
    seen: Option<(LogHead, Moment)>,
    /// Whether everything has to be loaded before the copy may have an age again.
    behind: bool,
    /// What has to be written back.
    work: Option<WriteBack>,
    pause: Duration,
    inspected: Duration,
}

/// What became of an attempt to follow the log.
#[derive(PartialEq, Eq)]
enum Followed {
    /// Everything that there is was read.
    On,
    /// The log does not go on from where it was left, or lacks what was acknowledged.
    Gap,
}

impl<L: RevocationLog> Feed<L> {
    pub(super) fn new(shared: Arc<Shared<L>>, pace: Pace) -> Self {
        Self {
            shared,
            pace,
            seen: None,
            behind: true,
            work: None,
            pause: SHORTEST_PAUSE,
            inspected: Duration::ZERO,
        }
    }

    /// Follows the log for ever, over one connection after another.
    pub(super) async fn run(mut self) {
        loop {
            let Err(error) = self.session().await;
            self.shared.report.connected.store(false, Ordering::Relaxed);
            self.shared.note(&error);
            self.pace.sleep(self.pace.jittered(self.pause)).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE).min(self.longest_pause());
        }
    }

    /// An outage shall not outlast its end by more than a fraction of the staleness allowed.
    fn longest_pause(&self) -> Duration {
        (self.shared.max_staleness / 2).max(SHORTEST_PAUSE)
    }

    /// How often the age of the copy is proven.
    fn beat_every(&self) -> Duration {
        let quarter = self.shared.max_staleness / 4;
        quarter.clamp(Duration::from_millis(10), Duration::from_secs(5))
    }

    async fn session(&mut self) -> Result<Infallible, StoreError> {
        let every = self.beat_every();
        let shared = Arc::clone(&self.shared);
        let mut reader = shared.log.open(every).await?;
        self.inspected = self.pace.elapsed();
        // Whoever this is, it has to be written through before it is believed.
        self.seen = None;
        let mut next_beat = Duration::ZERO;
        let mut gaps = 0_u32;
        loop {
            let now = self.pace.elapsed();
            let last = shared.chain().last();
            let followed = match last {
                None => Followed::Gap,
                Some(_) if self.behind => Followed::Gap,
                Some(_) if now >= next_beat => {
                    next_beat = now + every;
                    self.beat(&mut reader).await?
                }
                Some(last) => {
                    let due = self.work.as_ref().map(|work| work.not_before.saturating_sub(now));
                    let wait = (next_beat - now).min(due.unwrap_or(Duration::MAX));
                    let items = reader.items(last, BATCH, wait).await?;
                    let (any, more) = (!items.is_empty(), items.len() == BATCH);
                    let followed = self.take(&items);
                    if any && !more && followed == Followed::On {
                        self.pace.sleep(GATHER.min(next_beat.saturating_sub(now))).await;
                    }
                    followed
                }
            };
            if followed == Followed::Gap {
                // One gap after another: something is wrong that loading does not mend.
                self.pace.sleep(self.pace.jittered(SHORTEST_PAUSE * gaps)).await;
                gaps = (gaps + 1).min(20);
                self.load(&mut reader).await?;
            } else {
                gaps = 0;
                self.keep_house(&mut reader).await?;
            }
            self.write_back().await;
        }
    }

    /// Looks at where the log stands, and makes sure that it takes writes: by what another node
    /// wrote since the last look, where that proves it, or by writing. Yields what was found, and the
    /// moment from which it is known to be a primary's word.
    async fn look(&mut self, reader: &mut L::Reader) -> Result<(LogHead, Moment), StoreError> {
        let asked = self.shared.freshness.now();
        let head = reader.head().await?;
        let vouched = match &self.seen {
            Some((seen, when)) if reader.others_vouch() && *seen != head => *when,
            _ => {
                reader.beat(&head).await?;
                asked
            }
        };
        self.seen = Some((head.clone(), asked));
        Ok((head, vouched.earlier(asked)))
    }

    /// Proves the age of the copy.
    async fn beat(&mut self, reader: &mut L::Reader) -> Result<Followed, StoreError> {
        let shared = Arc::clone(&self.shared);
        if shared.freshness.withdraw_if_set_back() {
            return Ok(Followed::Gap);
        }
        // Whether the log keeps what it is given is a part of the proof.
        if self.pace.elapsed().saturating_sub(self.inspected) >= self.shared.max_staleness {
            reader.inspect().await?;
            self.inspected = self.pace.elapsed();
        }
        // Before the log is asked: what is read or acknowledged later may be in it later.
        let own = shared.chain().own();
        let (head, vouched) = self.look(reader).await?;
        if !shared.chain().is_of(&head.epoch) || own.is_some_and(|own| head.last.is_before(&own)) {
            return Ok(Followed::Gap);
        }
        loop {
            let Some(last) = shared.chain().last() else {
                return Ok(Followed::Gap);
            };
            if !last.is_before(&head.last) {
                break;
            }
            let items = reader.items(last, BATCH, Duration::ZERO).await?;
            if items.is_empty() || self.take(&items) == Followed::Gap {
                return Ok(Followed::Gap);
            }
        }
        let chain = shared.chain();
        if !chain.has(&head.last) || !chain.is_sound() {
            return Ok(Followed::Gap);
        }
        drop(chain);
        shared.freshness.prove(vouched);
        self.connected();
        Ok(Followed::On)
    }

    /// Takes items that follow what was read.
    fn take(&self, items: &[LogItem]) -> Followed {
        let now = self.shared.freshness.expiry();
        for item in items {
            if !self.shared.chain().advance(item) {
                return Followed::Gap;
            }
            self.shared.insert(&item.entry);
            if let Some(work) = &self.work {
                work.note(&item.entry, now);
            }
        }
        if self.shared.chain().is_sound() { Followed::On } else { Followed::Gap }
    }

    /// Loads everything, and finds what the log lacks of what is known here.
    async fn load(&mut self, reader: &mut L::Reader) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        // Whatever made this necessary is not forgotten if it fails.
        self.behind = true;
        reader.inspect().await?;
        self.inspected = self.pace.elapsed();
        // What is loaded here decides what was lost: so not by what others wrote, elsewhere perhaps.
        self.seen = None;
        let before = shared.chain().begin();
        // Before the entries: what comes while they are read is in the log after this.
        let (head, vouched) = self.look(reader).await?;
        self.purge().await;
        // Where nothing is in force nothing was lost.
        let compared = (shared.table.len() > 0).then(|| Table::new(usize::MAX));
        let mut lost = false;
        if compared.is_some() {
            lost = before.lost || !shared.chain().is_of(&head.epoch);
            lost |= Self::has_lost(reader, before.places.clone(), &head).await?;
        }
        let left_out = shared.left_out.load(Ordering::Acquire);
        self.read_all(reader, compared.as_ref()).await?;
        // What was read may be newer than the place from which the log is followed. Then that has to
        // come by, or it was lost in between.
        let end = reader.head().await?;
        if end.last.is_before(&head.last) || !head.epoch.is_empty() && end.epoch != head.epoch {
            return Ok(());
        }
        // Unless something was left out again meanwhile, nothing is lacking any more.
        shared.made_up.store(left_out, Ordering::Release);
        {
            let mut chain = shared.chain();
            chain.restart(&head, &before, compared.is_some());
            chain.acknowledged(&[], end.last);
        }
        self.behind = false;
        self.work = None;
        if let Some(has) = compared {
            lost |= self.find_lacking(has).await;
        }
        shared.chain().end();
        if lost {
            self.count_loss();
        }
        // Whoever starts now cannot know what was lost: it is given back at once, and what is little
        // before this node calls itself current. Nodes begin at different parts.
        self.write_back().await;
        shared.freshness.prove(vouched);
        shared.report.loads.fetch_add(1, Ordering::Relaxed);
        self.connected();
        shared.loaded.send_replace(true);
        Ok(())
    }

    /// Finds what this node knows and the log does not have. Yields whether that was surely lost.
    async fn find_lacking(&mut self, has: Table) -> bool {
        let part = self.pace.part(Duration::from_nanos(Table::PARTS as u64)).as_nanos();
        let (mut work, now) = (WriteBack::new(has, part as usize), self.shared.freshness.expiry());
        while work.lacks_any(&self.shared.table, now).await {
            // What is revoked just now is lacking, too, and not lost.
            let meanwhile = self.shared.chain().meanwhile();
            match meanwhile {
                Some(entries) if !entries.is_empty() => {
                    entries.iter().for_each(|entry| work.note(entry, now));
                }
                known => {
                    work.counted = known.is_some();
                    self.work = Some(work);
                    return known.is_some();
                }
            }
        }
        false
    }

    /// Whether the log has lost one of these places.
    async fn has_lost(
        reader: &mut L::Reader,
        places: Vec<LogId>,
        head: &LogHead,
    ) -> Result<bool, StoreError> {
        let mut search = Search::new(places, head);
        while let Some(from) = search.from() {
            search.take(&reader.items(from, BATCH, Duration::ZERO).await?);
        }
        Ok(search.has_lost())
    }

    /// Takes everything that is in force, and notes there what it was.
    async fn read_all(
        &self,
        reader: &mut L::Reader,
        compared: Option<&Table>,
    ) -> Result<(), StoreError> {
        let mut cursor = None;
        loop {
            let page = reader.page(cursor.as_deref()).await?;
            let now = self.shared.freshness.expiry();
            for entry in &page.entries {
                self.shared.insert(entry);
                if let Some(has) = compared {
                    has.insert(entry, now);
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Writes back a slice of what the log lacks. What it refuses is still owed.
    async fn write_back(&mut self) {
        let (started, now) = (self.pace.elapsed(), self.shared.freshness.expiry());
        let Some(mut work) = self.work.take_if(|work| work.not_before <= started) else {
            return;
        };
        let slice = work.next(&self.shared.table, now).await;
        if slice.is_empty() {
            return;
        }
        match self.shared.log.append(&slice).await {
            Ok(appended) => {
                work.written(&slice, self.pace.elapsed().saturating_sub(started), now);
                // Where it was written need not be where it was lacking. It has to come by, too.
                self.shared.chain().acknowledged(&[], appended.position);
                self.shared.report.written_back.fetch_add(appended.changed, Ordering::Relaxed);
                if appended.changed > 0 && !std::mem::replace(&mut work.counted, true) {
                    self.count_loss();
                }
            }
            Err(error) => {
                work.refused(slice);
                work.not_before = self.pace.elapsed() + self.pace.jittered(self.beat_every());
                self.shared.note(&error);
            }
        }
        self.work = Some(work);
    }

    async fn keep_house(&mut self, reader: &mut L::Reader) -> Result<(), StoreError> {
        self.shared.table.sweep(self.shared.freshness.expiry());
        if self.shared.is_full() {
            self.purge().await;
            if self.shared.table.has_room() {
                self.load(reader).await?;
            }
        }
        Ok(())
    }

    /// Removes what has expired, and lets others run in between: there may be millions of entries.
    async fn purge(&self) {
        for part in 0..Table::PARTS {
            self.shared.table.purge_part(part, self.shared.freshness.expiry());
            if part % 32 == 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    fn count_loss(&self) {
        #[cfg(feature = "tracing")]
        tracing::warn!("the log of revocations lost what was acknowledged; it is written back");
        self.shared.report.losses.fetch_add(1, Ordering::Relaxed);
    }

    fn connected(&mut self) {
        self.pause = SHORTEST_PAUSE;
        self.shared.report.connected.store(true, Ordering::Relaxed);
    }
}
