//! Revocations in Redis, shared by every process, and a local copy of them on every node (feature
//! `redis`).
//!
//! 1. [`RedisStore`] asks Redis on every request. A revocation is in force everywhere once
//!    `revoke` has returned.
//! 2. [`Replica`] copies the revocations that are in force into memory and follows the log of new
//!    ones. A request then does no I/O and takes no lock; a revocation reaches every node in
//!    milliseconds. How old the copy is, is known at any time, and past a bound it no longer
//!    decides alone: [`OnStale`].
//! 3. What a replica knows to be revoked stays revoked, whatever becomes of Redis. If Redis lost
//!    its data, the replicas write back what they know.
//! 4. Every wait has a bound, and every connection is made anew by itself.
//!
//! # Layout
//!
//! Redis 6.2 or later, or Valkey. All keys have the hash tag `{prefix}` and so are on one node of
//! a cluster; the client connects to that node.
//!
//! | Key | Type | Value | Expires |
//! |---|---|---|---|
//! | `{prefix}:revocation:entry:<name>` | string | 10 digits: `keep_until` in seconds since 1970, rounded up, at most 4294967295 (2106); 20 digits: the bound | a minute after `keep_until`, for clocks that differ |
//! | `{prefix}:revocation:log` | stream | an item for each entry that was added or strengthened: `n` its name, `v` its value, `p` the id of the item before | items and stream [`log_retention`](RedisStoreBuilder::log_retention) after they were added |
//! | `{prefix}:revocation:meta` | hash | `epoch`: random, made with the hash; `last`: the id of the log's last item | with the last of all the above |
//!
//! A *name* is a letter and 16 characters of base64url. The letter is `t` for tokens, `s` for
//! sessions, `u` for a subject's epoch, `v` for a subject's version; upper case if the revocation
//! is of one issuer. The characters are the first 12 bytes of
//! `SHA-256(kind ‖ issuer ‖ identifier)`, where *kind* is a byte, 0 to 7 for `t T s S u U v V`,
//! and *issuer* the first 16 bytes of the issuer's SHA-256, or 16 zeros.
//!
//! The *bound* is the epoch in nanoseconds since 1970, or the lowest version that lives; zero for
//! tokens and sessions. An epoch from the year 2554 on is `u64::MAX`, which covers every token.
//!
//! An item of the log names the one before it. A replica that reads an item whose predecessor is
//! not the last it knows has missed something, whether because the log was trimmed, Redis was
//! emptied, or went back to an older state; it then loads everything anew.
//!
//! # In deployment
//!
//! Redis must not evict: with `maxmemory`, set `maxmemory-policy noeviction` ([`RedisStore::ping`]
//! checks that). Turn persistence on: with `appendfsync everysec` a crash takes the last second,
//! with a failover what was not yet replicated, and only replicas that saw it bring it back. A
//! process that starts after a loss, before another one wrote back, knows nothing of what was lost.
//! Loading walks over the whole Redis database with `SCAN`, so give it one without a lot of other
//! keys.
//!
//! ```no_run
//! use std::time::Duration;
//! use tower_bearer::redis::{OnStale, RedisStore, Replica};
//! use tower_bearer::revocation::{Identifiers, Revocation, RevocationStore, TokenIdentity};
//! use tower_bearer::time::{Clock, SystemClock};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let store = RedisStore::builder("redis://127.0.0.1/")?
//!     .require(Identifiers::SESSION_ID)
//!     .build()?;
//! let replica = Replica::builder(store)
//!     .max_staleness(Duration::from_secs(5))
//!     .on_stale(OnStale::AskStore)
//!     .build()?;
//! replica.ready().await; // or serve at once: until then the store is asked
//!
//! // AuthLayer::new(verifier).revocation(replica.clone())
//! let keep_until = SystemClock.now().saturating_add(Duration::from_secs(900));
//! replica.revoke(&Revocation::session("s1", keep_until)).await?;
//! let token = TokenIdentity::new().with_session_id("s1");
//! assert!(replica.status(&token).await?.is_revoked());
//! assert!(!replica.status(&TokenIdentity::new().with_session_id("s2")).await?.is_revoked());
//! # Ok(())
//! # }
//! ```

mod builder;
mod connection;
mod keys;
mod name;
#[cfg(feature = "issuer")]
mod refresh;
mod replica;
#[cfg(feature = "issuer")]
mod single_use;
mod store;

pub use self::builder::RedisStoreBuilder;
pub use self::replica::{OnStale, Replica, ReplicaBuilder, ReplicaHealth};
pub use self::store::RedisStore;
