//! [`StandardClaims`]: for those who do not want to define a claims type.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A ready claims type: the usual claims about a user
/// ([OpenID Connect Core §5.1](https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims)),
/// and everything else as JSON.
///
/// Issuer, audience, times, scopes and roles are beside it in
/// [`RegisteredClaims`](super::RegisteredClaims). A type of one's own reads faster and says what the
/// service relies on; this one is for a start and for services that pass claims through.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct StandardClaims {
    /// `sub`; tokens of machine clients may have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// `name`: the full name, for display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `preferred_username`: what the user calls themselves. Not unique, not stable: never an
    /// identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// `email`. Anyone may have typed it unless [`Self::email_verified`] says true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `email_verified`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// Every other claim, registered ones included.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}
