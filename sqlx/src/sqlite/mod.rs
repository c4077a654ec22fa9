//! Everything in one SQLite file (feature `sqlite`).
//!
//! 1. [`SqliteStore::open`] makes the file and its tables, and that is all there is to set up.
//! 2. What was answered `Ok` is on the disk: the log is written ahead and synced before each answer.
//! 3. Several processes may use one file, on one machine. Never over a network file system, whose
//!    locks SQLite cannot trust.
//! 4. Writes wait in line, reads do not wait for them.
//!
//! A backup is made by SQLite's own means (`VACUUM INTO`, `.backup`), not by copying the file while it
//! is in use. An older backup that is put back brings back sessions that have ended since: revoke all
//! subjects' sessions then, or change the signing key and begin with an empty file.

mod builder;
mod clean_up;
mod error;
mod once;
mod revocations;
mod schema;
mod sessions;
mod store;

pub use self::builder::SqliteStoreBuilder;
pub use self::store::SqliteStore;
