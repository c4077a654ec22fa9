//! [`RegisteredClaims`]: the claims every token may have, read whatever the application's type is.

use std::fmt;

use super::roles::Roles;
use super::scopes::Scopes;
use super::text::{Text, Texts};
use crate::clock::UnixTime;

/// The claims of [RFC 7519 §4.1](https://www.rfc-editor.org/rfc/rfc7519#section-4.1) and
/// [RFC 9068 §2.2](https://www.rfc-editor.org/rfc/rfc9068#section-2.2), with their types checked: a
/// claim that is present with another type was rejected, never read as absent.
///
/// The payload is kept as it was received and the strings are positions in it.
#[derive(Clone, Default)]
pub struct RegisteredClaims {
    pub(super) json: String,
    pub(super) issuer: Option<Text>,
    pub(super) subject: Option<Text>,
    pub(super) audience: Option<Texts>,
    pub(super) expires_at: Option<UnixTime>,
    pub(super) not_before: Option<UnixTime>,
    pub(super) issued_at: Option<UnixTime>,
    pub(super) token_id: Option<Text>,
    pub(super) session_id: Option<Text>,
    pub(super) client_id: Option<Text>,
    pub(super) authorized_party: Option<Text>,
    pub(super) scope: Option<Texts>,
    pub(super) scp: Option<Texts>,
    pub(super) roles: Vec<Text>,
    pub(super) auth_time: Option<UnixTime>,
    pub(super) acr: Option<Text>,
    pub(super) token_version: Option<u64>,
}

impl RegisteredClaims {
    /// `iss`: who issued the token.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.text(self.issuer.as_ref())
    }

    /// `sub`: whom the token is about. Tokens of machine clients may have none.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.text(self.subject.as_ref())
    }

    /// `aud`: whom the token is for; none if the token has no `aud`.
    pub fn audience(&self) -> impl Iterator<Item = &str> + Clone {
        self.audience.iter().flat_map(|audience| audience.iter(&self.json))
    }

    /// `exp`: from when on the token is void.
    #[must_use]
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }

    /// `nbf`: until when the token is not yet valid.
    #[must_use]
    pub fn not_before(&self) -> Option<UnixTime> {
        self.not_before
    }

    /// `iat`: when the token was issued.
    #[must_use]
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.issued_at
    }

    /// `jti`: the token's own identifier.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.text(self.token_id.as_ref())
    }

    /// `sid`: the session (token family) the token belongs to.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.text(self.session_id.as_ref())
    }

    /// `client_id` ([RFC 9068 §2.2](https://www.rfc-editor.org/rfc/rfc9068#section-2.2)), or `azp`
    /// where the issuer writes only that.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.text(self.client_id.as_ref().or(self.authorized_party.as_ref()))
    }

    /// `scope` and `scp`: what the bearer may do.
    #[must_use]
    pub fn scopes(&self) -> Scopes<'_> {
        Scopes { scope: self.scope.as_ref(), scp: self.scp.as_ref(), json: &self.json }
    }

    /// The roles found where the verifier was told to look.
    #[must_use]
    pub fn roles(&self) -> Roles<'_> {
        Roles { held: &self.roles, json: &self.json }
    }

    /// `auth_time`: when the user last proved who they are.
    #[must_use]
    pub fn auth_time(&self) -> Option<UnixTime> {
        self.auth_time
    }

    /// `acr`: how strongly the user was authenticated.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.text(self.acr.as_ref())
    }

    /// The token version (claim `token_version` unless the verifier was told another name): a
    /// number that the application raises to void all earlier tokens of a subject.
    #[must_use]
    pub fn token_version(&self) -> Option<u64> {
        self.token_version
    }

    /// The payload as the issuer signed it, or its introspection response: a JSON object. It holds
    /// personal data: do not log it.
    #[must_use]
    pub fn payload(&self) -> &str {
        &self.json
    }

    /// Whether the payload has this registered claim, for required-claims rules. Other names answer
    /// `None`.
    pub(crate) fn has(&self, claim: &str) -> Option<bool> {
        Some(match claim {
            "iss" => self.issuer.is_some(),
            "sub" => self.subject.is_some(),
            "aud" => self.audience.is_some(),
            "exp" => self.expires_at.is_some(),
            "nbf" => self.not_before.is_some(),
            "iat" => self.issued_at.is_some(),
            "jti" => self.token_id.is_some(),
            "sid" => self.session_id.is_some(),
            "client_id" => self.client_id.is_some(),
            "azp" => self.authorized_party.is_some(),
            "scope" => self.scope.is_some(),
            "scp" => self.scp.is_some(),
            "auth_time" => self.auth_time.is_some(),
            "acr" => self.acr.is_some(),
            _ => return None,
        })
    }

    fn text<'a>(&'a self, text: Option<&'a Text>) -> Option<&'a str> {
        text.map(|text| text.get(&self.json))
    }
}

/// Says which claims are there, not what they hold.
impl fmt::Debug for RegisteredClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "client_id", "scope"];
        let present = names.into_iter().filter(|name| self.has(name) == Some(true));
        f.write_str("RegisteredClaims ")?;
        f.debug_set().entries(present).finish()
    }
}
