//! [`BuildError`]: why a verifier could not be built.

use std::error::Error;
use std::fmt;

/// Why a verifier, or what checks proofs, could not be built; says what to change.
#[derive(Debug)]
pub struct BuildError(&'static str);

impl BuildError {
    pub(crate) const fn new(problem: &'static str) -> Self {
        Self(problem)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for BuildError {}
