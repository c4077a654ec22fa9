//! Which verifier, source, check, store, mode and features to take. Documentation only.
//!
//! # Who signs the tokens?
//!
//! | The tokens | Take | Feature |
//! |---|---|---|
//! | come from an identity provider: Keycloak, Auth0, Entra ID, Okta … | [`RemoteKeys::discover`](crate::key::remote::RemoteKeys::discover); the lines for each are in [`providers`](crate::key::remote::providers) | `reqwest` |
//! | come from a service that publishes a JWK Set but has no discovery document | [`RemoteKeys::jwks`](crate::key::remote::RemoteKeys::jwks) | `reqwest` |
//! | are signed with a secret that both sides know | [`Key::hs256`](crate::Key::hs256) with [`Secret::from_env`](crate::Secret::from_env) | |
//! | are signed with a private key whose public half is in a file | [`Key::from_pem_file`](crate::Key::from_pem_file); [`FileKeys`](crate::key::FileKeys) if the file is replaced while the service runs | |
//! | come from several issuers, known when the service starts | one [`Verifier`](crate::Verifier) for each, joined by [`Verifier::of_issuers`](crate::Verifier::of_issuers) | |
//! | come from issuers that are added and removed while it runs | [`Tenants`](crate::verify::Tenants) | |
//! | are opaque: only their issuer can read them | [`Introspection::discover`](crate::verify::introspection::Introspection::discover) | `introspection` and `reqwest` |
//! | are JWTs from one client and opaque from another | [`JwtOrOpaque`](crate::verify::introspection::JwtOrOpaque) | `introspection` and `reqwest` |
//! | are issued by this very service | [`issuer`](crate::issuer), whose keys verify, too | `issuer` |
//!
//! Signatures of RSA and ECDSA cost tens of microseconds. A [`TokenCache`](crate::verify::TokenCache)
//! remembers tokens that verified; times, revocation and guards are still judged on each request.
//!
//! # Where is the token?
//!
//! | The client | Take |
//! |---|---|
//! | sends `Authorization: Bearer …` | nothing: that is the default |
//! | is a browser that keeps the token in a cookie | [`Cookie`](crate::credentials::Cookie), which also refuses requests that other sites cause |
//! | opens a WebSocket from a page, which cannot set headers | [`WebSocketProtocol`](crate::credentials::WebSocketProtocol) |
//! | is a gateway with a header field of its own | [`HeaderField`](crate::credentials::HeaderField) |
//! | does the one or the other | [`Sources`](crate::credentials::Sources) of them |
//! | sends it in the first message, from a queue, or on a command line | no layer: [`Authenticator::claims`](crate::authenticate::Authenticator::claims) |
//!
//! # How soon must a logout count?
//!
//! A signed token is good until its `exp`, whatever becomes of its owner. A revocation check asks on
//! each request whether it still counts.
//!
//! | When somebody logs out, is dismissed, or changes the password | Take | Asks on a request |
//! |---|---|---|
//! | the token may live on until it expires, say five minutes | nothing | nobody |
//! | it is over at once; there is one process, which may forget at a restart | [`MemoryStore`](crate::revocation::MemoryStore) | nobody |
//! | it is over within milliseconds; there are several processes and a Redis | [`Replica`](crate::redis_store::Replica) of a [`RedisStore`](crate::redis_store::RedisStore) | nobody |
//! | the same, with a Postgres | a [`Replica`](crate::revocation::replica::Replica) of a `PostgresStore` (package `tower-bearer-sqlx`) | nobody |
//! | it is over at once, and must survive a restart; there is one machine | `SqliteStore` (package `tower-bearer-sqlx`) | a file, some tens of microseconds |
//! | it is over at once, and a round trip on each request is fine | [`RedisStore`](crate::redis_store::RedisStore), or your database by a [`RevocationStore`](crate::revocation::RevocationStore) | the store |
//! | it may take some seconds; there is a database and no Redis | [`Cached`](crate::revocation::Cached) over your store | the store, now and then |
//! | the answer is already in memory, or in another service | [`check_fn`](crate::revocation::check_fn), [`check_async_fn`](crate::revocation::check_async_fn) | your closure |
//!
//! **What to revoke:** one token by its `jti`; a session by its `sid`, with all the tokens it ever got;
//! everything of a user that was issued before now ("log out everywhere"); or versions, counted up with
//! each change of password. See [`Revocation`](crate::revocation::Revocation). Tokens without the
//! identifier that the store asks for are rejected, since they could never be taken back: look at a token
//! of your provider before you choose. Most have `sid` or `jti`, not all have both.
//!
//! # Who keeps the sessions?
//!
//! Only for the service that signs users in.
//!
//! | | Take |
//! |---|---|
//! | the identity provider does | nothing from here |
//! | this service, one process, sessions may end at a restart | [`MemorySessionStore`](crate::issuer::session::MemorySessionStore) |
//! | this service, one machine, and nobody is to be signed out by a restart | `SqliteStore` of the package `tower-bearer-sqlx`: a file, nothing to install |
//! | this service, several processes and a Postgres | `PostgresStore` of `tower-bearer-sqlx`, and a [`Replica`](crate::revocation::replica::Replica) of it on each |
//! | this service, with Redis | [`Replica`](crate::redis_store::Replica), which holds sessions and revocations |
//! | this service, with another database | a [`SessionStore`](crate::issuer::session::SessionStore) of yours, tested by [`testing::session::conformance`](crate::testing::session::conformance) |
//!
//! A logout that was acknowledged stays one: SQLite has it on the disk before the answer, and so has
//! Postgres, with synchronous replication on its standby's disk as well. Redis is faster to write to and may
//! lose the last moments in a failover, unless it is told to wait for its replicas
//! ([`RedisStoreBuilder::durable`](crate::redis_store::RedisStoreBuilder::durable)); what a replica knew is
//! written back. Which of them it is need not show in the application: all fit a
//! [`BoxSessionStore`](crate::issuer::session::BoxSessionStore), chosen where it starts.
//!
//! # What about requests without a token?
//!
//! | | No token | A bad token | In a handler |
//! |---|---|---|---|
//! | [`Mode::Required`](crate::authenticate::Mode::Required), the default | 401 | 401 | `Claims<C>` |
//! | [`Mode::Optional`](crate::authenticate::Mode::Optional) | passes | 401, so that the client learns to refresh | `Option<Claims<C>>` |
//! | [`Mode::Inspect`](crate::authenticate::Mode::Inspect) | passes | passes | `Claims<C>` (401 for those two), or `Result<Claims<C>, Rejection>` |
//!
//! Extractors and guards reject in every mode, so a router in `Optional` or `Inspect` mode can have
//! protected routes too.
//!
//! # Where does the layer go?
//!
//! In axum, `Router::layer` wraps the routes that were added before it *and the fallback*: a path that
//! does not exist is answered 401 to those without a token. That gives nothing away. Where unknown paths
//! must be 404 for everybody, take `Router::route_layer`, which wraps the routes only:
//!
//! ```
//! # #[cfg(all(feature = "axum", any(feature = "aws-lc-rs", feature = "rust-crypto")))] {
//! # use axum::{Router, routing::get};
//! # use tower_bearer::{AuthLayer, Claims, StandardClaims, testing::TestIssuer};
//! # let verifier = TestIssuer::new().verifier::<StandardClaims>().build()?;
//! # async fn me(_: Claims<StandardClaims>) {}
//! let protected = Router::new().route("/me", get(me)).route_layer(AuthLayer::new(verifier));
//! let app: Router = Router::new().route("/health", get(|| async { "ok" })).merge(protected);
//! # let _ = app;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Layers for CORS, tracing and compression go outside of it, what trusts the user goes inside.
//!
//! # Which features?
//!
//! | The service | `tower-bearer = { version = "0.1", … }` |
//! |---|---|
//! | verifies with a key it has, on axum | nothing more |
//! | verifies tokens of an identity provider | `features = ["reqwest"]` |
//! | asks the issuer about opaque tokens | `features = ["introspection", "reqwest"]` |
//! | logs out at once, several processes | `features = ["redis"]`, and `"redis-tls"` for `rediss://` |
//! | signs users in | `features = ["cookie"]`, with `"redis"` for several processes |
//! | uses an HTTP client of its own to fetch keys | `features = ["remote"]`, and a [`Fetch`](crate::fetch::Fetch) |
//! | is tonic or plain hyper, not axum | `default-features = false, features = ["aws-lc-rs", "tracing"]` |
//! | is built without a C compiler | `default-features = false, features = ["rust-crypto", "axum", "tracing"]`; to fetch keys, `"reqwest-no-provider"` and a TLS library of your choice |
//! | is tested | in `[dev-dependencies]`: `features = ["testing"]` |
