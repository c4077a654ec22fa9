//! Replicas over a simulated log, with a clock and chance of the simulation's own: every run is told
//! by its seed. `REPLICA_SEEDS=5000..9000 cargo test --lib simulation` tries more of them, and with
//! `REPLICA_TRACE=1` beside it, it says what befalls whom.

mod cloud;
mod ledger;
mod nemesis;
mod world;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::clock::{Clock, UnixTime};

/// The time and the chance of a simulation.
#[derive(Default)]
pub(super) struct Time {
    nanos: AtomicU64,
    chance: AtomicU64,
}

impl Time {
    fn of_seed(seed: u64) -> Arc<Self> {
        Arc::new(Self { nanos: AtomicU64::new(0), chance: AtomicU64::new(seed) })
    }

    pub(super) fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    fn advance(&self, by: Duration) {
        self.nanos.fetch_add(by.as_nanos() as u64, Ordering::Relaxed);
    }

    /// SplitMix64.
    pub(super) fn random(&self) -> u64 {
        let step = 0x9E37_79B9_7F4A_7C15_u64;
        let mut z = self.chance.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&self, bound: u64) -> u64 {
        self.random() % bound
    }

    /// Whether it happens, once in so many times.
    fn once_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(super) fn sleep(self: &Arc<Self>, duration: Duration) -> Sleep {
        Sleep { until: self.elapsed() + duration, time: Arc::clone(self) }
    }
}

pub(super) struct Sleep {
    until: Duration,
    time: Arc<Time>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.time.elapsed() < self.until { Poll::Pending } else { Poll::Ready(()) }
    }
}

/// A node's clock, which may be off.
struct Hands {
    time: Arc<Time>,
    /// In milliseconds.
    ahead: Arc<AtomicU64>,
}

const START: u64 = 1_700_000_000;

impl Clock for Hands {
    fn now(&self) -> UnixTime {
        let ahead = Duration::from_millis(self.ahead.load(Ordering::Relaxed));
        UnixTime::from_duration(Duration::from_secs(START) + self.time.elapsed() + ahead)
    }
}
