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
//! use tower_bearer::key::{Key, Secret};
//! use tower_bearer::verify::Verifier;
//!
//! let secret = Secret::new("a secret of 32 bytes or more, please");
//! let verifier = Verifier::<StandardClaims>::builder()
//!     .keys(Key::hs256(secret)?)
//!     .issuer("https://id.example.com")
//!     .audience("orders-api")
//!     .build()?;
//! # let _ = verifier;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod compact;
mod header;
mod rules;
mod tenants;
mod token_verifier;
mod verified;
mod verifier;

pub use builder::{
    Audiences, BuildError, Dangerous, Issuers, Keys, NeedsAudience, NeedsIssuer, NeedsKeys,
    VerifierBuilder,
};
pub use tenants::Tenants;
pub use token_verifier::TokenVerifier;
pub use verified::Verified;
pub use verifier::{Verifier, VerifyFuture};
