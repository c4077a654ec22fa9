//! Random headers against a model of the rules for them.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use tower_bearer::testing::TestIssuer;

use super::json::{Member, member, payload, top_value, value, write};
use super::stack::{ISSUER, NOW, STRICT, cases, verify};

fn header_members() -> impl Strategy<Value = Vec<Member>> {
    let names = ["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c", "cty", "", "x"];
    let fitting = |name: &'static str| match name {
        "alg" => {
            select(vec!["HS256", "HS384", "none", "EdDSA", "hs256"]).prop_map(write_plain).boxed()
        }
        "kid" => select(vec!["test", "Test", "", "../test"]).prop_map(write_plain).boxed(),
        "typ" => select(vec![
            "JWT",
            "jwt",
            "at+jwt",
            "application/AT+JWT",
            "application/jwt",
            "dpop+jwt",
            "",
            "JWS",
            "application/application/jwt",
            "application/",
            "text/jwt",
            "jwt ",
        ])
        .prop_map(write_plain)
        .boxed(),
        _ => value().boxed(),
    };
    let change = select(names.to_vec()).prop_flat_map(move |name| {
        let value = prop_oneof![4 => fitting(name), 1 => top_value().boxed()];
        (Just(name), 0..6_u8, value, 0..8_u8)
    });
    vec(change, 0..5).prop_map(|changes| {
        let mut members = vec![member("alg", 9, "\"HS256\"")];
        for (name, style, value, how) in changes {
            if how != 0 {
                members.retain(|member| member.name != name);
            }
            members.insert(usize::from(style) % (members.len() + 1), member(name, style, value));
        }
        members
    })
}

fn write_plain(text: &str) -> String {
    write(text, 9)
}

fn header_model(members: &[Member]) -> bool {
    let mut names = HashSet::new();
    let once = members.iter().all(|member| names.insert(&member.name));
    let member = |name: &str| members.iter().find(|member| member.name == name);
    let text = |name: &str| -> Option<Option<String>> {
        member(name).map(|member| serde_json::from_str::<String>(&member.value).ok())
    };
    let typ_fits = |typ: String| {
        let typ = typ.to_ascii_lowercase();
        ["jwt", "at+jwt", "application/jwt", "application/at+jwt"].contains(&&*typ)
    };
    once && member("crit").is_none()
        && member("b64").is_none()
        && text("alg").flatten().as_deref() == Some("HS256")
        && text("kid").is_none_or(|kid| kid.as_deref() == Some("test"))
        && text("typ").is_none_or(|typ| typ.is_some_and(typ_fits))
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn rfc7515_headers_are_accepted_exactly_if_the_rules_are_met(members in header_members()) {
        let header = payload(&members);
        let claims = json!({
            "iss": TestIssuer::ISSUER, "aud": TestIssuer::AUDIENCE, "exp": NOW + 9,
        });
        let token = ISSUER.token().sign_raw(header.as_bytes(), claims.to_string().as_bytes());
        prop_assert_eq!(verify(&STRICT, &token).is_ok(), header_model(&members), "{}", header);
    }

    #[test]
    fn rfc7515_any_header_is_read_without_a_panic(header in prop_oneof![
        value(),
        any::<String>(),
        value().prop_map(|value| format!("{{\"alg\":{value}}}")),
        value().prop_map(|value| format!("{{\"alg\":\"HS256\",\"crit\":{value}}}")),
    ]) {
        let token = ISSUER.token().sign_raw(header.as_bytes(), b"{}");
        prop_assert!(verify(&STRICT, &token).is_err());
    }
}
