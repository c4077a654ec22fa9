//! Revocations in this process's memory.

mod builder;
mod store;
mod table;

pub use self::builder::MemoryStoreBuilder;
pub use self::store::MemoryStore;
