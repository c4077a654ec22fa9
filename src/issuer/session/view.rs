//! [`Session`]: what is known of a session.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::id::{BoundKey, SessionId};
use crate::clock::UnixTime;

/// What is known of a session, to be shown to its owner: no secrets are in it.
///
/// It serializes for a page of one's sessions: id, client, scope, device, `created_at`,
/// `authenticated_at`, `last_used_at` and `expires_at` in seconds since 1970, and what it was
/// authenticated with. The subject is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// The `sid` of its access tokens.
    pub id: SessionId,
    /// Whose session it is (`sub`).
    pub subject: Subject,
    /// The client that it was created for (`client_id`).
    pub client_id: Box<str>,
    /// The scopes that were granted, each once; an access token may have fewer.
    pub scope: Vec<Box<str>>,
    /// What the application calls the device, such as "Firefox on Linux".
    pub device: Option<Box<str>>,
    /// When it began.
    pub created_at: UnixTime,
    /// When the user last showed who they are (`auth_time`).
    pub authenticated_at: UnixTime,
    /// How well they did (`acr`).
    pub acr: Option<Box<str>>,
    /// By which means they did (`amr`).
    pub amr: Vec<Box<str>>,
    /// The key that its tokens are bound to.
    pub bound_to: Option<BoundKey>,
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

impl Serialize for Session {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut session = serializer.serialize_struct("Session", 10)?;
        session.serialize_field("id", &self.id)?;
        session.serialize_field("client_id", &self.client_id)?;
        session.serialize_field("scope", &self.scope)?;
        session.serialize_field("device", &self.device)?;
        session.serialize_field("acr", &self.acr)?;
        session.serialize_field("amr", &self.amr)?;
        session.serialize_field("created_at", &self.created_at.as_secs())?;
        session.serialize_field("authenticated_at", &self.authenticated_at.as_secs())?;
        session.serialize_field("last_used_at", &self.last_used_at.as_secs())?;
        session.serialize_field("expires_at", &self.expires_at.as_secs())?;
        session.end()
    }
}

/// A subject (`sub`). It may be somebody's address, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Subject(pub(super) Box<str>);

impl Subject {
    /// The subject.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for Subject {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Subject {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Subject")
    }
}

/// How a session ended, or by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndedBy {
    /// A refresh token of it: [`end_by_token`](super::Sessions::end_by_token).
    RefreshToken,
    /// An access token of it: [`end_verified`](super::Sessions::end_verified).
    AccessToken,
    /// Its subject chose it: [`end_session`](super::Sessions::end_session).
    Subject,
    /// All of the subject's ended: [`end_all`](super::Sessions::end_all).
    All,
    /// All but one ended: [`end_all_but`](super::Sessions::end_all_but).
    AllButOne,
    /// The subject had too many, and it was the least recently used.
    Limit,
    /// A spent refresh token was used again.
    Theft,
    /// A [`Revocation`](crate::revocation::Revocation) that covers it, put by whatever API.
    Revocation,
}
