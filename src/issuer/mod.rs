//! Tokens are made here (feature `issuer`): access tokens, sessions kept alive by refresh tokens,
//! single-use tokens, and the keys behind them.
//!
//! 1. [`SigningKeys`] sign, rotate while everything runs, and are published by [`JwksService`].
//! 2. [`Issuer`] signs access tokens by the profile of
//!    [RFC 9068](https://www.rfc-editor.org/rfc/rfc9068): valid for 15 minutes, `typ` `at+jwt`, each
//!    with an id of 128 random bits. ID tokens and handover tokens are of other types, refresh and
//!    single-use tokens of another form: none passes for an access token, nor the reverse.
//! 3. [`session`] keeps sessions: refresh tokens that rotate, theft that is noticed, a list of
//!    sessions, logout. When a session ends, its access tokens are rejected at once by every layer
//!    that asks the same store.
//! 4. [`single_use`] makes tokens that are redeemed exactly once: links to sign in, the handover of
//!    a session to another domain.
//! 5. `cookie` (feature `cookie`) keeps the tokens of browser apps where no script can read them.
//! 6. Every time comes from the issuer's [`Clock`](crate::clock::Clock), every random bit from the
//!    crypto backend.
//!
//! # Example
//!
//! Sign in, refresh, log out; the layer knows at once.
//!
//! ```
//! # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
//! # futures_util::future::FutureExt::now_or_never(async {
//! use tower_bearer::claims::StandardClaims;
//! use tower_bearer::issuer::session::{
//!     MemorySessionStore, NewSession, RefreshRequest, SessionErrorKind, Sessions,
//! };
//! use tower_bearer::issuer::{Issuer, SigningKeys};
//! use tower_bearer::key::Algorithm;
//! use tower_bearer::layer::AuthLayer;
//! use tower_bearer::revocation::TokenIdentity;
//! use tower_bearer::verify::Verifier;
//!
//! let keys = SigningKeys::generate(Algorithm::EdDSA)?; // or from_pem, to survive a restart
//! let issuer = Issuer::builder()
//!     .keys(keys.clone())
//!     .issuer("https://id.example.com")
//!     .audience("orders-api")
//!     .build()?;
//! let store = MemorySessionStore::new();
//! let sessions = Sessions::builder(issuer, store.clone())
//!     .on_reuse(|reuse| eprintln!("stolen: a refresh token of session {}", reuse.session.id))
//!     .build()?;
//!
//! // the layer in front of the service asks the same store
//! let verifier = Verifier::<StandardClaims>::builder()
//!     .keys(keys.verification_keys())
//!     .issuer("https://id.example.com")
//!     .audience("orders-api")
//!     .access_token_profile()
//!     .build()?;
//! let layer = AuthLayer::new(verifier).revocation(store.clone());
//! # let _ = layer;
//!
//! // the user has shown who they are
//! let login = sessions.begin(NewSession::new("ada", "web").device("Firefox")).await?;
//! let access = login.access_token().roles(["customer"]).issue()?;
//!
//! // a quarter of an hour later
//! let old = login.refresh_token().expose_secret();
//! let refreshed = sessions.refresh(RefreshRequest::new(old, "web")).await?;
//! assert_eq!(refreshed.session().generation, 1);
//!
//! // log out: the session's access tokens are dead, its refresh tokens too
//! let id = &refreshed.session().id;
//! assert!(sessions.end_session("ada", id.as_str()).await?.was_live());
//! let token = TokenIdentity::new().with_session_id(id.as_str());
//! assert!(store.revocations().status_now(&token).is_revoked());
//! let late = RefreshRequest::new(refreshed.refresh_token().expose_secret(), "web");
//! let error = sessions.refresh(late).await.unwrap_err();
//! assert_eq!(error.kind(), SessionErrorKind::InvalidGrant);
//! # let _ = access;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap().unwrap();
//! ```

mod compact;
#[cfg(feature = "cookie")]
#[cfg_attr(docsrs, doc(cfg(feature = "cookie")))]
pub mod cookie;
mod error;
mod keys;
mod scope;
pub mod session;
pub mod single_use;
mod token;

pub use self::error::{IssueError, IssueErrorKind};
pub use self::keys::{JwksService, SigningKeys};
pub use self::token::{
    AccessToken, AccessTokenBuilder, Draft, IdToken, IdTokenBuilder, Issuer, IssuerBuilder,
};
#[doc(no_inline)]
pub use crate::key::{SigningKey, TokenHash};
