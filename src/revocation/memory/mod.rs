//! Revocations in this process's memory.

mod builder;
mod store;
mod table;

pub use self::builder::MemoryStoreBuilder;
pub use self::store::MemoryStore;
#[cfg(feature = "redis")]
pub(crate) use self::store::{nanos, whole_seconds};
#[cfg(feature = "redis")]
pub(crate) use self::table::{Entry, Shard};
