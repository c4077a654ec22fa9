//! axum-jwt-auth: an extractor for axum 0.8, over jsonwebtoken 10. Called as axum calls it before a
//! handler; what axum itself costs is not part of it.

use std::sync::Arc;

use ::axum::body::Body;
use ::axum::extract::FromRequestParts;
use ::axum::response::IntoResponse;
use ::axum_jwt_auth::{Claims, Decoder, RemoteJwksDecoder};
use http::{Request, StatusCode};
use jsonwebtoken_10::Validation;

use super::{Contender, REQUIRED, Subject, now};
use crate::inner::answer;
use crate::provider::Provider;
use crate::setup::{AUDIENCE, ISSUER, Setup, User};

pub(crate) const AXUM_JWT_AUTH: [Contender; 2] = [
    Contender {
        name: "axum-jwt-auth, default (RustCrypto)",
        package: "axum-jwt-auth",
        provider: Provider::RustCrypto,
        build,
        notes: &[REQUIRED],
        ..Contender::DEFAULT
    },
    Contender {
        name: "axum-jwt-auth, aws-lc",
        package: "axum-jwt-auth",
        build,
        notes: &[
            REQUIRED,
            "RustCrypto cannot be turned off; its users get aws-lc by a feature of jsonwebtoken \
             and `CryptoProvider::install_default`",
        ],
        ..Contender::DEFAULT
    },
];

fn build(setup: &Setup) -> Result<Box<dyn Subject>, &'static str> {
    let mut validation = Validation::new(setup.algorithm());
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.validate_nbf = true;
    let decoder = RemoteJwksDecoder::builder()
        .jwks_url(setup.jwks_url.clone())
        .validation(validation)
        .build()
        .expect("a decoder");
    setup.runtime.block_on(decoder.initialize()).expect("the keys");
    Ok(Box::new(Extractor(Arc::new(decoder))))
}

#[derive(Clone)]
struct Extractor(Decoder<User>);

impl Subject for Extractor {
    fn call(&mut self, request: Request<Body>) -> StatusCode {
        type Extracted = Claims<User>;
        let (mut parts, body) = request.into_parts();
        match now(Extracted::from_request_parts(&mut parts, &self.0)) {
            Ok(user) => {
                let request = Request::from_parts(parts, body);
                answer::<Body>(&request, Some(&user.claims.sub)).status()
            }
            Err(error) => error.into_response().status(),
        }
    }

    fn share(&self) -> Box<dyn Subject> {
        Box::new(self.clone())
    }
}
