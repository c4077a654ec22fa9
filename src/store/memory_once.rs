//! [`MemoryOnce`]: ids that were claimed, in this process's memory.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::quality::RandomState;

use super::error::StoreError;
use super::once::{Once, OnceId};
use crate::clock::UnixTime;

/// The most shards, a power of two: threads that claim different ids rarely meet.
const SHARDS: usize = 64;
/// Fewer shards than that if each would hold less than this.
const SHARD: usize = 1024;
/// The most expired entries that one call removes: twice what one adds, so that no call is long and
/// nothing piles up.
const REMOVED: usize = 2;

/// Ids claimed within this process, a million at most unless told otherwise: some 100 bytes each,
/// taken as they come. A clone is a handle on the same.
///
/// It forgets on restart and knows nothing of other processes: with more than one, use a shared
/// store. A full one refuses further claims with
/// [`StoreErrorKind::Full`](super::StoreErrorKind::Full). A clock that is set back lets nobody claim
/// a second time what was forgotten.
///
/// ```
/// # futures_util::future::FutureExt::now_or_never(async {
/// use tower_bearer::clock::UnixTime;
/// use tower_bearer::store::{MemoryOnce, Once, OnceId};
///
/// let once = MemoryOnce::new();
/// let id = OnceId::from_hash([7; 32]); // a hash of issuer and `jti`, say
/// let (now, until) = (UnixTime::from_secs(1_000), UnixTime::from_secs(1_060));
/// assert!(once.claim(&id, until, now).await?);
/// assert!(!once.claim(&id, until, now).await?);
/// # Ok::<(), tower_bearer::store::StoreError>(())
/// # }).unwrap().unwrap();
/// ```
#[derive(Clone)]
pub struct MemoryOnce(Arc<Inner>);

struct Inner {
    shards: Box<[Mutex<Shard>]>,
    /// Keyed at random: ids may be chosen by strangers.
    hasher: RandomState,
    /// Of one shard.
    capacity: usize,
}

#[derive(Default)]
struct Shard {
    entries: HashMap<[u8; 32], UnixTime, RandomState>,
    /// The same by the second from which they are not needed any more.
    deadlines: BTreeMap<u64, Vec<[u8; 32]>>,
    /// How many stand in `deadlines`: no fewer than entries, and what the capacity bounds.
    kept: usize,
    /// All deadlines up to this second may have been forgotten.
    forgotten: u64,
}

impl Shard {
    fn claim(
        &mut self,
        id: &OnceId,
        until: UnixTime,
        now: UnixTime,
        capacity: usize,
    ) -> Result<bool, StoreError> {
        self.purge(now);
        if self.entries.get(id.as_bytes()).is_some_and(|until| now < *until) {
            return Ok(false);
        }
        let deadline = whole_seconds(until);
        // It may be one of those that are forgotten: the clock was ahead then.
        if deadline <= self.forgotten {
            return Ok(false);
        }
        if self.kept >= capacity {
            return Err(StoreError::full());
        }
        self.entries.insert(*id.as_bytes(), until);
        self.deadlines.entry(deadline).or_default().push(*id.as_bytes());
        self.kept += 1;
        Ok(true)
    }

    fn purge(&mut self, now: UnixTime) {
        for _ in 0..REMOVED {
            let Some(mut first) = self.deadlines.first_entry() else { return };
            if *first.key() > now.as_secs() {
                return;
            }
            self.forgotten = self.forgotten.max(*first.key());
            let id = first.get_mut().pop();
            if first.get().is_empty() {
                first.remove();
            }
            let Some(id) = id else { continue };
            self.kept -= 1;
            // One that ran out and was claimed anew stands at its new deadline, too.
            if self.entries.get(&id).is_some_and(|until| *until <= now) {
                self.entries.remove(&id);
            }
        }
    }
}

/// Rounded up.
fn whole_seconds(time: UnixTime) -> u64 {
    let nanos = time.since_epoch().subsec_nanos();
    time.as_secs().saturating_add(u64::from(nanos > 0))
}

impl MemoryOnce {
    /// Room for a million ids.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(1_000_000)
    }

    /// Room for about this many ids, and never for more. They are spread over up to 64 tables by
    /// their hashes, and the first table that is full refuses: with thousands of ids in each that
    /// is a few in a hundred before the end.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        let shards = match capacity / SHARD {
            0 => 1,
            wanted => (1 << wanted.ilog2()).min(SHARDS),
        };
        Self(Arc::new(Inner {
            shards: std::iter::repeat_with(Mutex::default).take(shards).collect(),
            hasher: RandomState::default(),
            capacity: capacity / shards,
        }))
    }

    /// Claims the id at once, see [`Once::claim`].
    ///
    /// # Errors
    /// If there is no room for it.
    pub fn claim_now(
        &self,
        id: &OnceId,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        if until <= now {
            return Ok(false);
        }
        let Inner { shards, hasher, capacity } = &*self.0;
        let hash = std::hash::BuildHasher::hash_one(hasher, id);
        // As many shards as a power of two, and at least one. The tables use the other bits.
        let shard = &shards[(hash >> 20) as usize & (shards.len() - 1)];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.claim(id, until, now, *capacity)
    }
}

impl Once for MemoryOnce {
    async fn claim(&self, id: &OnceId, until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        self.claim_now(id, until, now)
    }
}

impl Default for MemoryOnce {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let capacity = self.0.capacity * self.0.shards.len();
        f.debug_struct("MemoryOnce").field("capacity", &capacity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreErrorKind;

    fn id(number: u64) -> OnceId {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        OnceId::from_hash(hash)
    }

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    #[test]
    fn a_full_one_refuses_and_forgets_nothing_until_it_expires() {
        let once = MemoryOnce::with_capacity(3);
        for number in 0..3 {
            assert!(once.claim_now(&id(number), at(10), at(1)).unwrap());
        }
        let error = once.claim_now(&id(3), at(10), at(9)).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Full);
        for number in 0..3 {
            assert!(!once.claim_now(&id(number), at(20), at(9)).unwrap());
        }
        for number in 3..6 {
            assert!(once.claim_now(&id(number), at(20), at(10)).unwrap(), "{number}");
        }
        assert!(MemoryOnce::with_capacity(0).claim_now(&id(0), at(2), at(1)).is_err());
    }

    #[test]
    fn a_flood_is_bounded_and_passes() {
        let once = MemoryOnce::with_capacity(100_000);
        let mut taken = 0;
        while let Ok(first) = once.claim_now(&id(taken), at(60), at(0)) {
            assert!(first);
            taken += 1;
        }
        assert!((90_000..=100_000).contains(&taken), "{taken}");
        assert!(once.0.shards.len() == 64);
        // A minute on, the room is there again; each call removes only a few.
        for number in 0..taken {
            assert!(once.claim_now(&id(number), at(120), at(60)).unwrap(), "{number}");
        }
        let kept = || once.0.shards.iter().map(|shard| shard.lock().unwrap().kept).sum::<usize>();
        assert!(kept() as u64 <= 100_000);
        for number in 0..taken {
            assert!(!once.claim_now(&id(number), at(120), at(60)).unwrap());
        }
        assert_eq!(kept() as u64, taken);
    }

    #[test]
    fn a_clock_set_back_lets_nobody_claim_again_what_was_forgotten() {
        let once = MemoryOnce::with_capacity(10);
        assert!(once.claim_now(&id(1), at(100), at(50)).unwrap());
        assert!(once.claim_now(&id(2), at(1000), at(500)).unwrap());
        assert!(!once.claim_now(&id(1), at(100), at(50)).unwrap());
        // What is good for longer than anything that was forgotten is new for certain.
        assert!(once.claim_now(&id(3), at(101), at(50)).unwrap());
    }

    #[test]
    fn until_the_last_nanosecond() {
        let once = MemoryOnce::new();
        let until = UnixTime::from_duration(std::time::Duration::from_nanos(10_000_000_001));
        assert!(once.claim_now(&id(1), until, at(1)).unwrap());
        assert!(!once.claim_now(&id(1), at(99), at(10)).unwrap());
        assert!(once.claim_now(&id(1), at(99), until).unwrap());
        assert!(!once.claim_now(&id(1), at(99), at(50)).unwrap());
    }

    #[test]
    fn of_many_threads_one_wins() {
        let once = MemoryOnce::new();
        for number in 0..200 {
            let won = std::thread::scope(|scope| {
                let claim = || once.claim_now(&id(number), at(60), at(1)).unwrap();
                let threads = [scope.spawn(claim), scope.spawn(claim), scope.spawn(claim)];
                threads.map(|thread| thread.join().unwrap())
            });
            assert_eq!(won.iter().filter(|won| **won).count(), 1);
        }
    }

    /// `cargo test --release --lib -- --ignored --nocapture a_claim_costs`
    #[test]
    #[ignore = "measures"]
    fn a_claim_costs() {
        let once = MemoryOnce::new();
        let count = 600_000_u64;
        let ids: Vec<_> = (0..count).map(|number| id(number.wrapping_mul(0x9e37_79b9))).collect();
        for round in 0..2 {
            let begun = std::time::Instant::now();
            for (number, id) in (0..).zip(&ids) {
                let now = round * 1_000 + number / 2_000;
                assert!(once.claim_now(id, at(now + 60), at(now)).unwrap());
            }
            println!("{:?} per claim", begun.elapsed() / count as u32);
        }
    }
}
