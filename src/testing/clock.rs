//! [`FakeClock`]: time that a test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, UnixTime};

/// A clock that stands still until it is told otherwise. Clones are handles on the same clock.
///
/// Counts nanoseconds, so it reaches from 1970 to the year 2554.
#[derive(Debug, Clone)]
pub struct FakeClock(Arc<AtomicU64>);

impl FakeClock {
    /// A clock that stands at this time.
    #[must_use]
    pub fn at(time: UnixTime) -> Self {
        let clock = Self(Arc::default());
        clock.set(time);
        clock
    }

    /// A clock that stands at the moment it is made.
    #[must_use]
    pub fn now_and_still() -> Self {
        Self::at(std::time::SystemTime::now().into())
    }

    /// Moves the clock to this time, forwards or backwards.
    pub fn set(&self, time: UnixTime) {
        let nanos = u64::try_from(time.since_epoch().as_nanos()).unwrap_or(u64::MAX);
        self.0.store(nanos, Ordering::SeqCst);
    }

    /// Moves the clock forwards.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().saturating_add(by));
    }
}

impl Clock for FakeClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_duration(Duration::from_nanos(self.0.load(Ordering::SeqCst)))
    }
}
