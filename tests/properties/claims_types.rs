//! Random payloads read into applications' types.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use http::{HeaderValue, StatusCode};
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::{Value, json};
use tower_bearer::claims::StandardClaims;
use tower_bearer::layer::AuthLayer;
use tower_bearer::rejection::RejectionKind;
use tower_bearer::testing::TestIssuer;
use tower_bearer::verify::Verifier;

use super::json::{Member, members, payload};
use super::payloads::{in_time, well_typed};
use super::stack::{CLOCK, ISSUER, NOW, cases, through, verify};

#[derive(Debug, PartialEq, Deserialize)]
struct Wrapped(String);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Human,
    Robot,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
    Number(f64),
}

#[derive(Debug, PartialEq, Deserialize)]
struct Own {
    sub: Option<Wrapped>,
    iss: Option<Option<String>>,
    acr: Option<Kind>,
    kind: Option<Kind>,
    exp: Option<f32>,
    iat: Option<i64>,
    nbf: Option<u128>,
    auth_time: Option<serde_json::Number>,
    aud: Option<OneOrMany>,
    scope: Option<char>,
    roles: Option<Vec<Wrapped>>,
    token_version: Option<u8>,
    #[serde(default)]
    n: u8,
    nested: Option<HashMap<String, Value>>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Fixed {
    aud: Option<[Wrapped; 1]>,
    scp: Option<(String, Kind)>,
    jti: Option<Kind>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Flat {
    sub: Option<String>,
    exp: Option<u64>,
    #[serde(flatten)]
    typed: Option<Typed>,
    #[serde(flatten)]
    rest: HashMap<String, Value>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Typed {
    #[serde(rename = "type")]
    kind: Kind,
    scp: Vec<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Closed {
    iss: Option<String>,
    aud: Option<Value>,
    exp: Option<Value>,
    sub: Option<String>,
    iat: Option<Value>,
    x: Option<Value>,
    roles: Option<Value>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Sender {
    User { sub: String, name: String },
    Machine { client_id: Wrapped, exp: f64 },
    Versioned { token_version: u64 },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "acr", rename_all = "lowercase")]
enum Tagged {
    Human { sub: Option<String> },
    Robot { n: Option<u8> },
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Name(String);

/// What the verifier makes of the payload is what serde_json makes of it alone, unless a registered
/// claim is wrong.
fn agrees<C>(members: &[Member]) -> Result<(), TestCaseError>
where
    C: DeserializeOwned + PartialEq + Debug + Send + Sync + 'static,
{
    let payload = payload(members);
    let verifier = Verifier::<C>::builder()
        .keys(ISSUER.key())
        .any_issuer()
        .any_audience()
        .clock(CLOCK)
        .dangerous()
        .allow_missing_expiry()
        .build()
        .unwrap();
    let token = ISSUER.token().sign_payload(payload.as_bytes());
    let field = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
    let (status, seen) = through(&AuthLayer::new(verifier), field);
    let alone = serde_json::from_str::<C>(&payload).ok();
    let expected = alone.filter(|_| well_typed(members).is_some_and(|claims| in_time(&claims)));
    prop_assert_eq!(seen.as_deref(), expected.as_ref(), "{}", payload);
    prop_assert_eq!(status == StatusCode::OK, expected.is_some());
    Ok(())
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn the_applications_type_sees_what_it_would_see_alone(members in members()) {
        agrees::<Own>(&members)?;
        agrees::<Fixed>(&members)?;
        agrees::<Flat>(&members)?;
        agrees::<Closed>(&members)?;
        agrees::<Sender>(&members)?;
        agrees::<Tagged>(&members)?;
        agrees::<Value>(&members)?;
        agrees::<HashMap<String, Value>>(&members)?;
        agrees::<BTreeMap<Name, Value>>(&members)?;
        agrees::<StandardClaims>(&members)?;
    }
}

/// Goes on reading after a member it could not read.
#[derive(Debug)]
struct Careless;

impl<'de> Deserialize<'de> for Careless {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Careless;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Careless, A::Error> {
                // bounded: a parser that is stuck would say the same for ever
                for _ in 0..64 {
                    match map.next_key::<String>() {
                        Ok(None) => break,
                        Ok(Some(_)) => drop(map.next_value::<Value>()),
                        Err(_) => {}
                    }
                }
                Ok(Careless)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[test]
fn rfc7519_a_careless_claims_type_does_not_hide_a_wrong_registered_claim() {
    let verifier = ISSUER.verifier::<Careless>().build().unwrap();
    assert!(verify(&verifier, &ISSUER.token().sign()).is_ok());
    for (name, odd) in [("nbf", json!("never")), ("iat", json!(null)), ("sub", json!(5))] {
        let token = ISSUER.token().claim(name, odd).sign();
        assert_eq!(verify(&verifier, &token).unwrap_err(), RejectionKind::InvalidClaims, "{name}");
    }
    let (iss, aud) = (TestIssuer::ISSUER, TestIssuer::AUDIENCE);
    let twice =
        format!(r#"{{"iss":"{iss}","aud":"{aud}","exp":{0},"sub":"a","sub":"b"}}"#, NOW + 9);
    let token = ISSUER.token().sign_payload(twice.as_bytes());
    assert_eq!(verify(&verifier, &token).unwrap_err(), RejectionKind::InvalidClaims);
}
