//! [`Freshness`]: how old the local copy is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::pace::Pace;
use crate::clock::Clock;

/// The last moment of which it is known that everything up to it is here, by two clocks: the
/// monotonic one may stand still while a machine is suspended, the other may be set back. The
/// greater age counts.
///
/// What expires goes by the clock. If that was set back since, what went may be in force again: then
/// the copy has no age until it was loaded anew.
pub(super) struct Freshness {
    pace: Pace,
    clock: Arc<dyn Clock>,
    /// Nanoseconds since the beginning, plus one; zero for never.
    steady: AtomicU64,
    /// Nanoseconds since 1970.
    wall: AtomicU64,
    /// The latest time, in nanoseconds since 1970, by which it was decided what has expired.
    latest: AtomicU64,
}

/// How far the clock may be set back without anything being done, in nanoseconds: revocations are
/// kept for longer than they are needed.
const SET_BACK: u64 = 1_000_000_000;

/// A moment, by both clocks.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    steady: u64,
    wall: u64,
}

impl Moment {
    /// The earlier of two, by each clock.
    pub(super) fn earlier(self, other: Self) -> Self {
        Self { steady: self.steady.min(other.steady), wall: self.wall.min(other.wall) }
    }
}

impl Freshness {
    pub(super) fn new(clock: Arc<dyn Clock>, pace: Pace) -> Self {
        let (steady, wall, latest) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self { pace, clock, steady, wall, latest }
    }

    pub(super) fn now(&self) -> Moment {
        let steady = nanos(self.pace.elapsed()).saturating_add(1);
        Moment { steady, wall: nanos(self.clock.now().since_epoch()) }
    }

    /// The time that decides what has expired, in seconds since 1970.
    pub(super) fn expiry(&self) -> u64 {
        let now = self.clock.now();
        self.latest.fetch_max(nanos(now.since_epoch()), Ordering::AcqRel);
        now.as_secs()
    }

    fn is_set_back(&self, now: Moment) -> bool {
        now.wall.saturating_add(SET_BACK) < self.latest.load(Ordering::Acquire)
    }

    /// Whether the clock was set back. If so the copy has no age any more, until that is proven again
    /// by what is loaded from now on. There is one writer.
    pub(super) fn withdraw_if_set_back(&self) -> bool {
        let now = self.now();
        if !self.is_set_back(now) {
            return false;
        }
        self.steady.store(0, Ordering::Release);
        self.latest.store(now.wall, Ordering::Release);
        true
    }

    /// Everything up to this moment is here. There is one writer.
    pub(super) fn prove(&self, moment: Moment) {
        self.wall.store(moment.wall, Ordering::Relaxed);
        self.steady.store(moment.steady, Ordering::Release);
    }

    /// The age of the copy; `None` if there is none that can be relied on.
    pub(super) fn age(&self) -> Option<Duration> {
        let steady = self.steady.load(Ordering::Acquire);
        if steady == 0 {
            return None;
        }
        let wall = self.wall.load(Ordering::Relaxed);
        let now = self.now();
        if self.is_set_back(now) {
            return None;
        }
        let age = now.steady.saturating_sub(steady).max(now.wall.saturating_sub(wall));
        Some(Duration::from_nanos(age))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
