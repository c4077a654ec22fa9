//! What every store is: an [error](StoreError) that tells an outage from a mistake, and [`Once`],
//! the smallest store of all.
//!
//! 1. A store that cannot tell is an error, never an answer.
//! 2. [`Once`] says of an id that it has come for the first time, to one caller: for proofs, logout
//!    tokens and all else that counts once. [`MemoryOnce`] does so within one process.

mod error;
mod memory_once;
mod once;

pub use error::{StoreError, StoreErrorKind};
pub use memory_once::MemoryOnce;
pub use once::{Once, OnceId};
