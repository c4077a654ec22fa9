//! What the handles, the requests that wait and the background task share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::config::{Config, Endpoint, Jitter};
use super::error::{RemoteKeysError, RemoteKeysErrorKind};
use super::log::Event;
use super::machine::{Machine, Moment, Next, PATIENCE, Ticket};
use super::refresh::{Memory, Update};
use super::seed::{Seed, SeedKeys};
use super::status::RemoteStatus;
use crate::clock::{Clock, UnixTime};
use crate::fetch::without_query;
use crate::key::{KeySet, KeySnapshot, KeysUnavailable, MissingKey};

/// Clocks of one machine are read by several threads.
const CLOCK_NOISE: Duration = Duration::from_secs(1);

pub(super) struct Shared {
    pub(super) config: Config,
    /// How long one refresh may take: metadata at two places, and keys.
    pub(super) longest: Duration,
    keys: ArcSwap<KeySet>,
    /// Within this time, in nanoseconds since 1970, the keys may be used and nothing has to be looked
    /// after. Empty if either is not so.
    quiet_from: AtomicU64,
    quiet_until: AtomicU64,
    /// Wakes the task before a refresh is due.
    pub(super) wake: watch::Sender<()>,
    /// The number of the last refresh that ended.
    pub(super) ended: watch::Sender<u64>,
    /// What ticks are counted from.
    origin: Instant,
    /// Held for a few instructions, never across an await, and nothing under it can panic half-way.
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) machine: Machine,
    pub(super) task: Option<AbortHandle>,
    error: Option<RemoteKeysError>,
    memory: Memory,
}

impl Shared {
    pub(super) fn new(config: Config, seed: Option<Seed>) -> Self {
        let origin = Instant::now();
        let longest = config.limits.timeout.saturating_mul(3).saturating_add(PATIENCE);
        let now = config.clock.now();
        let mut machine =
            Machine::new(config.timing, longest, Moment { tick: Duration::ZERO, now });
        let mut memory = Memory::default();
        let keys = match seed {
            Some(Seed { keys, document, confirmed_at }) => {
                machine.seed(confirmed_at.min(now));
                memory.document = Some(Arc::new(document));
                keys
            }
            None => KeySet::new([]),
        };
        Self {
            config,
            longest,
            keys: ArcSwap::from_pointee(keys),
            quiet_from: AtomicU64::new(0),
            quiet_until: AtomicU64::new(0),
            wake: watch::Sender::new(()),
            ended: watch::Sender::new(0),
            origin,
            state: Mutex::new(State { machine, task: None, error: None, memory }),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { tick: self.origin.elapsed(), now: self.config.clock.now() }
    }

    /// Whether there are keys, young enough, and nothing to look after.
    #[inline]
    pub(super) fn is_quiet(&self) -> bool {
        let now = nanos(self.config.clock.now());
        now < self.quiet_until.load(Ordering::Acquire)
            && self.quiet_from.load(Ordering::Acquire) <= now
    }

    /// Notes for how long there is nothing to look after. To be called after every change.
    pub(super) fn settle(&self, state: &State, at: Moment) {
        let until = at.now.saturating_add(state.machine.quiet(at));
        let from = at.now.saturating_sub(CLOCK_NOISE);
        self.quiet_from.store(nanos(from), Ordering::Release);
        self.quiet_until.store(nanos(until), Ordering::Release);
    }

    pub(super) fn keys(&self) -> KeySnapshot {
        KeySnapshot::from_guard(self.keys.load())
    }

    /// Whether there is a key that the token names. One without a `kid` names none, so other keys
    /// than those that were tried are an answer for it.
    pub(super) fn has(&self, missing: &MissingKey<'_>) -> bool {
        let keys = self.keys.load();
        match missing.kid() {
            Some(kid) => keys.has_id(kid),
            None => missing.epoch().is_some_and(|tried| tried != keys.epoch()),
        }
    }

    /// For requests that cannot be answered now.
    pub(super) fn unavailable(&self, state: &State, at: Moment) -> KeysUnavailable {
        let retry = state.machine.retry_after(at).max(Duration::from_secs(1));
        let unavailable = KeysUnavailable::new().with_retry_after(retry);
        match &state.error {
            Some(error) => unavailable.with_source(error.clone()),
            None => unavailable,
        }
    }

    /// The error of the last refresh, if it failed.
    pub(super) fn result(&self) -> Result<(), RemoteKeysError> {
        self.lock().error.clone().map_or(Ok(()), Err)
    }

    /// What the task does next, and what it needs for a refresh.
    pub(super) fn begin(&self, generation: u64) -> (Next, Memory) {
        let at = self.moment();
        let mut state = self.lock();
        let next = state.machine.begin(at, generation);
        self.settle(&state, at);
        (next, state.memory.clone())
    }

    pub(super) fn end(
        &self,
        ticket: Ticket,
        memory: Memory,
        outcome: Result<Update, RemoteKeysError>,
    ) {
        let (at, jitter) = (self.moment(), Jitter::random());
        let mut state = self.lock();
        if !state.machine.is_current(ticket) {
            return;
        }
        let source = self.source(&memory);
        state.memory = memory;
        let event = match outcome {
            Ok(update) => {
                let keys = update.keys.map(Arc::new);
                if let Some(keys) = &keys {
                    self.keys.store(Arc::clone(keys));
                }
                state.machine.confirm(at, update.sent, update.max_age, jitter);
                state.error = None;
                keys.map(|keys| Event::Replaced { keys, source: source.unwrap_or_default() })
            }
            Err(error) => {
                state.machine.fail(at, jitter);
                Some(state.failed(error, at))
            }
        };
        self.tell(state, at, event);
    }

    /// The task is gone; nobody is to wait for it.
    pub(super) fn stopped(&self, generation: u64) {
        let (at, jitter) = (self.moment(), Jitter::random());
        let mut state = self.lock();
        if state.machine.is_task(generation) {
            state.task = None;
        }
        let undone = state.machine.stopped(at, generation, jitter);
        let event = undone.then(|| {
            let text = "the task that fetches keys was stopped";
            state.failed(RemoteKeysError::new(RemoteKeysErrorKind::Stopped, text), at)
        });
        self.tell(state, at, event);
    }

    /// Tells whoever waits, and the log.
    fn tell(&self, state: MutexGuard<'_, State>, at: Moment, event: Option<Event>) {
        self.settle(&state, at);
        let ended = state.machine.ended();
        drop(state);
        self.ended.send_replace(ended);
        if let Some(event) = event {
            event.log();
        }
    }

    pub(super) fn source(&self, memory: &Memory) -> Option<String> {
        match &self.config.endpoint {
            Endpoint::Jwks(url) => Some(without_query(url)),
            Endpoint::Issuer(_) => memory.url.as_ref().map(|(url, _)| without_query(url)),
        }
    }

    pub(super) fn taken_over(&self, state: &State) -> Event {
        Event::TakenOver { source: self.source(&state.memory).unwrap_or_default() }
    }

    pub(super) fn issuer(&self) -> Option<&str> {
        match &self.config.endpoint {
            Endpoint::Issuer(issuer) => Some(issuer),
            Endpoint::Jwks(_) => None,
        }
    }

    pub(super) fn export(&self) -> Option<SeedKeys> {
        let (document, confirmed) = {
            let state = self.lock();
            (state.memory.document.clone()?, state.machine.confirmed()?)
        };
        SeedKeys::exported(&document, confirmed, &self.config.endpoint)
    }

    pub(super) fn status(&self) -> RemoteStatus {
        let keys = self.keys();
        let at = self.moment();
        let state = self.lock();
        let machine = &state.machine;
        RemoteStatus {
            usable: machine.usable(at),
            issuer: self.issuer().map(Into::into),
            source: self.source(&state.memory),
            age: machine.confirmed().map(|confirmed| at.now.saturating_since(confirmed)),
            key_ids: keys.iter().filter_map(|key| key.id().map(Into::into)).collect(),
            skipped: keys.skipped().len(),
            epoch: keys.epoch(),
            refreshing: machine.is_running(),
            next_refresh: machine.is_driven().then(|| machine.due_in(at)),
            overdue: machine.is_driven().then(|| machine.overdue(at)).flatten(),
            refreshes: machine.begun(),
            failures: machine.failures(),
            last_error: state.error.clone(),
        }
    }
}

impl State {
    fn failed(&mut self, error: RemoteKeysError, at: Moment) -> Event {
        self.error = Some(error.clone());
        let failures = self.machine.failures();
        Event::Failed { error, failures, usable: self.machine.usable(at) }
    }
}

fn nanos(time: UnixTime) -> u64 {
    u64::try_from(time.since_epoch().as_nanos()).unwrap_or(u64::MAX)
}
