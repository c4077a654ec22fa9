//! Tokens of browser apps, in cookies (feature `cookie`): written as no script can read them, and
//! read with the protection from other sites on.
//!
//! **The shape for a browser app:** the refresh token in a [`TokenCookie`], the access token in the
//! body of the answer and from there in a variable of the page, never in `localStorage`. A script
//! that an attacker gets to run in the page can use both while the page is open, and carry the
//! session away with neither.
//!
//! 1. **Which cookie.** [`TokenCookie::host`] is called `__Host-…`: no other subdomain can set one of
//!    that name. It travels with every request to the host. [`TokenCookie::secure`] is limited to a
//!    path, that of the token endpoint and logout, so the rest of the service never sees it; its name
//!    `__Secure-…` does not keep a subdomain that someone else controls from setting another one, so
//!    there take `host`. In either case all ports of the host get the cookie.
//! 2. **Always** `Secure`, `HttpOnly`, without `Domain`, with `Max-Age` up to the token's expiry, and
//!    `SameSite=Strict`: a browser that follows a link from another site sends no cookie with *that*
//!    request, but does with what the page then asks for itself. An app that refreshes by script
//!    notices nothing; pages rendered by the server look signed out once, and want
//!    [`same_site_lax`](TokenCookie::same_site_lax). There is no `SameSite=None`: browsers drop
//!    cookies of third parties anyway.
//! 3. **Requests of other sites** are rejected before the token is looked at, so it is not spent:
//!    [`read`](TokenCookie::read) and [`require`](TokenCookie::require) ask a
//!    [`CrossSiteProtection`]. Its rules let `GET` pass: let refresh and logout be `POST`. Where
//!    there is no cookie yet, at login, ask [`check_site`](TokenCookie::check_site), or another site
//!    can sign its visitors in as somebody else.
//! 4. **Several tabs** share the cookie and may refresh at once. The
//!    [`Grace`](crate::issuer::session::Grace) allows it; without, let the page take turns
//!    (`navigator.locks`), or the second tab looks like a thief, and the session ends.
//! 5. **In development** `http://localhost` is good enough for current Chromium and Firefox. Safari
//!    wants `https` there too.
//! 6. **To change the path** of a cookie, change its name as well: browsers keep the old one, send
//!    both where both paths fit, and two of one name are rejected.
//!
//! # Example
//!
//! ```
//! # #[cfg(all(feature = "axum", any(feature = "aws-lc-rs", feature = "rust-crypto")))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, body::Body, extract::State, http::Request, routing::post};
//! use http::{Response, request::Parts};
//! use tower::ServiceExt;
//! use tower_bearer::issuer::cookie::TokenCookie;
//! use tower_bearer::issuer::session::{
//!     MemorySessionStore, NewSession, RefreshRequest, SessionError, Sessions,
//! };
//! use tower_bearer::issuer::{Issuer, SigningKeys};
//! use tower_bearer::respond::BytesBody;
//! use tower_bearer::key::Algorithm;
//!
//! #[derive(Clone)]
//! struct App {
//!     sessions: Sessions,
//!     cookie: TokenCookie,
//! }
//! type Answer = Result<Response<BytesBody>, SessionError>;
//!
//! async fn login(State(app): State<App>, head: Parts) -> Answer {
//!     app.cookie.check_site(&head)?;
//!     // .. here the password is checked ..
//!     let grant = app.sessions.begin(NewSession::new("ada", "web")).await?;
//!     Ok(app.cookie.respond(grant, |access| access.roles(["customer"]))?)
//! }
//!
//! async fn refresh(State(app): State<App>, head: Parts) -> Answer {
//!     let token = app.cookie.require(&head)?;
//!     let grant = app.sessions.refresh(RefreshRequest::new(token.expose_secret(), "web")).await?;
//!     Ok(app.cookie.respond(grant, |access| access.roles(["customer"]))?)
//! }
//!
//! async fn logout(State(app): State<App>, head: Parts) -> Answer {
//!     if let Some(token) = app.cookie.read(&head)? {
//!         let _ = app.sessions.end_by_token(token.expose_secret()).await?;
//!     }
//!     Ok(app.cookie.respond_signed_out())
//! }
//!
//! # let issuer = Issuer::builder()
//! #     .keys(SigningKeys::generate(Algorithm::EdDSA)?)
//! #     .issuer("https://id.example.com")
//! #     .audience("orders-api")
//! #     .build()?;
//! let sessions = Sessions::builder(issuer, MemorySessionStore::new())
//!     .build()?;
//! let app = Router::new()
//!     .route("/auth/login", post(login))
//!     .route("/auth/refresh", post(refresh))
//!     .route("/auth/logout", post(logout))
//!     .with_state(App { sessions, cookie: TokenCookie::secure("refresh", "/auth")? });
//!
//! let send = async |path: &str, site: &str, cookie: &str| {
//!     let request = Request::post(path).header("sec-fetch-site", site).header("cookie", cookie);
//!     app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
//! };
//! let response = send("/auth/login", "same-origin", "").await;
//! assert_eq!(response.headers()["cache-control"], "no-store");
//! let set = response.headers()["set-cookie"].to_str()?.to_owned();
//! assert!(set.starts_with("__Secure-refresh=tbr1_") && set.contains("HttpOnly"));
//! let (cookie, _) = set.split_once(';').unwrap();
//!
//! // a page of another site gets nowhere, and spends nothing
//! assert_eq!(send("/auth/refresh", "cross-site", cookie).await.status(), 403);
//! let response = send("/auth/refresh", "same-origin", cookie).await;
//! assert_eq!(response.status(), 200);
//! assert_ne!(response.headers()["set-cookie"], set);
//!
//! let response = send("/auth/logout", "same-origin", cookie).await;
//! assert_eq!(response.status(), 204);
//! assert!(response.headers()["set-cookie"].to_str()?.starts_with("__Secure-refresh=;"));
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "axum", any(feature = "aws-lc-rs", feature = "rust-crypto"))))]
//! # fn main() {}
//! ```
//!
//! [`CrossSiteProtection`]: crate::credentials::CrossSiteProtection

mod place;
mod token_cookie;

pub use self::token_cookie::TokenCookie;
