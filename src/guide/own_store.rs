//! A store of your own, over the database that you have. Documentation only.
//!
//! A store keeps revocations. It says which identifiers a token must have, whether a token is revoked, and takes
//! revocations:
//!
//! ```
//! # mod example {
//! use tower_bearer::revocation::{
//!     Identifiers, Revocation, RevocationStatus, RevocationStore, RevocationTarget, StoreError,
//!     TokenIdentity,
//! };
//!
//! /// Stands for your database client.
//! struct Database;
//!
//! impl Database {
//!     async fn has_ended(&self, _session: &str) -> std::io::Result<bool> {
//!         Ok(false)
//!     }
//!     async fn end(&self, _session: &str) -> std::io::Result<()> {
//!         Ok(())
//!     }
//! }
//!
//! struct Sessions(Database);
//!
//! impl RevocationStore for Sessions {
//!     /// A token without `sid` is rejected without asking.
//!     fn required_identifiers(&self) -> Identifiers {
//!         Identifiers::SESSION_ID
//!     }
//!
//!     async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
//!         let session = token.session_id().unwrap_or_default();
//!         // What cannot be told is an error: the layer answers 503.
//!         let ended = self.0.has_ended(session).await.map_err(StoreError::unavailable)?;
//!         Ok(RevocationStatus::revoked_if(ended))
//!     }
//!
//!     async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
//!         match revocation.target() {
//!             RevocationTarget::Session { session_id } => {
//!                 self.0.end(session_id).await.map_err(StoreError::unavailable)
//!             }
//!             _ => Err(StoreError::unsupported()),
//!         }
//!     }
//! }
//! # }
//! ```
//!
//! It goes to [`AuthLayer::revocation`](crate::AuthLayer::revocation) as it is, or within
//! [`Cached`](crate::revocation::Cached), which asks now and then. What it knows without waiting it can say in
//! [`known`](crate::revocation::RevocationStore::known); then nothing is boxed.
//! [`testing::revocation::conformance`](crate::testing::revocation::conformance) is its test suite, and tells by
//! name which rule is broken.
//!
//! A closure may be enough: [`check_fn`](crate::revocation::check_fn),
//! [`check_async_fn`](crate::revocation::check_async_fn).
//!
//! # Sessions
//!
//! For the service that issues the tokens (feature `issuer`). A
//! [`SessionStore`](crate::issuer::session::SessionStore) knows no rules of sessions: it keeps bytes under an
//! id, and swaps them. Single-use tokens are such records too, so a store of sessions is one of both. The example
//! `own_store` is a whole one over a file, in 250 lines:
//!
//! ```text
//! cargo run --example own_store --features own-store
//! cargo test --example own_store --features own-store
//! ```
//!
//! In SQL:
//!
//! ```sql
//! CREATE TABLE record (
//!     id        CHAR(22) PRIMARY KEY,
//!     version   BIGINT   NOT NULL,
//!     remove_at BIGINT   NOT NULL,           -- milliseconds since 1970
//!     list      CHAR(43),                    -- CREATE INDEX ON record (list, id)
//!     record    BLOB     NOT NULL            -- at most 32 KiB
//! );
//! CREATE TABLE revoked (
//!     kind SMALLINT, issuer TEXT, identifier TEXT, -- issuer '' if it is of none
//!     keep_until BIGINT NOT NULL,
//!     bound      NUMERIC(20) NOT NULL,       -- an epoch in nanoseconds, or a version: any u64
//!     PRIMARY KEY (kind, issuer, identifier)
//! );
//! ```
//!
//! 1. **`load`** and **`list`** read rows whose `remove_at` is later than `now`.
//! 2. **`commit`** is one transaction, serializable or with its rows locked: if `unless_revoked` is covered by a
//!    row of `revoked`, it is `Revoked`; if a row of `writes` has another version than `replaces` (or is there and
//!    should not be), `Conflict`; if the limited list would be too long, `Crowded`. Only then it writes rows and
//!    revocations. Roll back otherwise.
//! 3. **`revoke`** never weakens: the later `keep_until` and the higher `bound` hold. What comes alone, of anything
//!    but a single token, is kept until the last `remove_at` there is.
//! 4. **An outage is an error.** "No such session" is said by the primary, never by a copy that may be behind.
//! 5. Rows that have gone are deleted now and then.
//!
//! Begin with the cases that are about records, one by one, and end with the suite:
//!
//! ```
//! # #[cfg(all(feature = "issuer", feature = "testing", feature = "aws-lc-rs"))]
//! # futures_util::future::FutureExt::now_or_never(async {
//! # use tower_bearer::issuer::session::MemorySessionStore as MyStore;
//! use tower_bearer::testing::{revocation, session};
//!
//! let store = MyStore::new();
//! session::inserts(store.clone()).await; // an id is inserted once, and comes back byte by byte
//! session::replaces(store.clone()).await; // by who knows its version
//! session::all_or_nothing(store.clone()).await;
//! session::conformance(|| async { store.clone() }).await; // and all the others
//! revocation::conformance(|| async { store.clone() }).await;
//! # }).unwrap();
//! ```
//!
//! Revocations may be elsewhere: [`Apart`](crate::issuer::session::Apart).
