//! [`KnownKeys`]: keys of proofs that need not be read again.

use std::hash::BuildHasher;
use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};
use foldhash::fast::RandomState;

use crate::key::Key;

/// A power of two. Clients that come again within as many others find their key.
const SLOTS: usize = 4096;
/// A longer header segment, in bytes, is read every time.
const LONGEST: usize = 1024;

/// Headers of proofs, byte for byte, with the key that was read from each. A client writes the same
/// header into all proofs it signs with a key, so looking it up costs less than reading it.
///
/// Nothing of a proof is taken for granted by it: what is kept is the key that stands in the header
/// itself. Only keys that a good token is bound to get in.
pub(super) struct KnownKeys {
    slots: Box<[ArcSwapOption<KnownKey>]>,
    hasher: RandomState,
}

pub(super) struct KnownKey {
    segment: Box<[u8]>,
    pub(super) key: Key,
    pub(super) thumbprint: Box<str>,
}

impl KnownKeys {
    pub(super) fn new() -> Self {
        let slots = std::iter::repeat_with(ArcSwapOption::empty).take(SLOTS).collect();
        Self { slots, hasher: RandomState::default() }
    }

    #[inline]
    pub(super) fn get(&self, segment: &[u8]) -> Option<Guard<Option<Arc<KnownKey>>>> {
        let known = self.slot(segment)?.load();
        known.as_ref().is_some_and(|known| *known.segment == *segment).then_some(known)
    }

    pub(super) fn put(&self, segment: &[u8], key: Key, thumbprint: String) {
        if segment.len() <= LONGEST
            && let Some(slot) = self.slot(segment)
        {
            let thumbprint = thumbprint.into();
            slot.store(Some(Arc::new(KnownKey { segment: segment.into(), key, thumbprint })));
        }
    }

    fn slot(&self, segment: &[u8]) -> Option<&ArcSwapOption<KnownKey>> {
        self.slots.get(self.hasher.hash_one(segment) as usize % SLOTS)
    }
}
