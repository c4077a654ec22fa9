//! axum-gate: a layer for axum 0.8 with its own accounts, over jsonwebtoken 10.

use std::sync::Arc;

use ::axum_gate::accounts::Account;
use ::axum_gate::codecs::jwt::{JsonWebToken, JsonWebTokenOptions, JwtClaims, RegisteredClaims};
use ::axum_gate::prelude::{Gate, Group, Role};
use jsonwebtoken_10::{DecodingKey, Header, Validation};
use serde_json::{Map, Value};
use tower::Layer;

use super::{Contender, REQUIRED, Subject, layered};
use crate::inner::Inner;
use crate::provider::Provider;
use crate::setup::{AUDIENCE, ISSUER, SUBJECT, Setup};

type Codec = JsonWebToken<JwtClaims<Account<Role, Group>>>;

pub(crate) const AXUM_GATE: [Contender; 2] = [
    Contender {
        name: "axum-gate, default (RustCrypto)",
        package: "axum-gate",
        provider: Provider::RustCrypto,
        build,
        claims: account,
        notes: &[REQUIRED, NOTE],
        ..Contender::DEFAULT
    },
    Contender {
        name: "axum-gate, aws-lc",
        package: "axum-gate",
        build,
        claims: account,
        notes: &[REQUIRED, NOTE],
        ..Contender::DEFAULT
    },
];

const NOTE: &str = "one key instead of three, and only tokens with its own account in them, which \
                    is not the claims type of the others";

/// Its tokens carry an account.
fn account() -> Map<String, Value> {
    let account = Account::<Role, Group>::new(SUBJECT, &[Role::User], &[Group::new("staff")]);
    match serde_json::to_value(account) {
        Ok(Value::Object(account)) => account,
        _ => panic!("an account is a JSON object"),
    }
}

fn build(setup: &Setup) -> Result<Box<dyn Subject>, &'static str> {
    let mut validation = Validation::new(setup.algorithm());
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.validate_nbf = true;
    let mut header = Header::new(setup.algorithm());
    header.kid = Some(setup.kid().to_owned());
    let key = DecodingKey::from_jwk(&setup.jwk_as()).expect("the key as JWK");
    let options = JsonWebTokenOptions::default()
        .with_decoding_key(key)
        .with_header(header)
        .with_validation(validation);
    let codec = Arc::new(Codec::new_with_options(options));
    let gate = Gate::bearer::<_, Role, Group>(ISSUER, codec).require_login();
    let inner: Inner =
        Inner::new(|extensions| extensions.get::<RegisteredClaims>()?.subject.as_deref());
    layered(gate.layer(inner))
}
