//! The yardstick: the signature check, with a key that was parsed once.

use std::hint::black_box;
use std::sync::Arc;

use ::axum::body::Body;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Request, StatusCode};
use tower_bearer::Algorithm;

use super::{Contender, Kind, Subject};
use crate::inner::answer;
use crate::setup::{SUBJECT, Setup, Token};

pub(crate) const CHECK: Contender = Contender {
    name: "bare signature check",
    package: "aws-lc-rs",
    build: |setup| Ok(Box::new(Check(Arc::new(Parsed::new(setup))))),
    kind: Kind::Yardstick,
    ..Contender::DEFAULT
};

enum Key {
    Hmac(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

struct Parsed {
    key: Key,
    message: String,
    signature: Vec<u8>,
}

impl Parsed {
    fn new(setup: &Setup) -> Self {
        let jwk = setup.jwk();
        let member = |name: &str| {
            let text = jwk[name].as_str().expect("the member is there");
            URL_SAFE_NO_PAD.decode(text).expect("base64url")
        };
        let raw = |algorithm: &'static dyn VerificationAlgorithm, bytes: &[u8]| {
            Key::Public(ParsedPublicKey::new(algorithm, bytes).expect("the public key"))
        };
        let key = match setup.algorithm {
            Algorithm::HS256 => Key::Hmac(hmac::Key::new(hmac::HMAC_SHA256, &member("k")).into()),
            Algorithm::RS256 => {
                let components =
                    signature::RsaPublicKeyComponents { n: member("n"), e: member("e") };
                let parameters = &signature::RSA_PKCS1_2048_8192_SHA256;
                Key::Public(components.to_parsed_public_key(parameters).expect("the public key"))
            }
            Algorithm::ES256 => {
                let point = [vec![4], member("x"), member("y")].concat();
                raw(&signature::ECDSA_P256_SHA256_FIXED, &point)
            }
            _ => raw(&signature::ED25519, &member("x")),
        };
        let token = setup.token(Token::Good, &serde_json::Map::new());
        let (message, signature) = token.rsplit_once('.').expect("three parts");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        Self { key, message: message.to_owned(), signature }
    }

    fn check(&self) {
        let (message, signature) = (black_box(self.message.as_bytes()), black_box(&self.signature));
        match &self.key {
            Key::Hmac(key) => hmac::verify(key, message, signature).expect("a good signature"),
            Key::Public(key) => key.verify_sig(message, signature).expect("a good signature"),
        }
    }
}

/// Checks always the same signature, and goes on to the innermost service, so that what is
/// subtracted is the same for all.
struct Check(Arc<Parsed>);

impl Subject for Check {
    fn call(&mut self, request: Request<Body>) -> StatusCode {
        self.0.check();
        answer::<Body>(&request, Some(SUBJECT)).status()
    }

    fn share(&self) -> Box<dyn Subject> {
        Box::new(Self(Arc::clone(&self.0)))
    }
}
