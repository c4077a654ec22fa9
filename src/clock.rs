//! The time a decision is made at: [`UnixTime`], and the [`Clock`] that tells it.
//!
//! Every comparison in this crate that involves time asks a [`Clock`], so a test can hold time
//! still or move it (see the `testing` feature for a ready fake).

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment, counted from 1970-01-01T00:00:00Z without leap seconds: the `NumericDate` of
/// [RFC 7519 §2](https://www.rfc-editor.org/rfc/rfc7519#section-2), at nanosecond resolution.
///
/// Moments before 1970 cannot be told; arithmetic saturates instead of overflowing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime(Duration);

impl UnixTime {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(Duration::ZERO);
    /// The last moment that can be told, some 584 thousand million years ahead.
    pub const MAX: Self = Self(Duration::MAX);

    /// The moment this many whole seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// The moment this long after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_duration(since_epoch: Duration) -> Self {
        Self(since_epoch)
    }

    /// A `NumericDate` with a fraction; `None` if it is negative, not finite or too large to tell.
    #[must_use]
    pub fn from_secs_f64(secs: f64) -> Option<Self> {
        Duration::try_from_secs_f64(secs).ok().map(Self)
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }

    /// The time since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn since_epoch(self) -> Duration {
        self.0
    }

    /// This moment and `by` more, at most [`UnixTime::MAX`].
    #[must_use]
    pub const fn saturating_add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }

    /// This moment less `by`, at least [`UnixTime::EPOCH`].
    #[must_use]
    pub const fn saturating_sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(by))
    }

    /// How long `earlier` lies back, zero if it does not.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Debug for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnixTime({}.{:09})", self.0.as_secs(), self.0.subsec_nanos())
    }
}

impl From<SystemTime> for UnixTime {
    /// Times before 1970 become [`UnixTime::EPOCH`].
    fn from(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

/// Tells the time that expiry and every other time rule is decided at.
///
/// It is asked on every request: an implementation must neither block nor panic.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> UnixTime;
}

/// The operating system's clock.
///
/// A system clock that stands before 1970 reads as 1970. Tokens with `iat` or `nbf` then are "not yet
/// valid"; one with neither is judged by its `exp` alone, which lies ahead.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        SystemTime::now().into()
    }
}

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> UnixTime {
        (**self).now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let last = UnixTime::from_secs(u64::MAX);
        assert_eq!(last.saturating_add(Duration::MAX), UnixTime::MAX);
        assert_eq!(UnixTime::EPOCH.saturating_sub(Duration::MAX), UnixTime::EPOCH);
        assert_eq!(UnixTime::EPOCH.saturating_since(last), Duration::ZERO);
    }

    #[test]
    fn rfc7519_numeric_date_takes_fractions_and_nothing_odd() {
        assert_eq!(
            UnixTime::from_secs_f64(1.5).unwrap().since_epoch(),
            Duration::from_millis(1500)
        );
        for odd in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(UnixTime::from_secs_f64(odd), None, "{odd}");
        }
    }
}
