//! Sign in, stay signed in, sign out. Documentation only.
//!
//! For the service that issues the tokens (feature `cookie`). A session is a chain of refresh tokens, each used
//! once. One that comes twice was stolen, and the session ends: its access tokens are rejected at once by every
//! layer that asks the same store.
//!
//! ```
//! # #[cfg(all(feature = "axum", feature = "cookie"))] mod example {
//! use axum::extract::State;
//! use axum::http::request::Parts;
//! use axum::response::IntoResponse;
//! use axum::{Router, routing::post};
//! use tower_bearer::issuer::cookie::TokenCookie;
//! use tower_bearer::issuer::session::{
//!     MemorySessionStore, NewSession, RefreshRequest, SessionError, Sessions,
//! };
//! use tower_bearer::issuer::{Issuer, SigningKeys};
//! use tower_bearer::{Algorithm, AuthLayer, StandardClaims};
//!
//! #[derive(Clone)]
//! struct App {
//!     sessions: Sessions,
//!     cookie: TokenCookie,
//! }
//!
//! /// The user has shown who they are: the password is yours to check.
//! async fn login(State(app): State<App>, head: Parts) -> Result<impl IntoResponse, SessionError> {
//!     app.cookie.check_site(&head)?;
//!     let grant = app.sessions.begin(NewSession::new("ada", "web").device("Firefox")).await?;
//!     Ok(app.cookie.respond(grant, |access| access.roles(["customer"]))?)
//! }
//!
//! async fn refresh(State(app): State<App>, head: Parts) -> Result<impl IntoResponse, SessionError> {
//!     let spent = app.cookie.require(&head)?;
//!     let grant = app.sessions.refresh(RefreshRequest::new(spent.expose_secret(), "web")).await?;
//!     Ok(app.cookie.respond(grant, |access| access.roles(["customer"]))?)
//! }
//!
//! async fn logout(State(app): State<App>, head: Parts) -> Result<impl IntoResponse, SessionError> {
//!     if let Some(token) = app.cookie.read(&head)? {
//!         let _ = app.sessions.end_by_token(token.expose_secret()).await?;
//!     }
//!     Ok(app.cookie.respond_signed_out())
//! }
//!
//! fn app(api: Router) -> Result<Router, Box<dyn std::error::Error>> {
//!     let issuer = Issuer::builder()
//!         .keys(SigningKeys::generate(Algorithm::EdDSA)?)
//!         .issuer("https://id.example.com")
//!         .audience("orders-api")
//!         .build()?;
//!     let verifier = issuer.verifier::<StandardClaims>().build()?;
//!     let store = MemorySessionStore::new();
//!     let sessions = Sessions::builder(issuer, store.clone()).build()?;
//!     Ok(Router::new()
//!         .route("/auth/login", post(login))
//!         .route("/auth/refresh", post(refresh))
//!         .route("/auth/logout", post(logout))
//!         .with_state(App { sessions, cookie: TokenCookie::secure("refresh", "/auth")? })
//!         .merge(api.layer(AuthLayer::new(verifier).revocation(store))))
//! }
//! # }
//! ```
//!
//! Only hashes of refresh tokens are stored. The cookie is out of reach of scripts, and requests that other sites
//! cause are refused before they spend anything. With more than one process,
//! [`Replica`](crate::redis_store::Replica) takes the store's place: what ends on one is rejected by the others
//! within milliseconds, and requests ask nobody. [`BoxSessionStore`](crate::issuer::session::BoxSessionStore)
//! holds the one or the other, as the configuration says.
//!
//! The example `login` is the whole of it: a page for the browser, lists of sessions, log out everywhere, and what
//! becomes of a thief.
