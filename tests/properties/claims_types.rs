//! Random payloads read into applications' types.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use http::{HeaderValue, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, json};
use tower_bearer::claims::StandardClaims;
use tower_bearer::layer::AuthLayer;
use tower_bearer::rejection::RejectionKind;
use tower_bearer::testing::TestIssuer;
use tower_bearer::verify::builder::{Audiences, Issuers, Keys};
use tower_bearer::verify::{Verifier, VerifierBuilder};

use super::json::{Member, fitting, members, payload, value, write};
use super::payloads::{in_time, texts, well_typed};
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
    cnf: Option<Bound>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Bound {
    jkt: Option<Wrapped>,
    #[serde(flatten)]
    rest: HashMap<String, Value>,
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

// ---- roles in nested objects ----

#[derive(Debug, PartialEq, Deserialize)]
struct Nested {
    realm_access: Option<Access>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Access {
    roles: Option<Vec<Wrapped>>,
    more: Option<HashMap<Name2, Value>>,
    n: Option<u8>,
}

/// Names as numbers, as serde_json reads them.
#[derive(Debug, PartialEq, Eq, Hash, Deserialize)]
struct Name2(u32);

#[derive(Debug, PartialEq, Deserialize)]
struct ByNumber {
    realm_access: Option<HashMap<i64, Value>>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Variant {
    Roles(OneOrMany),
    More { roles: Vec<String> },
}

#[derive(Debug, PartialEq, Deserialize)]
struct ByVariant {
    realm_access: Option<Variant>,
}

/// What the verifier makes of the payload is what serde_json makes of it alone, unless a registered
/// claim is wrong.
fn agrees<C>(members: &[Member]) -> Result<(), TestCaseError>
where
    C: DeserializeOwned + PartialEq + Debug + Send + Sync + 'static,
{
    let fits = well_typed(members).is_some_and(|claims| in_time(&claims));
    agrees_where::<C>(&payload(members), fits, lenient())
}

type Lenient<C> = VerifierBuilder<C, Keys, Issuers, Audiences>;

fn lenient<C>() -> Lenient<C> {
    Verifier::<C>::builder()
        .keys(ISSUER.key())
        .any_issuer()
        .any_audience()
        .clock(CLOCK)
        .dangerous()
        .allow_missing_expiry()
        .dangerous()
        .accept_bound_tokens_without_proof()
}

/// Accepted exactly if serde_json alone reads it and the registered claims are right, and read alike.
fn agrees_where<C>(payload: &str, fits: bool, verifier: Lenient<C>) -> Result<(), TestCaseError>
where
    C: DeserializeOwned + PartialEq + Debug + Send + Sync + 'static,
{
    let verifier = verifier.build().unwrap();
    let token = ISSUER.token().sign_payload(payload.as_bytes());
    let field = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
    let (status, seen) = through(&AuthLayer::new(verifier), field);
    let expected = serde_json::from_str::<C>(payload).ok().filter(|_| fits);
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

/// An object on the way to roles: its text, and the roles that are in it, if its shape is right.
fn realm_access() -> impl Strategy<Value = (String, Option<Vec<String>>)> {
    let roles = prop_oneof![4 => fitting("roles"), 1 => value().boxed()];
    let more = prop_oneof![
        select(vec!["{}", r#"{"1":2}"#, r#"{"07":1}"#, "null"]).prop_map(str::to_owned),
        value(),
    ];
    let names = select(vec!["roles", "more", "n", "7", "-1", "other", "roles"]);
    let member = names.prop_flat_map(move |name| {
        let value = match name {
            "roles" => roles.clone().boxed(),
            "more" => more.clone().boxed(),
            "n" => select(vec!["1", "256", "null", "\"1\""]).prop_map(str::to_owned).boxed(),
            _ => value().boxed(),
        };
        (Just(name), 0..6_u8, value)
    });
    let object = vec(member, 0..4).prop_map(|members| {
        let text: Vec<_> = members
            .iter()
            .map(|(name, style, value)| format!("{}:{value}", write(name, *style)))
            .collect();
        let text = format!("{{{}}}", text.join(" , "));
        let found: Vec<_> = members.iter().filter(|(name, ..)| *name == "roles").collect();
        let held = match found[..] {
            [] => Some(Vec::new()),
            [(_, _, value)] => {
                let value: Value = serde_json::from_str(value).unwrap();
                texts(&value).map(|texts| texts.into_iter().map(str::to_owned).collect())
            }
            _ => None,
        };
        (text, held)
    });
    prop_oneof![9 => object, 1 => value().prop_map(|text| {
        // Another value may be an object, too, but none with roles.
        let is_object = text.starts_with('{') && !text.contains("roles");
        (text, is_object.then(Vec::new))
    })]
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn roles_within_objects_are_found_whatever_the_application_makes_of_those(
        (object, held) in realm_access(),
    ) {
        let payload = format!(r#"{{"exp":{},"realm_access":{object},"sub":"alice"}}"#, NOW + 9);
        fn with<C>() -> Lenient<C> {
            lenient().roles_at(["realm_access", "roles"])
        }
        let fits = held.is_some();
        agrees_where::<Nested>(&payload, fits, with())?;
        agrees_where::<ByNumber>(&payload, fits, with())?;
        agrees_where::<ByVariant>(&payload, fits, with())?;
        agrees_where::<Value>(&payload, fits, with())?;
        agrees_where::<StandardClaims>(&payload, fits, with())?;
        agrees_where::<Sender>(&payload, fits, with())?;
        // what nobody but the notes reads
        let verifier = with::<IgnoredAny>().build().unwrap();
        let token = ISSUER.token().sign_payload(payload.as_bytes());
        let verified = verify(&verifier, &token);
        let found = verified.ok().map(|verified| {
            verified.registered().roles().iter().map(str::to_owned).collect::<Vec<_>>()
        });
        prop_assert_eq!(found, held, "{}", payload);
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
