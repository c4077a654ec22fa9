//! From a bearer token to verified claims: compact JWS, signature, claim rules.
//!
//! 1. A token is three base64url segments, exact to the bit
//!    ([RFC 7515 §3.1, §7.1](https://www.rfc-editor.org/rfc/rfc7515#section-7.1)); JSON
//!    serialization, encrypted and unsecured tokens are rejected.
//! 2. The header is read once and strictly. Its `alg` is compared with the key's algorithm and
//!    decides nothing; `crit` and `b64` name extensions that are not implemented here and are
//!    rejected; `jwk`, `jku`, `x5u` and `x5c` are not looked at.
//! 3. The signature is checked by a key that is trusted for the token's issuer.
//! 4. Only then are the claims read into the application's type, and the rules applied: issuer,
//!    audience, `typ`, times, required claims.
//!
//! What comes out is a [`Verified<C>`]. It is not yet [`Claims<C>`](crate::claims::Claims): the token
//! may have been revoked.
//!
//! ```
//! # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
//! use tower_bearer::claims::StandardClaims;
//! use tower_bearer::credentials::BearerToken;
//! use tower_bearer::head::RequestHead;
//! use tower_bearer::key::{Algorithm, Key, Secret};
//! use tower_bearer::rejection::RejectionKind;
//! use tower_bearer::step::Step;
//! use tower_bearer::testing::TestIssuer;
//! use tower_bearer::verify::{TokenVerifier, Verifier};
//!
//! let secret = Secret::random()?;
//! let verifier = Verifier::<StandardClaims>::builder()
//!     .keys(Key::hs256(secret.clone())?)
//!     .issuer("https://id.example.com")
//!     .audience("orders-api")
//!     .build()?;
//!
//! // What the layer does with a token; the feature `testing` signs some.
//! let issuer = TestIssuer::from_secret(Algorithm::HS256, &secret)?
//!     .issuer("https://id.example.com")
//!     .audience("orders-api");
//! let verify = |token: &str| {
//!     let request = http::Request::new(());
//!     match verifier.verify(BearerToken::parse(token)?, &RequestHead::from(&request)) {
//!         Step::Now(verified) => verified,
//!         Step::Later(_) => unreachable!("the keys are at hand"),
//!     }
//! };
//! let verified = verify(&issuer.token().subject("alice").sign())?;
//! assert_eq!(verified.registered().subject(), Some("alice"));
//!
//! let elsewhere = issuer.token().claim("aud", "billing-api").sign();
//! assert_eq!(verify(&elsewhere).unwrap_err().kind(), RejectionKind::WrongAudience);
//! assert_eq!(verify("no.such.token").unwrap_err().kind(), RejectionKind::MalformedToken);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod boxed;
pub mod builder;
mod cache;
mod checks;
mod compact;
mod error;
mod header;
#[cfg(feature = "introspection")]
#[cfg_attr(docsrs, doc(cfg(feature = "introspection")))]
pub mod introspection;
mod known_headers;
mod options;
mod policy;
mod readiness;
mod rules;
mod tenants;
mod token_verifier;
mod verified;
mod verifier;

pub use boxed::BoxVerifier;
pub use builder::VerifierBuilder;
pub use cache::TokenCache;
pub(crate) use compact::{Compact, decode_into, with_signature};
pub use error::BuildError;
pub(crate) use header::HeaderBuffer;
pub use readiness::KeyStatus;
pub(crate) use rules::bound;
pub use tenants::Tenants;
pub use token_verifier::TokenVerifier;
pub use verified::Verified;
pub use verifier::{Verifier, VerifyFuture};
