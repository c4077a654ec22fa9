//! JSON that is meant for the parser: nested as deep as a token, a key set or an answer has room for, and
//! names that have a meaning of their own to the library.
//!
//! The library's feature that gives them one is on in this package, as any crate of a program may turn it
//! on for all.

use std::convert::Infallible;
use std::thread;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::Full;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};
use tower_bearer::claims::StandardClaims;
use tower_bearer::credentials::AuthorizationHeader;
use tower_bearer::key::KeySet;
use tower_bearer::{AuthLayer, RejectionKind, Verifier};

use crate::stack::*;

const HEADER: &str = r#"{"alg":"HS256"}"#;
const RAW: &str = "$serde_json::private::RawValue";

/// As much stack as threads usually have, and not what the test's own happens to have.
fn on_a_usual_stack(test: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(2 << 20).spawn(test).unwrap().join().unwrap();
}

/// JSON within strings within JSON: each level is short of any limit of depth.
fn matryoshka(levels: usize) -> String {
    let mut inside = "1".to_owned();
    for _ in 0..levels {
        let nested = format!("{}{inside}{}", "[".repeat(60), "]".repeat(60));
        inside = format!(r#"{{"{RAW}":{}}}"#, json!(nested));
        if inside.len() > 256 << 10 {
            break;
        }
    }
    inside
}

fn bombs() -> Vec<String> {
    let arrays = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let escaped = matryoshka(3).replace('$', "\\u0024");
    vec![
        arrays(64),
        arrays(127),
        arrays(128),
        arrays(500_000),
        objects(64),
        objects(127),
        objects(500_000),
        matryoshka(1),
        matryoshka(2),
        matryoshka(12),
        escaped,
        format!(r#"[{{"x":{{"{RAW}":"1"}}}}]"#),
        format!(r#"{{"x":1,"{RAW}":"1"}}"#),
        r#"{"$serde_json::private::Number":"1"}"#.to_owned(),
    ]
}

#[test]
fn tokens_are_refused_without_harm() {
    on_a_usual_stack(|| {
        let issuer = issuer();
        let stack = roomy(stack(&issuer));
        let good = payload(&issuer);
        pass(&stack, &signed(HEADER, &good));
        for bomb in bombs() {
            for claim in ["x", "email", "roles", "aud", "exp", "cnf", "sub"] {
                let payload = format!(r#"{{"{claim}":{bomb},{}"#, &good[1..]);
                refuse(&stack, &signed(HEADER, &payload), RejectionKind::InvalidClaims);
            }
            for member in ["x", "jwk", "kid", "crit"] {
                let header = format!(r#"{{"alg":"HS256","{member}":{bomb}}}"#);
                refuse(&stack, &signed(&header, &good), RejectionKind::MalformedToken);
            }
        }
    });
}

#[test]
fn what_only_looks_like_it_passes() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let nested = format!("{}1{}", "[".repeat(63), "]".repeat(63));
    let good = payload(&issuer);
    for claim in [
        format!(r#""x":{nested}"#),
        format!(r#""x":"{RAW}""#),
        format!(r#""x":["{RAW}",{{"$ref":"{RAW}"}}]"#),
        format!(r#""x":"{}""#, "[{".repeat(1000)),
        r#""$schema":{"\u0024id":1}"#.to_owned(),
        format!(r#""x":[{}1]"#, "[1],".repeat(1000)),
    ] {
        pass(&stack, &signed(HEADER, &format!("{{{claim},{}", &good[1..])));
    }
}

#[test]
fn one_such_key_is_skipped_and_the_others_work() {
    on_a_usual_stack(|| {
        let good = r#"{"kty":"OKP","crv":"Ed25519","kid":"good","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        for bomb in bombs() {
            for member in ["x5c", "kid", "kty", "k", "key_ops", "alg", "other"] {
                let bad = format!(r#"{{"{member}":{bomb},{}"#, &good[1..].replace("good", "bad"));
                for keys in [format!("{bad},{good}"), format!("{good},{bad}")] {
                    let set = KeySet::from_jwks(&format!(r#"{{"keys":[{keys}]}}"#)).unwrap();
                    let taken: Vec<_> = set.iter().map(|key| key.id()).collect();
                    assert_eq!(taken, [Some("good")]);
                    assert_eq!(set.skipped().len(), 1);
                }
            }
            let set = KeySet::from_jwks(&format!(r#"{{"keys":[{bomb},{good}]}}"#)).unwrap();
            assert_eq!((set.len(), set.skipped().len()), (1, 1));
            // beside the keys nobody looks
            let set = format!(r#"{{"x":{bomb},"keys":[{good}]}}"#);
            assert_eq!(KeySet::from_jwks(&set).unwrap().len(), 1);
        }
    });
}

fn status_of<C>(verifier: Verifier<C>, token: &str) -> u16
where
    C: DeserializeOwned + Send + Sync + 'static,
{
    let layer = AuthLayer::new(verifier).source(AuthorizationHeader::new().max_len(64 << 20));
    let inside = service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
    });
    let response = layer.layer(inside).oneshot(with_token(token)).now_or_never();
    response.unwrap().unwrap().status().as_u16()
}

#[test]
fn a_type_of_the_applications_own_is_kept_from_it_too() {
    on_a_usual_stack(|| {
        let issuer = issuer();
        let good = payload(&issuer);
        for bomb in bombs() {
            let token = signed(HEADER, &format!(r#"{{"x":{bomb},{}"#, &good[1..]));
            assert_eq!(status_of::<Value>(issuer.verifier().build().unwrap(), &token), 401);
            assert_eq!(
                status_of::<StandardClaims>(issuer.verifier().build().unwrap(), &token),
                401
            );
        }
        let token = issuer.token().sign();
        assert_eq!(status_of::<Value>(issuer.verifier().build().unwrap(), &token), 200);
    });
}
