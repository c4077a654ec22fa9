//! Random payloads against a model of the rules for claims.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tower_bearer::testing::TestIssuer;

use super::json::{DATES, LISTS, Member, TEXTS, members, payload, value};
use super::stack::{ISSUER, LEEWAY, NANOS, NOW, STRICT, cases, verify};

/// RFC 7519 §2, in nanoseconds.
pub(crate) fn date(value: &Value) -> Option<u128> {
    if let Some(secs) = value.as_u64() {
        return Some(u128::from(secs) * NANOS);
    }
    let secs = value.as_f64().filter(|secs| (0.0..18_446_744_073_709_551_616.0).contains(secs))?;
    let whole = secs.trunc();
    Some(whole as u128 * NANOS + ((secs - whole) * 1e9).round() as u128)
}

pub(crate) fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(texts) => texts.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// The registered claims, if each is there at most once and of its type.
pub(crate) fn well_typed(members: &[Member]) -> Option<HashMap<&str, Value>> {
    let mut registered = HashMap::new();
    for Member { name, value, .. } in members {
        let name = name.as_str();
        let is_registered = TEXTS.contains(&name)
            || LISTS.contains(&name)
            || DATES.contains(&name)
            || ["roles", "token_version", "cnf"].contains(&name);
        if !is_registered {
            continue;
        }
        let value: Value = serde_json::from_str(value).ok()?;
        let fits = match name {
            _ if TEXTS.contains(&name) => value.is_string(),
            "aud" => texts(&value).is_some_and(|texts| !texts.is_empty()),
            _ if LISTS.contains(&name) => texts(&value).is_some(),
            _ if DATES.contains(&name) => date(&value).is_some(),
            "token_version" => value.is_u64(),
            "roles" => texts(&value).is_some(),
            _ => value.as_object().is_some_and(|cnf| {
                ["jkt", "x5t#S256"].iter().all(|name| cnf.get(*name).is_none_or(Value::is_string))
            }),
        };
        if !fits || registered.insert(name, value).is_some() {
            return None;
        }
    }
    Some(registered)
}

pub(crate) fn in_time(claims: &HashMap<&str, Value>) -> bool {
    let (now, leeway) = (u128::from(NOW) * NANOS, u128::from(LEEWAY) * NANOS);
    let at = |name: &str| claims.get(name).and_then(date);
    at("exp").is_none_or(|exp| now < exp + leeway)
        && at("nbf").is_none_or(|nbf| nbf <= now + leeway)
        && at("iat").is_none_or(|iat| iat <= now + leeway)
}

/// All rules of a usual verifier over claims that are read as [`Value`].
pub(crate) fn model(members: &[Member]) -> bool {
    let readable = members.iter().all(|m| serde_json::from_str::<Value>(&m.value).is_ok());
    let Some(claims) = well_typed(members) else {
        return false;
    };
    let for_us =
        claims.get("aud").and_then(texts).is_some_and(|aud| aud.contains(&TestIssuer::AUDIENCE));
    readable
        && for_us
        && claims.get("iss").is_some_and(|iss| iss == TestIssuer::ISSUER)
        && claims.contains_key("exp")
        && !claims.contains_key("cnf")
        && in_time(&claims)
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn rfc7519_claims_are_accepted_exactly_if_the_rules_are_met(members in members()) {
        let payload = payload(&members);
        let token = ISSUER.token().sign_payload(payload.as_bytes());
        prop_assert_eq!(verify(&STRICT, &token).is_ok(), model(&members), "{}", payload);
    }

    #[test]
    fn rfc7519_any_json_is_read_without_a_panic(payload in prop_oneof![
        value(),
        any::<String>(),
        value().prop_map(|value| format!("{{\"roles\":{value}}}")),
    ]) {
        let token = ISSUER.token().sign_payload(payload.as_bytes());
        prop_assert!(verify(&STRICT, &token).is_err());
    }
}

#[test]
pub(crate) fn the_claims_tried_are_neither_all_good_nor_all_bad() {
    let mut runner = TestRunner::deterministic();
    let accepted =
        (0..1000).filter(|_| model(&members().new_tree(&mut runner).unwrap().current())).count();
    assert!((100..900).contains(&accepted), "{accepted} of 1000 are accepted");
}
