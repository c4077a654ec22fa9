//! What the handles, the requests that wait and the background task share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::config::{Config, Endpoint};
use super::error::{RemoteKeysError, RemoteKeysErrorKind};
use super::log::Event;
use super::refresh::{Memory, Update, without_query};
use super::status::RemoteStatus;
use crate::clock::{Clock, UnixTime};
use crate::key::{KeySet, KeySnapshot, KeysUnavailable, MissingKey};

pub(super) struct Shared {
    pub(super) config: Config,
    keys: ArcSwap<KeySet>,
    /// Until when the keys may be used, in nanoseconds since 1970; 0 before there are any.
    usable_until: AtomicU64,
    /// Whether the background task is there.
    pub(super) running: AtomicBool,
    /// Wakes the task before a refresh is due.
    pub(super) wake: Notify,
    /// The number of the last refresh that ended.
    pub(super) ended: watch::Sender<u64>,
    /// Held for a few instructions, never across an await.
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) task: Option<AbortHandle>,
    /// The last handle is gone.
    pub(super) closed: bool,
    /// How many refreshes were begun; the number of the one that runs or ran last.
    pub(super) begun: u64,
    /// Since when one runs.
    pub(super) running_since: Option<Instant>,
    /// Someone asked for a refresh that has not begun.
    pub(super) wanted: bool,
    /// When the next one is due.
    pub(super) due: Instant,
    /// When a token with an unknown `kid` last caused one.
    pub(super) unknown_at: Option<UnixTime>,
    confirmed: Option<UnixTime>,
    pub(super) failures: u32,
    error: Option<RemoteKeysError>,
    memory: Memory,
}

impl Shared {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            keys: ArcSwap::from_pointee(KeySet::new([])),
            usable_until: AtomicU64::new(0),
            running: AtomicBool::new(false),
            wake: Notify::new(),
            ended: watch::Sender::new(0),
            state: Mutex::new(State {
                task: None,
                closed: false,
                begun: 0,
                running_since: None,
                wanted: false,
                due: Instant::now(),
                unknown_at: None,
                confirmed: None,
                failures: 0,
                error: None,
                memory: Memory::default(),
            }),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // nothing that is done under the lock leaves the state half changed
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there are keys, and young enough.
    #[inline]
    pub(super) fn usable(&self) -> bool {
        nanos(self.config.clock.now()) < self.usable_until.load(Ordering::Acquire)
    }

    pub(super) fn keys(&self) -> KeySnapshot {
        KeySnapshot::from_guard(self.keys.load())
    }

    /// Whether there is a key that the token names. One without a `kid` names none, so other keys
    /// than those that were tried are an answer for it.
    pub(super) fn has(&self, missing: &MissingKey<'_>) -> bool {
        let keys = self.keys.load();
        let there = match missing.kid() {
            Some(kid) => keys.has_id(kid),
            None => missing.epoch().is_some_and(|tried| tried != keys.epoch()),
        };
        there && self.usable()
    }

    /// For requests that cannot be answered now.
    pub(super) fn unavailable(&self, state: &State) -> KeysUnavailable {
        let retry = match state.running_since {
            Some(_) => Duration::ZERO,
            None => state.due.saturating_duration_since(Instant::now()),
        };
        let unavailable =
            KeysUnavailable::new().with_retry_after(retry.max(Duration::from_secs(1)));
        match &state.error {
            Some(error) => unavailable.with_source(error.clone()),
            None => unavailable,
        }
    }

    /// The error of the last refresh, if it failed.
    pub(super) fn result(&self) -> Result<(), RemoteKeysError> {
        self.lock().error.clone().map_or(Ok(()), Err)
    }

    /// Begins a refresh, if one is due or wanted.
    pub(super) fn begin(&self) -> Option<Memory> {
        let mut state = self.lock();
        if !state.wanted && Instant::now() < state.due {
            return None;
        }
        state.wanted = false;
        state.begun += 1;
        state.running_since = Some(Instant::now());
        Some(state.memory.clone())
    }

    pub(super) fn end(&self, memory: Memory, outcome: Result<Update, RemoteKeysError>) {
        let mut state = self.lock();
        let source = memory.url.as_ref().map(|(url, _)| without_query(url));
        state.memory = memory;
        let event = match outcome {
            Ok(update) => {
                let keys = update.keys.map(Arc::new);
                if let Some(keys) = &keys {
                    self.keys.store(Arc::clone(keys));
                }
                let now = self.config.clock.now();
                let until = now.saturating_add(self.config.timing.keep_for);
                self.usable_until.store(nanos(until), Ordering::Release);
                state.confirmed = Some(now);
                state.failures = 0;
                state.error = None;
                state.due = later(self.config.timing.next_refresh(update.max_age));
                keys.map(|keys| Event::Replaced(keys, self.source(source).unwrap_or_default()))
            }
            Err(error) => Some(self.fail(&mut state, error)),
        };
        state.running_since = None;
        let begun = state.begun;
        drop(state);
        self.ended.send_replace(begun);
        if let Some(event) = event {
            event.log();
        }
    }

    fn fail(&self, state: &mut State, error: RemoteKeysError) -> Event {
        state.failures = state.failures.saturating_add(1);
        state.error = Some(error.clone());
        state.due = later(self.config.timing.next_retry(state.failures));
        Event::Failed { error, failures: state.failures, usable: self.usable() }
    }

    /// The task is gone; nobody is to wait for it.
    pub(super) fn stopped(&self) {
        let mut state = self.lock();
        self.running.store(false, Ordering::Release);
        state.task = None;
        let asked = std::mem::take(&mut state.wanted);
        if asked {
            state.begun += 1;
        }
        let interrupted = state.running_since.take().is_some() || asked;
        let event = (interrupted && !state.closed).then(|| {
            let text = "the task that fetches keys was stopped";
            self.fail(&mut state, RemoteKeysError::new(RemoteKeysErrorKind::Stopped, text))
        });
        let begun = state.begun;
        drop(state);
        self.ended.send_replace(begun);
        if let Some(event) = event {
            event.log();
        }
    }

    fn source(&self, discovered: Option<String>) -> Option<String> {
        match &self.config.endpoint {
            Endpoint::Jwks(url) => Some(without_query(url)),
            Endpoint::Issuer(_) => discovered,
        }
    }

    pub(super) fn issuer(&self) -> Option<&str> {
        match &self.config.endpoint {
            Endpoint::Issuer(issuer) => Some(issuer),
            Endpoint::Jwks(_) => None,
        }
    }

    pub(super) fn status(&self) -> RemoteStatus {
        let keys = self.keys();
        let state = self.lock();
        let alive = self.running.load(Ordering::Acquire);
        let now = self.config.clock.now();
        RemoteStatus {
            usable: self.usable(),
            issuer: self.issuer().map(Into::into),
            source: self.source(state.memory.url.as_ref().map(|(url, _)| without_query(url))),
            age: state.confirmed.map(|confirmed| now.saturating_since(confirmed)),
            key_ids: keys.iter().filter_map(|key| key.id().map(Into::into)).collect(),
            skipped: keys.skipped().len(),
            epoch: keys.epoch(),
            refreshing: state.running_since.is_some(),
            next_refresh: alive.then(|| state.due.saturating_duration_since(Instant::now())),
            refreshes: state.begun,
            failures: state.failures,
            last_error: state.error.clone(),
        }
    }
}

fn nanos(time: UnixTime) -> u64 {
    u64::try_from(time.since_epoch().as_nanos()).unwrap_or(u64::MAX)
}

/// Times too far to tell are a day away.
fn later(by: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(by).unwrap_or(now + Duration::from_secs(24 * 60 * 60))
}
