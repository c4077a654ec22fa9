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
//! 5. Both are also stores of sessions and of single-use tokens (`SessionStore`, `SingleUseStore`).
//!    What changes a session is **one script**, which is one round trip and one step of Redis, its
//!    conditions and the revocation of a session that ends included. Redis knows no rules of
//!    sessions: it swaps records. The session that ends over a replica is rejected by that replica
//!    at once.
//!
//! # Layout
//!
//! Redis 6.2 or later, or Valkey. All keys have the hash tag `{prefix}` and so are on one node of
//! a cluster; the client connects to that node. Scripts touch no key that they do not declare.
//!
//! | Key | Type | Value | Expires |
//! |---|---|---|---|
//! | `{prefix}:revocation:entry:<name>` | string | 10 digits: `keep_until` in seconds since 1970, rounded up, at most 4294967295 (2106); 20 digits: the bound | a minute after `keep_until`, for clocks that differ |
//! | `{prefix}:revocation:log` | stream | an item for each entry that was added or strengthened: `n` its name, `v` its value, `p` the id of the item before | items and stream [`log_retention`](RedisStoreBuilder::log_retention) after they were added |
//! | `{prefix}:revocation:meta` | hash | `epoch`: random, made with the hash; `last`: the id of the log's last item | with the last of all the above |
//! | `{prefix}:session:record:<id>` | string | 16 hexadecimal digits: the version; then the record, which only `Sessions` reads | a minute after the session has idled; of one that ended, after it would have expired |
//! | `{prefix}:session:list:<key>` | sorted set | the ids of the live sessions of a subject, whose issuer and name the key is a hash of; the score is the second at which the session's key expires | with the last of them; ids whose keys have expired go whenever a session begins or is refreshed |
//! | `{prefix}:session:until` | string | 10 digits: the last second of all sessions | with the last of them |
//! | `{prefix}:single-use:group:<hash>` | hash | by the hash of each token: the moments when it expires and when it was put, the hash of its slot, the payload; by `tries:<slot>` how many wrong tries were made | a minute after the last of them |
//! | `{prefix}:single-use:token:<hash>` | string | the hash of its group | a minute after the token expires |
//! | `{prefix}:once:<id>` | string | `1`: the id was claimed | a minute after the claim need not be remembered |
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
//! A *moment* is 29 digits: 20 of seconds since 1970 and 9 of nanoseconds. A *hash* is the SHA-256
//! of a token, 43 characters of base64url.
//!
//! A revocation that comes alone, of anything but a single token, is kept until `session:until` at
//! least: what it covers must not outlive it.
//!
//! What is of another layout is an error, and no token is accepted by it. Decisions go by the time
//! of the request; Redis' own clock only measures how long a key stays.
//!
//! # In deployment
//!
//! Redis must not evict: with `maxmemory`, set `maxmemory-policy noeviction` ([`RedisStore::ping`]
//! checks that). At its `maxmemory` it takes no revocation that comes alone and begins no session,
//! each an error before anything has changed; but sessions are refreshed and end, and are revoked
//! then, for they have the room of the record that goes. (`Sessions::end_all` ends them too, and is
//! an error then all the same: tokens without a session live on.)
//!
//! Turn persistence on: with `appendfsync everysec` a crash takes the last second, with a failover
//! what was not yet replicated, and only replicas that saw it bring it back. A process that starts
//! after a loss, before another one wrote back, knows nothing of what was lost. A replica that
//! loads walks over the whole Redis database with `SCAN`: some 0.7 s for a million keys, of which a
//! session is two. So give it a database without a lot of other keys, and with millions of sessions
//! a [`max_staleness`](ReplicaBuilder::max_staleness) that is longer than a load.
//!
//! A session in Redis of another layout, after a rollback say, is an error until it has expired: it
//! cannot be refreshed, and its subject's sessions cannot be listed meanwhile. Delete its
//! `{prefix}:session:record:<id>` by hand.
//!
//! **Sessions that Redis loses are over**: their users sign in again. It is never the reverse, with
//! one exception. Redis replicates *asynchronously*, so a failover can take back the last moments:
//!
//! - A refresh: the spent token counts again, and its successor does not. Whoever of thief and
//!   victim comes first gets a token; when the other comes, with the successor or with the spent
//!   token once more, that is reuse, and the session ends. If only the thief comes, nothing is
//!   noticed.
//! - The end of a session: it is there again, until a replica that saw its revocation writes it
//!   back. From then on the session is dead for good, since what is written back is kept until all
//!   sessions have expired. If no replica saw it, the session lives on.
//! - The use of a single-use token: it can be redeemed a second time until it expires.
//!
//! `min-replicas-to-write` and `min-replicas-max-lag` in the configuration of Redis narrow this
//! down and do not close it.
//!
//! An error may mean that Redis took the step and the answer was lost. The client that tries again
//! then presents a spent token, which is what the grace of `SessionsBuilder` is for: do not turn it
//! off.
//!
//! To begin a session takes one round trip, to refresh or to end one takes two: a question and a step.
//! A list takes two, and the end of all of a subject's sessions three and one more for each 128 of
//! them.
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
mod log;
mod once;
#[cfg(feature = "issuer")]
mod replica_sessions;
#[cfg(feature = "issuer")]
mod session;
#[cfg(feature = "issuer")]
mod single_use;
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
