//! Keys that verify tokens: each bound to one algorithm, prepared once, replaced as a whole.
//!
//! 1. The algorithm belongs to the **key**. A token's `alg` is compared with it and never chooses
//!    it ([RFC 8725 §3.1](https://www.rfc-editor.org/rfc/rfc8725#section-3.1)).
//! 2. What is wrong with a key is said when it is loaded, with a text that tells how to mend it:
//!    a secret that is too short, a public key given as a secret, a private key given to a
//!    verifier. Nothing of that is left for a request to find.
//! 3. A [`Key`] holds material that is ready to use; verifying parses and allocates nothing (with
//!    the `aws-lc-rs` backend).
//! 4. A [`KeySet`] never changes. Rotation replaces the whole set ([`SharedKeys::replace`]), so a
//!    request sees either the old keys or the new ones.
//! 5. Where keys come from is a [`KeySource`]: read without locks or waiting, asked to fetch more
//!    only when a token names a key that is not there. An identity provider's are `remote`, those
//!    of a file that changes are [`FileKeys`].
//!
//! A secret that several services know lets each of them *make* tokens, not only check them.
//! Prefer a key pair (`EdDSA`, `ES256`) wherever issuer and service are not one program.
//!
//! # Example
//! ```
//! # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
//! use tower_bearer::key::{Algorithm, Key, KeyErrorKind, Secret};
//!
//! # let text = "mV2uY2sVYb0Kj0ZQvZ0t1pJt2m1o0l8G3m1i2Q5v9rE=";
//! // `text` was made with: openssl rand -base64 48
//! let secret = Secret::from_base64(text)?;
//! let key = Key::hs256(secret)?.with_id("2024-06");
//! assert_eq!(key.algorithm(), Algorithm::HS256);
//! assert_eq!(key.id(), Some("2024-06"));
//!
//! let refused = Key::hs256(Secret::new("changeme")).unwrap_err();
//! assert_eq!(refused.kind(), KeyErrorKind::Weak);
//! assert!(refused.to_string().contains("openssl rand -base64 48"));
//! # }
//! # Ok::<(), tower_bearer::key::KeyError>(())
//! ```

mod algorithm;
mod backend;
#[cfg_attr(
    not(all(feature = "issuer", feature = "introspection")),
    allow(dead_code, reason = "each of the features uses a part of it")
)]
pub(crate) mod crypto;
#[cfg(feature = "jsonwebtoken")]
mod decoding_key;
mod embedded;
mod error;
mod file;
mod format;
mod hygiene;
mod impostor;
mod jwk;
mod jwks;
#[cfg(feature = "remote")]
#[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
pub mod remote;
mod secret;
mod set;
mod shared;
mod signing;
mod single;
mod skipped;
mod source;
mod thumbprint;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use crypto::TokenHash;
pub use error::{KeyError, KeyErrorKind};
pub use file::{FileKeys, FileKeysBuilder, FileStatus};
pub(crate) use jwk::Jwk;
pub use jwks::JwksOptions;
pub use secret::Secret;
pub use set::KeySet;
pub(crate) use set::Lookup;
pub use shared::SharedKeys;
pub(crate) use signing::LONGEST_ID;
pub use signing::SigningKey;
pub use single::Key;
pub use skipped::SkippedKey;
pub use source::{BoxFuture, IntoKeySource, KeySnapshot, KeySource, KeysUnavailable, MissingKey};
