//! Revocations in memory, searched without locks.

mod shard;
mod shards;

pub(super) use self::shard::{Entry, FOREVER};
pub(super) use self::shards::Shards;
