//! [`KeyError`]: why key material was refused, and how to mend it.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

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

/// Why key material was refused.
///
/// `Display` says what is wrong and how to mend it, and never holds key material.
#[derive(Clone)]
pub struct KeyError {
    kind: KeyErrorKind,
    text: Cow<'static, str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl KeyError {
    pub(super) fn new(kind: KeyErrorKind, text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, text: text.into(), source: None }
    }

    pub(super) fn malformed(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(KeyErrorKind::Malformed, text)
    }

    pub(super) fn mismatch(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(KeyErrorKind::Mismatch, text)
    }

    pub(super) fn unsupported(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(KeyErrorKind::Unsupported, text)
    }

    pub(super) fn private_key() -> Self {
        Self::new(
            KeyErrorKind::PrivateKey,
            "holds a private key; give the verifier only the public members \
             (of a PEM file: openssl pkey -in private.pem -pubout)",
        )
    }

    pub(super) fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// What kind of thing is wrong.
    #[must_use]
    pub fn kind(&self) -> KeyErrorKind {
        self.kind
    }
}

impl fmt::Debug for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyError")
            .field("kind", &self.kind)
            .field("text", &self.text)
            .field("source", &self.source)
            .finish()
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for KeyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
