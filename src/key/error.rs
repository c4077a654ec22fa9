//! [`KeyError`]: why key material was refused, and how to mend it.

use std::borrow::Cow;
use std::path::Path;

/// What kind of thing is wrong with key material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyErrorKind {
    /// The environment variable or file cannot be read.
    Unreadable,
    /// Not what it was given as: not base64, PEM, DER or JWK, or not complete.
    Malformed,
    /// Too short, all zero, or an RSA modulus or exponent outside the bounds.
    Weak,
    /// A private key was given where a public key belongs.
    PrivateKey,
    /// A public key, certificate or key set was given as an HMAC secret.
    NotASecret,
    /// The key does not fit the algorithm, or is not meant for verifying signatures.
    Mismatch,
    /// The key does not tell its algorithm, so it must be named.
    AlgorithmNeeded,
    /// A type of key, curve or algorithm that is not supported.
    Unsupported,
    /// A symmetric key in a published key set.
    Symmetric,
    /// A key set without a single usable key.
    NoUsableKey,
    /// No crypto backend is compiled in.
    NoBackend,
    /// The crypto library failed at an operation on a good key.
    Failed,
}

impl KeyErrorKind {
    /// A name in `snake_case`, for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Malformed => "malformed",
            Self::Weak => "weak",
            Self::PrivateKey => "private_key",
            Self::NotASecret => "not_a_secret",
            Self::Mismatch => "mismatch",
            Self::AlgorithmNeeded => "algorithm_needed",
            Self::Unsupported => "unsupported",
            Self::Symmetric => "symmetric",
            Self::NoUsableKey => "no_usable_key",
            Self::NoBackend => "no_backend",
            Self::Failed => "failed",
        }
    }
}

opaque_error! {
    /// Why key material was refused.
    ///
    /// `Display` says what is wrong and how to mend it, and never holds key material.
    pub struct KeyError(KeyErrorKind);
}

impl KeyError {
    pub(super) fn malformed(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(KeyErrorKind::Malformed, text)
    }

    pub(super) fn mismatch(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(KeyErrorKind::Mismatch, text)
    }

    pub(super) fn unsupported(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(KeyErrorKind::Unsupported, text)
    }

    /// What was read from this file is refused.
    pub(super) fn of_file(self, path: &Path) -> Self {
        Self { text: format!("key file {}: {}", path.display(), self.text).into(), ..self }
    }

    pub(super) fn private_key() -> Self {
        Self::new(
            KeyErrorKind::PrivateKey,
            "holds a private key; give the verifier only the public members \
             (of a PEM file: openssl pkey -in private.pem -pubout)",
        )
    }
}
