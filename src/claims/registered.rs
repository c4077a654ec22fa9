//! [`RegisteredClaims`]: the claims every token may have, read whatever the application's type is.

use std::fmt;

use super::confirmation::{Confirmation, Methods};
use super::registry::{DateClaim, ListClaim, ObjectClaim, Registered, TextClaim};
use super::roles::Roles;
use super::scopes::Scopes;
use super::text::{Text, TextList};
use crate::clock::UnixTime;

/// The claims of [RFC 7519 §4.1](https://www.rfc-editor.org/rfc/rfc7519#section-4.1) and
/// [RFC 9068 §2.2](https://www.rfc-editor.org/rfc/rfc9068#section-2.2), with their types checked: a
/// claim that is present with another type was rejected, never read as absent.
///
/// The payload is kept as it was received and the strings are positions in it.
#[derive(Clone, Default)]
pub struct RegisteredClaims {
    /// The payload, and behind it the strings in it that had escapes.
    buffer: String,
    payload: usize,
    pub(super) texts: [Option<Text>; TextClaim::COUNT],
    pub(super) dates: [Option<UnixTime>; DateClaim::COUNT],
    pub(super) lists: [TextList<2>; ListClaim::COUNT],
    pub(super) roles: TextList<6>,
    pub(super) token_version: Option<u64>,
    /// Rare, so it takes no place where there is none.
    pub(super) confirmation: Option<Box<Methods>>,
}

impl RegisteredClaims {
    /// `iss`: who issued the token.
    #[must_use]
    #[inline]
    pub fn issuer(&self) -> Option<&str> {
        self.text(TextClaim::Issuer)
    }

    /// `sub`: whom the token is about. Tokens of machine clients may have none.
    #[must_use]
    #[inline]
    pub fn subject(&self) -> Option<&str> {
        self.text(TextClaim::Subject)
    }

    /// `aud`: whom the token is for; none if the token has no `aud`.
    pub fn audience(&self) -> impl Iterator<Item = &str> + Clone {
        self.list(ListClaim::Audience).iter().map(|text| text.get(&self.buffer))
    }

    /// `exp`: from when on the token is void.
    #[must_use]
    #[inline]
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.date(DateClaim::ExpiresAt)
    }

    /// `nbf`: until when the token is not yet valid.
    #[must_use]
    #[inline]
    pub fn not_before(&self) -> Option<UnixTime> {
        self.date(DateClaim::NotBefore)
    }

    /// `iat`: when the token was issued.
    #[must_use]
    #[inline]
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.date(DateClaim::IssuedAt)
    }

    /// `jti`: the token's own identifier.
    #[must_use]
    #[inline]
    pub fn token_id(&self) -> Option<&str> {
        self.text(TextClaim::TokenId)
    }

    /// `sid`: the session (token family) the token belongs to.
    #[must_use]
    #[inline]
    pub fn session_id(&self) -> Option<&str> {
        self.text(TextClaim::SessionId)
    }

    /// `client_id` ([RFC 9068 §2.2](https://www.rfc-editor.org/rfc/rfc9068#section-2.2)), or `azp`
    /// where the issuer writes only that.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.text(TextClaim::ClientId).or_else(|| self.authorized_party())
    }

    /// `scope` and `scp`: what the bearer may do.
    #[must_use]
    pub fn scopes(&self) -> Scopes<'_> {
        Scopes {
            lists: [self.list(ListClaim::Scope), self.list(ListClaim::Scp)],
            buffer: &self.buffer,
        }
    }

    /// The roles found where the verifier was told to look.
    #[must_use]
    pub fn roles(&self) -> Roles<'_> {
        Roles { held: &self.roles, buffer: &self.buffer }
    }

    /// `auth_time`: when the user last proved who they are.
    #[must_use]
    pub fn auth_time(&self) -> Option<UnixTime> {
        self.date(DateClaim::AuthTime)
    }

    /// `acr`: how strongly the user was authenticated.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.text(TextClaim::AuthContext)
    }

    /// The token version (claim `token_version` unless the verifier was told another name): a
    /// number that the application raises to void all earlier tokens of a subject.
    #[must_use]
    #[inline]
    pub fn token_version(&self) -> Option<u64> {
        self.token_version
    }

    /// The payload as the issuer signed it, or its introspection response: a JSON object. It holds
    /// personal data: do not log it.
    #[must_use]
    pub fn payload(&self) -> &str {
        self.buffer.get(..self.payload).unwrap_or_default()
    }

    /// `azp`: the client that the token was issued to, as OpenID Connect has it.
    pub(crate) fn authorized_party(&self) -> Option<&str> {
        self.text(TextClaim::AuthorizedParty)
    }

    /// `cnf`: the key or certificate that the token is bound to. A token that has one is no bearer token.
    #[must_use]
    pub fn confirmation(&self) -> Option<Confirmation<'_>> {
        self.confirmation.as_deref().map(|methods| Confirmation { methods, buffer: &self.buffer })
    }

    /// Whether the payload has this registered claim, and not as an empty string, for required-claims
    /// rules. Other names answer `None`.
    pub(crate) fn has(&self, claim: &str) -> Option<bool> {
        let said = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
        Some(match Registered::named(claim.as_bytes())? {
            Registered::Text(claim) => said(self.text(claim)),
            Registered::List(claim) => {
                self.list(claim).iter().any(|text| said(Some(text.get(&self.buffer))))
            }
            claim => self.is_there(claim),
        })
    }

    /// Makes the payload, which was noted, and what was unescaped in it the buffer of all positions.
    pub(super) fn keep(&mut self, payload: String, unescaped: &str) {
        self.payload = payload.len();
        self.buffer = payload;
        self.buffer.push_str(unescaped);
    }

    /// What the token is bound by, to be filled in.
    pub(super) fn methods(&mut self) -> &mut Methods {
        self.confirmation.get_or_insert_default()
    }

    fn is_there(&self, claim: Registered) -> bool {
        match claim {
            Registered::Text(claim) => self.text(claim).is_some(),
            Registered::Date(claim) => self.date(claim).is_some(),
            Registered::List(claim) => self.list(claim).shape.is_some(),
            Registered::Object(ObjectClaim::Confirmation) => self.confirmation.is_some(),
        }
    }

    #[inline]
    fn text(&self, claim: TextClaim) -> Option<&str> {
        self.texts[claim.index()].map(|text| text.get(&self.buffer))
    }

    #[inline]
    fn date(&self, claim: DateClaim) -> Option<UnixTime> {
        self.dates[claim.index()]
    }

    fn list(&self, claim: ListClaim) -> &TextList<2> {
        &self.lists[claim.index()]
    }
}

/// Says which claims are there, not what they hold.
impl fmt::Debug for RegisteredClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let present = Registered::ALL.into_iter().filter(|claim| self.is_there(*claim));
        f.write_str("RegisteredClaims ")?;
        f.debug_set().entries(present.map(Registered::name)).finish()
    }
}
