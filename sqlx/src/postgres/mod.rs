//! Everything in Postgres, shared by all instances (feature `postgres`).
//!
//! 1. Each call is one round trip: what has to be one step is a function in the database, made with
//!    the tables. The rules of sessions are not in it, only the swap.
//! 2. Whoever answers proves in the same breath that it is no standby: what a standby says may be old,
//!    and is an error.
//! 3. What was answered `Ok` is on the disk, even where `synchronous_commit` is off for the role or the
//!    database. With `synchronous_standby_names` it is on the standby's disk, too, and a failover loses
//!    nothing. Without that, a failover loses what the standby had not got yet: a replica on each node
//!    notices, and writes back what it knew.
//! 4. Revocations are also in an ordered log: [`Replica`] keeps a copy of them in memory, so that
//!    requests ask nobody, and a revocation reaches every node within milliseconds, by `NOTIFY`. Where
//!    that does not get through, as with a pooler in between, by polling.
//!
//! **Order of the log.** A sequence hands out numbers that can become visible in another order, or
//! never; a reader that goes by the highest number it saw would miss some. So positions are counted in
//! one row, which a transaction holds until it has ended.
//!
//! **Rights.** [`migrate`](PostgresStore::migrate) needs a role that may create the schema, or owns it.
//! The application's own role needs `USAGE` on the schema, `SELECT, INSERT, UPDATE, DELETE` on its tables
//! and `EXECUTE` on its functions, which everybody has by default.
//!
//! **Settings.** The isolation level has to be `read committed`, which is the default. With PgBouncer
//! that pools transactions, switch prepared statements off (`?statement-cache-capacity=0` in the URL)
//! and connect replicas past it.
//!
//! **An isolated primary** that does not know that another one was promoted is believed until its
//! clients lose it. With synchronous replication it takes no writes, so a replica's heartbeat finds it
//! out.

mod builder;
mod clean_up;
mod error;
mod log;
mod once;
mod reader;
mod revocations;
mod schema;
mod sessions;
mod store;

pub use self::builder::PostgresStoreBuilder;
pub use self::reader::PostgresLogReader;
pub use self::store::PostgresStore;
#[doc(no_inline)]
pub use tower_bearer::revocation::replica::{OnStale, ReplicaHealth};

/// A local copy of the revocations in Postgres; and a store of sessions, like the store itself.
pub type Replica = tower_bearer::revocation::replica::Replica<PostgresStore>;
