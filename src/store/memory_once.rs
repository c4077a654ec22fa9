//! [`MemoryOnce`]: ids that were claimed, in this process's memory.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::BuildHasher;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;
use foldhash::quality;

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

/// Ids claimed within this process, a million at most unless told otherwise: some 60 bytes each,
/// taken as they come. A clone is a handle on the same.
///
/// It forgets on restart and knows nothing of other processes: with more than one, use a shared
/// store. A full one refuses further claims with
/// [`StoreErrorKind::Full`](super::StoreErrorKind::Full). A clock that is set back lets nobody claim
/// a second time what was forgotten. Of an id it keeps 128 bits, hashed under keys of
/// this process: where two were the same in those, which does not happen, the second would be refused.
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
    shards: Box<[Padded]>,
    /// Keyed at random: whoever could choose an id could not choose which others it stands for.
    hashers: [quality::RandomState; 2],
    /// Of one shard.
    capacity: usize,
}

/// On cache lines of its own: threads that are in different shards do not disturb each other.
#[derive(Default)]
#[repr(align(128))]
struct Padded(Mutex<Shard>);

/// An id, hashed twice under keys that nobody knows.
type Short = [u64; 2];

#[derive(Default)]
struct Shard {
    /// With the moment until which each is claimed, in nanoseconds since 1970.
    entries: HashMap<Short, u64, RandomState>,
    /// The same by the second from which they are not needed any more.
    deadlines: BTreeMap<u64, Vec<Short>>,
    /// The second that was asked for last, and its list, which is not among the others: most claims
    /// that follow one another end together.
    latest: (u64, Vec<Short>),
    /// A list that is empty, whose memory is used again.
    spare: Vec<Short>,
    /// How many stand in the lists: no fewer than entries, and what the capacity bounds.
    kept: usize,
    /// All deadlines up to this second may have been forgotten.
    forgotten: u64,
}

impl Shard {
    fn claim(
        &mut self,
        id: Short,
        until: UnixTime,
        now: UnixTime,
        capacity: usize,
    ) -> Result<bool, StoreError> {
        self.purge(now);
        let deadline = whole_seconds(until);
        let entry = match self.entries.entry(id) {
            Entry::Occupied(entry) if nanos(now) < *entry.get() || *entry.get() == u64::MAX => {
                return Ok(false);
            }
            entry => entry,
        };
        // It may be one of those that are forgotten: the clock was ahead then.
        if deadline <= self.forgotten {
            return Ok(false);
        }
        if self.kept >= capacity {
            return Err(StoreError::full());
        }
        entry.insert_entry(nanos(until));
        self.note(deadline, id);
        Ok(true)
    }

    /// Notes that the id is not needed any more from that second on.
    fn note(&mut self, deadline: u64, id: Short) {
        if self.latest.0 != deadline {
            let list =
                self.deadlines.remove(&deadline).unwrap_or_else(|| mem::take(&mut self.spare));
            let (before, list) = mem::replace(&mut self.latest, (deadline, list));
            if list.is_empty() {
                self.keep_spare(list);
            } else {
                self.deadlines.insert(before, list);
            }
        }
        self.latest.1.push(id);
        self.kept += 1;
    }

    fn purge(&mut self, now: UnixTime) {
        for _ in 0..REMOVED {
            let latest = (!self.latest.1.is_empty()).then_some(self.latest.0);
            let first = self.deadlines.first_entry();
            let first = first.filter(|first| latest.is_none_or(|latest| *first.key() < latest));
            let (second, id) = match first {
                Some(mut first) if *first.key() <= now.as_secs() => {
                    let (second, id) = (*first.key(), first.get_mut().pop());
                    if first.get().is_empty() {
                        let list = first.remove();
                        self.keep_spare(list);
                    }
                    (second, id)
                }
                None if self.latest.0 <= now.as_secs() => (self.latest.0, self.latest.1.pop()),
                _ => return,
            };
            // There is none where nothing is kept.
            let Some(id) = id else { return };
            self.forgotten = self.forgotten.max(second);
            self.kept -= 1;
            // One that ran out and was claimed anew stands at its new deadline, too.
            if let Entry::Occupied(entry) = self.entries.entry(id)
                && *entry.get() <= nanos(now)
            {
                entry.remove();
            }
        }
    }

    /// Keeps the memory of a list for the next one, but no more than a few pages.
    fn keep_spare(&mut self, list: Vec<Short>) {
        if (self.spare.capacity() + 1..=SHARD).contains(&list.capacity()) {
            self.spare = list;
        }
    }
}

/// For comparing. What is further ahead than the year 2554 is claimed until its whole second is over.
fn nanos(time: UnixTime) -> u64 {
    u64::try_from(time.since_epoch().as_nanos()).unwrap_or(u64::MAX)
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
            shards: std::iter::repeat_with(Padded::default).take(shards).collect(),
            hashers: Default::default(),
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
        let Inner { shards, hashers, capacity } = &*self.0;
        let id = hashers.each_ref().map(|hasher| hasher.hash_one(id));
        // As many shards as a power of two, and at least one. The tables hash with keys of their own.
        let shard = &shards[id[0] as usize & (shards.len() - 1)];
        let mut shard = shard.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let kept = || once.0.shards.iter().map(|shard| shard.0.lock().unwrap().kept).sum::<usize>();
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
    fn ids_that_differ_in_one_bit_are_others() {
        let once = MemoryOnce::new();
        for bit in 0..256 {
            let mut hash = [7; 32];
            hash[bit / 8] ^= 1 << (bit % 8);
            assert!(once.claim_now(&OnceId::from_hash(hash), at(9), at(1)).unwrap(), "{bit}");
        }
        for byte in (0..=u8::MAX).filter(|byte| *byte != 7) {
            assert!(
                once.claim_now(&OnceId::from_hash([byte; 32]), at(9), at(1)).unwrap(),
                "{byte}"
            );
        }
    }

    #[test]
    fn deadlines_in_any_order_are_kept_and_forgotten_as_they_come() {
        let once = MemoryOnce::with_capacity(1000);
        let deadline = |number: u64| 100 + number.wrapping_mul(7919) % 50;
        for number in 0..1000 {
            assert!(once.claim_now(&id(number), at(deadline(number)), at(1)).unwrap(), "{number}");
        }
        assert!(once.claim_now(&id(1000), at(200), at(1)).is_err());
        for now in 100..150 {
            for number in 0..1000 {
                // What is still needed is there; what is not makes room, which nobody takes here.
                if deadline(number) > now {
                    assert!(!once.claim_now(&id(number), at(deadline(number)), at(now)).unwrap());
                }
            }
        }
        for number in 0..1000 {
            assert!(once.claim_now(&id(number), at(300), at(150)).unwrap(), "{number}");
        }
    }

    #[test]
    fn for_ever_is_for_ever() {
        let once = MemoryOnce::new();
        assert!(once.claim_now(&id(1), UnixTime::MAX, at(1)).unwrap());
        assert!(!once.claim_now(&id(1), UnixTime::MAX, at(1 << 33)).unwrap());
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
}
