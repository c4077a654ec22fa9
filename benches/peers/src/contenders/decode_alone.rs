//! What most peers are made of: `jsonwebtoken::decode`, its key and rules at hand.

use std::sync::Arc;

use ::axum::body::Body;
use http::{Request, StatusCode, header};
use jsonwebtoken::{DecodingKey, Validation};

use super::{Contender, Kind, Subject};
use crate::inner::answer;
use crate::setup::{AUDIENCE, ISSUER, Setup, User};

pub(crate) const DECODE: Contender = Contender {
    name: "jsonwebtoken 11 `decode` alone",
    package: "jsonwebtoken",
    build: |setup| Ok(Box::new(Decode(Arc::new(rules(setup))))),
    kind: Kind::Yardstick,
    ..Contender::DEFAULT
};

fn rules(setup: &Setup) -> (DecodingKey, Validation) {
    let mut validation = Validation::new(setup.algorithm());
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.validate_nbf = true;
    (DecodingKey::from_jwk(&setup.jwk_as()).expect("the key as JWK"), validation)
}

struct Decode(Arc<(DecodingKey, Validation)>);

impl Subject for Decode {
    fn call(&mut self, request: Request<Body>) -> StatusCode {
        let (key, validation) = &*self.0;
        let header = request.headers().get(header::AUTHORIZATION);
        let token = header.and_then(|header| header.as_bytes().strip_prefix(b"Bearer "));
        match token.map(|token| jsonwebtoken::decode::<User>(token, key, validation)) {
            Some(Ok(token)) => answer::<Body>(&request, Some(&token.claims.sub)).status(),
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    fn share(&self) -> Box<dyn Subject> {
        Box::new(Self(Arc::clone(&self.0)))
    }
}
