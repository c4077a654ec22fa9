//! [`KnownHeaders`]: headers that need not be parsed again.

use std::array;
use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};
use foldhash::fast::RandomState;

use super::header::Header;
use crate::key::Algorithm;

/// An issuer uses a handful of headers: one for each key.
const SLOTS: usize = 16;
/// A longer header segment, in bytes, is parsed every time.
const LONGEST: usize = 1024;

/// Headers of tokens whose signature was right. An issuer writes the same header, byte for byte,
/// into all tokens it signs with a key, so looking it up costs less than parsing it.
///
/// Only headers under a right signature get in, so nobody but an issuer can replace one.
pub(super) struct KnownHeaders {
    slots: [ArcSwapOption<Known>; SLOTS],
    hasher: RandomState,
}

/// A header that was parsed before.
pub(super) struct Known {
    segment: Box<[u8]>,
    algorithm: Algorithm,
    kid: Option<Box<str>>,
    typ: Option<Box<str>>,
}

impl Known {
    pub(super) fn header(&self) -> Header<'_> {
        Header {
            algorithm: self.algorithm,
            kid: self.kid.as_deref().map(Cow::Borrowed),
            typ: self.typ.as_deref().map(Cow::Borrowed),
        }
    }
}

impl KnownHeaders {
    pub(super) fn new() -> Self {
        Self { slots: array::from_fn(|_| ArcSwapOption::empty()), hasher: RandomState::default() }
    }

    /// What exactly this segment was parsed as.
    #[inline]
    pub(super) fn get(&self, segment: &[u8]) -> Option<Guard<Option<Arc<Known>>>> {
        let known = self.slot(segment).load();
        known.as_ref().is_some_and(|known| *known.segment == *segment).then_some(known)
    }

    /// Keeps the header of a token whose signature was right.
    pub(super) fn put(&self, segment: &[u8], header: &Header<'_>) {
        if segment.len() <= LONGEST {
            self.slot(segment).store(Some(Arc::new(Known {
                segment: segment.into(),
                algorithm: header.algorithm,
                kid: header.kid.as_deref().map(Into::into),
                typ: header.typ.as_deref().map(Into::into),
            })));
        }
    }

    fn slot(&self, segment: &[u8]) -> &ArcSwapOption<Known> {
        &self.slots[self.hasher.hash_one(segment) as usize % SLOTS]
    }
}
