//! tower-jwt: a layer, over jsonwebtoken 9 and ring.

use ::tower_jwt::{JwtLayer, RequestClaim};
use jsonwebtoken_9::{DecodingKey, Validation};
use tower::Layer;

use super::{Contender, REQUIRED, layered};
use crate::inner::Inner;
use crate::setup::{AUDIENCE, ISSUER, User};

pub(crate) const TOWER_JWT: Contender = Contender {
    name: "tower-jwt (ring)",
    package: "tower-jwt",
    build: |setup| {
        let mut validation = Validation::new(setup.algorithm());
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        let key = DecodingKey::from_jwk(&setup.jwk_as()).expect("the key as JWK");
        let inner: Inner = Inner::new(|extensions| {
            extensions.get::<RequestClaim<User>>().map(|token| token.claim.sub.as_str())
        });
        layered(JwtLayer::<User>::new(validation, key).layer(inner))
    },
    notes: &[
        REQUIRED,
        "one key instead of three: it does not look at `kid`",
        "hands requests without a token on to the service, which has to refuse them",
    ],
    ..Contender::DEFAULT
};
