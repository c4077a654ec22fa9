//! What an introspection response says of a token, [RFC 7662 §2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2).

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::rules::{Rules, bound};
use crate::claims::{RegisteredClaims, decode};
use crate::rejection::{Rejection, RejectionKind};

/// What means an access token that is bound to its sender.
const DPOP: &str = "dpop";
/// The values of `token_type`, `token_use` and `typ` that mean an access token; compared without case.
const ACCESS_TOKEN: [&str; 7] = [
    "bearer",
    DPOP,
    "access_token",
    "access",
    "jwt",
    "at+jwt",
    "urn:ietf:params:oauth:token-type:access_token",
];

/// Which kinds of token are accepted, by what the response says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kinds {
    /// A response that names another kind of token is rejected; one that names none is not.
    NotAnother,
    /// The response has to name its kind.
    Named,
    Any,
}

/// The claims of an active token, of which only the times are left to check.
pub(super) struct Active<C> {
    pub(super) custom: C,
    pub(super) registered: RegisteredClaims,
}

/// The members that decide whether the rest is looked at. serde's derive refuses those that stand
/// there twice.
#[derive(Deserialize)]
struct Status {
    active: bool,
    #[serde(default)]
    token_type: Option<Value>,
    #[serde(default)]
    token_use: Option<Value>,
    #[serde(default)]
    typ: Option<Value>,
}

impl Status {
    fn kinds(&self) -> impl Iterator<Item = &Value> + Clone {
        [&self.token_type, &self.token_use, &self.typ].into_iter().flatten()
    }

    /// Whether the response calls the token one that is bound to its sender, by other means than `cnf`.
    fn is_bound(&self) -> bool {
        self.kinds().any(|kind| is(kind, DPOP))
    }
}

fn is(kind: &Value, name: &str) -> bool {
    kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case(name))
}

impl Kinds {
    /// A refresh token or ID token is active too, and must not pass for an access token.
    fn accept(self, status: &Status) -> bool {
        if self == Self::Any {
            return true;
        }
        let mut named = status.kinds();
        let is_access = |kind: &Value| ACCESS_TOKEN.iter().any(|accepted| is(kind, accepted));
        (self == Self::NotAnother || named.clone().next().is_some()) && named.all(is_access)
    }
}

/// Reads a response: the claims of an active token, or why the token is rejected.
///
/// # Errors
/// If the response is not what an introspection endpoint answers: that says nothing of the token.
pub(super) fn read<C: DeserializeOwned>(
    json: String,
    rules: &Rules,
    kinds: Kinds,
) -> Result<Result<Active<C>, Rejection>, Rejection> {
    crate::json::check(json.as_bytes())
        .map_err(|odd| unavailable("the introspection response cannot be read").with_source(odd))?;
    // serde would take an array for the object too.
    let is_object = json.trim_start().starts_with('{');
    let status = serde_json::from_str::<Status>(&json).ok().filter(|_| is_object);
    let Some(status) = status else {
        return Err(unavailable(
            "the introspection response is not a JSON object with exactly one boolean `active`",
        ));
    };
    Ok(if !status.active {
        Err(Rejection::new(RejectionKind::Inactive, "the issuer says the token is not active"))
    } else if kinds.accept(&status) {
        claims(json, rules).and_then(|active: Active<C>| {
            let to_a_key =
                |active: &Active<C>| active.registered.confirmation()?.jwk_thumbprint().map(drop);
            // It does not say to whose.
            let unproven = status.is_bound() && to_a_key(&active).is_none();
            if unproven && !rules.bound_accepted { Err(bound()) } else { Ok(active) }
        })
    } else {
        let reason = "the introspection response does not call the token a bearer access token";
        Err(Rejection::new(RejectionKind::WrongType, reason))
    })
}

fn claims<C: DeserializeOwned>(json: String, rules: &Rules) -> Result<Active<C>, Rejection> {
    let (registered, custom) = decode(json, &rules.names).map_err(|error| {
        let reason = "the introspection response cannot be read into the application's claims type";
        Rejection::new(RejectionKind::InvalidClaims, reason).with_source(error)
    })?;
    rules.check_parties(&registered)?;
    rules.check_required(&registered)?;
    rules.check_client(&registered)?;
    rules.check_values(&registered)?;
    Ok(Active { custom, registered })
}

/// A rejection that says nothing of the token.
pub(super) fn unavailable(reason: &'static str) -> Rejection {
    Rejection::new(RejectionKind::IntrospectionUnavailable, reason)
}

#[cfg(test)]
mod tests;
