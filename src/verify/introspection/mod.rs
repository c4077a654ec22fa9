//! Opaque tokens, verified by asking their issuer: token introspection,
//! [RFC 7662](https://www.rfc-editor.org/rfc/rfc7662) (feature `introspection`).
//!
//! [`Introspection`] is a [`TokenVerifier`](super::TokenVerifier) like
//! [`Verifier`](super::Verifier), and yields the same [`Claims<C>`](crate::claims::Claims): scopes,
//! roles, guards and revocation work as they do for signed tokens. [`JwtOrOpaque`] takes both.
//!
//! 1. `active` decides, and only as a JSON boolean that occurs once. `false` rejects the token
//!    ([`Inactive`](crate::rejection::RejectionKind::Inactive), 401). Any other response says nothing
//!    of the token, so it is an outage:
//!    [`IntrospectionUnavailable`](crate::rejection::RejectionKind::IntrospectionUnavailable), 503
//!    with `Retry-After`. So are timeouts, redirects, statuses other than 200, bodies over 64 KiB,
//!    and an endpoint that refuses this service's own credentials.
//! 2. An active token still has to obey the rules of this service: audience, issuer, times, required
//!    claims, and the application's claims type. `exp` may be missing; machine clients often have
//!    neither `sub` nor `jti`, and can then be revoked by what they have
//!    ([`may_lack`](crate::layer::AuthLayer::may_lack)).
//! 3. Where the response names the kind of token (`token_type`, `token_use`, `typ`), it has to be an
//!    access token and a bearer token: the endpoint calls refresh tokens active too.
//! 4. An active token is remembered for
//!    [`remember_active`](IntrospectionBuilder::remember_active), at most until its `exp`; a rejected
//!    one for [`remember_rejected`](IntrospectionBuilder::remember_rejected); an outage never. It is
//!    found by a SHA-256 hash of the whole token and of random bytes. Times and revocation are
//!    checked on every request all the same. What is remembered is bounded in entries and bytes.
//! 5. Requests with one token share one question. How many questions are under way is
//!    [bounded](IntrospectionBuilder::concurrency), and so is
//!    [every wait](IntrospectionBuilder::timeout), of each request by itself: one that joined a
//!    question on a runtime that does not run has its own time, and the next one asks anew. Nothing
//!    that a client sends makes a URL.
//!
//! **In deployment.** A token revoked at its issuer works until it is forgotten here: 30 seconds by
//! default, in each process. Questions run on tokio, with its timer enabled. A flood of made-up
//! tokens cannot open more connections than allowed, but it can take the turns of good tokens that
//! are not remembered yet: limit requests before this layer. Responses are plain JSON; signed ones
//! ([RFC 9701](https://www.rfc-editor.org/rfc/rfc9701)) are for those who keep them as evidence, and
//! are neither asked for nor read here: TLS says who answers.
//!
//! ```no_run
//! use tower_bearer::fetch::Fetch;
//! use tower_bearer::key::Secret;
//! use tower_bearer::verify::introspection::{ClientAuth, Introspection};
//! use tower_bearer::{AuthLayer, StandardClaims};
//!
//! # fn layer(http: impl Fetch) -> Result<(), Box<dyn std::error::Error>> {
//! let secret = Secret::from_env("INTROSPECTION_SECRET")?;
//! let introspection =
//!     Introspection::<StandardClaims>::builder("https://id.example.com/introspect", http)
//!         .client(ClientAuth::basic("orders-api", secret))
//!         .audience("orders-api")
//!         .build()?;
//! let layer = AuthLayer::new(introspection);
//! # let _ = layer;
//! # Ok(())
//! # }
//! ```

pub mod builder;
mod cache;
mod client_auth;
mod composite;
mod endpoint;
mod form;
mod inquiry;
mod introspect;
mod place;
mod response;

pub use builder::IntrospectionBuilder;
pub use client_auth::{ClientAuth, PrivateKeyJwt};
pub use composite::{JwtOrOpaque, JwtOrOpaqueFuture};
pub use introspect::{Introspection, IntrospectionFuture};
