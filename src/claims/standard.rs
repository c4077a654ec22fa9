//! [`StandardClaims`]: for those who do not want to define a claims type.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A ready claims type: the usual claims about a user
/// ([OpenID Connect Core §5.1](https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims)),
/// and everything else as JSON.
///
/// Issuer, audience, times, scopes and roles are beside it in
/// [`RegisteredClaims`](super::RegisteredClaims). Your own type reads faster and says what the
/// service relies on; this one is for a start and for services that pass claims through.
/// `Debug` says which claims there are, not what they hold.
///
/// A claim that gets a field of its own in a later version is no longer in [`extra`](Self::extra).
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
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

impl fmt::Debug for StandardClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = [
            ("sub", self.sub.is_some()),
            ("name", self.name.is_some()),
            ("preferred_username", self.preferred_username.is_some()),
            ("email", self.email.is_some()),
            ("email_verified", self.email_verified.is_some()),
        ];
        let fields = fields.iter().filter(|(_, there)| *there).map(|(name, _)| *name);
        f.write_str("StandardClaims ")?;
        f.debug_set().entries(fields.chain(self.extra.keys().map(String::as_str))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_names_claims_and_shows_none() {
        let json =
            r#"{"sub":"s3cret","email":"s3cret","tenant":{"s3cret":"s3cret"},"iss":"s3cret"}"#;
        let claims: StandardClaims = serde_json::from_str(json).unwrap();
        let text = format!("{claims:?}");
        assert!(text.contains("email") && text.contains("tenant"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}
