//! [`Throttle`]: a line a minute for what would else be a line a request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long one line stands for all that follow.
const QUIET: Duration = Duration::from_secs(60);

/// One slot for each kind of line.
pub(super) struct Throttle<const N: usize>([Slot; N]);

#[derive(Default)]
struct Slot {
    /// From when on the next line may be written, in milliseconds.
    next: AtomicU64,
    held_back: AtomicU64,
}

impl<const N: usize> Throttle<N> {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| Slot::default()))
    }

    /// Whether a line of this kind may be written now; and how many were not since the last one.
    pub(super) fn admit(&self, slot: usize, now: Duration) -> Option<u64> {
        let slot = self.0.get(slot)?;
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let quiet = u64::try_from(QUIET.as_millis()).unwrap_or(u64::MAX);
        let next = slot.next.load(Ordering::Relaxed);
        let claim = |next, then| {
            slot.next.compare_exchange(next, then, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        // Of several threads that come at once, one writes.
        if now >= next && claim(next, now.saturating_add(quiet)) {
            return Some(slot.held_back.swap(0, Ordering::Relaxed));
        }
        slot.held_back.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_minute_and_kind_and_the_rest_is_counted() {
        let throttle = Throttle::<2>::new();
        let at = |millis| Duration::from_millis(millis);
        assert_eq!(throttle.admit(0, at(0)), Some(0));
        for n in 0..100 {
            assert_eq!(throttle.admit(0, at(n)), None);
        }
        assert_eq!(throttle.admit(1, at(5)), Some(0), "another kind has a line of its own");
        assert_eq!(throttle.admit(0, at(59_999)), None);
        assert_eq!(throttle.admit(0, at(60_000)), Some(101));
        assert_eq!(throttle.admit(0, at(60_001)), None);
        assert_eq!(throttle.admit(0, at(600_000)), Some(1));
        assert_eq!(throttle.admit(2, at(0)), None, "there is no such kind");
    }
}
