//! The background task, and the waiting for it: however many ask, one refresh runs at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::allowance;
use super::error::{RemoteKeysError, RemoteKeysErrorKind};
use super::machine::{Attend, Claimed, Next};
use super::refresh::refresh;
use super::state::Shared;
use crate::fetch::within;
use crate::key::{Algorithm, KeysUnavailable, MissingKey};

/// A waiter looks after the task no more often than this.
const LEAST_LOOK: Duration = Duration::from_millis(10);

/// There as long as the task is, even if it was never polled.
struct Alive {
    shared: Arc<Shared>,
    generation: u64,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.shared.stopped(self.generation);
    }
}

async fn run(alive: Alive) {
    let shared = &alive.shared;
    let mut woken = shared.wake.subscribe();
    loop {
        woken.mark_unchanged();
        match shared.begin(alive.generation) {
            (Next::Stop, _) => return,
            (Next::Sleep(time), _) => {
                let _woken = within(time, woken.changed()).await;
            }
            (Next::Refresh(ticket), mut memory) => {
                let outcome = refresh(&shared.config, &mut memory, ticket.unconditional).await;
                shared.end(ticket, memory, outcome);
            }
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
    /// The refresh of this number is worth waiting for. One that had begun before may not know of a
    /// key that was published since.
    Wait { number: u64, had_begun: bool },
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
    /// Sees to it that there is a task, and that it works: `NoRuntime` if there is none, and nowhere
    /// to start one. Says whether keys may be used all the same.
    pub(super) fn attend(self: &Arc<Self>) -> (bool, Result<(), RemoteKeysError>) {
        let at = self.moment();
        let mut state = self.lock();
        let attend = state.machine.attend(at);
        let usable = state.machine.usable(at);
        let driven = state.machine.is_driven();
        self.settle(&state, at);
        drop(state);
        let started = match attend {
            Attend::Nothing => Ok(()),
            Attend::Wake => {
                self.wake.send_replace(());
                Ok(())
            }
            // A task that is there may work again yet.
            Attend::Start => self.start().or_else(|error| if driven { Ok(()) } else { Err(error) }),
        };
        (usable, started)
    }

    /// Starts the task here, in place of one that does not work.
    fn start(self: &Arc<Self>) -> Result<(), RemoteKeysError> {
        let runtime = Handle::try_current().map_err(|_| {
            let text = "there is no tokio runtime here to fetch keys on";
            RemoteKeysError::new(RemoteKeysErrorKind::NoRuntime, text)
        })?;
        let at = self.moment();
        let (generation, before, event) = {
            let mut state = self.lock();
            let Some(generation) = state.machine.start(at) else { return Ok(()) };
            let before = state.task.take();
            let event = before.is_some().then(|| self.taken_over(&state));
            self.settle(&state, at);
            (generation, before, event)
        };
        if let Some(event) = event {
            event.log();
        }
        if let Some(before) = before {
            before.abort();
        }
        // Not under the lock: a runtime that shuts down drops the task, which takes the lock.
        let alive = Alive { shared: Arc::clone(self), generation };
        let task = runtime.spawn(run(alive)).abort_handle();
        let mut state = self.lock();
        if state.machine.is_closed() {
            task.abort();
        } else if state.machine.is_task(generation) {
            state.task = Some(task);
        }
        Ok(())
    }

    /// Stops the task for good.
    pub(super) fn close(&self) {
        let task = {
            let mut state = self.lock();
            state.machine.close();
            state.task.take()
        };
        if let Some(task) = task {
            task.abort();
        }
    }

    /// The number of a refresh that begins after this call.
    pub(super) fn want(self: &Arc<Self>, unconditional: bool) -> Result<u64, RemoteKeysError> {
        let at = self.moment();
        let number = {
            // Said before the task starts, so that its first refresh is this one.
            let mut state = self.lock();
            let number = state.machine.want(at, unconditional);
            self.settle(&state, at);
            number
        };
        self.attend().1?;
        self.wake.send_replace(());
        Ok(number)
    }

    /// Waits for the end of a refresh, and takes over from whoever does not get on with it. Says
    /// whether it came in time.
    pub(super) async fn landed(self: &Arc<Self>, number: u64, until: Instant) -> bool {
        let mut ended = self.ended.subscribe();
        loop {
            if *ended.borrow_and_update() >= number {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let look = self.lock().machine.look_in(self.moment()).max(LEAST_LOOK);
            // An error would mean that the sender is gone, which `self` holds.
            let _changed = within(left.min(look), ended.changed()).await;
            let _no_runtime_here = self.attend();
        }
    }

    /// What to do about a token that no key fits, or `None` about having no keys at all.
    pub(super) fn claim(self: &Arc<Self>, missing: Option<&MissingKey<'_>>) -> Claim {
        let (_, attended) = self.attend();
        let at = self.moment();
        let mut state = self.lock();
        let usable = state.machine.usable(at);
        if usable && missing.is_none_or(|missing| self.has(missing)) {
            return Claim::There;
        }
        if let Err(error) = attended {
            return Claim::Unavailable(KeysUnavailable::new().with_source(error));
        }
        let had_begun = state.machine.is_running();
        let claimed = state.machine.claim(at, missing.is_some(), || allowance::ALL.take());
        self.settle(&state, at);
        match claimed {
            Claimed::Denied => Claim::Denied,
            Claimed::Unavailable => Claim::Unavailable(self.unavailable(&state, at)),
            Claimed::Busy => Claim::Unavailable(
                KeysUnavailable::new()
                    .with_retry_after(allowance::RETRY_AFTER)
                    .with_source("too many tokens with an unknown kid, of all issuers together"),
            ),
            Claimed::Wait(number) => {
                drop(state);
                self.wake.send_replace(());
                Claim::Wait { number, had_begun }
            }
        }
    }

    /// Waits for keys, for as long as a request may.
    pub(super) async fn wait(
        self: Arc<Self>,
        missing: Option<Missing>,
        number: u64,
        had_begun: bool,
    ) -> Result<(), KeysUnavailable> {
        let until = Instant::now() + self.config.timing.wait;
        let late = !self.landed(number, until).await;
        if late || !had_begun {
            return self.after(missing.as_ref(), late);
        }
        // That refresh may have begun before the key was published: once more, if the cooldown
        // allows.
        match self.claim(missing.as_ref().map(Missing::view).as_ref()) {
            Claim::There => Ok(()),
            Claim::Denied => self.after(missing.as_ref(), false),
            Claim::Wait { number, .. } => {
                let late = !self.landed(number, until).await;
                self.after(missing.as_ref(), late)
            }
            Claim::Unavailable(unavailable) => Err(unavailable),
        }
    }

    /// After waiting: a refresh that failed or is late is no reason to call a token invalid.
    fn after(&self, missing: Option<&Missing>, late: bool) -> Result<(), KeysUnavailable> {
        let at = self.moment();
        let state = self.lock();
        // Who had no keys at all is helped by old ones, too.
        let helped = missing.is_none_or(|missing| {
            missing.epoch.is_none() && missing.kid.is_some() && self.has(&missing.view())
        });
        if state.machine.usable(at) && (helped || !(late || state.machine.failures() > 0)) {
            Ok(())
        } else {
            Err(self.unavailable(&state, at))
        }
    }
}
