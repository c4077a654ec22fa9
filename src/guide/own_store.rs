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
//! [`check_async_fn`](crate::revocation::check_async_fn). Sessions are kept in a
//! [`SessionStore`](crate::issuer::session::SessionStore), which loads, lists and swaps records and knows no
//! rules; [`testing::session::conformance`](crate::testing::session::conformance) is its suite.
