//! Claims that are absent, of another type, or there twice.

use serde_json::{Value, json};
use tower_bearer::clock::UnixTime;
use tower_bearer::revocation::{Identifiers, MemoryStore, Revocation};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{AuthLayer, RejectionKind};

use crate::stack::*;

const HEADER: &str = r#"{"alg":"HS256"}"#;

/// The good payload with one claim written in this way.
fn with_raw(issuer: &TestIssuer, claim: &str, raw: &str) -> String {
    let mut claims: serde_json::Map<String, Value> =
        serde_json::from_str(&payload(issuer)).unwrap();
    claims.remove(claim);
    let rest = Value::Object(claims).to_string();
    signed(HEADER, &format!(r#"{{"{claim}":{raw},{}"#, &rest[1..]))
}

#[test]
fn rfc7519_s4_times_that_are_no_numbers_in_range() {
    let issuer = issuer();
    let stack = stack(&issuer);
    for claim in ["exp", "nbf", "iat", "auth_time"] {
        let good = if claim == "exp" { NOW + 100 } else { NOW - 100 };
        pass(&stack, &with_raw(&issuer, claim, &good.to_string()));
        pass(&stack, &with_raw(&issuer, claim, &format!("{good}.25")));
        pass(&stack, &with_raw(&issuer, claim, &format!("{}e1", good / 10)));
        for odd in [
            &format!("\"{good}\""),
            "\"\"",
            "\"soon\"",
            "\"2099-01-01T00:00:00Z\"",
            "null",
            "true",
            "false",
            "[]",
            &format!("[{good}]"),
            "{}",
            "-1",
            "-1.5",
            &format!("-{good}"),
            "-9223372036854775808",
            "-9223372036854775809",
            "-1e400",
            "1e400",
            "1e308",
            "18446744073709551616",
            "99999999999999999999999999999999999999",
        ] {
            refuse(&stack, &with_raw(&issuer, claim, odd), RejectionKind::InvalidClaims);
        }
        // No JSON at all.
        for odd in ["NaN", "Infinity", "0x10", "01", "+1", ".5", "1.", "1_000", "1e", ""] {
            refuse(&stack, &with_raw(&issuer, claim, odd), RejectionKind::InvalidClaims);
        }
    }
}

#[test]
fn rfc7519_s4_1_4_exp_absent() {
    let issuer = issuer();
    let stack = stack(&issuer);
    pass(&stack, &issuer.token().sign());
    refuse(&stack, &issuer.token().without("exp").sign(), RejectionKind::InvalidClaims);
    let token = issuer.token().without("exp").header("exp", NOW + 100).sign();
    refuse(&stack, &token, RejectionKind::InvalidClaims);
    let token = issuer.token().without("exp").claim("Exp", NOW + 100).sign();
    refuse(&stack, &token, RejectionKind::InvalidClaims);
    let token = issuer.token().without("exp").claim("nested", json!({"exp": NOW + 100})).sign();
    refuse(&stack, &token, RejectionKind::InvalidClaims);
}

#[test]
fn rfc7519_s4_1_3_aud_omitted_or_wrong() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let us = TestIssuer::AUDIENCE;
    let aud = |value: Value| issuer.token().claim("aud", value).sign();
    pass(&stack, &aud(json!(us)));
    pass(&stack, &aud(json!([us])));
    pass(&stack, &aud(json!(["other", us])));
    refuse(&stack, &issuer.token().without("aud").sign(), RejectionKind::WrongAudience);
    for other in [
        json!(""),
        json!("other"),
        json!(["other"]),
        json!(["other", ""]),
        json!(us.to_uppercase()),
        json!(format!("{us} ")),
        json!(format!(" {us}")),
        json!(format!("{us}/")),
        json!(format!("{us}\0")),
        json!(format!("other {us}")),
        json!(format!("other,{us}")),
        json!(us[..us.len() - 1]),
        json!("*"),
        json!(".*"),
    ] {
        refuse(&stack, &aud(other), RejectionKind::WrongAudience);
    }
    for odd in [
        json!(null),
        json!(5),
        json!(true),
        json!([]),
        json!({}),
        json!({us: true}),
        json!([5]),
        json!([null]),
        json!([us, 5]),
        json!([5, us]),
        json!([us, null]),
        json!([[us]]),
        json!([{"aud": us}]),
    ] {
        refuse(&stack, &aud(odd), RejectionKind::InvalidClaims);
    }
}

#[test]
fn rfc7519_s4_1_1_iss_omitted_or_wrong() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let us = TestIssuer::ISSUER;
    let iss = |value: Value| issuer.token().claim("iss", value).sign();
    pass(&stack, &iss(json!(us)));
    refuse(&stack, &issuer.token().without("iss").sign(), RejectionKind::WrongIssuer);
    for other in [
        "",
        "https://other.test",
        "https://issuer.test/",
        "https://issuer.test:443",
        "http://issuer.test",
        "https://ISSUER.test",
        "HTTPS://issuer.test",
        "issuer.test",
        " https://issuer.test",
        "https://issuer.test ",
        "https://issuer.test\0",
        "https://issuer.test#",
        "https://issuer.test@other.test",
        "https://issuer.tes",
    ] {
        refuse(&stack, &iss(json!(other)), RejectionKind::WrongIssuer);
    }
    for odd in [
        json!(null),
        json!(5),
        json!(true),
        json!([]),
        json!([us]),
        json!([us, "https://other.test"]),
        json!({}),
        json!({us: 1}),
    ] {
        refuse(&stack, &iss(odd), RejectionKind::InvalidClaims);
    }
}

#[test]
fn other_registered_claims_of_another_type() {
    let issuer = issuer();
    let stack = stack(&issuer);
    for claim in ["sub", "jti", "sid", "client_id", "azp", "acr"] {
        pass(&stack, &issuer.token().claim(claim, "x").sign());
        for odd in [json!(null), json!(5), json!(true), json!([]), json!(["x"]), json!({"x": 1})] {
            let token = issuer.token().claim(claim, odd).sign();
            refuse(&stack, &token, RejectionKind::InvalidClaims);
        }
    }
    for claim in ["scope", "scp", "roles"] {
        pass(&stack, &issuer.token().claim(claim, "a b").sign());
        pass(&stack, &issuer.token().claim(claim, json!(["a b", "c"])).sign());
        pass(&stack, &issuer.token().claim(claim, json!([])).sign());
        for odd in
            [json!(null), json!(5), json!(true), json!({"a": true}), json!([5]), json!([["a"]])]
        {
            let token = issuer.token().claim(claim, odd).sign();
            refuse(&stack, &token, RejectionKind::InvalidClaims);
        }
    }
    pass(&stack, &issuer.token().claim("token_version", 5).sign());
    for odd in [json!(null), json!("5"), json!(-1), json!(1.5), json!([5])] {
        let token = issuer.token().claim("token_version", odd).sign();
        refuse(&stack, &token, RejectionKind::InvalidClaims);
    }
}

#[test]
fn rfc7519_s4_registered_claims_twice() {
    let issuer = issuer();
    let good: Value = json!({
        "iss": TestIssuer::ISSUER, "sub": "alice", "aud": TestIssuer::AUDIENCE,
        "exp": NOW + 100, "nbf": NOW - 100, "iat": NOW - 100, "jti": "1", "sid": "2",
        "client_id": "app", "azp": "app", "scope": "a b", "scp": ["a"], "roles": ["r"],
        "auth_time": NOW - 100, "acr": "1", "token_version": 1, "cnf": {"jkt": "k"},
    });
    let once = good.to_string();
    let builder = issuer.verifier().dangerous().accept_bound_tokens_without_proof();
    let stack: Stack = AuthLayer::new(builder.build().unwrap());
    pass(&stack, &signed(HEADER, &once));
    for (claim, value) in good.as_object().unwrap() {
        let escaped = format!("\\u{:04x}{}", u32::from(claim.as_bytes()[0]), &claim[1..]);
        for name in [claim, &escaped] {
            for value in [value, &Value::Null] {
                let before = format!(r#"{{"{name}":{value},{}"#, &once[1..]);
                let after = format!(r#"{},"{name}":{value}}}"#, &once[..once.len() - 1]);
                refuse(&stack, &signed(HEADER, &before), RejectionKind::InvalidClaims);
                refuse(&stack, &signed(HEADER, &after), RejectionKind::InvalidClaims);
            }
        }
    }
}

#[test]
fn rfc7519_s7_2_payload_is_no_json_object() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let good = payload(&issuer);
    pass(&stack, &signed(HEADER, &good));
    pass(&stack, &signed(HEADER, &format!(" \r\n{good}\t")));
    for odd in [
        "".to_owned(),
        " ".to_owned(),
        "null".to_owned(),
        "5".to_owned(),
        "true".to_owned(),
        r#""text""#.to_owned(),
        "[]".to_owned(),
        format!("[{good}]"),
        format!("{good}{good}"),
        format!("{good}x"),
        format!("{good}\0"),
        format!("{good} null"),
        format!("\u{feff}{good}"),
        good[..good.len() - 1].to_owned(),
        good[1..].to_owned(),
        good.replace('"', "'"),
        format!(r#"{{"x":"\ud800",{}"#, &good[1..]),
        format!("{{,{}", &good[1..]),
        format!("{},}}", &good[..good.len() - 1]),
        "{}x".to_owned(),
    ] {
        refuse(&stack, &signed(HEADER, &odd), RejectionKind::InvalidClaims);
    }
    let token = issuer.token().sign_payload(b"{\"iss\":\"\xff\"}");
    refuse(&stack, &token, RejectionKind::MalformedToken);
    refuse(&stack, &signed(HEADER, "{}"), RejectionKind::WrongIssuer);
}

#[test]
fn deeply_nested_json() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let roomy = roomy(stack.clone());
    let good = payload(&issuer);
    pass(&roomy, &signed(HEADER, &good));
    for depth in [200, 20_000] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let middle = if open == "[" { "" } else { "1" };
            let nested = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
            let unclosed = open.repeat(depth);
            for value in [&nested, &unclosed] {
                for claim in ["x", "aud", "exp", "roles", "scope", "email"] {
                    let payload = format!(r#"{{"{claim}":{value},{}"#, &good[1..]);
                    refuse(&roomy, &signed(HEADER, &payload), RejectionKind::InvalidClaims);
                }
                refuse(&roomy, &signed(HEADER, value), RejectionKind::InvalidClaims);
            }
            for member in ["alg", "kid", "typ", "crit"] {
                let header = format!(r#"{{"alg":"HS256","{member}":{nested}}}"#);
                refuse(&roomy, &signed(&header, &good), RejectionKind::MalformedToken);
            }
            let header = format!(r#"{{"alg":"HS256","x":{unclosed}}}"#);
            refuse(&roomy, &signed(&header, &good), RejectionKind::MalformedToken);
            let header = format!(r#"{{"alg":"HS256","x":{nested}}}"#);
            refuse(&roomy, &signed(&header, &good), RejectionKind::MalformedToken);
            refuse(&stack, &signed(HEADER, &nested.repeat(200)), RejectionKind::InvalidRequest);
        }
    }
}

#[test]
fn revoked_tokens() {
    let issuer = issuer();
    let store = MemoryStore::builder()
        .clock(clock())
        .require(Identifiers::TOKEN_ID | Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH)
        .build();
    let stack = stack(&issuer).revocation(store.clone());
    let good = issuer.token().token_id("1").session_id("s").subject("alice");
    pass(&stack, &good.sign());
    for claim in ["jti", "sid", "sub", "iat"] {
        refuse(&stack, &good.clone().without(claim).sign(), RejectionKind::MissingIdentifier);
    }
    let later = UnixTime::from_secs(NOW + 10_000);
    store.revoke_now(&Revocation::token("1", later)).unwrap();
    refuse(&stack, &good.sign(), RejectionKind::Revoked);
    pass(&stack, &good.clone().token_id("2").sign());
    store.revoke_now(&Revocation::session("s", later)).unwrap();
    refuse(&stack, &good.clone().token_id("2").sign(), RejectionKind::Revoked);
    let other = good.clone().token_id("2").session_id("t");
    pass(&stack, &other.sign());
    store.revoke_now(&Revocation::subject("alice", UnixTime::from_secs(NOW + 1), later)).unwrap();
    refuse(&stack, &other.sign(), RejectionKind::Revoked);
    pass(&stack, &other.clone().subject("bob").sign());
    // A forged token learns nothing of what is revoked.
    let (input, _) =
        good.sign().rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    refuse(&stack, &format!("{input}.{}", encode([7; 32])), RejectionKind::InvalidSignature);
}

/// A claim that does not fit the application's type is told to the operator by name.
#[test]
fn claims_that_do_not_fit_the_applications_type() {
    use std::error::Error;
    let issuer = issuer();
    let stack: Stack = AuthLayer::new(issuer.verifier().build().unwrap());
    pass(&stack, &issuer.token().claim("email_verified", true).sign());
    let token = issuer.token().claim("email_verified", "s3cret-value").sign();
    let rejection = refuse(&stack, &token, RejectionKind::InvalidClaims);
    let source = rejection.source().unwrap().to_string();
    assert!(!source.contains("s3cret"), "{source}");
}
