//! A local copy, on every node, of the revocations in a shared log (feature `replica`).
//!
//! 1. [`Replica`] answers from memory; a revocation reaches every node within some 20 ms.
//! 2. It decides alone only with proof: a primary that takes writes vouched for the copy within
//!    [`max_staleness`](ReplicaBuilder::max_staleness), the copy is complete, and the log keeps what
//!    it is given. Else it does as [`OnStale`] says.
//! 3. What it knows to be revoked stays revoked, whatever becomes of the log. If the log loses what
//!    it had acknowledged, every node that knew it notices, and the first of them writes it back:
//!    at once, and what is little before it calls itself current.
//! 4. The log is anything ordered: [`RevocationLog`]. `redis_store::RedisStore` is one. A log of
//!    one's own keeps [`LogEntry`]s under their [`EntryName`]s and leaves all rules to the replica.
//!
//! **A primary that was cut off** and does not know it answers as it did before. It is found out by
//! the heartbeat: one of the nodes writes it at least every half of `max_staleness`, and if the log
//! is set up to refuse writes without replicas (`min-replicas-to-write` in Redis), nobody stays
//! current by what it says. Without that, a node that can reach nobody else believes it.
//!
//! **A process that starts** after the log lost something, and before another node wrote it back,
//! cannot know of it. A log that waits for its replicas loses nothing
//! (`RedisStoreBuilder::durable`).

mod builder;
mod chain;
mod feed;
mod freshness;
mod handle;
mod health;
mod log;
mod name;
mod pace;
#[cfg(test)]
mod simulation;
mod state;
mod table;
mod write_back;

pub use self::builder::{OnStale, ReplicaBuilder};
pub use self::handle::Replica;
pub use self::health::ReplicaHealth;
pub use self::log::{Appended, LogHead, LogId, LogItem, LogPage, LogReader, RevocationLog};
pub use self::name::{EntryName, LogEntry};
