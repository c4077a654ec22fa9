//! What is asked of [`RefreshTokens`](super::RefreshTokens): [`NewSession`], [`RefreshRequest`].

use std::fmt;

/// A session to be begun, for a user who has just signed in.
#[derive(Clone)]
#[must_use = "there is no session until it is begun"]
pub struct NewSession {
    pub(super) subject: Box<str>,
    pub(super) client_id: Box<str>,
    pub(super) scope: Box<str>,
    pub(super) device: Option<Box<str>>,
}

impl NewSession {
    /// A session of this subject (`sub`) with this client (`client_id`).
    pub fn new(subject: impl Into<Box<str>>, client_id: impl Into<Box<str>>) -> Self {
        let (subject, client_id) = (subject.into(), client_id.into());
        Self { subject, client_id, scope: "".into(), device: None }
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
}

impl<'a> RefreshRequest<'a> {
    /// This token, presented by this client. A client that has credentials must have been
    /// authenticated by them before.
    pub fn new(token: &'a str, client_id: &'a str) -> Self {
        Self { token, client_id, scope: "" }
    }

    /// Asks for these scopes only, separated by spaces. The session keeps all of its own.
    pub fn scope(mut self, scope: &'a str) -> Self {
        self.scope = scope;
        self
    }
}

impl fmt::Debug for RefreshRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshRequest").field("token", &"[redacted]").finish_non_exhaustive()
    }
}
