//! Tokens are made here.

mod random;
pub mod refresh;
pub mod single_use;

pub use self::random::TokenHash;
