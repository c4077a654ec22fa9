//! The time a decision is made at: [`UnixTime`], and the [`Clock`] that tells it.
//!
//! Every comparison in this crate that involves time asks a [`Clock`], so a test can hold time
//! still or move it (see the `testing` feature for a ready fake).

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// The most leeway that a verifier can be given; more is a mistake in the unit. Whatever takes a
/// token back is kept for this much longer than the token.
pub(crate) const MOST_LEEWAY: Duration = Duration::from_secs(3600);

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

    /// The moment this many milliseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
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

    /// Whole milliseconds since 1970-01-01T00:00:00Z, rounded down, at most [`u64::MAX`]: for databases
    /// and JavaScript.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        let millis = self.0.as_millis();
        if millis > u64::MAX as u128 { u64::MAX } else { millis as u64 }
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

impl From<UnixTime> for SystemTime {
    /// A moment that the operating system cannot tell becomes one far ahead that it can.
    fn from(time: UnixTime) -> Self {
        let mut since_epoch = time.0;
        loop {
            match UNIX_EPOCH.checked_add(since_epoch) {
                Some(time) => return time,
                None => since_epoch /= 2,
            }
        }
    }
}

/// As a `NumericDate`: a number of seconds, with a fraction if there is one.
impl Serialize for UnixTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.subsec_nanos() {
            0 => serializer.serialize_u64(self.0.as_secs()),
            _ => serializer.serialize_f64(self.0.as_secs_f64()),
        }
    }
}

/// From a `NumericDate`: a number of seconds, with or without a fraction, not below zero.
impl<'de> Deserialize<'de> for UnixTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumericDate;

        impl Visitor<'_> for NumericDate {
            type Value = UnixTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of seconds since 1970")
            }

            fn visit_u64<E: de::Error>(self, secs: u64) -> Result<UnixTime, E> {
                Ok(UnixTime::from_secs(secs))
            }

            fn visit_i64<E: de::Error>(self, secs: i64) -> Result<UnixTime, E> {
                let unexpected = de::Unexpected::Signed(secs);
                let secs = u64::try_from(secs);
                secs.map(UnixTime::from_secs).map_err(|_| E::invalid_value(unexpected, &self))
            }

            fn visit_f64<E: de::Error>(self, secs: f64) -> Result<UnixTime, E> {
                let unexpected = de::Unexpected::Float(secs);
                UnixTime::from_secs_f64(secs).ok_or_else(|| E::invalid_value(unexpected, &self))
            }
        }

        deserializer.deserialize_any(NumericDate)
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
    fn there_and_back_by_every_door() {
        let time = UnixTime::from_millis(1_700_000_000_250);
        assert_eq!(time.as_millis(), 1_700_000_000_250);
        assert_eq!(UnixTime::from(SystemTime::from(time)), time);
        assert_eq!(serde_json::to_string(&time).unwrap(), "1700000000.25");
        assert_eq!(serde_json::from_str::<UnixTime>("1700000000.25").unwrap(), time);
        let whole = UnixTime::from_secs(5);
        assert_eq!(serde_json::to_string(&whole).unwrap(), "5");
        assert_eq!(serde_json::from_str::<UnixTime>("5").unwrap(), whole);
        for odd in ["-1", "-0.5", "1e300", "\"5\"", "null"] {
            assert!(serde_json::from_str::<UnixTime>(odd).is_err(), "{odd}");
        }
        assert_eq!(UnixTime::MAX.as_millis(), u64::MAX);
        assert!(SystemTime::from(UnixTime::MAX) > SystemTime::now());
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
