//! What payloads are read as, and which are not read at all.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::decode::decode;
use super::{ClaimNames, RegisteredClaims, StandardClaims};
use crate::clock::UnixTime;

fn read<C: serde::de::DeserializeOwned>(json: &str) -> Result<(RegisteredClaims, C), String> {
    decode(json.to_owned(), &ClaimNames::default()).map_err(|error| error.to_string())
}

fn registered(json: &str) -> RegisteredClaims {
    read::<StandardClaims>(json).unwrap().0
}

fn problem(json: &str) -> String {
    read::<StandardClaims>(json).unwrap_err()
}

#[test]
fn rfc7519_registered_claims_are_read_whatever_the_type_is() {
    #[derive(Deserialize)]
    struct Nothing {}
    let json = r#"{"iss":"i","sub":"s","aud":"a","exp":10.5,"nbf":2,"iat":1,"jti":"j","sid":"d",
        "azp":"z","scope":"a b","scp":["c"],"roles":["r","q"],"auth_time":3,"acr":"2",
        "token_version":7}"#;
    let (claims, Nothing {}) = read(json).unwrap();
    assert_eq!(claims.issuer(), Some("i"));
    assert_eq!(claims.subject(), Some("s"));
    assert_eq!(claims.audience().collect::<Vec<_>>(), ["a"]);
    assert_eq!(claims.expires_at(), UnixTime::from_secs_f64(10.5));
    assert_eq!(claims.not_before(), Some(UnixTime::from_secs(2)));
    assert_eq!(claims.issued_at(), Some(UnixTime::from_secs(1)));
    assert_eq!(claims.token_id(), Some("j"));
    assert_eq!(claims.session_id(), Some("d"));
    assert_eq!(claims.client_id(), Some("z"));
    assert_eq!(claims.scopes().iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(claims.roles().iter().collect::<Vec<_>>(), ["r", "q"]);
    assert_eq!(claims.auth_time(), Some(UnixTime::from_secs(3)));
    assert_eq!(claims.acr(), Some("2"));
    assert_eq!(claims.token_version(), Some(7));
    assert_eq!(claims.payload(), json);
}

#[test]
fn the_application_sees_registered_claims_as_it_would_alone() {
    #[derive(Debug, Deserialize, PartialEq)]
    enum Kind {
        #[serde(rename = "human")]
        Human,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Wrapped(String);
    #[derive(Debug, Deserialize, PartialEq)]
    struct Own {
        sub: Wrapped,
        iss: Option<String>,
        exp: Option<u64>,
        iat: f64,
        aud: Vec<String>,
        acr: Kind,
        roles: Vec<String>,
        missing: Option<String>,
        #[serde(flatten)]
        rest: HashMap<String, Json>,
    }
    let json = r#"{"sub":"s\u0041","iss":"i","exp":5,"iat":1.5,"aud":["a","b"],"acr":"human",
        "roles":["r"],"scope":"x","deep":{"er":[1]}}"#;
    let ours = read::<Own>(json).unwrap().1;
    let alone: Own = serde_json::from_str(json).unwrap();
    assert_eq!(ours, alone);
    assert_eq!(ours.sub, Wrapped("sA".into()));
    assert_eq!(read::<Json>(json).unwrap().1, serde_json::from_str::<Json>(json).unwrap());
    let (claims, _) = read::<StandardClaims>(json).unwrap();
    assert_eq!(claims.subject(), Some("sA"));
}

#[test]
fn rfc7519_a_claim_of_the_wrong_type_is_rejected_and_never_read_as_absent() {
    for name in ["iss", "sub", "jti", "sid", "client_id", "azp", "acr"] {
        for odd in ["1", "null", "true", "[]", r#"["x"]"#, "{}"] {
            let error = problem(&format!(r#"{{"{name}":{odd}}}"#));
            assert_eq!(error, format!("claim `{name}` is not a string"), "{odd}");
        }
    }
    for name in ["exp", "nbf", "iat", "auth_time"] {
        let odds = ["\"1\"", "null", "true", "[]", "{}", "-1", "-0.5", "1e400", "-1e400", "1e30"];
        for odd in odds {
            let error = problem(&format!(r#"{{"{name}":{odd}}}"#));
            assert!(error.starts_with(&format!("claim `{name}`")), "{name} {odd}: {error}");
        }
    }
    for odd in ["1", "null", "[]", "[1]", r#"["a",null]"#, "{}", r#"[["a"]]"#] {
        assert!(problem(&format!(r#"{{"aud":{odd}}}"#)).starts_with("claim `aud`"), "{odd}");
    }
    for odd in ["1", "null", "[1]", "{}"] {
        assert!(problem(&format!(r#"{{"scope":{odd}}}"#)).starts_with("claim `scope`"), "{odd}");
    }
}

#[test]
fn rfc7519_the_extremes_of_time_are_told() {
    let at = |json: &str| registered(&format!(r#"{{"exp":{json}}}"#)).expires_at().unwrap();
    assert_eq!(at("0"), UnixTime::EPOCH);
    assert_eq!(at("18446744073709551615"), UnixTime::from_secs(u64::MAX));
    assert_eq!(at("1e3"), UnixTime::from_secs(1000));
    assert!(problem(r#"{"exp":18446744073709551616}"#).contains("exp"));
}

#[test]
fn rfc7519_registered_claims_that_stand_there_twice_are_rejected() {
    let names = ["iss", "sub", "aud", "exp", "jti", "sid", "scope", "scp", "roles", "acr"];
    for name in names {
        let value = if name == "exp" { "1" } else { r#""x""# };
        let escaped = format!(r"\u{:04x}{}", name.as_bytes()[0], &name[1..]);
        for second in [name, &escaped] {
            let json = format!(r#"{{"{name}":{value},"x":1,"{second}":{value}}}"#);
            assert_eq!(problem(&json), format!("claim `{name}` appears twice"), "{json}");
        }
    }
}

#[test]
fn rfc7519_a_payload_is_one_json_object() {
    for odd in ["", "1", "null", "[]", r#""x""#, "{", r#"{"a":1"#, "{}{}", "{} x", "nul", "{1:2}"] {
        assert!(read::<StandardClaims>(odd).is_err(), "{odd}");
        assert!(read::<Json>(odd).is_err(), "{odd}");
    }
    assert_eq!(problem("[]"), "the payload is not a JSON object");
}

#[test]
fn a_claim_that_does_not_fit_is_named_and_its_value_is_not_shown() {
    #[derive(Debug, Deserialize)]
    struct Own {
        #[allow(dead_code)]
        tenant: u32,
    }
    let error = read::<Own>(r#"{"tenant":"s3cret"}"#).unwrap_err();
    assert_eq!(error, "claim `tenant` does not fit the application's claims type");
    let error = read::<Own>(r#"{"other":1}"#).unwrap_err();
    assert_eq!(error, "claim `tenant` is missing and the application's claims type needs it");
    let error = read::<Own>(r#"{"tenant":1,"tenant":2}"#).unwrap_err();
    assert_eq!(error, "claim `tenant` appears twice");
}

#[test]
fn deep_nesting_is_refused_without_a_stack_overflow() {
    let deep = format!(r#"{{"x":{}1{}}}"#, "[".repeat(7000), "]".repeat(7000));
    assert!(read::<StandardClaims>(&deep).is_err());
    let deep = format!(r#"{{"roles":{}1{}}}"#, "[".repeat(7000), "]".repeat(7000));
    let _ = read::<StandardClaims>(&deep);
}

#[test]
fn roles_are_found_where_the_verifier_was_told_to_look() {
    let names = ClaimNames {
        roles: vec![
            ["realm_access", "roles"].into(),
            ["realm_access", "extra"].into(),
            "https://example.com/roles".into(),
        ],
        ..ClaimNames::default()
    };
    let json = r#"{"realm_access":{"roles":["a",1,null,{"x":"no"},["no"],"b"],"extra":"c d","n":0},
        "roles":["not looked at"],"https://example.com/roles":["e\u0041"]}"#;
    let (claims, custom) = decode::<Json>(json.to_owned(), &names).unwrap();
    assert_eq!(claims.roles().iter().collect::<Vec<_>>(), ["a", "b", "c d", "eA"]);
    assert_eq!(custom, serde_json::from_str::<Json>(json).unwrap());
    assert!(claims.roles().contains("c d") && !claims.roles().contains("c"));
}

#[test]
fn roles_of_another_shape_are_no_roles() {
    for odd in ["1", "null", "true", "-1", "1.5", r#"{"roles":["a"]}"#, r#"[["a"]]"#, "[]"] {
        assert!(registered(&format!(r#"{{"roles":{odd}}}"#)).roles().is_empty(), "{odd}");
    }
}

#[test]
fn scopes_are_compared_whole_and_the_empty_one_is_nobodys() {
    let claims = registered(r#"{"scope":" a  orders:read ","scp":"c d"}"#);
    for held in ["a", "orders:read", "c", "d"] {
        assert!(claims.scopes().contains(held), "{held}");
    }
    for not_held in ["", " ", "orders", "A", "a orders:read", "read"] {
        assert!(!claims.scopes().contains(not_held), "{not_held}");
    }
    assert!(registered(r#"{"scope":""}"#).scopes().is_empty());
}

#[test]
fn debug_names_claims_and_shows_none() {
    let claims = registered(r#"{"sub":"s3cret","iss":"s3cret","exp":424242}"#);
    assert_eq!(format!("{claims:?}"), r#"RegisteredClaims {"iss", "sub", "exp"}"#);
}

#[test]
fn an_object_is_no_number_whatever_serde_json_makes_of_it() {
    for json in [
        r#"{"nbf":{"$serde_json::private::Number":"1"}}"#,
        r#"{"exp":{"$serde_json::private::Number":"9999999999"}}"#,
    ] {
        assert!(problem(json).contains("is not a number in range"), "{json}");
    }
}
