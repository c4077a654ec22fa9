//! Coming from jwt-authorizer. Documentation only.
//!
//! | jwt-authorizer 0.15 | Here |
//! |---|---|
//! | `JwtAuthorizer::from_oidc(url)` | `.keys(RemoteKeys::discover(url).eager().await?)` |
//! | `from_jwks_url(url)` | `.keys(RemoteKeys::jwks(url).eager().await?)` |
//! | `from_secret("…")` | `.keys(Key::hs256(Secret::from_env("JWT_SECRET")?)?)`; 32 bytes at least |
//! | `from_rsa_pem(file)`, `from_ec_pem`, `from_ed_pem` | `.keys(Key::from_pem_file(Algorithm::RS256, file)?)`; the algorithm is said once, here |
//! | `.validation(Validation::new().iss(&[..]).aud(&[..]).leeway(5))` | `.issuer(..)`, `.audience(..)`, `.leeway(Duration::from_secs(5))`. **Issuer and audience have to be given**, or `.any_issuer()` and `.any_audience()` |
//! | `.nbf(true)` | always |
//! | `.disable_validation()` | there is none; tests use [`TestIssuer`](crate::testing::TestIssuer) |
//! | `.check(\|claims\| ..)` | `RequireLayer::new(claims(\|c: &User\| ..))`: 403, where `check` answers 403 too; on some routes or all |
//! | `.jwt_source(JwtSource::Cookie("name"))` | `.source(Cookie::named("name"))`, with protection from other sites |
//! | `.refresh(Refresh { .. })` | `.refresh_every(..)`, `.keep_for(..)` on the builder of the keys; the defaults are good |
//! | several authorizers, tried in turn | [`Verifier::of_issuers`](crate::Verifier::of_issuers): the token's `iss` decides, so each needs one of its own |
//! | `.into_layer()` and `.layer(auth.into_layer())` | `AuthLayer::new(verifier)` |
//! | `JwtClaims(user): JwtClaims<User>` | `user: Claims<User>`; `user.sub` |
//! | `RegisteredClaims` | [`StandardClaims`](crate::StandardClaims); for each token, [`RegisteredClaims`](crate::RegisteredClaims) besides |
//! | feature `tonic` | the same layer on `Server::builder()` |
//! | axum 0.7 | axum 0.8 |
//!
//! ```no_run
//! # #[cfg(all(feature = "axum", feature = "reqwest"))]
//! # async fn app() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, routing::get};
//! use serde::Deserialize;
//! use tower_bearer::guard::claims;
//! use tower_bearer::key::remote::RemoteKeys;
//! use tower_bearer::{AuthLayer, Claims, RequireLayer, Verifier};
//!
//! #[derive(Deserialize)]
//! struct User {
//!     sub: String,
//!     email_verified: bool,
//! }
//!
//! async fn me(user: Claims<User>) -> String {
//!     user.sub.clone()
//! }
//!
//! let verifier = Verifier::<User>::builder()
//!     .keys(RemoteKeys::discover("https://id.example.com").eager().await?)
//!     .issuer("https://id.example.com")
//!     .audience("orders-api")
//!     .build()?;
//! let app: Router = Router::new()
//!     .route("/me", get(me))
//!     .layer(RequireLayer::new(claims(|user: &User| user.email_verified)))
//!     .layer(AuthLayer::new(verifier));
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
//!
//! What you gain without asking: the full challenge of RFC 6750, 503 in place of 401 while the provider is
//! away, gRPC statuses, one fetch however many tokens with unknown keys come, and
//! [revocation](crate::revocation).
