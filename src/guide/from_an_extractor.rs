//! Coming from an extractor that was written by hand. Documentation only.
//!
//! Many axum services have an `AuthUser` that reads the header, calls `jsonwebtoken::decode`, and answers
//! 401 itself. Here a layer does that once, and the extractor only takes what it found:
//!
//! ```
//! # #[cfg(all(feature = "axum", any(feature = "aws-lc-rs", feature = "rust-crypto")))] {
//! use axum::{Router, routing::{delete, get}};
//! use serde::Deserialize;
//! use tower_bearer::authenticate::Mode;
//! use tower_bearer::extract::Granted;
//! use tower_bearer::guard::{Guard, Policy, role};
//! use tower_bearer::{AuthLayer, Claims, Key, Secret, Verifier};
//!
//! #[derive(Deserialize)]
//! struct Token {
//!     sub: String,
//! }
//!
//! // As they were named before, so that handlers keep their signatures.
//! type AuthUser = Claims<Token>;
//! type AdminUser = Granted<Admin, Token>;
//!
//! struct Admin;
//! impl Policy for Admin {
//!     fn guard() -> impl Guard {
//!         role("admin")
//!     }
//! }
//!
//! async fn me(user: AuthUser) -> String {
//!     user.sub.clone()
//! }
//! async fn forget(_: AdminUser) {}
//!
//! fn app(secret: Secret) -> Result<Router, Box<dyn std::error::Error>> {
//!     let verifier = Verifier::<Token>::builder()
//!         .keys(Key::hs256(secret)?)
//!         // `Validation` without issuer and audience. Better: `.issuer(..)` and `.audience(..)`.
//!         .any_issuer()
//!         .any_audience()
//!         // Where the token has `"role": "admin"` in place of `"roles": ["admin"]`.
//!         .roles_at("role")
//!         .build()?;
//!     Ok(Router::new()
//!         .route("/", get(|| async { "public" }))
//!         .route("/me", get(me))
//!         .route("/users", delete(forget))
//!         // Only handlers that ask for a user look at the token, as with an extractor.
//!         .layer(AuthLayer::new(verifier).mode(Mode::Inspect)))
//! }
//! # app(Secret::random().unwrap()).unwrap();
//! # }
//! ```
//!
//! # What is different
//!
//! | Before | Here |
//! |---|---|
//! | A public route never looks at the header | So it is with [`Mode::Inspect`](crate::authenticate::Mode::Inspect). With `Mode::Optional`, a browser that still sends an expired token gets a 401 on public routes too |
//! | `AuthUser(claims): AuthUser` takes the claims apart | Claims are shared and cannot be moved out: `user.sub`, or `user.sub.clone()` where an owned value is needed |
//! | The extractor is missing: the handler has no user, and does not compile | The layer is missing: 500 at run time, and the log says where to put it. One test that asks a protected path finds it |
//! | Any secret will do | HS256 needs 32 bytes at least (RFC 7518 §3.2). A shorter one is refused when it is loaded, **so an old secret may have to be changed**; the text says how to make one |
//! | `validate_aud = false`, `required_spec_claims` | `.any_audience()`, `.any_issuer()`, `.dangerous().allow_missing_expiry()`; `.require(["jti"])` |
//! | `leeway` of 60 s | the same |
//! | 401 with a text or JSON of your own | an empty body and a challenge. [`.responder(..)`](crate::layer::AuthLayer::responder) makes your own: [`ProblemJson`](crate::respond::ProblemJson), or a closure |
//! | `State` holds the keys; `FromRef` | the layer holds them |
//! | A role is a field, and `if` | a [guard](crate::guard) on the route or in the signature; `role("a")` and `all`, `any`, `not` |
//! | "Owner or admin" within a handler | ask the guard there, see [`guard`](crate::guard) |
//! | Tests mint tokens with the secret | [`testing::TestIssuer`](crate::testing::TestIssuer) mints them, [`testing::inject`](crate::testing::inject) does without |
//!
//! Tokens that your service signs today go on working: same secret, same claims. Move on to
//! `.issuer(..)`, `.audience(..)` and `.revocation(..)` one at a time, once the tokens out there have them.
