//! Help for tests (feature `testing`): of services behind the layer, and of stores plugged into it.
//!
//! 1. [`TestIssuer`] makes a key, signs tokens with it and builds the verifier that accepts them:
//!    the whole stack is tested as it runs.
//! 2. [`claims`] makes the claims that a handler takes, to call it as a function; [`inject`] puts them
//!    into a request without any token.
//!    [`DpopClient`] makes the proofs of clients whose tokens are bound to a key.
//! 3. [`FakeClock`] stands still until the test moves it.
//! 4. [`revocation::conformance`] is the suite that every revocation store has to pass, one's own
//!    included. With the feature `issuer` there is another, for stores of sessions and of
//!    single-use tokens: `session::conformance`.
//!
//! Enable the feature in `[dev-dependencies]` only: what is here panics where a service must not.
//!
//! # Your handlers
//!
//! The whole stack, in a `#[tokio::test]`:
//!
//! ```
//! # #[cfg(all(feature = "axum", any(feature = "aws-lc-rs", feature = "rust-crypto")))] mod example {
//! use axum::body::Body;
//! use axum::http::{Request, StatusCode, header::AUTHORIZATION};
//! use axum::{Router, routing::get};
//! use tower::ServiceExt;
//! use tower_bearer::testing::TestIssuer;
//! use tower_bearer::{AuthLayer, Claims, StandardClaims};
//!
//! async fn me(_: Claims<StandardClaims>) {}
//!
//! # #[tokio::main]
//! # pub(super) async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = TestIssuer::new();
//! let layer = AuthLayer::new(issuer.verifier::<StandardClaims>().build()?);
//! let app = Router::new().route("/me", get(me)).layer(layer);
//! let status = async |token: String| {
//!     let request = Request::get("/me").header(AUTHORIZATION, format!("Bearer {token}"));
//!     app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
//! };
//! assert_eq!(status(issuer.token().subject("alice").sign()).await, StatusCode::OK);
//! assert_eq!(status(issuer.token().expired().sign()).await, StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! # }
//! # fn main() {
//! #     #[cfg(all(feature = "axum", any(feature = "aws-lc-rs", feature = "rust-crypto")))] example::run().unwrap();
//! # }
//! ```
//!
//! # Development without an identity provider
//!
//! Do not turn authentication off: sign in by itself whoever comes without a token. Handlers, guards and
//! errors then are those of production. Behind a feature of the application's own
//! (`dev-login = ["tower-bearer/testing"]`), so that no released program has it:
//!
//! ```
//! # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
//! use http::{Request, header::AUTHORIZATION};
//! use tower::ServiceBuilder;
//! use tower_bearer::{AuthLayer, StandardClaims, testing::TestIssuer};
//!
//! let issuer = TestIssuer::new();
//! let token = issuer.token().subject("developer").roles(["admin"]).lasting().sign();
//! let token = http::HeaderValue::try_from(format!("Bearer {token}"))?;
//! let stack = ServiceBuilder::new()
//!     .map_request(move |mut request: Request<String>| {
//!         request.headers_mut().entry(AUTHORIZATION).or_insert_with(|| token.clone());
//!         request
//!     })
//!     .layer(AuthLayer::new(issuer.verifier::<StandardClaims>().build()?));
//! # let _ = stack;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod dpop;
mod inject;
mod issuer;
pub mod once;
pub mod revocation;
#[cfg(feature = "issuer")]
#[cfg_attr(docsrs, doc(cfg(feature = "issuer")))]
pub mod session;
mod unique;

pub use clock::FakeClock;
pub use dpop::{DpopClient, ProofBuilder};
pub use inject::{claims, claims_with, inject, inject_with};
pub use issuer::{TestIssuer, TokenBuilder};
#[cfg(feature = "issuer")]
use unique::unique;
use unique::unique_id;
