//! Single-use tokens.

mod store;

pub use self::store::SingleUseStore;
