//! Revocations, sessions and single-use tokens in Redis, shared by every process, and a local copy of
//! the revocations on every node (feature `redis`; what is issued, with the feature `issuer`).
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
//! 5. Both are also stores of sessions and of single-use tokens (`SessionStore`). What changes a
//!    session, or uses up a token, is **one script**, which is one round trip and one step of Redis, its
//!    conditions and the revocation of a session that ends included. Redis knows no rules of
//!    sessions: it swaps records. The session that ends over a replica is rejected by that replica
//!    at once.
//!
//! ```no_run
//! use std::time::Duration;
//! use tower_bearer::redis_store::{OnStale, RedisStore, Replica};
//! use tower_bearer::revocation::{Identifiers, Revocation, RevocationStore, TokenIdentity};
//! use tower_bearer::clock::{Clock, SystemClock};
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
//!
//! # In deployment
//!
//! **Redis must be a primary that keeps what it is given.** Whoever answers is asked for its role in
//! the same round trip; a replica is an error, and so is a `maxmemory` with a policy other than
//! `noeviction`: a replica looks for that once in every `max_staleness`, the store when it connects and
//! every five seconds. At its `maxmemory` Redis takes no revocation that comes alone, each an error before
//! anything has changed, and replicas stay current.
//!
//! **After a failover** nodes find the new primary by themselves: through
//! [Sentinel](RedisStore::sentinel), in a [cluster](RedisStore::cluster), or behind an address that
//! moves. `READONLY`, `MOVED`, `LOADING`, `MASTERDOWN` and the like drop the connection as silence
//! does. Redis replicates *asynchronously*, so a failover can take back the last moments:
//!
//! - What a replica of this crate knew, or was told is in force, it notices to be missing and writes
//!   back, the first of it before it calls itself current again: [`ReplicaHealth::losses`],
//!   [`ReplicaHealth::written_back`]. A process that starts before that, and knew nothing, cannot. Nor
//!   can it be written back to a Redis that is full.
//! - [`durable`](RedisStoreBuilder::durable) answers `Ok` only when as many replicas of Redis have it
//!   as you say: then a failover to one of them loses nothing.
//! - Set `min-replicas-to-write 1` and `min-replicas-max-lag` to a few seconds as well. A primary that
//!   was cut off from its replicas, and does not know that there is another, then takes no heartbeat,
//!   and within `max_staleness` nobody decides by what it says. Without that setting it goes on being
//!   believed by whoever can reach nobody else.
//!
//! Turn persistence on: with `appendfsync everysec` a crash takes the last second.
//!
//! An error may mean that Redis took the step and the answer was lost. Revoking again is harmless.
//!
//! **Sessions that Redis loses are over**: their users sign in again. What a failover takes back of
//! them without `durable`:
//!
//! - A refresh: the spent token counts again, and its successor does not. Whoever of thief and victim
//!   comes first gets a token; when the other comes, that is reuse, and the session ends. If only the
//!   thief comes, nothing is noticed.
//! - The end of a session: it is there again, until a replica that saw its revocation writes it back.
//!   From then on it is dead for good. If no replica saw it, the session lives on.
//! - The use of a single-use token: it can be redeemed a second time until it expires. So can what is
//!   claimed by [`Once`](crate::store::Once), a handover of seconds say, with `durable` too: a claim
//!   does not wait for replicas.
//!
//! A record of another layout, after a rollback say, is an error until it has expired. At its
//! `maxmemory` Redis begins no session; sessions are refreshed and end all the same.
//!
//! A replica that loads reads one hash, which has what is in force and nothing else. How it stands
//! there, and which rights a user of Redis needs, is in [`layout`].
//!
//! # Sessions
//!
//! One replica is the store of the sessions and the check of the layer.
//!
//! ```no_run
//! # #[cfg(feature = "issuer")]
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use tower_bearer::claims::StandardClaims;
//! use tower_bearer::issuer::session::{NewSession, RefreshRequest, Sessions};
//! use tower_bearer::issuer::{Issuer, SigningKeys};
//! use tower_bearer::key::Algorithm;
//! use tower_bearer::layer::AuthLayer;
//! use tower_bearer::redis_store::{RedisStore, Replica};
//! use tower_bearer::revocation::{Identifiers, RevocationStore, TokenIdentity};
//! use tower_bearer::verify::Verifier;
//!
//! // every process signs with the same key
//! let keys = SigningKeys::from_pem(Algorithm::EdDSA, std::fs::read("signing.pem")?)?;
//! let issuer = Issuer::builder()
//!     .keys(keys.clone())
//!     .issuer("https://id.example.com")
//!     .audience("orders-api")
//!     .build()?;
//! let store = RedisStore::builder("redis://127.0.0.1/")?
//!     .require(Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH)
//!     .build()?;
//! store.ping().await?;
//! let replica = Replica::builder(store).build()?;
//! let sessions = Sessions::builder(issuer, replica.clone()).build()?;
//!
//! let verifier = Verifier::<StandardClaims>::builder()
//!     .keys(keys.verification_keys())
//!     .issuer("https://id.example.com")
//!     .audience("orders-api")
//!     .access_token_profile()
//!     .build()?;
//! let layer = AuthLayer::new(verifier).revocation(replica.clone());
//! # let _ = layer;
//!
//! let login = sessions.begin(NewSession::new("ada", "web").device("Firefox")).await?;
//! let old = login.refresh_token().expose_secret();
//! let refreshed = sessions.refresh(RefreshRequest::new(old, "web")).await?;
//!
//! // log out: this node rejects the session's access tokens at once, others in milliseconds
//! let id = &refreshed.session().id;
//! assert!(sessions.end_session("ada", id.as_str()).await?.was_live());
//! assert!(replica.status(&TokenIdentity::new().with_session_id(id.as_str())).await?.is_revoked());
//! let late = RefreshRequest::new(refreshed.refresh_token().expose_secret(), "web");
//! assert!(sessions.refresh(late).await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! # Your own certificate authority
//!
//! `rediss://` trusts the authorities of the operating system. For another one make the client
//! yourself, with `redis::Client::build_with_tls`, and give it to [`RedisStore::with_client`].

mod builder;
mod connection;
mod keys;
pub mod layout;
mod log;
mod once;
mod script;
#[cfg(feature = "issuer")]
mod session;
mod source;
mod store;

pub use self::builder::RedisStoreBuilder;
pub use self::log::RedisLogReader;
pub use self::store::RedisStore;
#[doc(no_inline)]
pub use crate::revocation::replica::{OnStale, ReplicaHealth};

/// A local copy of the revocations in Redis.
pub type Replica = crate::revocation::replica::Replica<RedisStore>;

/// Sets up a [`Replica`].
pub type ReplicaBuilder = crate::revocation::replica::ReplicaBuilder<RedisStore>;
