//! What a [`RemoteKeys`](super::RemoteKeys) was told.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use http::Uri;

use crate::clock::Clock;
use crate::fetch::{Fetch, FetchLimits};
use crate::key::JwksOptions;

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

#[derive(Clone, Copy)]
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

impl Timing {
    /// How long after a good answer to ask again, up to a tenth earlier than told so that the
    /// nodes of a service do not ask together.
    pub(super) fn next_refresh(&self, max_age: Option<Duration>) -> Duration {
        let asked = max_age.unwrap_or(self.refresh).clamp(self.refresh_min, self.refresh_max);
        // half of the time that the keys are good for is left for trying again
        earlier(asked.min(self.keep_for / 2))
    }

    /// How long after this many failures in a row to try again.
    pub(super) fn next_retry(&self, failures: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
        earlier(self.retry_min.saturating_mul(factor).min(self.retry_max))
    }
}

fn earlier(by_up_to_a_tenth: Duration) -> Duration {
    // a hasher with random keys: randomness enough to spread load
    let random = RandomState::default().hash_one(std::time::Instant::now()) % 1024;
    let tenth = by_up_to_a_tenth / 10;
    by_up_to_a_tenth - tenth * u32::try_from(random).unwrap_or(0) / 1024
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
            let next = timing.next_refresh(max_age.map(Duration::from_secs));
            assert!(next <= Duration::from_secs(seconds), "{max_age:?} {next:?}");
            assert!(next >= Duration::from_secs(seconds) * 9 / 10, "{max_age:?} {next:?}");
        }
        let short = Timing { keep_for: Duration::from_secs(100), ..timing };
        assert!(short.next_refresh(None) <= Duration::from_secs(50));
        let spread: std::collections::HashSet<_> =
            (0..20).map(|_| timing.next_refresh(None)).collect();
        assert!(spread.len() > 1);
    }

    #[test]
    fn retries_back_off_and_never_overflow() {
        let timing = Timing::default();
        assert!(timing.next_retry(1) <= Duration::from_secs(1));
        assert!(timing.next_retry(4) > Duration::from_secs(7));
        assert!(timing.next_retry(u32::MAX) <= Duration::from_secs(60));
        assert!(timing.next_retry(0) > Duration::ZERO);
    }
}
