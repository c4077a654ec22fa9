//! A token under construction: [`AccessTokenBuilder`], [`IdTokenBuilder`].

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{AccessToken, IdToken, Issuer};
use crate::clock::UnixTime;
use crate::issuer::error::{IssueError, IssueErrorKind};
use crate::issuer::scope;
use crate::issuer::session::BoundKey;
use crate::key::crypto::random_id;

/// The claims that the issuer writes itself, or may write.
const RESERVED: [&str; 12] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "scope",
    "sid",
    "auth_time",
    "cnf",
];

/// Builds an access token: made with [`Issuer::access_token`].
pub type AccessTokenBuilder = Draft<Access>;

/// Builds an ID token: made with [`Issuer::id_token`].
pub type IdTokenBuilder = Draft<Id>;

/// Marks an access token.
#[derive(Debug)]
pub struct Access(());

/// Marks an ID token.
#[derive(Debug)]
pub struct Id(());

/// Builds a token: an [`AccessTokenBuilder`] or an [`IdTokenBuilder`].
#[must_use = "there is no token until `issue`"]
pub struct Draft<K> {
    issuer: Issuer,
    subject: Box<str>,
    client_id: Option<Box<str>>,
    scope: Option<Box<str>>,
    session_id: Option<Box<str>>,
    auth_time: Option<UnixTime>,
    lifetime: Option<Duration>,
    issued_from: UnixTime,
    latest: UnixTime,
    /// The member of `cnf` and its value.
    confirmation: Option<(Box<str>, Box<str>)>,
    claims: Map<String, Value>,
    wrong: Option<IssueError>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Draft<K> {
    pub(super) fn new(issuer: Issuer, subject: Box<str>) -> Self {
        Self {
            issuer,
            subject,
            client_id: None,
            scope: None,
            session_id: None,
            auth_time: None,
            lifetime: None,
            issued_from: UnixTime::EPOCH,
            latest: UnixTime::MAX,
            confirmation: None,
            claims: Map::new(),
            wrong: None,
            kind: PhantomData,
        }
    }

    /// The client that the token is given to (`client_id`, RFC 9068 §2.2).
    pub fn client_id(mut self, client_id: impl Into<Box<str>>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// The session that the token belongs to (`sid`): it dies with it, as long as the session's end
    /// is remembered. For tokens of a session of [`refresh`](crate::issuer::session) take
    /// [`SessionTokens::access_token`](crate::issuer::session::SessionTokens::access_token), which sets it and never
    /// issues for a session that ended long ago.
    pub fn session_id(mut self, session_id: impl AsRef<str>) -> Self {
        self.session_id = Some(session_id.as_ref().into());
        self
    }

    /// When the user signed in (`auth_time`), in whole seconds.
    pub fn auth_time(mut self, auth_time: UnixTime) -> Self {
        self.auth_time = Some(auth_time);
        self
    }

    /// How long the token is valid, in whole seconds: at most the issuer's lifetime.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Issues with `iat` no earlier than this moment, rounded up to the second: for a token that is
    /// issued right after all others of its subject were revoked, see
    /// [`Revocation::reissue_from`](crate::revocation::Revocation::reissue_from).
    pub fn issued_from(mut self, moment: UnixTime) -> Self {
        self.issued_from = moment;
        self
    }

    /// Expires at this moment at the latest.
    pub(in crate::issuer) fn until(mut self, latest: UnixTime) -> Self {
        self.latest = latest;
        self
    }

    /// Adds the application's claims: all members of a value that is written as a JSON object.
    ///
    /// Claims that the issuer writes (`iss sub aud exp nbf iat jti client_id scope sid auth_time
    /// cnf`) are refused by `issue`, as is a claim that is given twice.
    pub fn claims<C: Serialize + ?Sized>(mut self, claims: &C) -> Self {
        match serde_json::to_value(claims) {
            Ok(Value::Object(members)) => {
                for (name, value) in members {
                    self = self.add(name, value);
                }
            }
            Ok(_) => self.refuse(IssueErrorKind::Claims, "the claims are no JSON object"),
            Err(error) => {
                let text = "the claims cannot be written as JSON";
                let error = IssueError::new(IssueErrorKind::Claims, text).with_source(error);
                self.wrong.get_or_insert(error);
            }
        }
        self
    }

    /// The roles of the subject (`roles`).
    pub fn roles<R: Into<String>>(self, roles: impl IntoIterator<Item = R>) -> Self {
        let roles = roles.into_iter().map(|role| Value::String(role.into())).collect();
        self.add("roles".to_owned(), roles)
    }

    fn add(mut self, name: String, value: Value) -> Self {
        if RESERVED.contains(&name.as_str()) || self.claims.contains_key(&name) {
            let text = format!("the claim {name:?} is written by the issuer, or was given twice");
            self.refuse(IssueErrorKind::ReservedClaim, text);
        } else {
            self.claims.insert(name, value);
        }
        self
    }

    fn refuse(&mut self, kind: IssueErrorKind, text: impl Into<std::borrow::Cow<'static, str>>) {
        self.wrong.get_or_insert_with(|| IssueError::new(kind, text));
    }
}

impl AccessTokenBuilder {
    /// The scopes, separated by spaces (`scope`, RFC 8693 §4.2).
    pub fn scope(mut self, scope: impl AsRef<str>) -> Self {
        match scope::parse(scope.as_ref()) {
            Some(scopes) => self.scope = Some(scope::join(&scopes).into()),
            None => self.refuse(
                IssueErrorKind::Scope,
                "a scope has a character that RFC 6749 §3.3 does not allow",
            ),
        }
        self
    }

    /// Binds the token to a key or certificate, which its sender has to prove with every request
    /// (`cnf`, [RFC 7800](https://www.rfc-editor.org/rfc/rfc7800)): what the client has **proven** to
    /// hold in this request. Tokens of a session that is bound have it already.
    pub fn bound_to(mut self, key: impl Into<BoundKey>) -> Self {
        let key = key.into();
        let (member, thumbprint) = key.confirmation();
        self.confirmation = Some((member.into(), thumbprint.into()));
        self
    }

    /// Signs the access token.
    ///
    /// # Errors
    /// If it lacks the client's id, the application's claims were refused, the lifetime is longer
    /// than the issuer's, or signing fails.
    pub fn issue(self) -> Result<AccessToken, IssueError> {
        let audience = self.issuer.audiences();
        let signed = self.sign("at+jwt", audience, true)?;
        Ok(AccessToken {
            token: signed.token,
            token_id: signed.token_id,
            issued_at: signed.issued_at,
            expires_at: signed.expires_at,
            scope: signed.scope,
            is_dpop: signed.is_dpop,
        })
    }
}

impl IdTokenBuilder {
    /// Signs the ID token.
    ///
    /// # Errors
    /// As for access tokens.
    pub fn issue(self) -> Result<IdToken, IssueError> {
        let audience = self.client_id.as_deref().map(Value::from).unwrap_or_default();
        self.sign("id_token+jwt", audience, false)
    }
}

impl<K> Draft<K> {
    fn sign(
        self,
        typ: &'static str,
        audience: Value,
        with_client: bool,
    ) -> Result<IdToken, IssueError> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let incomplete = |text| Err(IssueError::new(IssueErrorKind::Incomplete, text));
        let Some(client_id) = self.client_id.filter(|client| !client.is_empty()) else {
            return incomplete("the token has no client_id, which RFC 9068 §2.2 requires");
        };
        if self.subject.is_empty() {
            return incomplete("the token has no subject");
        }
        let longest = self.issuer.lifetime();
        let lifetime = self.lifetime.unwrap_or(longest).as_secs();
        if lifetime == 0 || lifetime > longest.as_secs() {
            let text = "the token's lifetime is zero, or longer than the issuer's";
            return Err(IssueError::new(IssueErrorKind::Configuration, text));
        }
        let earliest = self.issued_from.saturating_add(Duration::from_nanos(999_999_999));
        let issued_at = self.issuer.now().as_secs().max(earliest.as_secs());
        let expires_at = issued_at.saturating_add(lifetime).min(self.latest.as_secs());
        let token_id = random_id()?;

        let mut claims = self.claims;
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set("iss", self.issuer.name().into());
        set("sub", (*self.subject).into());
        set("aud", audience);
        set("iat", issued_at.into());
        set("exp", expires_at.into());
        set("jti", token_id.as_str().into());
        if with_client {
            set("client_id", (*client_id).into());
        }
        if let Some(scope) = &self.scope {
            set("scope", (**scope).into());
        }
        if let Some(session_id) = &self.session_id {
            set("sid", (**session_id).into());
        }
        if let Some(auth_time) = self.auth_time {
            set("auth_time", auth_time.as_secs().into());
        }
        let mut is_dpop = false;
        if let Some((member, thumbprint)) = &self.confirmation {
            is_dpop = **member == *"jkt";
            let mut confirmation = Map::new();
            confirmation.insert((**member).to_owned(), (**thumbprint).into());
            set("cnf", confirmation.into());
        }
        Ok(IdToken {
            token: self.issuer.sign(typ, &claims)?,
            token_id: token_id.into(),
            issued_at: UnixTime::from_secs(issued_at),
            expires_at: UnixTime::from_secs(expires_at),
            scope: self.scope,
            is_dpop,
        })
    }
}

impl<K> fmt::Debug for Draft<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBuilder").finish_non_exhaustive()
    }
}
