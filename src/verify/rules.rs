//! The rules a token's claims must obey, and their application.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::claims::{ClaimNames, ClaimPath, ClaimsError, RegisteredClaims};
use crate::clock::UnixTime;
use crate::rejection::{Rejection, RejectionKind};

/// A longer `typ` is cut in the log.
const LONGEST_TYPE: usize = 64;

/// Claim rules of one issuer.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) issuers: Accept,
    pub(super) audiences: Accept,
    pub(super) types: Types,
    pub(super) leeway: Duration,
    pub(super) max_age: Option<Duration>,
    pub(super) expiry_required: bool,
    /// Names of registered claims.
    pub(super) required: Vec<&'static str>,
    /// Whether a token that is bound to its sender passes as a bearer token.
    pub(super) bound_accepted: bool,
    /// By `client_id` and `azp`.
    pub(super) clients: Accept,
    pub(super) values: Vec<RequiredValue>,
    pub(super) names: ClaimNames,
}

/// A claim that has to have one of these values.
#[derive(Debug)]
pub(super) struct RequiredValue {
    pub(super) path: ClaimPath,
    pub(super) accepted: Vec<Value>,
}

/// Which values of a claim are accepted.
#[derive(Debug)]
pub(super) enum Accept {
    Any,
    OneOf(Vec<Box<str>>),
}

impl Accept {
    pub(super) fn add(&mut self, value: String) {
        match self {
            Self::Any => *self = Self::OneOf(vec![value.into()]),
            Self::OneOf(values) => values.push(value.into()),
        }
    }

    pub(super) fn has_empty(&self) -> bool {
        matches!(self, Self::OneOf(values) if values.iter().any(|value| value.is_empty()))
    }

    /// Whether a value begins or ends with whitespace, which no token has there.
    pub(super) fn has_padded(&self) -> bool {
        matches!(self, Self::OneOf(values) if values.iter().any(|value| value.trim() != &**value))
    }

    /// Whether a value is where an issuer's metadata is, rather than the issuer.
    pub(super) fn has_metadata_url(&self) -> bool {
        matches!(self, Self::OneOf(values) if values.iter().any(|value| value.contains("/.well-known/")))
    }

    /// Whether nothing is accepted at all.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::OneOf(values) if values.is_empty())
    }

    fn accepts(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(values) => values.iter().any(|accepted| **accepted == *value),
        }
    }
}

/// What was configured, for the log; nothing of a token.
impl fmt::Display for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::OneOf(values) => f.write_str(&values.join(" or ")),
        }
    }
}

/// Which kinds of token are accepted, by `typ`
/// ([RFC 8725 §3.11](https://www.rfc-editor.org/rfc/rfc8725#section-3.11)).
#[derive(Debug)]
pub(super) enum Types {
    /// No `typ`, `JWT`, or an access token.
    Usual,
    /// Only access tokens (RFC 9068 §4).
    AccessToken,
    /// Only these.
    Only(Vec<Box<str>>),
    /// Access tokens only, and only others: no builder builds it.
    Contradictory,
}

impl Types {
    /// `typ` is a media type: compared without case, and `application/` may be left out
    /// (RFC 7515 §4.1.9).
    pub(super) fn check(&self, typ: Option<&str>) -> Result<(), Rejection> {
        let short = typ.map(short);
        let is = |name: &str| short.is_some_and(|short| short.eq_ignore_ascii_case(name));
        let accepted = match self {
            Self::Usual => typ.is_none() || is("JWT") || is("at+jwt"),
            Self::AccessToken => is("at+jwt"),
            Self::Contradictory => false,
            Self::Only(types) => types.iter().any(|accepted| is(accepted)),
        };
        if accepted { Ok(()) } else { Err(self.wrong(typ)) }
    }

    /// What came is told to the log, where it belongs, and not in full.
    #[cold]
    fn wrong(&self, typ: Option<&str>) -> Rejection {
        let reason = "the header's `typ` does not name the kind of token that is accepted here";
        let came = match typ {
            Some(typ) => format!("`{}`", typ.escape_debug().take(LONGEST_TYPE).collect::<String>()),
            None => "absent".to_owned(),
        };
        Rejection::new(RejectionKind::WrongType, reason)
            .with_source(format!("`typ` is {came}; accepted is {self}"))
    }
}

/// Without `application/`, which may be left out (RFC 7515 §4.1.9).
pub(super) fn short(typ: &str) -> &str {
    match typ.split_at_checked("application/".len()) {
        Some((prefix, rest))
            if prefix.eq_ignore_ascii_case("application/") && !rest.contains('/') =>
        {
            rest
        }
        _ => typ,
    }
}

/// What was configured, for the log.
impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usual => f.write_str("none, JWT or at+jwt"),
            Self::AccessToken => f.write_str("at+jwt"),
            Self::Only(types) => f.write_str(&types.join(" or ")),
            Self::Contradictory => f.write_str("nothing"),
        }
    }
}

impl Rules {
    /// Issuer and audience come first: a stranger's token learns nothing about time.
    pub(super) fn check(&self, claims: &RegisteredClaims, now: UnixTime) -> Result<(), Rejection> {
        self.check_parties(claims)?;
        self.check_times(claims, now)?;
        self.check_required(claims)?;
        self.check_client(claims)?;
        self.check_values(claims)
    }

    /// Whose token it is and for whom.
    pub(super) fn check_parties(&self, claims: &RegisteredClaims) -> Result<(), Rejection> {
        self.check_issuer(claims)?;
        self.check_audience(claims)
    }

    /// Whether all that has to be there is.
    pub(super) fn check_required(&self, claims: &RegisteredClaims) -> Result<(), Rejection> {
        match self.required.iter().find(|claim| claims.has(claim) != Some(true)) {
            None => Ok(()),
            Some(claim) => {
                let missing = ClaimsError::of(claim, "is missing and is required");
                let reason = "a required claim is missing";
                Err(Rejection::new(RejectionKind::InvalidClaims, reason).with_source(missing))
            }
        }
    }

    /// Whether the token was issued to a client that is allowed. Where it names two, both have to be.
    pub(super) fn check_client(&self, claims: &RegisteredClaims) -> Result<(), Rejection> {
        if let Accept::Any = self.clients {
            return Ok(());
        }
        let mut named =
            [claims.client_id(), claims.authorized_party()].into_iter().flatten().peekable();
        if named.peek().is_some() && named.all(|client| self.clients.accepts(client)) {
            return Ok(());
        }
        let reason = "the token's `client_id` or `azp` names no client that is allowed here";
        let rejection = Rejection::new(RejectionKind::InvalidClaims, reason);
        Err(rejection.with_source(format!("allowed is {}, exactly", self.clients)))
    }

    /// Whether claims have the values that they have to have.
    pub(super) fn check_values(&self, claims: &RegisteredClaims) -> Result<(), Rejection> {
        self.values.iter().try_for_each(|RequiredValue { path, accepted }| {
            let reason = "a claim has another value than is required";
            let wrong = Rejection::new(RejectionKind::InvalidClaims, reason);
            match claims.value_at(path) {
                Ok(Some(value)) if accepted.contains(&value) => Ok(()),
                Ok(_) => Err(wrong.with_source(format!("it is about the claim `{path}`"))),
                Err(error) => Err(wrong.with_source(error)),
            }
        })
    }

    fn check_issuer(&self, claims: &RegisteredClaims) -> Result<(), Rejection> {
        match (&self.issuers, claims.issuer()) {
            (Accept::Any, _) => Ok(()),
            (accept, Some(issuer)) if accept.accepts(issuer) => Ok(()),
            (_, None) => reject(RejectionKind::WrongIssuer, "the token has no `iss`"),
            (accept, Some(_)) => {
                let reason = "the token's `iss` is not trusted here";
                let rejection = Rejection::new(RejectionKind::WrongIssuer, reason);
                Err(rejection.with_source(format!("accepted is {accept}, exactly")))
            }
        }
    }

    fn check_audience(&self, claims: &RegisteredClaims) -> Result<(), Rejection> {
        let mut audience = claims.audience();
        match &self.audiences {
            Accept::Any => Ok(()),
            accept if audience.any(|audience| accept.accepts(audience)) => Ok(()),
            _ => {
                let reason = "the token's `aud` does not name this service";
                let rejection = Rejection::new(RejectionKind::WrongAudience, reason);
                Err(rejection.with_source(format!("accepted is {}, exactly", self.audiences)))
            }
        }
    }

    /// The time rules alone: they are applied anew whenever a token is used.
    pub(super) fn check_times(
        &self,
        claims: &RegisteredClaims,
        now: UnixTime,
    ) -> Result<(), Rejection> {
        match claims.expires_at() {
            // `exp` itself is already too late (RFC 7519 §4.1.4).
            Some(exp) if now >= exp.saturating_add(self.leeway) => {
                return reject(RejectionKind::Expired, "`exp` has passed");
            }
            None if self.expiry_required => return invalid("the token has no `exp`"),
            _ => {}
        }
        let ahead = now.saturating_add(self.leeway);
        if claims.not_before().is_some_and(|nbf| ahead < nbf) {
            return reject(RejectionKind::NotYetValid, "`nbf` lies in the future");
        }
        if claims.issued_at().is_some_and(|iat| ahead < iat) {
            return reject(RejectionKind::NotYetValid, "`iat` lies in the future");
        }
        let Some(max_age) = self.max_age else {
            return Ok(());
        };
        match claims.issued_at() {
            None => invalid("the token has no `iat`, and a maximum age is set"),
            Some(iat) if now >= iat.saturating_add(max_age).saturating_add(self.leeway) => {
                reject(RejectionKind::Expired, "the token is older than the maximum age")
            }
            Some(_) => Ok(()),
        }
    }
}

/// The rejection of a token that is bound to its sender.
pub(crate) fn bound() -> Rejection {
    let reason = "the token is bound to its sender, and no proof of that is asked for here";
    Rejection::new(RejectionKind::BoundToken, reason)
}

fn reject(kind: RejectionKind, reason: &'static str) -> Result<(), Rejection> {
    Err(Rejection::new(kind, reason))
}

fn invalid(reason: &'static str) -> Result<(), Rejection> {
    reject(RejectionKind::InvalidClaims, reason)
}
