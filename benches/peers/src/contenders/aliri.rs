//! aliri_tower, over aliri_oauth2, aliri and ring.

use ::aliri::jwt::{Audience, Audiences, CoreClaims, CoreValidator, Issuer, IssuerRef};
use ::aliri::jwt::{Subject as Sub, SubjectRef};
use ::aliri::{Jwks, jwa};
use ::axum::body::Body;
use aliri_clock::UnixTime;
use aliri_oauth2::{Authority, HasScope, Scope};
use aliri_tower::Oauth2Authorizer;
use serde::Deserialize;
use tower::Layer;
use tower_bearer::Algorithm;

use super::{Contender, layered};
use crate::inner::Inner;
use crate::setup::{AUDIENCE, ISSUER};

pub(crate) const ALIRI: Contender = Contender {
    name: "aliri_tower (ring)",
    package: "aliri_tower",
    build: |setup| {
        let algorithm: jwa::Algorithm = match setup.algorithm {
            Algorithm::HS256 => jwa::Algorithm::HS256,
            Algorithm::RS256 => jwa::Algorithm::RS256,
            Algorithm::ES256 => jwa::Algorithm::ES256,
            _ => return Err("aliri does not have the algorithm"),
        };
        let validator = CoreValidator::default()
            .check_expiration()
            .check_not_before()
            .require_issuer(Issuer::from_static(ISSUER))
            .add_allowed_audience(Audience::from_static(AUDIENCE))
            .add_approved_algorithm(algorithm);
        let keys: Jwks = serde_json::from_str(&setup.jwks_text()).expect("the key set");
        let layer = Oauth2Authorizer::new()
            .with_claims::<User>()
            .with_terse_error_handler::<Body>()
            .jwt_layer(Authority::new(keys, validator));
        let inner: Inner =
            Inner::new(|extensions| extensions.get::<User>().map(|user| user.sub.as_str()));
        layered(layer.layer(inner))
    },
    notes: &["its users' claims type must have the registered claims in it, too"],
    ..Contender::DEFAULT
};

#[derive(Debug, Clone, Deserialize)]
#[allow(dead_code, reason = "read from the token, as a service would")]
struct User {
    iss: Issuer,
    aud: Audiences,
    sub: Sub,
    exp: UnixTime,
    nbf: UnixTime,
    scope: Scope,
    roles: Vec<String>,
    tenant: String,
}

impl HasScope for User {
    fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl CoreClaims for User {
    fn nbf(&self) -> Option<UnixTime> {
        Some(self.nbf)
    }
    fn exp(&self) -> Option<UnixTime> {
        Some(self.exp)
    }
    fn aud(&self) -> &Audiences {
        &self.aud
    }
    fn iss(&self) -> Option<&IssuerRef> {
        Some(&self.iss)
    }
    fn sub(&self) -> Option<&SubjectRef> {
        Some(&self.sub)
    }
}
