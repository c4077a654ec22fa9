//! [`SharedKeys`]: keys that are replaced while requests run.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::set::KeySet;
use super::single::Key;
use super::source::{
    BoxFuture, IntoKeySource, KeySnapshot, KeySource, KeysUnavailable, MissingKey,
};

/// A handle to keys that can be replaced at run time. Clones are handles to the same keys.
///
/// Keep one handle and give the other to the verifier; [`replace`](SharedKeys::replace) then takes
/// effect with the next request, and what a removed key had verified is forgotten.
#[derive(Clone)]
pub struct SharedKeys(Arc<ArcSwap<KeySet>>);

impl SharedKeys {
    /// Starts with these keys.
    #[must_use]
    pub fn new(keys: KeySet) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(keys)))
    }

    /// Replaces all keys at once. Requests that are under way keep the set that they began with.
    pub fn replace(&self, keys: KeySet) {
        self.0.store(Arc::new(keys));
    }

    /// The keys as they are now.
    #[must_use]
    pub fn current(&self) -> KeySnapshot {
        KeySnapshot::from_guard(self.0.load())
    }
}

impl KeySource for SharedKeys {
    fn current(&self) -> Result<KeySnapshot, KeysUnavailable> {
        Ok(Self::current(self))
    }

    fn refresh(
        &self,
        _: &MissingKey<'_>,
    ) -> Option<BoxFuture<'static, Result<(), KeysUnavailable>>> {
        None
    }
}

impl IntoKeySource for KeySet {
    fn into_key_source(self) -> Arc<dyn KeySource> {
        Arc::new(SharedKeys::new(self))
    }
}

impl IntoKeySource for Key {
    fn into_key_source(self) -> Arc<dyn KeySource> {
        KeySet::from(self).into_key_source()
    }
}

impl IntoKeySource for Vec<Key> {
    fn into_key_source(self) -> Arc<dyn KeySource> {
        KeySet::new(self).into_key_source()
    }
}

impl<const N: usize> IntoKeySource for [Key; N] {
    fn into_key_source(self) -> Arc<dyn KeySource> {
        KeySet::new(self).into_key_source()
    }
}

impl From<KeySet> for SharedKeys {
    fn from(keys: KeySet) -> Self {
        Self::new(keys)
    }
}

impl From<Key> for SharedKeys {
    fn from(key: Key) -> Self {
        Self::new(key.into())
    }
}

impl From<Vec<Key>> for SharedKeys {
    fn from(keys: Vec<Key>) -> Self {
        Self::new(KeySet::new(keys))
    }
}

impl<const N: usize> From<[Key; N]> for SharedKeys {
    fn from(keys: [Key; N]) -> Self {
        Self::new(KeySet::new(keys))
    }
}

impl fmt::Debug for SharedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedKeys").field(&*self.current()).finish()
    }
}

#[cfg(test)]
mod tests;
