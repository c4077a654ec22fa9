//! What a store keeps of a session: [`Session`], [`Family`] and their names.

use std::fmt;

use crate::clock::UnixTime;
use crate::key::KeyError;
use crate::key::crypto::{TokenHash, base64url, is_base64url, random, sha256};

/// Characters of a partition: 48 bits.
pub(super) const PARTITION: usize = 8;
/// Characters of 128 bits.
pub(super) const HANDLE: usize = 22;

/// The id of a session: the `sid` of its access tokens and the name of its family of refresh
/// tokens. Thirty characters of the URL-safe base64 alphabet, nothing else.
///
/// It is no secret: it opens nothing, and whoever knows it cannot make a token look as if it
/// belonged to the session, not even a spent one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Box<str>);

impl SessionId {
    /// Takes the text of a session id, such as a `sid` claim; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == PARTITION + HANDLE && is_base64url(text);
        fits.then(|| Self(text.into()))
    }

    /// The id of the family whose tokens begin with this partition and this secret handle.
    pub(super) fn of_handle(partition: &str, handle: &str) -> Result<Self, KeyError> {
        let hash = sha256(&[b"session", handle.as_bytes()])?;
        let short = hash.split_at(16).0;
        Ok(Self(format!("{partition}{}", base64url(short)).into()))
    }

    /// A new id of this subject, and the handle that it is made of.
    pub(crate) fn unique(subject: &SubjectKey) -> Result<(Self, String), KeyError> {
        let handle = base64url(&random::<16>()?);
        Ok((Self::of_handle(subject.partition(), &handle)?, handle))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What this id has in common with all session ids of its subject: eight characters of the
    /// URL-safe base64 alphabet. Different subjects may share it.
    #[must_use]
    pub fn partition(&self) -> &str {
        self.0.get(..PARTITION).unwrap_or_default()
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

/// A subject (`sub`) with the partition that all of its sessions share.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SubjectKey {
    subject: Box<str>,
    partition: Box<str>,
}

impl SubjectKey {
    /// The key of this subject: the same on every machine, always.
    ///
    /// # Errors
    /// [`NoBackend`](crate::key::KeyErrorKind::NoBackend) without a crypto backend.
    pub fn new(subject: impl Into<Box<str>>) -> Result<Self, KeyError> {
        let subject = subject.into();
        let hash = sha256(&[b"subject", subject.as_bytes()])?;
        let partition = base64url(hash.split_at(PARTITION * 3 / 4).0).into();
        Ok(Self { subject, partition })
    }

    /// The subject.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.subject
    }

    /// What all session ids of this subject begin with. Different subjects may share it.
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectKey").field("partition", &self.partition).finish_non_exhaustive()
    }
}

/// What is known of a session, to be shown to its owner: no secrets are in it.
///
/// Exhaustive on purpose: a store has to keep each field, so a new one is a breaking change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The `sid` of its access tokens.
    pub id: SessionId,
    /// Whose session it is (`sub`).
    pub subject: SubjectKey,
    /// The client that it was created for (`client_id`).
    pub client_id: Box<str>,
    /// The scopes that were granted, each once; an access token may have fewer.
    pub scope: Vec<Box<str>>,
    /// What the application calls the device, such as "Firefox on Linux".
    pub device: Option<Box<str>>,
    /// When the user signed in.
    pub created_at: UnixTime,
    /// When its refresh token was last used, or `created_at`.
    pub last_used_at: UnixTime,
    /// When it expires unless it is used before.
    pub idle_until: UnixTime,
    /// When it expires in any case.
    pub expires_at: UnixTime,
    /// How often it was refreshed.
    pub generation: u64,
}

impl Session {
    /// Whether `now` has reached [`idle_until`](Self::idle_until) or
    /// [`expires_at`](Self::expires_at).
    #[must_use]
    pub fn has_expired(&self, now: UnixTime) -> bool {
        now >= self.idle_until || now >= self.expires_at
    }
}

/// A session and the hashes of its refresh tokens: all that a store keeps.
///
/// Exhaustive on purpose, as [`Session`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// What is known of the session.
    pub session: Session,
    /// The tokens that can be used: one, and as many more as were given out in a grace window.
    pub current: Vec<TokenHash>,
    /// The token that was spent last. `None` until the first rotation.
    pub predecessor: Option<TokenHash>,
    /// When the predecessor was spent; the grace window is counted from here.
    pub rotated_at: UnixTime,
}
