//! [`Machine`]: when the provider is asked, by whom, and who waits for it.
//!
//! A state that is told what happens and when, and says what to do. It reads no clock, takes no lock
//! and starts nothing, so that a simulation can lead it through any course of events.

use std::time::Duration;

use super::config::{Jitter, Timing};
use crate::clock::UnixTime;

/// How long a refresh that was asked for may take to begin. All that it takes is one turn of the
/// task, so later than this its runtime is blocked, or nobody drives it.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);
/// The task looks at the clock at least this often: monotonic time stands still while the machine is
/// suspended.
const LOOK: Duration = Duration::from_secs(60);
/// Doublings of the patience with tasks that were started and did not get to work.
const MOST_DOUBLINGS: u32 = 3;

/// One moment by two clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Monotonic; it may stand still while the machine is suspended.
    pub(super) tick: Duration,
    /// It may be set, forward and back.
    pub(super) now: UnixTime,
}

/// Leave to refresh once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    generation: u64,
    /// Past every cache, and without a validator.
    pub(super) unconditional: bool,
}

/// What the task does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Refresh(Ticket),
    /// Look again after this long, or when woken.
    Sleep(Duration),
    /// Another task has taken over, or nobody needs keys any more.
    Stop,
}

/// What has to be done about the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attend {
    Nothing,
    Wake,
    /// There is none, or it does not run: start one, where that is possible.
    Start,
}

/// What a token that no key fits comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claimed {
    /// There is nothing to wait for: the provider was asked a moment ago.
    Denied,
    /// The provider cannot be asked at present.
    Unavailable,
    /// Too many are asked already.
    Busy,
    /// The refresh of this number is worth waiting for.
    Wait(u64),
}

#[derive(Debug, Clone, Copy)]
struct Running {
    since: Moment,
    unconditional: bool,
}

#[derive(Debug, Clone, Copy)]
struct Wanted {
    since: Duration,
    unconditional: bool,
}

/// A time after a moment, by either clock.
#[derive(Debug, Clone, Copy)]
struct Plan {
    from: Moment,
    after: Duration,
}

impl Plan {
    fn left(&self, at: Moment) -> Duration {
        let elapsed = at.tick.saturating_sub(self.from.tick);
        let elapsed = elapsed.max(at.now.saturating_since(self.from.now));
        self.after.saturating_sub(elapsed)
    }
}

#[derive(Debug)]
pub(super) struct Machine {
    timing: Timing,
    /// How long one refresh may take.
    longest: Duration,
    /// Of the task that may refresh; others stop.
    generation: u64,
    /// Whether that task is there.
    driven: bool,
    closed: bool,
    /// How many refreshes were begun; the number of the one that runs or ran last.
    begun: u64,
    /// The number of the last one that ended.
    ended: u64,
    running: Option<Running>,
    /// Somebody asked for one that has not begun.
    wanted: Option<Wanted>,
    due: Plan,
    /// When a token with an unknown `kid` last caused one.
    unknown_at: Option<UnixTime>,
    /// When the provider last confirmed the keys.
    confirmed: Option<UnixTime>,
    /// When it last sent them, rather than saying that they are the same.
    sent: Option<UnixTime>,
    failures: u32,
    /// Until when, by the tick, keys are not used because the machine slept for long.
    held: Option<Duration>,
    /// Tasks that were taken over from since the last refresh ended.
    doublings: u32,
}

impl Machine {
    /// `longest` is how long one refresh may take.
    pub(super) fn new(timing: Timing, longest: Duration, at: Moment) -> Self {
        Self {
            timing,
            longest,
            generation: 0,
            driven: false,
            closed: false,
            begun: 0,
            ended: 0,
            running: None,
            wanted: None,
            due: Plan { from: at, after: Duration::ZERO },
            unknown_at: None,
            confirmed: None,
            sent: None,
            failures: 0,
            held: None,
            doublings: 0,
        }
    }

    /// There are keys that the provider confirmed at this time, whoever asked it.
    pub(super) fn seed(&mut self, confirmed: UnixTime) {
        self.confirmed = Some(confirmed);
    }

    /// Whether keys may be used.
    pub(super) fn usable(&self, at: Moment) -> bool {
        self.keys_until().is_some_and(|until| at.now < until)
            && self.held.is_none_or(|until| at.tick >= until)
    }

    fn keys_until(&self) -> Option<UnixTime> {
        Some(self.confirmed?.saturating_add(self.timing.keep_for))
    }

    /// For how long from now keys may be used without looking here again.
    pub(super) fn quiet(&self, at: Moment) -> Duration {
        if !self.usable(at) || !self.driven {
            return Duration::ZERO;
        }
        let fresh =
            self.keys_until().map_or(Duration::ZERO, |until| until.saturating_since(at.now));
        fresh.min(self.look_in(at))
    }

    /// When to look after the task again.
    pub(super) fn look_in(&self, at: Moment) -> Duration {
        match (self.running, self.wanted) {
            (Some(running), _) => self
                .doubled(self.longest)
                .saturating_sub(at.tick.saturating_sub(running.since.tick)),
            (None, Some(wanted)) => {
                self.doubled(PATIENCE).saturating_sub(at.tick.saturating_sub(wanted.since))
            }
            (None, None) => self.due.left(at),
        }
    }

    /// Where tasks get no turn because the machine is busy, taking over from them again and again
    /// would keep all of them from working.
    fn doubled(&self, time: Duration) -> Duration {
        time.saturating_mul(1 << self.doublings.min(MOST_DOUBLINGS))
    }

    fn is_stuck(&self, at: Moment) -> bool {
        (self.running.is_some() || self.wanted.is_some()) && self.look_in(at).is_zero()
    }

    /// How long a refresh has been due or asked for without having begun.
    pub(super) fn overdue(&self, at: Moment) -> Option<Duration> {
        if self.running.is_some() {
            return None;
        }
        let asked = self.wanted.map(|wanted| at.tick.saturating_sub(wanted.since));
        let due = self.due.left(at).is_zero().then(|| {
            let elapsed = at.tick.saturating_sub(self.due.from.tick);
            let elapsed = elapsed.max(at.now.saturating_since(self.due.from.now));
            elapsed.saturating_sub(self.due.after)
        });
        asked.max(due)
    }

    /// Looks after the task: for whoever finds the [quiet](Self::quiet) over, and while waiting.
    pub(super) fn attend(&mut self, at: Moment) -> Attend {
        if self.closed {
            return Attend::Nothing;
        }
        if !self.driven || self.is_stuck(at) {
            return Attend::Start;
        }
        if self.running.is_some() || self.wanted.is_some() || !self.due.left(at).is_zero() {
            return Attend::Nothing;
        }
        if self.slept(at) && self.held.is_none() {
            // Keys this old may have been withdrawn long since: requests wait for the answer, as
            // they do where there are no keys.
            self.held = Some(at.tick.saturating_add(self.timing.wait));
        }
        self.wanted = Some(Wanted { since: at.tick, unconditional: false });
        Attend::Wake
    }

    /// Whether the machine was suspended for longer than keys are meant to go unconfirmed.
    fn slept(&self, at: Moment) -> bool {
        let by_clock = at.now.saturating_since(self.due.from.now);
        let by_tick = at.tick.saturating_sub(self.due.from.tick);
        self.failures == 0
            && self.confirmed.is_some()
            && self.due.after > Duration::ZERO
            && by_clock.saturating_sub(by_tick) >= self.due.after.saturating_mul(2)
    }

    /// A task starts, if one is needed: its generation. What another one had begun is begun again.
    pub(super) fn start(&mut self, at: Moment) -> Option<u64> {
        if self.closed || (self.driven && !self.is_stuck(at)) {
            return None;
        }
        if self.driven {
            self.doublings = self.doublings.saturating_add(1);
        }
        let abandoned = self.running.take().map(|running| running.unconditional);
        if let Some(unconditional) = abandoned.max(self.wanted.map(|wanted| wanted.unconditional)) {
            self.wanted = Some(Wanted { since: at.tick, unconditional });
        }
        self.generation += 1;
        self.driven = true;
        Some(self.generation)
    }

    /// Nobody needs keys any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// What the task of this generation does next.
    pub(super) fn begin(&mut self, at: Moment, generation: u64) -> Next {
        if self.closed || generation != self.generation {
            return Next::Stop;
        }
        let left = self.due.left(at);
        if self.wanted.is_none() && !left.is_zero() {
            return Next::Sleep(left.min(LOOK));
        }
        let asked = self.wanted.take().is_some_and(|wanted| wanted.unconditional);
        let unconditional = asked || self.is_unproven(at);
        self.begun += 1;
        self.running = Some(Running { since: at, unconditional });
        Next::Refresh(Ticket { generation, unconditional })
    }

    /// Whether it was long ago that the keys themselves came. A cache that is out of date may call
    /// them unchanged for ever, which must not keep them in use for ever.
    fn is_unproven(&self, at: Moment) -> bool {
        self.sent.is_some_and(|sent| {
            sent > at.now || at.now.saturating_since(sent) >= self.timing.keep_for / 2
        })
    }

    /// Whether the holder of this ticket still is the one who refreshes.
    pub(super) fn is_current(&self, ticket: Ticket) -> bool {
        ticket.generation == self.generation && self.running.is_some()
    }

    /// The refresh brought keys (`sent`) or word that they are the same. That was true when it was
    /// asked for: by now the machine may have slept, or its runtime.
    pub(super) fn confirm(
        &mut self,
        at: Moment,
        sent: bool,
        max_age: Option<Duration>,
        jitter: Jitter,
    ) {
        let from = self.running.map_or(at, |running| running.since);
        self.confirmed = Some(from.now);
        if sent {
            self.sent = Some(from.now);
        }
        self.failures = 0;
        self.due = Plan { from, after: self.timing.next_refresh(max_age, jitter) };
        self.end();
    }

    /// The refresh failed.
    pub(super) fn fail(&mut self, at: Moment, jitter: Jitter) {
        self.failures = self.failures.saturating_add(1);
        self.due = Plan { from: at, after: self.timing.next_retry(self.failures, jitter) };
        self.end();
    }

    fn end(&mut self) {
        self.running = None;
        self.held = None;
        self.doublings = 0;
        self.ended = self.begun;
    }

    /// The task of this generation is gone. Says whether it leaves something undone.
    pub(super) fn stopped(&mut self, at: Moment, generation: u64, jitter: Jitter) -> bool {
        if generation != self.generation {
            return false;
        }
        self.driven = false;
        let asked = self.wanted.take().is_some();
        if asked && self.running.is_none() {
            self.begun += 1;
        }
        let undone = asked || self.running.is_some();
        if undone {
            self.fail(at, jitter);
        }
        undone && !self.closed
    }

    /// The number of a refresh that begins after this call. Whoever asks makes sure that there is a
    /// task, and wakes it.
    pub(super) fn want(&mut self, at: Moment, unconditional: bool) -> u64 {
        let wanted = self.wanted.get_or_insert(Wanted { since: at.tick, unconditional });
        wanted.unconditional |= unconditional;
        self.begun + 1
    }

    /// What to do about a token that no key fits (`unknown`), or about having no keys at all.
    /// `leave` is asked before a token makes the provider be asked.
    pub(super) fn claim(
        &mut self,
        at: Moment,
        unknown: bool,
        leave: impl FnOnce() -> bool,
    ) -> Claimed {
        if let Some(running) = self.running {
            // One that takes longer than a request would wait is not worth waiting for.
            let young = at.tick.saturating_sub(running.since.tick) < self.timing.wait;
            return if young { Claimed::Wait(self.begun) } else { Claimed::Unavailable };
        }
        let failing = self.failures > 0;
        if !(unknown && self.usable(at)) {
            let asked = self.wanted.is_some() || self.begun == 0;
            if !asked && failing && !self.due.left(at).is_zero() {
                return Claimed::Unavailable;
            }
            return Claimed::Wait(self.want(at, false));
        }
        // A clock that was set back does not make the cooldown longer.
        let recently = self.unknown_at.is_some_and(|asked| {
            asked <= at.now && at.now.saturating_since(asked) < self.timing.cooldown
        });
        match (recently, self.wanted) {
            (true, Some(_)) => Claimed::Wait(self.begun + 1),
            (true, None) if failing => Claimed::Unavailable,
            (true, None) => Claimed::Denied,
            (false, _) if !leave() => Claimed::Busy,
            (false, _) => {
                self.unknown_at = Some(at.now);
                Claimed::Wait(self.want(at, true))
            }
        }
    }

    /// When a client may try again.
    pub(super) fn retry_after(&self, at: Moment) -> Duration {
        if self.running.is_some() { Duration::ZERO } else { self.due.left(at) }
    }

    /// Whether the task of this generation is there and the one that counts.
    pub(super) fn is_task(&self, generation: u64) -> bool {
        self.driven && generation == self.generation
    }

    pub(super) fn is_driven(&self) -> bool {
        self.driven
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    pub(super) fn ended(&self) -> u64 {
        self.ended
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn confirmed(&self) -> Option<UnixTime> {
        self.confirmed
    }

    /// How long until the next refresh is due.
    pub(super) fn due_in(&self, at: Moment) -> Duration {
        self.due.left(at)
    }
}

#[cfg(test)]
mod tests;
