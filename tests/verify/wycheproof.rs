//! Every case of Project Wycheproof's JSON Web Signature, Key and Crypto sets.
//!
//! The payloads are not claims objects. A token whose signature is right is therefore rejected as
//! `InvalidClaims`, which no token reaches whose signature is wrong: that tells the two apart.
//!
//! A label that the crate does not follow is listed below, case by case, with the reason, and each
//! reason is checked against the bytes of the case. Everything else has to agree.
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};
use tower_bearer::credentials::BearerToken;
use tower_bearer::head::RequestHead;
use tower_bearer::key::{JwksOptions, Key, KeyError, KeyErrorKind, KeySet};
use tower_bearer::step::Step;
use tower_bearer::verify::TokenVerifier;
use tower_bearer::{RejectionKind, StandardClaims, Verifier};
use wycheproof_ng_kdf_jose::json_web::TestName;

use Outcome::{KeyRefused, Refused, SignatureRight};
use RejectionKind::{InvalidRequest, InvalidSignature, MalformedToken, WrongAlgorithm};

/// What the crate made of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The signature is right; or the token was accepted altogether.
    SignatureRight,
    /// The token was refused on or before its signature.
    Refused(RejectionKind),
    /// The key was refused, so there is nothing to verify with.
    KeyRefused(KeyErrorKind),
}

struct Case {
    id: u64,
    label: String,
    comment: String,
    key: Value,
    /// The compact serialization, or the JSON one as text.
    token: String,
}

impl Case {
    fn outcome(&self) -> Outcome {
        self.outcome_with(&self.key)
    }

    fn outcome_with(&self, key: &Value) -> Outcome {
        match load(key) {
            Ok(keys) => verify(keys, &self.token),
            Err(error) => Outcome::KeyRefused(error.kind()),
        }
    }

    /// The outcome if the key named this algorithm instead of its own.
    fn outcome_as(&self, algorithm: &str) -> Outcome {
        let mut key = self.key.clone();
        key["alg"] = algorithm.into();
        self.outcome_with(&key)
    }
}

/// A set with a public key in it is a published one, and read as such: without shared secrets.
fn load(key: &Value) -> Result<KeySet, KeyError> {
    let Some(keys) = key["keys"].as_array() else {
        return Key::from_jwk(&key.to_string()).map(KeySet::from);
    };
    let mut options = JwksOptions::new();
    if keys.iter().all(|key| key["kty"] == "oct") {
        options = options.allow_symmetric();
    }
    KeySet::from_jwks_with(&key.to_string(), &options)
}

fn verify(keys: KeySet, token: &str) -> Outcome {
    let verifier = Verifier::<StandardClaims>::builder()
        .keys(keys)
        .any_issuer()
        .any_audience()
        .dangerous()
        .allow_missing_expiry()
        .build()
        .unwrap();
    let bearer = match BearerToken::parse(token) {
        Ok(bearer) => bearer,
        Err(rejection) => return Outcome::Refused(rejection.kind()),
    };
    let request = Request::new(());
    match verifier.verify(bearer, &RequestHead::from(&request)) {
        Step::Now(Ok(_)) => Outcome::SignatureRight,
        Step::Now(Err(rejection)) => match rejection.kind() {
            RejectionKind::InvalidClaims => Outcome::SignatureRight,
            // Also said only after the signature: see `the_order_of_checks_is_what_this_relies_on`.
            RejectionKind::MalformedToken if rejection.reason() == NOT_TEXT => {
                let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
                assert!(String::from_utf8(payload).is_err(), "{token}");
                Outcome::SignatureRight
            }
            kind => Outcome::Refused(kind),
        },
        Step::Later(_) => panic!("fixed keys never make anyone wait"),
    }
}

const NOT_TEXT: &str = "the payload is not UTF-8";

fn cases(set: TestName) -> Vec<Case> {
    let data: Value = serde_json::from_str(set.json_data()).unwrap();
    let mut cases = Vec::new();
    for group in data["testGroups"].as_array().unwrap() {
        let key = if group["public"].is_null() { &group["private"] } else { &group["public"] };
        for test in group["tests"].as_array().unwrap() {
            let token = if test["jws"].is_null() { &test["jwe"] } else { &test["jws"] };
            cases.push(Case {
                id: test["tcId"].as_u64().unwrap(),
                label: test["result"].as_str().unwrap().to_owned(),
                comment: format!("{} {}", group["comment"], test["comment"]),
                key: key.clone(),
                token: token.as_str().map_or_else(|| token.to_string(), str::to_owned),
            });
        }
    }
    assert_eq!(data["numberOfTests"], cases.len());
    cases
}

/// The one case of this number.
fn case(set: TestName, id: u64) -> Case {
    cases(set).into_iter().find(|case| case.id == id).unwrap()
}

/// Runs a whole set, of exactly this many cases, of which exactly `right` have a right signature;
/// yields the numbers of those that do not agree with their label.
fn run(set: TestName, count: usize, right: usize) -> Vec<(u64, Outcome)> {
    let mut disagreeing = Vec::new();
    let (mut run, mut accepted) = (0, 0);
    for case in cases(set) {
        let outcome = case.outcome();
        run += 1;
        accepted += usize::from(outcome == Outcome::SignatureRight);
        let valid = match case.label.as_str() {
            "valid" => true,
            "invalid" => false,
            other => panic!("{set:?} {}: a label {other} that this test does not know", case.id),
        };
        if valid != (outcome == Outcome::SignatureRight) {
            println!("{set:?} {}: {} {}: {outcome:?}", case.id, case.label, case.comment);
            disagreeing.push((case.id, outcome));
        }
        if case.token.starts_with('{') || case.token == "null" {
            let refused = [RejectionKind::InvalidRequest, RejectionKind::MalformedToken];
            let cleanly = matches!(outcome, Outcome::Refused(kind) if refused.contains(&kind))
                || matches!(outcome, Outcome::KeyRefused(KeyErrorKind::Mismatch));
            assert!(cleanly, "{set:?} {}: {outcome:?}", case.id);
        }
    }
    assert_eq!((run, accepted), (count, right), "{set:?}");
    disagreeing
}

#[test]
fn json_web_signature() {
    let disagreeing = run(TestName::JsonWebSignature, 401, 35);
    assert_eq!(
        disagreeing,
        [
            // The key is for PS256, the token says PS384: a key has one algorithm.
            (346, Refused(WrongAlgorithm)),
            // The key's `alg` is ES521, which is not a registered algorithm.
            (347, KeyRefused(KeyErrorKind::Unsupported)),
            // As 346.
            (350, Refused(WrongAlgorithm)),
            // As 347.
            (351, KeyRefused(KeyErrorKind::Unsupported)),
            // The secret of this group is all zero. `json_web_signature_base64` has these cases
            // with another one.
            (357, KeyRefused(KeyErrorKind::Weak)),
            (358, KeyRefused(KeyErrorKind::Weak)),
            (359, KeyRefused(KeyErrorKind::Weak)),
            (372, KeyRefused(KeyErrorKind::Weak)),
            (373, KeyRefused(KeyErrorKind::Weak)),
            (376, KeyRefused(KeyErrorKind::Weak)),
            (377, KeyRefused(KeyErrorKind::Weak)),
        ]
    );
}

/// With the one thing mended that each is refused for, they are right: nothing else is wrong with
/// them, or with the crate.
#[test]
fn json_web_signature_346_347_350_351_are_refused_for_the_keys_alg_alone() {
    for (id, own, header) in [
        (346, "PS256", "PS384"),
        (350, "PS256", "PS384"),
        (347, "ES521", "ES512"),
        (351, "ES521", "ES512"),
    ] {
        let case = case(TestName::JsonWebSignature, id);
        assert_eq!(case.key["alg"], own, "{id}");
        assert_eq!(case.outcome_as(header), SignatureRight, "{id}");
        assert_ne!(case.outcome_as("RS256"), SignatureRight, "{id}");
    }
}

/// The group `base64` once more, with a secret that is not all zero: each token whose MAC was right
/// gets the MAC of the new secret over the very same text.
#[test]
fn json_web_signature_base64() {
    let zeros = EncodingKey::from_secret(&[0; 32]);
    let secret: [u8; 32] = std::array::from_fn(|place| place as u8);
    let sign = |input: &str, key: &EncodingKey| {
        jsonwebtoken::crypto::sign(input.as_bytes(), key, jsonwebtoken::Algorithm::HS256).unwrap()
    };
    let original = case(TestName::JsonWebSignature, 357).token;
    let mut disagreeing = Vec::new();
    let (mut run, mut signed, mut right) = (0, 0, 0);
    for mut case in cases(TestName::JsonWebSignature) {
        if !case.comment.starts_with("\"base64\"") {
            continue;
        }
        let own = case.key["k"].as_str().unwrap();
        assert!(URL_SAFE_NO_PAD.decode(own).unwrap().iter().all(|byte| *byte == 0));
        let mut key = case.key.clone();
        key["k"] = URL_SAFE_NO_PAD.encode(secret).into();
        // Labelled invalid, and byte for byte the valid case 357 (upstream issue 236).
        assert_eq!([357, 367, 370].contains(&case.id), case.token == original, "{}", case.id);
        // Labelled valid, with a character that is not of base64url in header or payload.
        if [372, 373].contains(&case.id) {
            assert!(case.token.rsplit_once('.').unwrap().0.contains('?'));
        }
        let (input, mac) = case.token.rsplit_once('.').unwrap();
        if mac == sign(input, &zeros) {
            case.token = format!("{input}.{}", sign(input, &EncodingKey::from_secret(&secret)));
            signed += 1;
        }
        let outcome = case.outcome_with(&key);
        run += 1;
        right += usize::from(outcome == SignatureRight);
        if (case.label == "valid") != (outcome == SignatureRight) {
            disagreeing.push((case.id, outcome));
        }
    }
    assert_eq!(
        disagreeing,
        [
            (367, SignatureRight),
            (370, SignatureRight),
            (372, Refused(InvalidRequest)),
            (373, Refused(InvalidRequest)),
        ]
    );
    assert_eq!((run, signed, right), (21, 13, 7));
}

#[test]
fn json_web_key() {
    let disagreeing = run(TestName::JsonWebKey, 26, 7);
    assert_eq!(
        disagreeing,
        [
            // Two keys with one kid, which the set calls ambiguous and RFC 7517 §4.5 advises
            // against without forbidding it: both are tried.
            (4, SignatureRight),
            // The RSA key has the ROCA flaw (CVE-2017-15361): whoever runs the verifier chose it.
            (7, SignatureRight),
        ]
    );
    let twice = case(TestName::JsonWebKey, 4).key;
    assert_eq!(twice["keys"][0]["kid"], twice["keys"][1]["kid"]);
    assert!(case(TestName::JsonWebKey, 7).comment.contains("Roca"));
}

#[test]
fn json_web_crypto() {
    let disagreeing = run(TestName::JsonWebCrypto, 83, 5);
    assert_eq!(
        disagreeing,
        [
            // The ROCA key of json_web_key 7.
            (46, SignatureRight),
            // Encrypted tokens (JWE) are not supported: the key, use=enc, is refused at once.
            (50, KeyRefused(KeyErrorKind::Mismatch)),
            (67, KeyRefused(KeyErrorKind::Mismatch)),
        ]
    );
    assert_eq!(
        case(TestName::JsonWebCrypto, 46).key["n"],
        case(TestName::JsonWebKey, 7).key["keys"][0]["n"]
    );
    // And refused as well where the key is a good one for signatures.
    let good = case(TestName::JsonWebCrypto, 1).key;
    for id in 50..=83 {
        let outcome = case(TestName::JsonWebCrypto, id).outcome_with(&good);
        assert!(matches!(outcome, Refused(MalformedToken | InvalidRequest)), "{id} {outcome:?}");
    }
}

/// What tells a right signature from a wrong one here: claims and text are looked at only after it.
#[test]
fn the_order_of_checks_is_what_this_relies_on() {
    let secret: [u8; 32] = std::array::from_fn(|place| place as u8);
    let key = json!({"kty": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(secret)});
    for payload in [&b"foo"[..], b"\xff"] {
        let token = ["{\"alg\":\"HS256\"}".as_bytes(), payload, &[0; 32]];
        let token = token.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        assert_eq!(verify(load(&key).unwrap(), &token), Refused(InvalidSignature));
    }
    // An alg that nobody has says so before anything of the payload is read.
    let token = ["{\"alg\":\"none\"}".as_bytes(), b"foo", &[0; 32]];
    let token = token.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    assert_eq!(verify(load(&key).unwrap(), &token), Refused(WrongAlgorithm));
    assert_eq!(verify(load(&key).unwrap(), "e30.e30."), Refused(MalformedToken));
}
