//! [`Feed`]: the background task that keeps a replica up to date.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ::redis::{ErrorKind, RedisError, RedisResult};
use tokio::time::sleep;

use super::handle::Shared;
use super::log::{self, BATCH, Position};
use crate::redis_store::connection::other_layout;
use crate::redis_store::source::Link;
use crate::redis_store::store::read_entry;
use crate::revocation::random;
use crate::revocation::replica::{EntryName, Table};

const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How many entries one script writes back.
const WRITE_BACK: usize = 250;

pub(super) struct Feed {
    shared: Arc<Shared>,
    /// How far the log was read; `None` until the copy was loaded.
    known: Option<Position>,
    /// Whether Redis lost data that was not written back yet.
    owed: bool,
    pause: Duration,
}

/// What became of an attempt to follow the log.
enum Followed {
    /// Everything that there is was read.
    On,
    /// The log does not go on from where it was left.
    Gap,
}

impl Feed {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, known: None, owed: false, pause: SHORTEST_PAUSE }
    }

    /// Follows the log for ever, over one connection after another.
    pub(super) async fn run(mut self) {
        loop {
            let Err(error) = self.session().await;
            self.shared.report.connected.store(false, Ordering::Relaxed);
            self.note(&error);
            sleep(jittered(self.pause)).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE).min(self.longest_pause());
        }
    }

    /// An outage shall not outlast its end by more than the staleness allowed.
    fn longest_pause(&self) -> Duration {
        self.shared.max_staleness.max(SHORTEST_PAUSE)
    }

    /// How long to wait for news before asking whether there are any.
    fn beat(&self) -> Duration {
        let quarter = self.shared.max_staleness / 4;
        quarter.clamp(Duration::from_millis(10), Duration::from_secs(5))
    }

    async fn session(&mut self) -> RedisResult<Infallible> {
        let store = &self.shared.store;
        let connected = store.connection().own(self.beat()).await;
        let mut connection = connected.map_err(|error| {
            RedisError::from((ErrorKind::Extension, "no connection", format!("{error:?}")))
        })?;
        let mut gaps = 0_u32;
        loop {
            let followed = match &self.known {
                Some(known) => self.follow(&mut connection, known.clone()).await?,
                None => Followed::Gap,
            };
            match followed {
                Followed::On => {
                    gaps = 0;
                    self.keep_house(&mut connection).await?;
                }
                Followed::Gap => {
                    // One gap after another: something is wrong that loading does not mend.
                    sleep(jittered(SHORTEST_PAUSE * gaps)).await;
                    gaps = (gaps + 1).min(20);
                    self.load(&mut connection).await?;
                }
            }
        }
    }

    /// Waits for news and takes them, or proves that there are none.
    async fn follow(
        &mut self,
        connection: &mut Link,
        mut known: Position,
    ) -> RedisResult<Followed> {
        let shared = Arc::clone(&self.shared);
        if shared.freshness.withdraw_if_set_back() {
            return Ok(Followed::Gap);
        }
        let keys = shared.store.keys();
        let asked = shared.freshness.now();
        let found = Position::read(connection, keys).await?;
        if !known.epoch.is_empty() && found.epoch != known.epoch {
            return Ok(Followed::Gap);
        }
        let caught_up = found.last == known.last;
        if caught_up {
            known.epoch = found.epoch;
            self.known = Some(known.clone());
            shared.freshness.prove(asked);
            self.connected(&known);
        }
        let block = caught_up.then(|| u64::try_from(self.beat().as_millis()).unwrap_or(1));
        let asked = shared.freshness.now();
        let items = log::items_after(connection, keys, &known.last, block).await?;
        if items.is_empty() && !caught_up {
            return Ok(Followed::Gap);
        }
        let all = items.len() < BATCH;
        for item in items {
            if item.previous != known.last {
                return Ok(Followed::Gap);
            }
            shared.insert(&item.entry);
            known.last = item.id;
        }
        if all {
            shared.freshness.prove(asked);
        }
        self.connected(&known);
        self.known = Some(known);
        Ok(Followed::On)
    }

    /// Loads everything, and writes back what Redis lost.
    async fn load(&mut self, connection: &mut Link) -> RedisResult<()> {
        let shared = Arc::clone(&self.shared);
        let keys = shared.store.keys();
        let asked = shared.freshness.now();
        // Before the entries: what comes while they are read is in the log after this.
        let found = Position::read(connection, keys).await?;
        self.purge().await;
        // Where nothing is in force nothing was lost; and what is owed already was counted.
        if let Some(known) = &self.known
            && !self.owed
            && shared.table.len() > 0
            && log::lost(connection, keys, known, &found).await?
        {
            self.owed = true;
            shared.report.losses.fetch_add(1, Ordering::Relaxed);
        }
        let left_out = shared.left_out.load(Ordering::Acquire);
        let mut cursor = 0_u64;
        loop {
            let mut scan = ::redis::cmd("HSCAN");
            scan.arg(&*keys.entries).arg(cursor).arg("COUNT").arg(BATCH);
            let (next, found): (u64, Vec<(Vec<u8>, Vec<u8>)>) =
                scan.query_async(connection).await?;
            for (name, value) in found {
                if [&b"epoch"[..], b"last", b"beat"].contains(&&*name) {
                    continue;
                }
                let entry = EntryName::parse(&name).and_then(|name| read_entry(name, &value));
                shared.insert(&entry.ok_or_else(other_layout)?);
            }
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        // Unless something was left out again meanwhile, nothing is lacking any more.
        shared.made_up.store(left_out, Ordering::Release);
        shared.freshness.prove(asked);
        shared.report.loads.fetch_add(1, Ordering::Relaxed);
        self.connected(&found);
        self.known = Some(found);
        shared.loaded.send_replace(true);
        self.write_back(connection).await
    }

    /// Gives Redis what it lost. What it refuses is still owed.
    async fn write_back(&mut self, connection: &mut Link) -> RedisResult<()> {
        if !self.owed {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let now = shared.freshness.expiry();
        for part in 0..Table::PARTS {
            let entries: Vec<_> = shared.table.part(part, now).collect();
            for entries in entries.chunks(WRITE_BACK) {
                let script = shared.store.write(entries);
                if let Err(error) = script.invoke_async::<(String, u64)>(connection).await {
                    if error.is_io_error() {
                        return Err(error);
                    }
                    self.note(&error);
                    return Ok(());
                }
            }
        }
        self.owed = false;
        Ok(())
    }

    async fn keep_house(&mut self, connection: &mut Link) -> RedisResult<()> {
        self.shared.table.sweep(self.shared.freshness.expiry());
        if self.shared.is_full() {
            self.purge().await;
            if self.shared.table.has_room() {
                self.load(connection).await?;
            }
        }
        self.write_back(connection).await
    }

    /// Removes what has expired, and lets others run in between: there may be millions of entries.
    async fn purge(&self) {
        for part in 0..Table::PARTS {
            self.shared.table.purge_part(part, self.shared.freshness.expiry());
            tokio::task::yield_now().await;
        }
    }

    fn connected(&mut self, position: &Position) {
        self.pause = SHORTEST_PAUSE;
        let report = &self.shared.report;
        report.connected.store(true, Ordering::Relaxed);
        let mut last_id = report.last_id.lock().unwrap_or_else(PoisonError::into_inner);
        if *last_id != position.last {
            last_id.clone_from(&position.last);
        }
    }

    fn note(&self, error: &RedisError) {
        #[cfg(feature = "tracing")]
        tracing::warn!(%error, "the copy of the revocations in Redis is not kept up to date");
        let report = &self.shared.report;
        let mut last = report.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(error.to_string());
    }
}

/// Between half of the pause and all of it.
fn jittered(pause: Duration) -> Duration {
    let half = pause / 2;
    half + half.mul_f64((random() >> 11) as f64 / (1_u64 << 53) as f64)
}
