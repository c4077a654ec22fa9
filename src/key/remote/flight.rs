//! The background task, and the waiting for it: however many ask, one refresh runs at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::error::{RemoteKeysError, RemoteKeysErrorKind};
use super::refresh::refresh;
use super::state::Shared;
use crate::key::{Algorithm, KeysUnavailable, MissingKey};

/// There as long as the task is, even if it was never polled.
struct Alive(Arc<Shared>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.stopped();
    }
}

async fn run(alive: Alive) {
    let shared = &alive.0;
    loop {
        let due = shared.lock().due.saturating_duration_since(Instant::now());
        let _woken = timeout(due, shared.wake.notified()).await;
        if let Some(mut memory) = shared.begin() {
            let outcome = refresh(&shared.config, &mut memory).await;
            shared.end(memory, outcome);
        }
    }
}

/// What a request for keys comes to.
pub(super) enum Claim {
    /// The keys are there by now.
    There,
    /// There is nothing to wait for: the provider was asked a moment ago.
    Denied,
    /// The provider cannot be asked at present.
    Unavailable(KeysUnavailable),
    /// The refresh of this number is worth waiting for.
    Wait(u64),
}

/// What a token asked for, kept while waiting.
pub(super) struct Missing {
    kid: Option<Box<str>>,
    algorithm: Algorithm,
    epoch: Option<u64>,
}

impl From<&MissingKey<'_>> for Missing {
    fn from(missing: &MissingKey<'_>) -> Self {
        Self {
            kid: missing.kid().map(Into::into),
            algorithm: missing.algorithm(),
            epoch: missing.epoch(),
        }
    }
}

impl Missing {
    fn view(&self) -> MissingKey<'_> {
        let missing = MissingKey::new(self.kid.as_deref(), self.algorithm);
        self.epoch.map_or(missing, |epoch| missing.with_epoch(epoch))
    }
}

impl Shared {
    /// Starts the task, unless it is there.
    pub(super) fn start(self: &Arc<Self>) -> Result<(), RemoteKeysError> {
        if self.running.load(Ordering::Acquire) {
            return Ok(());
        }
        let runtime = Handle::try_current().map_err(|_| {
            let text = "there is no tokio runtime here to fetch keys on";
            RemoteKeysError::new(RemoteKeysErrorKind::NoRuntime, text)
        })?;
        if self.lock().closed || self.running.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        // not under the lock: a runtime that shuts down drops the task, which takes the lock
        let task = runtime.spawn(run(Alive(Arc::clone(self)))).abort_handle();
        let mut state = self.lock();
        if state.closed {
            task.abort();
        }
        state.task = Some(task);
        Ok(())
    }

    /// Stops the task for good.
    pub(super) fn close(&self) {
        let task = {
            let mut state = self.lock();
            state.closed = true;
            state.task.take()
        };
        if let Some(task) = task {
            task.abort();
        }
    }

    /// The number of a refresh that begins after this call.
    pub(super) fn want(self: &Arc<Self>) -> Result<u64, RemoteKeysError> {
        // said before the task starts, so that its first refresh is this one
        let number = {
            let mut state = self.lock();
            state.wanted = true;
            state.begun + 1
        };
        if let Err(error) = self.start() {
            self.lock().wanted = false;
            return Err(error);
        }
        self.wake.notify_one();
        Ok(number)
    }

    /// Waits for the end of a refresh.
    pub(super) async fn ended(&self, number: u64) {
        let mut ended = self.ended.subscribe();
        // an error would mean that the sender is gone, which `self` holds
        let _ended = ended.wait_for(|ended| *ended >= number).await;
    }

    /// What to do about a token that no key fits, or `None` about having no keys at all.
    pub(super) fn claim(self: &Arc<Self>, missing: Option<&MissingKey<'_>>) -> Claim {
        if let Err(error) = self.start() {
            return Claim::Unavailable(KeysUnavailable::new().with_source(error));
        }
        let mut state = self.lock();
        let usable = self.usable();
        let there = match missing {
            None => usable,
            Some(missing) => self.has(missing),
        };
        if there {
            return Claim::There;
        }
        if let Some(since) = state.running_since {
            // one that takes longer than a request would wait is not worth waiting for
            return if since.elapsed() < self.config.timing.wait {
                Claim::Wait(state.begun)
            } else {
                Claim::Unavailable(self.unavailable(&state))
            };
        }
        if state.wanted || state.begun == 0 {
            return Claim::Wait(state.begun + 1);
        }
        let failing = state.failures > 0;
        if !usable {
            if failing && Instant::now() < state.due {
                return Claim::Unavailable(self.unavailable(&state));
            }
        } else {
            let now = self.config.clock.now();
            // a clock that was set back does not make the cooldown longer
            let recently = state.unknown_at.is_some_and(|at| {
                at <= now && now.saturating_since(at) < self.config.timing.cooldown
            });
            if recently && failing {
                return Claim::Unavailable(self.unavailable(&state));
            }
            if recently {
                return Claim::Denied;
            }
            state.unknown_at = Some(now);
        }
        state.wanted = true;
        self.wake.notify_one();
        Claim::Wait(state.begun + 1)
    }

    /// Waits for keys, for as long as a request may.
    pub(super) async fn wait(
        self: Arc<Self>,
        missing: Option<Missing>,
        number: u64,
    ) -> Result<(), KeysUnavailable> {
        let waiting = async {
            self.ended(number).await;
            // that refresh may have begun before the key was published: once more, if the
            // cooldown allows
            match self.claim(missing.as_ref().map(Missing::view).as_ref()) {
                Claim::There => Ok(()),
                Claim::Wait(number) => {
                    self.ended(number).await;
                    self.after()
                }
                Claim::Denied => self.after(),
                Claim::Unavailable(unavailable) => Err(unavailable),
            }
        };
        match timeout(self.config.timing.wait, waiting).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.unavailable(&self.lock())),
        }
    }

    /// After a refresh: its failure is no reason to call a token invalid.
    fn after(&self) -> Result<(), KeysUnavailable> {
        let state = self.lock();
        if state.failures > 0 || !self.usable() { Err(self.unavailable(&state)) } else { Ok(()) }
    }
}
