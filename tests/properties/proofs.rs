//! Any single change to a good DPoP proof makes it a bad one; and whatever is sent, nothing panics.

use std::convert::Infallible;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};
use tower_bearer::bound::Dpop;
use tower_bearer::key::Algorithm;
use tower_bearer::testing::DpopClient;
use tower_bearer::{AuthLayer, RejectionKind, Verifier};

use super::stack::{CLOCK, ISSUER, cases};

const URL: &str = "https://api.example.com/orders";

struct Scene {
    client: DpopClient,
    token: String,
}

static SCENES: LazyLock<Vec<Scene>> = LazyLock::new(|| {
    let of = |algorithm| {
        let client = DpopClient::with_algorithm(algorithm).unwrap().clock(CLOCK);
        let token = ISSUER.token().claim("cnf", client.confirmation()).sign();
        Scene { client, token }
    };
    vec![of(Algorithm::ES256), of(Algorithm::EdDSA)]
});

static LAYER: LazyLock<AuthLayer<Verifier<Value>>> = LazyLock::new(|| {
    let dpop = Dpop::builder("https://api.example.com").clock(CLOCK).build().unwrap();
    AuthLayer::new(ISSUER.verifier().build().unwrap()).dpop(dpop)
});

fn sent(token: &str, proof: HeaderValue) -> (StatusCode, Option<RejectionKind>) {
    let request = Request::get("/orders").header("authorization", format!("DPoP {token}"));
    let request = request.header("dpop", proof).body(String::new()).unwrap();
    let inner = service_fn(|_| async { Ok::<_, Infallible>(Response::new(String::new())) });
    let response = LAYER.layer(inner).oneshot(request).now_or_never().unwrap().unwrap();
    let kind = response.extensions().get().map(tower_bearer::Rejection::kind);
    (response.status(), kind)
}

fn proof() -> impl Strategy<Value = Vec<u8>> {
    let segments = "[A-Za-z0-9_-]{0,40}(\\.[A-Za-z0-9_-]{0,40}){0,4}".prop_map(String::into_bytes);
    let json = (any_json(), any_json()).prop_map(|(header, claims)| {
        let part = |json: String| URL_SAFE_NO_PAD.encode(json);
        format!("{}.{}.AAAA", part(header), part(claims)).into_bytes()
    });
    prop_oneof![vec(any::<u8>(), 0..200), segments, json]
}

/// JSON with names that mean something, and values that do not.
fn any_json() -> impl Strategy<Value = String> {
    let name = select(vec![
        "typ", "alg", "jwk", "crit", "kid", "jti", "htm", "htu", "iat", "ath", "nonce", "x",
    ]);
    let jwk = SCENES[0].client.jwk().to_string();
    let value = prop_oneof![
        select(vec![
            "\"dpop+jwt\"",
            "\"ES256\"",
            "\"GET\"",
            "1700000000",
            "null",
            "{}",
            "[]",
            "1e999",
            "{"
        ])
        .prop_map(str::to_owned),
        Just(jwk),
        "\"[a-z\\\\\"{}]{0,10}\"",
    ];
    vec((name, value), 0..8).prop_map(|members| {
        let members: Vec<_> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn rfc9449_random_proofs_are_refused(proof in proof(), scene in 0..2_usize) {
        if let Ok(value) = HeaderValue::from_bytes(&proof) {
            let (status, kind) = sent(&SCENES[scene].token, value);
            prop_assert_eq!(status, 401);
            let expected = [RejectionKind::InvalidDpopProof, RejectionKind::BoundToken];
            prop_assert!(expected.contains(&kind.unwrap()), "{kind:?}");
        }
    }

    #[test]
    fn rfc9449_any_single_change_to_a_good_proof_is_refused(
        scene in 0..2_usize,
        at in any::<Index>(),
        what in 0..4_u8,
        byte in select(b"AZaz09-_.=+/ ~".to_vec()),
    ) {
        let Scene { client, token } = &SCENES[scene];
        let good = client.proof("GET", URL).token(token).sign();
        let mut changed = good.clone().into_bytes();
        let place = at.index(changed.len());
        match what {
            0 => changed[place] = byte,
            1 => changed.insert(place, byte),
            2 => drop(changed.remove(place)),
            _ => {
                let other = at.index(changed.len() / 2);
                changed.swap(place, other);
            }
        }
        // What surrounds a field value is no part of it.
        if changed.trim_ascii() != good.as_bytes() {
            let (status, kind) = sent(token, HeaderValue::from_bytes(&changed).unwrap());
            prop_assert_eq!(status, 401, "{}", String::from_utf8_lossy(&changed));
            prop_assert!(kind.is_some());
        }
        let (status, kind) = sent(token, HeaderValue::from_str(&good).unwrap());
        prop_assert_eq!(status, 200, "{:?}", kind);
    }

    /// The client signs what it should not: each claim and header member matters.
    #[test]
    fn rfc9449_any_claim_of_another_value_or_missing_is_refused(
        name in select(vec!["jti", "htm", "htu", "iat", "ath", "typ", "alg", "jwk"]),
        value in select(vec![
            json!(null), json!(1), json!(-1), json!("x"), json!([]), json!({}), json!(true), json!(""),
        ]),
        missing in any::<bool>(),
    ) {
        let Scene { client, token } = &SCENES[0];
        let proof = client.proof("GET", URL).token(token);
        let in_header = ["typ", "alg", "jwk"].contains(&name);
        let changed = match (in_header, missing) {
            (true, true) => proof.without_header(name),
            (true, false) => proof.header(name, value.clone()),
            (false, true) => proof.without(name),
            (false, false) => proof.claim(name, value.clone()),
        };
        let is_another_id = name == "jti" && value == "x" && !missing;
        if !is_another_id {
            let (status, kind) = sent(token, HeaderValue::from_str(&changed.sign()).unwrap());
            prop_assert_eq!((status.as_u16(), kind), (401, Some(RejectionKind::InvalidDpopProof)));
        }
    }
}
