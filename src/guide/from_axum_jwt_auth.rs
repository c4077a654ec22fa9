//! Coming from axum-jwt-auth. Documentation only.
//!
//! There a decoder is part of the router's state, and each extractor decodes anew. Here a layer decodes
//! once.
//!
//! | axum-jwt-auth 0.7 | Here |
//! |---|---|
//! | `LocalDecoder::builder().keys(..).validation(..)` | `Verifier::<User>::builder().keys(Key::..)` |
//! | `RemoteJwksDecoder::builder().jwks_url(url)` | `.keys(RemoteKeys::jwks(url).spawn()?)` |
//! | `decoder.initialize().await` | `.eager().await?` in place of `.spawn()?` |
//! | a task to refresh, and a token to cancel it | the task ends with the last handle |
//! | `Decoder<User>` in the state, `FromRef` | `AuthLayer::new(verifier).mode(Mode::Inspect)` on the router |
//! | `user: Claims<User>`, `user.claims.sub` | `user: Claims<User>`, `user.sub` |
//! | `define_cookie_extractor!`, `Claims<User, CookieTokenExtractor<..>>` | `.source(Cookie::named("access"))` |
//! | several extractors for several places | [`Sources`](crate::credentials::Sources) |
//! | `Validation` with `validate_aud = false` | `.any_audience()` |
//! | text in the body of a 401 | a challenge; [`.responder(..)`](crate::layer::AuthLayer::responder) for a body |
//!
//! ```no_run
//! # #[cfg(all(feature = "axum", feature = "reqwest"))]
//! # fn app() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, routing::get};
//! use tower_bearer::authenticate::Mode;
//! use tower_bearer::credentials::{AuthorizationHeader, Cookie, Sources};
//! use tower_bearer::key::remote::RemoteKeys;
//! use tower_bearer::{AuthLayer, Claims, StandardClaims, Verifier};
//!
//! async fn me(user: Claims<StandardClaims>) -> String {
//!     user.sub.clone().unwrap_or_default()
//! }
//!
//! let keys = RemoteKeys::jwks("https://id.example.com/jwks.json").spawn()?;
//! let verifier = Verifier::<StandardClaims>::builder()
//!     .keys(keys)
//!     .issuer("https://id.example.com")
//!     .audience("orders-api")
//!     .build()?;
//! let sources = Sources::new().and(AuthorizationHeader::new()).and(Cookie::named("access"));
//! let app: Router = Router::new()
//!     .route("/me", get(me))
//!     // Only handlers that take claims look at the token.
//!     .layer(AuthLayer::new(verifier).mode(Mode::Inspect).source(sources));
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
//!
//! The layer is needed: without it, handlers that take claims answer 500, and the log says so. For the
//! other differences see [`from_an_extractor`](super::from_an_extractor#what-is-different).
