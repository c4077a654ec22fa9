//! [`Pace`]: the time that passes, and chance; both are a test's in tests.

use std::time::{Duration, Instant};

use crate::revocation::fingerprint::random;

#[derive(Clone)]
pub(super) enum Pace {
    /// Since this moment.
    Real(Instant),
    #[cfg(test)]
    Simulated(std::sync::Arc<super::simulation::Time>),
}

impl Pace {
    pub(super) fn real() -> Self {
        Self::Real(Instant::now())
    }

    /// How much has passed since the beginning.
    pub(super) fn elapsed(&self) -> Duration {
        match self {
            Self::Real(start) => start.elapsed(),
            #[cfg(test)]
            Self::Simulated(time) => time.elapsed(),
        }
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        match self {
            Self::Real(_) => tokio::time::sleep(duration).await,
            #[cfg(test)]
            Self::Simulated(time) => time.sleep(duration).await,
        }
    }

    /// Some part of a duration.
    pub(super) fn part(&self, whole: Duration) -> Duration {
        let bits = match self {
            Self::Real(_) => random(),
            #[cfg(test)]
            Self::Simulated(time) => time.random(),
        };
        whole.mul_f64((bits >> 11) as f64 / (1_u64 << 53) as f64)
    }

    /// Between half of the pause and all of it.
    pub(super) fn jittered(&self, pause: Duration) -> Duration {
        pause / 2 + self.part(pause / 2)
    }
}
