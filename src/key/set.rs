//! [`KeySet`]: keys that are looked up together and replaced together.

use std::collections::HashMap;
use std::fmt;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;

use super::algorithm::Algorithm;
use super::single::Key;
use super::skipped::SkippedKey;

/// How many keys are tried for one token at most. A token without `kid`, or a set that repeats
/// one, must not make a request cost many verifications.
pub(crate) const MAX_CANDIDATES: usize = 8;

/// An immutable set of keys.
///
/// Which keys a token may be verified with is decided by its `kid` and `alg`: with a `kid`, the
/// keys of exactly this id, and those that have none; without, all keys of the algorithm. Eight
/// keys are tried at most.
#[doc(alias("jwks", "JwkSet"))]
pub struct KeySet {
    keys: Box<[Key]>,
    /// Positions of the keys of one id, whatever the algorithm.
    by_id: HashMap<Box<str>, Vec<u32>, RandomState>,
    /// Positions of the keys without an id, by algorithm.
    nameless: [Vec<u32>; Algorithm::COUNT],
    /// Positions of all keys, by algorithm.
    by_algorithm: [Vec<u32>; Algorithm::COUNT],
    skipped: Box<[SkippedKey]>,
    epoch: u64,
}

/// What a set holds for a token.
#[derive(Debug, Clone)]
pub(crate) enum Lookup<'a> {
    /// Keys to try; at least one.
    Found(Candidates<'a>),
    /// There are keys for this `kid`, but none of this algorithm.
    WrongAlgorithm,
    /// There is no key for this `kid`.
    UnknownKey,
}

impl KeySet {
    /// A set of these keys. An empty set verifies nothing.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        Self::with_skipped(keys.into_iter().collect(), Vec::new())
    }

    pub(super) fn with_skipped(keys: Vec<Key>, skipped: Vec<SkippedKey>) -> Self {
        static EPOCH: AtomicU64 = AtomicU64::new(1);
        let mut set = Self {
            keys: Box::default(),
            by_id: HashMap::default(),
            nameless: std::array::from_fn(|_| Vec::new()),
            by_algorithm: std::array::from_fn(|_| Vec::new()),
            skipped: skipped.into(),
            epoch: EPOCH.fetch_add(1, Ordering::Relaxed),
        };
        for (position, key) in (0_u32..).zip(&keys) {
            let algorithm = key.algorithm().index();
            set.by_algorithm[algorithm].push(position);
            match key.id() {
                Some(id) => set.by_id.entry(id.into()).or_default().push(position),
                None => set.nameless[algorithm].push(position),
            }
        }
        set.keys = keys.into();
        set
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key at all, so that nothing can be verified.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys, in the order in which they were given.
    pub fn iter(&self) -> slice::Iter<'_, Key> {
        self.keys.iter()
    }

    /// The members of the JWK Set that were not taken, and why. Worth a warning in the log.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// A number that no other set of this process has. What was verified under another epoch may
    /// have been verified with a key that is gone.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether a key has this id.
    pub(crate) fn has_id(&self, kid: &str) -> bool {
        self.by_id.contains_key(kid)
    }

    /// The keys that a token with this `kid` and `alg` may be verified with, at most
    /// [`MAX_CANDIDATES`].
    pub(crate) fn candidates(&self, kid: Option<&str>, algorithm: Algorithm) -> Candidates<'_> {
        let index = algorithm.index();
        let (named, others) = match kid {
            None => (self.by_algorithm[index].as_slice(), [].as_slice()),
            Some(kid) => (
                self.by_id.get(kid).map_or([].as_slice(), Vec::as_slice),
                self.nameless[index].as_slice(),
            ),
        };
        Candidates {
            keys: &self.keys,
            positions: named.iter().chain(others),
            algorithm,
            left: MAX_CANDIDATES,
        }
    }

    /// [`Self::candidates`], or why there are none.
    pub(crate) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Lookup<'_> {
        let candidates = self.candidates(kid, algorithm);
        if candidates.clone().next().is_some() {
            return Lookup::Found(candidates);
        }
        let known = match kid {
            None => !self.is_empty(),
            // a set in which no key has an id says nothing about ids
            Some(kid) => {
                self.by_id.contains_key(kid) || (self.by_id.is_empty() && !self.is_empty())
            }
        };
        if known { Lookup::WrongAlgorithm } else { Lookup::UnknownKey }
    }
}

impl<'a> IntoIterator for &'a KeySet {
    type Item = &'a Key;
    type IntoIter = slice::Iter<'a, Key>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Key> for KeySet {
    fn from_iter<I: IntoIterator<Item = Key>>(keys: I) -> Self {
        Self::new(keys)
    }
}

impl From<Key> for KeySet {
    fn from(key: Key) -> Self {
        Self::new([key])
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("keys", &self.keys)
            .field("skipped", &self.skipped)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

/// The keys to try, see [`KeySet::candidates`].
#[derive(Clone)]
pub(crate) struct Candidates<'a> {
    keys: &'a [Key],
    positions: std::iter::Chain<slice::Iter<'a, u32>, slice::Iter<'a, u32>>,
    algorithm: Algorithm,
    left: usize,
}

impl<'a> Iterator for Candidates<'a> {
    type Item = &'a Key;

    fn next(&mut self) -> Option<&'a Key> {
        self.left = self.left.checked_sub(1)?;
        let (keys, algorithm) = (self.keys, self.algorithm);
        self.positions
            .by_ref()
            .filter_map(|position| keys.get(*position as usize))
            .find(|key| key.algorithm() == algorithm)
    }
}

impl fmt::Debug for Candidates<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

#[cfg(test)]
mod tests;
