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
//! | [`time`], [`step`], [`head`], [`rejection`] | what all steps speak of |
//! | [`credentials`] | where the token stands in the request |
//! | [`key`] | keys, each bound to one algorithm |
//! | [`claims`] | the application's claims and the registered ones |
//! | [`verify`] | signature and claim rules |
//! | [`revocation`] | tokens, sessions and subjects taken back |
//! | [`authenticate`] | the steps put together |
//! | [`guard`] | scopes, roles, conditions |
//! | [`respond`] | what a rejection looks like |
//! | [`layer`] | the tower layers |
//! | `axum` | extractors |
//! | `redis` | revocations shared by many processes, and a local copy of them |
//! | `testing` | tokens, clocks and conformance suites for tests |
//! | [`threat_model`] | what this crate defends against, and what it leaves to you |
//!
//! # Features
//!
//! | Feature | Default | What it adds |
//! |---|---|---|
//! | `aws-lc-rs` | yes | cryptography by AWS-LC: the fast choice |
//! | `rust-crypto` | | cryptography in pure Rust, for targets without a C compiler; several times slower on RSA and ECDSA. With both, `aws-lc-rs` does the work |
//! | `axum` | yes | the extractors, over axum-core |
//! | `tracing` | yes | an event for each rejection: kind, reason, source; never a token, never claims |
//! | `redis` | | the `redis` module: revocations in Redis, and a replica of them on every node |
//! | `redis-tls` | | `rediss://` with rustls, for `redis` |
//! | `testing` | | the `testing` module |
//!
//! Without a crypto backend the crate compiles, and every constructor of a
//! [`Key`] says which feature to enable.
#![forbid(unsafe_code)]
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

pub mod head;
pub mod rejection;
pub mod step;
pub mod time;

pub mod credentials;
pub mod key;

pub mod claims;
pub mod verify;

pub mod revocation;

pub mod authenticate;
pub mod guard;
pub mod respond;

pub mod layer;

#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub mod axum;
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub mod redis;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
pub mod threat_model;

#[doc(inline)]
pub use claims::{Claims, Principal, RegisteredClaims, StandardClaims};
#[doc(inline)]
pub use key::{Algorithm, Key, KeySet, Secret};
#[doc(inline)]
pub use layer::{AuthLayer, RequireLayer};
#[doc(inline)]
pub use rejection::{Rejection, RejectionKind};
#[doc(inline)]
pub use verify::Verifier;

/// The code of the README is compiled and run.
#[cfg(all(doctest, feature = "axum", feature = "aws-lc-rs"))]
#[doc = include_str!("../README.md")]
struct Readme;
