//! [`Freshness`]: how old the local copy is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::time::{Clock, UnixTime};

/// The last moment of which it is known that everything up to it is here, by two clocks: the
/// monotonic one may stand still while a machine is suspended, the other may be set back. The
/// greater age counts.
pub(super) struct Freshness {
    start: Instant,
    clock: Arc<dyn Clock>,
    /// Nanoseconds since `start`, plus one; zero for never.
    steady: AtomicU64,
    /// Nanoseconds since 1970.
    wall: AtomicU64,
}

/// A moment, by both clocks.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    steady: u64,
    wall: u64,
}

impl Freshness {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let (steady, wall) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { start: Instant::now(), clock, steady, wall }
    }

    pub(super) fn now(&self) -> Moment {
        let steady = nanos(self.start.elapsed()).saturating_add(1);
        Moment { steady, wall: nanos(self.clock.now().since_epoch()) }
    }

    pub(super) fn wall(&self) -> UnixTime {
        self.clock.now()
    }

    /// Everything up to this moment is here. There is one writer.
    pub(super) fn prove(&self, moment: Moment) {
        self.wall.store(moment.wall, Ordering::Relaxed);
        self.steady.store(moment.steady, Ordering::Release);
    }

    /// The age of the copy; `None` if there never was one.
    pub(super) fn age(&self) -> Option<Duration> {
        let steady = self.steady.load(Ordering::Acquire);
        if steady == 0 {
            return None;
        }
        let wall = self.wall.load(Ordering::Relaxed);
        let now = self.now();
        let age = now.steady.saturating_sub(steady).max(now.wall.saturating_sub(wall));
        Some(Duration::from_nanos(age))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
