//! What is asked of [`Sessions`](super::Sessions): [`NewSession`], [`RefreshRequest`].

use std::fmt;

use super::error::{SessionError, SessionErrorKind};
use super::id::BoundKey;
use crate::clock::UnixTime;

/// The longest subject and client id, in bytes.
pub(super) const LONGEST_NAME: usize = 1024;
/// The longest `acr`, and the longest of the `amr`, in bytes; and how many of these there can be.
const LONGEST_CLASS: usize = 256;
const LONGEST_METHOD: usize = 64;
const MOST_METHODS: usize = 16;

/// A session to be begun, for a user who has just signed in.
#[derive(Clone)]
#[must_use = "there is no session until it is begun"]
pub struct NewSession {
    pub(super) subject: Box<str>,
    pub(super) client_id: Box<str>,
    pub(super) scope: Box<str>,
    pub(super) device: Option<Box<str>>,
    pub(super) authenticated_at: Option<UnixTime>,
    pub(super) acr: Option<Box<str>>,
    pub(super) amr: Vec<Box<str>>,
    pub(super) version: Option<u64>,
    pub(super) bound_to: Option<BoundKey>,
}

impl NewSession {
    /// A session of this subject (`sub`) with this client (`client_id`), each of at most 1024 bytes.
    pub fn new(subject: impl Into<Box<str>>, client_id: impl Into<Box<str>>) -> Self {
        Self {
            subject: subject.into(),
            client_id: client_id.into(),
            scope: "".into(),
            device: None,
            authenticated_at: None,
            acr: None,
            amr: Vec::new(),
            version: None,
            bound_to: None,
        }
    }

    /// The scopes that are granted, separated by spaces.
    pub fn scope(mut self, scope: impl Into<Box<str>>) -> Self {
        self.scope = scope.into();
        self
    }

    /// What to call the device in a list of sessions; cut to 200 characters.
    pub fn device(mut self, device: impl AsRef<str>) -> Self {
        let device: String = device.as_ref().chars().take(200).collect();
        self.device = Some(device.into());
        self
    }

    /// When the user showed who they are (`auth_time`): now, unless it is said.
    ///
    /// Say it wherever time passes between the password and this call. If "log out everywhere"
    /// comes in between, a session is refused that was authenticated before.
    pub fn authenticated_at(mut self, moment: UnixTime) -> Self {
        self.authenticated_at = Some(moment);
        self
    }

    /// How well the user was authenticated (`acr`), in at most 256 bytes.
    pub fn acr(mut self, acr: impl Into<Box<str>>) -> Self {
        self.acr = Some(acr.into());
        self
    }

    /// By which means the user was authenticated (`amr`): at most 16, of 64 bytes each.
    pub fn amr<M: Into<Box<str>>>(mut self, amr: impl IntoIterator<Item = M>) -> Self {
        // one too many shows that there are too many, however many there are
        self.amr = amr.into_iter().take(MOST_METHODS + 1).map(Into::into).collect();
        self
    }

    /// The subject's version, where access tokens carry one. A
    /// [`Revocation::version`](crate::revocation::Revocation::version) ends sessions that began with
    /// a lower one, and those that have none.
    pub fn version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }

    /// Binds the session to a key, of which the client has given proof: nobody can refresh without
    /// it ([`RefreshRequest::proven_key`]), and its access tokens are bound to it, too.
    ///
    /// The key is a [`ProvenKey`](crate::bound::ProvenKey), a
    /// [`ClientCertificate`](crate::bound::ClientCertificate) or a [`BoundKey`].
    pub fn bound_to(mut self, key: impl Into<BoundKey>) -> Self {
        self.bound_to = Some(key.into());
        self
    }

    pub(super) fn check(&self) -> Result<(), SessionError> {
        let wrong = |reason| Err(SessionError::new(SessionErrorKind::InvalidRequest, reason));
        let names = [&self.subject, &self.client_id];
        if !names.iter().all(|name| (1..=LONGEST_NAME).contains(&name.len())) {
            return wrong("a session needs a subject and a client, of at most 1024 bytes each");
        }
        check_methods(self.acr.as_deref(), &self.amr)
    }
}

pub(super) fn check_methods(acr: Option<&str>, amr: &[Box<str>]) -> Result<(), SessionError> {
    let fits = acr.is_none_or(|acr| acr.len() <= LONGEST_CLASS)
        && amr.len() <= MOST_METHODS
        && amr.iter().all(|method| method.len() <= LONGEST_METHOD);
    if !fits {
        let reason = "an acr is longer than 256 bytes, an amr than 64, or there are more than 16";
        return Err(SessionError::new(SessionErrorKind::InvalidRequest, reason));
    }
    Ok(())
}

/// Without the subject, which may be somebody's address.
impl fmt::Debug for NewSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession")
            .field("client_id", &self.client_id)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// A refresh token that a client presents
/// ([RFC 6749 §6](https://www.rfc-editor.org/rfc/rfc6749#section-6)). `Debug` redacts it.
#[derive(Clone, Copy)]
#[must_use = "nothing is refreshed until it is presented"]
pub struct RefreshRequest<'a> {
    pub(super) token: &'a str,
    pub(super) client_id: &'a str,
    pub(super) scope: &'a str,
    pub(super) key: Option<&'a BoundKey>,
}

impl<'a> RefreshRequest<'a> {
    /// This token, presented by this client. A client that has credentials must have been
    /// authenticated by them before.
    pub fn new(token: &'a str, client_id: &'a str) -> Self {
        Self { token, client_id, scope: "", key: None }
    }

    /// Asks for these scopes only, separated by spaces. The session keeps all of its own.
    pub fn scope(mut self, scope: &'a str) -> Self {
        self.scope = scope;
        self
    }

    /// The key that the client has **proven** to hold in this request. A session that is
    /// [bound](NewSession::bound_to) needs its own.
    pub fn proven_key(mut self, key: &'a BoundKey) -> Self {
        self.key = Some(key);
        self
    }
}

impl fmt::Debug for RefreshRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshRequest").field("token", &"[redacted]").finish_non_exhaustive()
    }
}
