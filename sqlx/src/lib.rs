//! Sessions, revocations and single-use tokens of [`tower_bearer`] in SQL, over [`sqlx`] 0.9.
//!
//! | | |
//! |---|---|
//! | [`SqliteStore`] (feature `sqlite`, on by default) | a file beside the program: nothing to install, everything survives a restart |
//! | `PostgresStore` (feature `postgres`) | a server that all instances share; with a replica on each, requests ask nobody |
//!
//! 1. Each is a store of sessions and single-use tokens, of revocations, and of ids that were claimed
//!    ([`SessionStore`], [`RevocationStore`], [`Once`]).
//! 2. **What was answered is not taken back.** An acknowledged logout is on the disk, and with
//!    synchronous replication on the standby's disk, too.
//! 3. The tables are made by one call, or by your migration tool with the statements that
//!    `migrations` yields. A database of a newer release, missing tables or rights are errors at the
//!    start that say what to do.
//! 4. What has expired goes by itself, in small batches.
//! 5. Only names of tables are ever put into a statement as text, and they are plain words. All else
//!    is bound.
//!
//! It uses nothing but the public interface of `tower_bearer`, and passes its conformance suites: a
//! store of your own can do all of this.
//!
//! # Chosen at run time
//!
//! ```no_run
//! # #[cfg(feature = "sqlite")]
//! # async fn choose() -> Result<(), Box<dyn std::error::Error>> {
//! use tower_bearer::issuer::session::{BoxSessionStore, MemorySessionStore};
//! use tower_bearer_sqlx::SqliteStore;
//!
//! let store = match std::env::var("SESSIONS") {
//!     Ok(path) => BoxSessionStore::new(SqliteStore::open(path).await?),
//!     Err(_) => BoxSessionStore::new(MemorySessionStore::new()),
//! };
//! // Sessions::builder(issuer, store.clone()), AuthLayer::new(verifier).revocation(store)
//! # Ok(())
//! # }
//! ```
//!
//! [`SessionStore`]: tower_bearer::issuer::session::SessionStore
//! [`RevocationStore`]: tower_bearer::revocation::RevocationStore
//! [`Once`]: tower_bearer::store::Once
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(any(feature = "sqlite", feature = "postgres")), allow(dead_code, unused))]

mod clean_up;
mod error;
mod migration;
mod names;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub mod postgres;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub mod sqlite;
mod values;

pub use clean_up::CleanedUp;
pub use migration::Migration;
#[cfg(feature = "postgres")]
#[doc(inline)]
pub use postgres::PostgresStore;
#[cfg(feature = "sqlite")]
#[doc(inline)]
pub use sqlite::SqliteStore;
