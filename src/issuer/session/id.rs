//! Names in a store: [`SessionId`], [`IndexKey`].

use std::fmt;

use crate::bound::{ClientCertificate, ProvenKey};
use crate::key::KeyError;
use crate::key::crypto::{TokenHash, base64url, is_base64url, random, sha256};

/// Characters of 128 bits.
pub(super) const HANDLE: usize = 22;
/// Characters of 256 bits.
const KEY: usize = 43;

/// The id of a session: the `sid` of its access tokens and the name of its record. 22 characters of
/// the URL-safe base64 alphabet, nothing else. The records of single-use tokens have such ids too.
///
/// It is no secret: it opens nothing, and whoever knows it cannot make a token look as if it
/// belonged to the session, not even a spent one. It tells nothing of the subject either, so it may
/// stand in a log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Box<str>);

impl SessionId {
    /// Takes the text of a session id, such as a `sid` claim; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == HANDLE && is_base64url(text)).then(|| Self(text.into()))
    }

    /// The id of the session whose tokens carry this secret handle, at this issuer and no other.
    pub(super) fn of_handle(issuer: &str, handle: &str) -> Result<Self, KeyError> {
        let hash = sha256(&[b"session", issuer.as_bytes(), handle.as_bytes()])?;
        Ok(Self(base64url(hash.split_at(16).0).into()))
    }

    /// A new handle, and the id that it makes.
    pub(super) fn unique(issuer: &str) -> Result<(Self, String), KeyError> {
        let handle = base64url(&random::<16>()?);
        Ok((Self::of_handle(issuer, &handle)?, handle))
    }

    /// The id of the record that this hash stands for: of a single-use token, or a group of them.
    pub(crate) fn of_hash(hash: &TokenHash) -> Self {
        Self(base64url(hash.as_bytes().split_at(16).0).into())
    }

    /// An id of no session.
    #[cfg(feature = "testing")]
    pub(crate) fn random() -> Result<Self, KeyError> {
        Ok(Self(base64url(&random::<16>()?).into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({})", self.0)
    }
}

impl serde::Serialize for SessionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// What sessions are listed under: a SHA-256 of the issuer and the subject. 43 characters of the
/// URL-safe base64 alphabet, nothing else.
///
/// Whoever knows one can test whom it belongs to, so `Debug` shows the beginning only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexKey(Box<str>);

impl IndexKey {
    /// Takes the text of a key that was kept; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == KEY && is_base64url(text)).then(|| Self(text.into()))
    }

    /// The live sessions of a subject.
    pub(crate) fn of_subject(issuer: &str, subject: &str) -> Result<Self, KeyError> {
        let hash = sha256(&[b"subject", issuer.as_bytes(), subject.as_bytes()])?;
        Ok(Self(base64url(&hash).into()))
    }

    /// The sessions of a subject that have ended.
    pub(crate) fn of_ended(issuer: &str, subject: &str) -> Result<Self, KeyError> {
        let hash = sha256(&[b"ended", issuer.as_bytes(), subject.as_bytes()])?;
        Ok(Self(base64url(&hash).into()))
    }

    /// The sessions of an issuer that ended by theft of which nobody has been told yet.
    pub(super) fn of_untold(issuer: &str) -> Result<Self, KeyError> {
        Ok(Self(base64url(&sha256(&[b"untold", issuer.as_bytes()])?).into()))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IndexKey({}..)", self.0.get(..4).unwrap_or_default())
    }
}

/// The thumbprint of the key that a session's tokens are bound to (`cnf`): whoever refreshes must
/// have proven that they hold the key. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct BoundKey(Box<str>);

impl BoundKey {
    /// The SHA-256 thumbprint of a JWK (`jkt`,
    /// [RFC 9449 §6.1](https://www.rfc-editor.org/rfc/rfc9449#section-6.1)), in base64url; `None` if
    /// it is none.
    #[must_use]
    pub fn jkt(thumbprint: &str) -> Option<Self> {
        Self::of("jkt", thumbprint)
    }

    /// The SHA-256 thumbprint of a client certificate (`x5t#S256`,
    /// [RFC 8705 §3.1](https://www.rfc-editor.org/rfc/rfc8705#section-3.1)), in base64url; `None` if
    /// it is none.
    #[must_use]
    pub fn x5t_s256(thumbprint: &str) -> Option<Self> {
        Self::of("x5t#S256", thumbprint)
    }

    fn of(member: &str, thumbprint: &str) -> Option<Self> {
        let fits = thumbprint.len() == KEY && is_base64url(thumbprint);
        fits.then(|| Self(format!("{member}:{thumbprint}").into()))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("jkt", thumbprint) => Self::jkt(thumbprint),
            ("x5t#S256", thumbprint) => Self::x5t_s256(thumbprint),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// The member of `cnf` and its value.
    #[must_use]
    pub fn confirmation(&self) -> (&str, &str) {
        self.0.split_once(':').unwrap_or_default()
    }
}

impl From<&ProvenKey> for BoundKey {
    fn from(key: &ProvenKey) -> Self {
        Self(format!("jkt:{}", key.thumbprint()).into())
    }
}

impl From<ProvenKey> for BoundKey {
    fn from(key: ProvenKey) -> Self {
        Self::from(&key)
    }
}

impl From<&ClientCertificate> for BoundKey {
    fn from(certificate: &ClientCertificate) -> Self {
        Self(format!("x5t#S256:{}", certificate.thumbprint()).into())
    }
}

impl fmt::Debug for BoundKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoundKey({})", self.confirmation().0)
    }
}
