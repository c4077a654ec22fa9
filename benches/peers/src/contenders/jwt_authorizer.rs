//! jwt-authorizer: a layer for axum 0.7, over jsonwebtoken 9 and ring.

use ::jwt_authorizer::{IntoLayer, JwtAuthorizer, Validation};
use jsonwebtoken_9::TokenData;
use tower::Layer;

use super::{Contender, layered, now};
use crate::inner::Inner;
use crate::setup::{AUDIENCE, ISSUER, User};

pub(crate) const JWT_AUTHORIZER: Contender = Contender {
    name: "jwt-authorizer (ring)",
    package: "jwt-authorizer",
    build: |setup| {
        let validation = Validation::new().iss(&[ISSUER]).aud(&[AUDIENCE]).nbf(true);
        let authorizer =
            JwtAuthorizer::<User>::from_jwks_text(&setup.jwks_text()).validation(validation);
        let authorizer = now(authorizer.build()).expect("an authorizer");
        let inner: Inner<axum_07::body::Body> = Inner::new(|extensions| {
            extensions.get::<TokenData<User>>().map(|token| token.claims.sub.as_str())
        });
        layered(authorizer.into_layer().layer(inner))
    },
    ..Contender::DEFAULT
};
