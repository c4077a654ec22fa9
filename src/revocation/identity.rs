//! [`TokenIdentity`]: all that a token can be revoked by.

use std::borrow::Cow;
use std::fmt;

use super::entry::Revocation;
use super::identifiers::Identifiers;
use crate::claims::{Claims, RegisteredClaims};
use crate::clock::{MOST_LEEWAY, UnixTime};

/// What a verified token can be revoked by: a view of its claims, or a copy of them
/// ([`into_owned`](Self::into_owned)).
///
/// Every part may be absent: [`Identifiers::missing_from`] tells whether what a store needs is
/// there. `Debug` shows which parts are present and none of their values, because claims do not
/// belong in logs.
///
/// ```
/// use tower_bearer::revocation::TokenIdentity;
/// use tower_bearer::clock::UnixTime;
///
/// let identity = TokenIdentity::new()
///     .with_issuer("https://id.example.com")
///     .with_token_id("5f0c")
///     .with_expires_at(UnixTime::from_secs(1_700_000_900));
/// assert_eq!(identity.token_id(), Some("5f0c"));
/// assert_eq!(format!("{identity:?}"), "TokenIdentity(iss, jti, exp)");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct TokenIdentity<'a> {
    issuer: Option<Cow<'a, str>>,
    subject: Option<Cow<'a, str>>,
    token_id: Option<Cow<'a, str>>,
    session_id: Option<Cow<'a, str>>,
    issued_at: Option<UnixTime>,
    expires_at: Option<UnixTime>,
    token_version: Option<u64>,
}

impl<'a> TokenIdentity<'a> {
    /// A token of which nothing is known yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            issuer: None,
            subject: None,
            token_id: None,
            session_id: None,
            issued_at: None,
            expires_at: None,
            token_version: None,
        }
    }

    /// Sets who issued the token (`iss`, RFC 7519 §4.1.1).
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<Cow<'a, str>>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Sets whom the token is about (`sub`, RFC 7519 §4.1.2).
    #[must_use]
    pub fn with_subject(mut self, subject: impl Into<Cow<'a, str>>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Sets the identifier of this one token (`jti`, RFC 7519 §4.1.7).
    #[must_use]
    pub fn with_token_id(mut self, token_id: impl Into<Cow<'a, str>>) -> Self {
        self.token_id = Some(token_id.into());
        self
    }

    /// Sets the session, or refresh-token family, that the token belongs to (`sid`, OpenID Connect
    /// Front-Channel Logout §3).
    #[must_use]
    pub fn with_session_id(mut self, session_id: impl Into<Cow<'a, str>>) -> Self {
        self.session_id = Some(session_id.into());
        self
    }

    /// Sets when the token was issued (`iat`, RFC 7519 §4.1.6).
    #[must_use]
    pub fn with_issued_at(mut self, issued_at: UnixTime) -> Self {
        self.issued_at = Some(issued_at);
        self
    }

    /// Sets when the token expires (`exp`, RFC 7519 §4.1.4).
    #[must_use]
    pub fn with_expires_at(mut self, expires_at: UnixTime) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// Sets the token version: a counter per subject that the issuer raises to end all tokens with
    /// a lower one. No RFC names a claim for it.
    #[must_use]
    pub fn with_token_version(mut self, token_version: u64) -> Self {
        self.token_version = Some(token_version);
        self
    }

    /// Who issued the token (`iss`).
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Whom the token is about (`sub`).
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The identifier of this one token (`jti`).
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.as_deref()
    }

    /// The session, or refresh-token family, that the token belongs to (`sid`).
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    /// When the token was issued (`iat`).
    #[must_use]
    pub const fn issued_at(&self) -> Option<UnixTime> {
        self.issued_at
    }

    /// When the token expires (`exp`), without any leeway.
    #[must_use]
    pub const fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }

    /// The token version.
    #[must_use]
    pub const fn token_version(&self) -> Option<u64> {
        self.token_version
    }

    /// The identifiers that the token carries.
    #[must_use]
    #[inline]
    pub const fn identifiers(&self) -> Identifiers {
        let mut present = Identifiers::NONE;
        if self.token_id.is_some() {
            present = present.and(Identifiers::TOKEN_ID);
        }
        if self.session_id.is_some() {
            present = present.and(Identifiers::SESSION_ID);
        }
        if self.subject.is_some() {
            present = present.and(Identifiers::SUBJECT);
        }
        if self.issued_at.is_some() {
            present = present.and(Identifiers::ISSUED_AT);
        }
        if self.token_version.is_some() {
            present = present.and(Identifiers::TOKEN_VERSION);
        }
        present
    }

    /// The revocation of this very token, for its issuer; `None` if it has no `jti`.
    ///
    /// It is kept until the token expires and an hour more, which is the most leeway that a verifier
    /// can be given: until then the token might still pass somewhere. A token without `exp` is
    /// revoked for ever.
    #[must_use]
    pub fn token_revocation(&self) -> Option<Revocation> {
        let expires_at = self.expires_at.unwrap_or(UnixTime::MAX);
        let keep_until = expires_at.saturating_add(MOST_LEEWAY);
        Some(self.scoped(Revocation::token(self.token_id()?, keep_until)))
    }

    /// The revocation of the whole session of this token, for its issuer; `None` if it has no
    /// `sid`.
    ///
    /// This token's expiry says nothing about its siblings', some of which may be minted while the
    /// session ends. So `keep_until` is yours to give: now, the longest lifetime of an access
    /// token, and the leeway of the verifiers.
    #[must_use]
    pub fn session_revocation(&self, keep_until: UnixTime) -> Option<Revocation> {
        Some(self.scoped(Revocation::session(self.session_id()?, keep_until)))
    }

    /// The revocation of every token of this token's subject that was issued before
    /// `issued_before`, for its issuer; `None` if it has no `sub`. See [`Revocation::subject`].
    #[must_use]
    pub fn subject_revocation(
        &self,
        issued_before: UnixTime,
        keep_until: UnixTime,
    ) -> Option<Revocation> {
        let revocation = Revocation::subject(self.subject()?, issued_before, keep_until);
        Some(self.scoped(revocation))
    }

    /// The same, owning its parts: for work that outlives the request's head.
    #[must_use]
    pub fn into_owned(self) -> TokenIdentity<'static> {
        let own = |part: Option<Cow<'a, str>>| part.map(|text| Cow::Owned(text.into_owned()));
        TokenIdentity {
            issuer: own(self.issuer),
            subject: own(self.subject),
            token_id: own(self.token_id),
            session_id: own(self.session_id),
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            token_version: self.token_version,
        }
    }

    fn scoped(&self, revocation: Revocation) -> Revocation {
        match self.issuer() {
            Some(issuer) => revocation.issuer(issuer),
            None => revocation,
        }
    }
}

impl<C> Claims<C> {
    /// What takes this very token back: [`TokenIdentity::token_revocation`], for a handler that logs
    /// its caller out. `None` if the token has no `jti`; a layer with a revocation store has
    /// rejected such tokens.
    #[must_use]
    #[doc(alias("logout", "revoke", "blacklist"))]
    pub fn token_revocation(&self) -> Option<Revocation> {
        TokenIdentity::from(self.registered()).token_revocation()
    }
}

impl fmt::Debug for TokenIdentity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("iss", self.issuer.is_some()),
            ("sub", self.subject.is_some()),
            ("jti", self.token_id.is_some()),
            ("sid", self.session_id.is_some()),
            ("iat", self.issued_at.is_some()),
            ("exp", self.expires_at.is_some()),
            ("version", self.token_version.is_some()),
        ];
        let names: Vec<_> = parts.iter().filter(|part| part.1).map(|p| p.0).collect();
        write!(f, "TokenIdentity({})", names.join(", "))
    }
}

/// The identity of a token that was verified, for a handler that takes it back:
/// `TokenIdentity::from(claims.registered())`.
impl<'a> From<&'a RegisteredClaims> for TokenIdentity<'a> {
    // Where nothing asks for the identity, it then is not made.
    #[inline]
    fn from(claims: &'a RegisteredClaims) -> Self {
        Self {
            issuer: claims.issuer().map(Cow::Borrowed),
            subject: claims.subject().map(Cow::Borrowed),
            token_id: claims.token_id().map(Cow::Borrowed),
            session_id: claims.session_id().map(Cow::Borrowed),
            issued_at: claims.issued_at(),
            expires_at: claims.expires_at(),
            token_version: claims.token_version(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> TokenIdentity<'static> {
        TokenIdentity::new()
            .with_issuer("i-value")
            .with_subject("s-value")
            .with_token_id("j-value")
            .with_session_id("d-value")
            .with_issued_at(UnixTime::from_secs(11))
            .with_expires_at(UnixTime::from_secs(22))
            .with_token_version(33)
    }

    #[test]
    fn owning_keeps_every_part() {
        assert_eq!(full().into_owned(), full());
        let text = String::from("gone");
        let owned = TokenIdentity::new().with_subject(text.as_str()).into_owned();
        drop(text);
        assert_eq!(owned.subject(), Some("gone"));
    }

    #[test]
    fn debug_names_parts_and_shows_no_value() {
        let text = format!("{:?}", full());
        assert_eq!(text, "TokenIdentity(iss, sub, jti, sid, iat, exp, version)");
        for value in ["value", "11", "22", "33"] {
            assert!(!text.contains(value), "{text}");
        }
    }

    #[test]
    fn a_verified_token_is_known_by_all_its_identifiers() {
        let json = r#"{"iss":"i-value","sub":"s-value","jti":"j-value","sid":"d-value",
            "iat":11,"exp":22,"token_version":33}"#;
        let read = |json: &str| {
            let names = crate::claims::ClaimNames::default();
            crate::claims::decode::<crate::claims::StandardClaims>(json.to_owned(), &names)
                .unwrap()
                .0
        };
        assert_eq!(TokenIdentity::from(&read(json)), full());
        assert_eq!(TokenIdentity::from(&read("{}")), TokenIdentity::new());
    }

    #[test]
    fn a_token_revokes_itself_until_no_verifier_takes_it() {
        let revocation = full().token_revocation().unwrap();
        assert_eq!(revocation.keep_until(), UnixTime::from_secs(22 + 3600));
        assert_eq!(revocation.scope(), Some("i-value"));
        assert!(revocation.applies_to(&full()));
        let endless = TokenIdentity::new().with_token_id("j");
        let revocation = endless.token_revocation().unwrap();
        assert_eq!(revocation.keep_until(), UnixTime::MAX);
    }

    #[test]
    fn nothing_to_revoke_by_is_none() {
        let anonymous = TokenIdentity::new();
        assert!(anonymous.token_revocation().is_none());
        assert!(anonymous.session_revocation(UnixTime::MAX).is_none());
        assert!(anonymous.subject_revocation(UnixTime::MAX, UnixTime::MAX).is_none());
    }
}
