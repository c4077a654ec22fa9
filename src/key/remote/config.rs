//! What a [`RemoteKeys`](super::RemoteKeys) was told.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use http::Uri;

use crate::clock::Clock;
use crate::fetch::{Fetch, FetchLimits};
use crate::key::JwksOptions;

/// No setting means more than this; it keeps sums of times far from overflowing.
pub(super) const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

pub(super) enum Endpoint {
    /// The metadata of this issuer say where its keys are.
    Issuer(Box<str>),
    /// The key set itself.
    Jwks(Uri),
}

pub(super) struct Config {
    pub(super) endpoint: Endpoint,
    pub(super) fetch: Arc<dyn Fetch>,
    pub(super) limits: FetchLimits,
    pub(super) allow_http: bool,
    pub(super) jwks: JwksOptions,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) timing: Timing,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// Where the response does not say.
    pub(super) refresh: Duration,
    pub(super) refresh_min: Duration,
    pub(super) refresh_max: Duration,
    pub(super) retry_min: Duration,
    pub(super) retry_max: Duration,
    pub(super) cooldown: Duration,
    pub(super) wait: Duration,
    pub(super) keep_for: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            refresh: minutes(60),
            refresh_min: minutes(1),
            refresh_max: minutes(12 * 60),
            retry_min: Duration::from_secs(1),
            retry_max: minutes(1),
            cooldown: Duration::from_secs(30),
            wait: Duration::from_secs(3),
            keep_for: minutes(24 * 60),
        }
    }
}

/// A share of a tenth, in 1024ths, that is taken off a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Jitter(pub(super) u16);

impl Jitter {
    /// At random, so that the nodes of a service do not ask together.
    pub(super) fn random() -> Self {
        // A hasher with random keys: randomness enough to spread load.
        let random = RandomState::default().hash_one(Instant::now()) % 1024;
        Self(u16::try_from(random).unwrap_or(0))
    }

    fn off(self, time: Duration) -> Duration {
        let tenth = time / 10;
        time.saturating_sub(tenth.saturating_mul(self.0.into()) / 1024)
    }
}

impl Timing {
    /// The same, with nothing that is longer than [`LONGEST`].
    pub(super) fn clamped(self) -> Self {
        Self {
            refresh: self.refresh.min(LONGEST),
            refresh_min: self.refresh_min.min(LONGEST),
            refresh_max: self.refresh_max.min(LONGEST),
            retry_min: self.retry_min.min(LONGEST),
            retry_max: self.retry_max.min(LONGEST),
            cooldown: self.cooldown.min(LONGEST),
            wait: self.wait.min(LONGEST),
            keep_for: self.keep_for.min(LONGEST),
        }
    }

    /// How long after a good answer to ask again, up to a tenth earlier than told.
    pub(super) fn next_refresh(&self, max_age: Option<Duration>, jitter: Jitter) -> Duration {
        let asked = max_age.unwrap_or(self.refresh).max(self.refresh_min).min(self.refresh_max);
        // Half of the time that the keys are good for is left for trying again.
        jitter.off(asked.min(self.keep_for / 2))
    }

    /// How long after this many failures in a row to try again.
    pub(super) fn next_retry(&self, failures: u32, jitter: Jitter) -> Duration {
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
        jitter.off(self.retry_min.saturating_mul(factor).min(self.retry_max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_counts_within_bounds_and_with_jitter() {
        let timing = Timing::default();
        for (max_age, seconds) in
            [(None, 3600), (Some(0), 60), (Some(600), 600), (Some(u64::MAX), 12 * 3600)]
        {
            let max_age = max_age.map(Duration::from_secs);
            let longest = Duration::from_secs(seconds);
            assert_eq!(timing.next_refresh(max_age, Jitter(0)), longest);
            let shortest = timing.next_refresh(max_age, Jitter(1023));
            assert!(shortest < longest && shortest >= longest * 9 / 10, "{max_age:?} {shortest:?}");
        }
        let short = Timing { keep_for: Duration::from_secs(100), ..timing };
        assert!(short.next_refresh(None, Jitter(0)) <= Duration::from_secs(50));
        let spread: std::collections::HashSet<_> = (0..20).map(|_| Jitter::random().0).collect();
        assert!(spread.len() > 1);
    }

    #[test]
    fn retries_back_off_and_never_overflow() {
        let timing = Timing::default();
        assert!(timing.next_retry(1, Jitter::random()) <= Duration::from_secs(1));
        assert!(timing.next_retry(4, Jitter::random()) > Duration::from_secs(7));
        assert!(timing.next_retry(u32::MAX, Jitter::random()) <= Duration::from_secs(60));
        assert!(timing.next_retry(0, Jitter::random()) > Duration::ZERO);
        let forever = Duration::MAX;
        let timing = Timing {
            refresh: forever,
            refresh_max: forever,
            retry_min: forever,
            retry_max: forever,
            keep_for: forever,
            ..timing
        };
        for timing in [timing, timing.clamped()] {
            for jitter in [0, 1, 1023] {
                assert!(timing.next_refresh(Some(forever), Jitter(jitter)) > LONGEST / 3);
                assert!(timing.next_retry(u32::MAX, Jitter(jitter)) > LONGEST / 3);
            }
        }
    }
}
