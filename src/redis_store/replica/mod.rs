//! A local copy of the revocations in Redis.

mod builder;
mod feed;
mod freshness;
mod handle;
mod health;
mod log;
#[cfg(feature = "issuer")]
mod sessions;

pub use self::builder::{OnStale, ReplicaBuilder};
pub use self::handle::Replica;
pub use self::health::ReplicaHealth;
