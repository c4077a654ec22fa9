//! [`Cached`]: a check that remembers answers.

mod check;
mod slots;

pub use self::check::{Cached, CachedFuture};
