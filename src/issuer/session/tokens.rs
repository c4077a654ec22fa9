//! [`SessionTokens`]: a session that was begun or refreshed.

use serde_json::{Map, Value};

use super::refresh_token::RefreshToken;
use super::response::TokenResponse;
use super::view::Session;
use crate::clock::UnixTime;
use crate::issuer::error::IssueError;
use crate::issuer::scope;
use crate::issuer::token::{AccessTokenBuilder, Issuer};

/// A session that was begun or refreshed: its new refresh token, and the leave to issue an access
/// token for it.
#[derive(Debug)]
#[must_use = "the refresh token in it is the only one that counts now"]
pub struct SessionTokens {
    pub(super) issuer: Issuer,
    pub(super) session: Session,
    /// For the access token.
    pub(super) scope: Vec<Box<str>>,
    pub(super) refresh: RefreshToken,
    /// The first `iat` that is not taken back already.
    pub(super) issue_from: UnixTime,
    pub(in crate::issuer) now: UnixTime,
}

impl SessionTokens {
    /// The session as it is now.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The new refresh token.
    #[must_use]
    pub fn refresh_token(&self) -> &RefreshToken {
        &self.refresh
    }

    /// An access token of this session, with its subject, client, scope, `sid`, `auth_time`, `acr`
    /// and `amr`, bound to the session's key if it has one; roles and other claims are to be added. It
    /// never outlives the session.
    pub fn access_token(&self) -> AccessTokenBuilder {
        // no longer than the revocation of the session would be remembered
        let latest = self.now.saturating_add(self.issuer.lifetime()).min(self.session.expires_at);
        let mut how = Map::new();
        if let Some(acr) = &self.session.acr {
            how.insert("acr".into(), Value::from(&**acr));
        }
        if !self.session.amr.is_empty() {
            how.insert(
                "amr".into(),
                self.session.amr.iter().map(|amr| Value::from(&**amr)).collect(),
            );
        }
        let mut request = self
            .issuer
            .access_token(self.session.subject.as_str())
            .client_id(self.session.client_id.clone())
            .session_id(self.session.id.as_str())
            .auth_time(self.session.authenticated_at)
            .issued_from(self.issue_from)
            .claims(&how)
            .until(latest);
        if let Some(key) = &self.session.bound_to {
            request = request.bound_to(key.clone());
        }
        if self.scope.is_empty() { request } else { request.scope(scope::join(&self.scope)) }
    }

    /// The answer with an access token as [`access_token`](Self::access_token) makes it, changed by
    /// `add`, and with the refresh token.
    ///
    /// # Errors
    /// As for [`AccessTokenBuilder::issue`].
    pub fn respond(
        self,
        add: impl FnOnce(AccessTokenBuilder) -> AccessTokenBuilder,
    ) -> Result<TokenResponse, IssueError> {
        let access = add(self.access_token()).issue()?;
        Ok(TokenResponse::new(access).with_refresh_token(self.refresh))
    }
}
