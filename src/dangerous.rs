//! [`Dangerous`]: settings that accept what should not be accepted.

use std::fmt;

/// Settings of a builder that make it accept what it should not: reached by its `dangerous()`, so
/// that a search for that word finds every one of them. Each setting yields the builder again.
#[must_use = "nothing was changed yet"]
pub struct Dangerous<T>(pub(crate) T);

impl<T: fmt::Debug> fmt::Debug for Dangerous<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dangerous").field(&self.0).finish()
    }
}
