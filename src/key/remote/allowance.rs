//! [`Allowance`]: how often strangers make this process ask anybody's provider.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Tokens with an unknown `kid` make one issuer be asked once in its cooldown. A service with a
/// thousand issuers has a thousand cooldowns, so all of them together have this allowance as well:
/// 100 at once, and ten per second.
pub(super) static ALL: Allowance = Allowance::new(100, Duration::from_millis(100));

/// When to come again where there is none left.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Leave for so many at once, which comes back one by one.
pub(super) struct Allowance {
    every: u64,
    /// How far ahead of its time the next one may be.
    ahead: u64,
    /// When the next one would have its turn, in nanoseconds since the first question.
    next: AtomicU64,
    origin: OnceLock<Instant>,
}

impl Allowance {
    #[allow(clippy::cast_possible_truncation, reason = "a constant of less than a second")]
    const fn new(at_once: u64, every: Duration) -> Self {
        let every = every.as_nanos() as u64;
        Self {
            every,
            ahead: every * (at_once - 1),
            next: AtomicU64::new(0),
            origin: OnceLock::new(),
        }
    }

    /// Whether there is leave for one more.
    pub(super) fn take(&self) -> bool {
        let now = self.origin.get_or_init(Instant::now).elapsed();
        self.take_at(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
    }

    fn take_at(&self, now: u64) -> bool {
        let taken = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
            (next <= now.saturating_add(self.ahead))
                .then(|| next.max(now).saturating_add(self.every))
        });
        taken.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_then_one_by_one() {
        let second = 1_000_000_000;
        let allowance = Allowance::new(3, Duration::from_millis(500));
        let taken = |now| (0..10).filter(|_| allowance.take_at(now)).count();
        assert_eq!((taken(0), taken(0), taken(second / 2 - 1)), (3, 0, 0));
        assert_eq!((taken(second / 2), taken(second), taken(2 * second)), (1, 1, 2));
        // However long it was not used, it is not more at once.
        assert_eq!(taken(1000 * second), 3);
        assert!(Allowance::new(1, Duration::from_millis(1)).take());
    }
}
