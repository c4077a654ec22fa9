//! Revocations in this process's memory.

mod builder;
mod store;

pub use self::builder::MemoryStoreBuilder;
pub use self::store::MemoryStore;
