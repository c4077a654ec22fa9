//! [`SkippedKey`]: what of a published set is not used.

use super::error::KeyError;

/// A member of a JWK Set that was not taken.
#[derive(Debug, Clone)]
pub struct SkippedKey {
    pub(super) index: usize,
    pub(super) id: Option<Box<str>>,
    pub(super) reason: KeyError,
}

impl SkippedKey {
    /// Its position in the set, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its `kid`, if it has one that can be read.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Why it was not taken.
    #[must_use]
    pub fn reason(&self) -> &KeyError {
        &self.reason
    }
}
