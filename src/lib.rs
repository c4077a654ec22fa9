//! Bearer-token authentication and authorisation for any tower service.
//!
//! A tower [`Layer`](layer::AuthLayer) that finds the token of a request, verifies it, asks whether
//! it was revoked, and hands typed claims to the handler. It works around axum, tonic and plain
//! hyper services alike, and answers what it rejects as the standards ask.
//!
//! # Quickstart
//!
//! ```no_run
//! # #[cfg(all(feature = "axum", any(feature = "aws-lc-rs", feature = "rust-crypto")))] {
//! use axum::{Router, routing::{get, post}};
//! use serde::Deserialize;
//! use tower_bearer::{AuthLayer, Claims, Key, RequireLayer, Secret, Verifier, guard::scope};
//!
//! #[derive(Deserialize)]
//! struct User { sub: String }
//!
//! async fn me(user: Claims<User>) -> String { format!("hello {}", user.sub) }
//! async fn create() -> &'static str { "created" }
//!
//! let verifier = Verifier::<User>::builder()
//!     .keys(Key::hs256(Secret::from_env("JWT_SECRET")?)?)
//!     .issuer("https://id.example.com")
//!     .audience("orders-api")
//!     .build()?;
//! let app: Router = Router::new()
//!     .route("/me", get(me))
//!     .route("/orders", post(create).layer(RequireLayer::new(scope("orders:write"))))
//!     .layer(AuthLayer::new(verifier));
//! # let _ = app;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `use tower_bearer::prelude::*;` brings in what most files use. [`guide`] has pages about what to
//! choose, what to check before real users come, what happens in outages, and how to come from other
//! crates.
//!
//! # I want to …
//!
//! | I want to … | See |
//! |---|---|
//! | protect routes of axum | the code above; [`extract`] for what handlers can take; [where the layer goes](guide::choose#where-does-the-layer-go) |
//! | verify tokens of Keycloak, Auth0, Entra ID, Okta, Cognito, Google, Zitadel | [`key::remote::providers`] |
//! | verify with a secret, a PEM file, a JWK Set | [`Key`], [`KeySet`], [`key::FileKeys`] |
//! | trust several issuers, or tenants that come and go | [`Verifier::of_issuers`], [`verify::Tenants`] |
//! | accept opaque tokens | [`verify::introspection`] |
//! | ask for a scope, a role, a condition | [`guard`]: on routes ([`RequireLayer`]), in signatures ([`extract::Granted`]), by hand |
//! | let anonymous requests through | [`Mode`] |
//! | make stolen tokens useless: DPoP, mutual TLS | [`bound`], [`guide::bound_tokens`], and the example `dpop` |
//! | log somebody out, now | [`revocation`] |
//! | … with several processes | [`redis_store`] |
//! | … with my own database | [`guide::own_store`], [`revocation::RevocationStore`] |
//! | sign users in, keep them signed in, list and end their sessions | [`guide::sign_in`], [`issuer::session`], [`issuer::cookie`], and the example `login` |
//! | mint tokens, publish keys, rotate them | [`issuer`] |
//! | protect tonic or plain hyper | [`layer`], [`RequireLayer::by`], and the examples `tonic_greeter` and `tower_only` |
//! | check a token without a request: WebSocket messages, queues, command lines | [`Authenticator`] |
//! | read tokens from cookies, WebSocket handshakes, other headers | [`credentials`] |
//! | answer rejections in my own format | [`respond`], [`AuthLayer::responder`] |
//! | count what happens | [`AuthLayer::observer`] |
//! | test my handlers | [`testing`] |
//! | test my store | [`testing::revocation`], [`testing::session`] |
//! | know why a token is rejected | [`guide::rejected`] |
//! | know what happens when a provider or a store is down | [`guide::outages`] |
//! | go to production | [`guide::production`], [`threat_model`] |
//! | replace my own extractor, jwt-authorizer, axum-jwt-auth | [`guide::from_an_extractor`], [`guide::from_jwt_authorizer`], [`guide::from_axum_jwt_auth`] |
//! | know how fast it is, and what others do | [`guide::figures`] |
//!
//! # Features
//!
//! | Feature | Default | What it adds |
//! |---|---|---|
//! | `aws-lc-rs` | yes | cryptography by AWS-LC: the fast choice |
//! | `rust-crypto` | | cryptography in pure Rust, for targets without a C compiler; several times slower on RSA and ECDSA. With both, `aws-lc-rs` does the work |
//! | `axum` | yes | the extractors, over axum-core |
//! | `tonic` | | a [`Rejection`] as tonic's `Status`, for `?` in methods; the layers serve tonic without it |
//! | `remote` | | keys from identity providers (`key::remote`), over the `fetch::Fetch` of your choice; needs tokio |
//! | `reqwest` | | `remote`, with `fetch::ReqwestFetch`: reqwest over rustls, encrypted by AWS-LC unless the program installs another provider |
//! | `reqwest-no-provider` | | the same without AWS-LC, for builds without a C compiler: the program installs a provider for rustls |
//! | `introspection` | | opaque tokens, introspected at their issuer (`verify::introspection`), over the same; needs tokio |
//! | `tracing` | yes | an event for each rejection: kind, reason, source; and for each refresh token that was used twice, with its session id; never a token, no other claim |
//! | `issuer` | | the `issuer` module: signing keys and their rotation, access tokens, refresh tokens with theft detection, single-use tokens |
//! | `cookie` | | `issuer`, with `issuer::cookie`: refresh tokens of browser apps in cookies, set, read and cleared |
//! | `redis` | | the `redis_store` module: revocations in Redis, and a replica of them on every node; with `issuer`, sessions and single-use tokens |
//! | `replica` | | `revocation::replica`: the local copy by itself; part of `redis` |
//! | `redis-tls` | | `rediss://` with rustls, for `redis` |
//! | `jsonwebtoken` | | `Key::from_decoding_key`, for keys that the crate of this name loaded |
//! | `testing` | | the `testing` module |
//!
//! Without a crypto backend the crate compiles, and every constructor of a
//! [`Key`] says which feature to enable.
//!
//! # The path of a request
//!
//! `request head → credentials → key → verified → revocation → claims → extensions → guard → handler`
//!
//! Each module is one step and imports only from those before it. Each proven fact is a type that
//! only its step can make: a [`BearerToken`](credentials::BearerToken) becomes
//! [`Verified<C>`](verify::Verified), and that becomes [`Claims<C>`]. Skipping revocation does not
//! compile.
//!
//! | Module | Step |
//! |---|---|
//! | [`clock`], [`step`], [`head`], [`rejection`], [`store`] | what all steps speak of |
//! | [`fetch`] | requests to identity providers, bounded in size and time |
//! | [`credentials`] | where the token is in the request |
//! | [`key`] | keys, each bound to one algorithm |
//! | [`claims`] | the application's claims and the registered ones |
//! | [`verify`] | signature and claim rules; [`verify::introspection`] for tokens that only their issuer can read |
//! | [`bound`] | proofs that a token is its sender's: DPoP, client certificates |
//! | [`revocation`] | tokens, sessions and subjects taken back |
//! | [`authenticate`] | the steps put together: an [`Authenticator`], for heads and for tokens alone |
//! | [`guard`] | scopes, roles, conditions |
//! | [`respond`] | what a rejection looks like |
//! | [`layer`] | the tower layers |
//! | [`extract`] | extractors |
//! | [`issuer`] | tokens made here: access, refresh and single-use; sessions and their end |
//! | [`redis_store`] | revocations, sessions and single-use tokens shared by many processes, and a local copy of the revocations |
//! | [`testing`] | tokens, clocks and conformance suites for tests |
//! | [`threat_model`] | what this crate defends against, and what it leaves to you |
#![forbid(unsafe_code)]
// The docs link to what is behind features. docs.rs and CI build them with all of those.
#![cfg_attr(
    not(all(
        feature = "axum",
        feature = "cookie",
        feature = "introspection",
        feature = "redis",
        feature = "reqwest",
        feature = "testing",
    )),
    allow(rustdoc::broken_intra_doc_links)
)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr,
        clippy::dbg_macro,
        clippy::todo
    )
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[macro_use]
mod opaque;

#[cfg_attr(
    not(any(feature = "remote", feature = "tracing")),
    allow(dead_code, reason = "nothing tells of causes")
)]
mod causes;
pub mod clock;
pub mod dangerous;
pub mod head;
mod json;
pub mod rejection;
pub mod step;
pub mod store;
mod threads;

#[cfg(feature = "remote")]
#[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
pub mod fetch;

pub mod credentials;
pub mod key;

pub mod claims;
pub mod verify;

pub mod bound;

pub mod revocation;

pub mod authenticate;
pub mod guard;
pub mod respond;

#[cfg(feature = "tonic")]
mod tonic_status;

pub mod layer;

#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub mod extract;
pub mod guide;
#[cfg(feature = "issuer")]
#[cfg_attr(docsrs, doc(cfg(feature = "issuer")))]
pub mod issuer;
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub mod redis_store;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
pub mod threat_model;

pub mod prelude;

#[doc(inline)]
pub use authenticate::{Authenticator, Mode};
#[doc(inline)]
pub use claims::{Claims, Principal, RegisteredClaims, StandardClaims};
#[cfg(feature = "axum")]
#[doc(inline)]
pub use extract::Granted;
#[doc(inline)]
pub use guard::{Guard, Policy};
#[cfg(feature = "remote")]
#[doc(inline)]
pub use key::remote::RemoteKeys;
#[doc(inline)]
pub use key::{Algorithm, Key, KeySet, Secret};
#[doc(inline)]
pub use layer::{AuthLayer, RequireLayer};
#[doc(inline)]
pub use rejection::{Rejection, RejectionKind};
#[doc(inline)]
pub use verify::Verifier;

/// The code of the README is compiled and run.
#[cfg(all(
    doctest,
    feature = "axum",
    feature = "aws-lc-rs",
    feature = "cookie",
    feature = "reqwest",
    feature = "tonic"
))]
#[doc = include_str!("../README.md")]
struct Readme;
