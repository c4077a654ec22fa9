//! JSON objects with good and odd members, as text.

use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tower_bearer::testing::TestIssuer;

use super::stack::NOW;

pub(crate) const TEXTS: [&str; 7] = ["iss", "sub", "jti", "sid", "client_id", "azp", "acr"];
pub(crate) const LISTS: [&str; 3] = ["aud", "scope", "scp"];
pub(crate) const DATES: [&str; 4] = ["exp", "nbf", "iat", "auth_time"];
pub(crate) const OTHERS: [&str; 9] =
    ["name", "email", "x", "kind", "nested", "n", "", "type", "realm_access"];

/// A member of the payload: its name, how that is written, and its value as JSON text.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) style: u8,
    pub(crate) value: String,
}

pub(crate) fn member(name: &str, style: u8, value: impl Into<String>) -> Member {
    Member { name: name.to_owned(), style, value: value.into() }
}

/// A JSON string, with more or fewer escapes.
pub(crate) fn write(text: &str, style: u8) -> String {
    let escape = |text: &str| -> String {
        text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
    };
    match style {
        0 => format!("\"{}\"", escape(text)),
        1 => {
            let split = text.chars().next().map_or(0, char::len_utf8);
            let rest = serde_json::to_string(&text[split..]).unwrap();
            format!("\"{}{}", escape(&text[..split]), &rest[1..])
        }
        _ => serde_json::to_string(text).unwrap(),
    }
}

pub(crate) fn payload(members: &[Member]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|Member { name, style, value }| format!("{}: {value}", write(name, *style)))
        .collect();
    format!(" {{{}}}\n", members.join(","))
}

pub(crate) fn string() -> impl Strategy<Value = String> {
    let words = ["", "a", "human", "robot", "user", "a b", " ", "\u{0}", "😀", "é", "1"];
    let text = prop_oneof![select(words.to_vec()).prop_map(str::to_owned), any::<String>()];
    (text, 0..4_u8).prop_map(|(text, style)| write(&text, style))
}

pub(crate) fn number() -> impl Strategy<Value = String> {
    let odd = [
        "0",
        "-0",
        "-0.0",
        "1",
        "-1",
        "7",
        "255",
        "256",
        "1.0",
        "1.5",
        "1e3",
        "1E-3",
        "1e18",
        "1e19",
        "1e20",
        "-1e20",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "1e-400",
        "0.1",
        "1e308",
        "1700000000.5",
    ];
    prop_oneof![
        select(odd.to_vec()).prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        (NOW - 200..NOW + 200, 0..4_u8)
            .prop_map(|(secs, quarters)| format!("{secs}.{:02}", u32::from(quarters) * 25)),
        (NOW - 62..NOW + 62).prop_map(|secs| secs.to_string()),
    ]
}

pub(crate) fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        string(),
        number(),
        select(vec!["null", "true", "false", "[]", "{}"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(" , "))),
            vec(string(), 0..4).prop_map(|values| format!("[{}]", values.join(","))),
            vec((string(), inner), 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("{name}:{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// Values that only stand for themselves: some readers stumble over them, others skip them.
pub(crate) fn top_value() -> impl Strategy<Value = String> {
    let odd = ["1e400", "-1e400", "\"\\ud800\""];
    prop_oneof![20 => value(), 1 => select(odd.to_vec()).prop_map(str::to_owned)]
}

pub(crate) fn name() -> impl Strategy<Value = &'static str> {
    let mut names = [TEXTS.as_slice(), &LISTS, &DATES, &OTHERS].concat();
    names.extend(["roles", "token_version", "cnf"]);
    select(names)
}

pub(crate) fn fitting(name: &'static str) -> BoxedStrategy<String> {
    let aud = write(TestIssuer::AUDIENCE, 9);
    match name {
        "iss" => (0..4_u8).prop_map(|style| write(TestIssuer::ISSUER, style)).boxed(),
        "aud" => select(vec![format!("[\"x\",{aud}]"), format!("[{aud},{aud}]"), aud]).boxed(),
        "exp" => (NOW - 62..NOW + 9).prop_map(|secs| secs.to_string()).boxed(),
        "nbf" | "iat" => (NOW - 9..NOW + 62).prop_map(|secs| secs.to_string()).boxed(),
        "auth_time" => number().boxed(),
        "token_version" | "n" => (0..300_u32).prop_map(|number| number.to_string()).boxed(),
        "cnf" => {
            let methods =
                ["{}", r#"{"jkt":"a"}"#, r#"{"x5t#S256":"a","jkt":"\u0061"}"#, r#"{"kid":1}"#];
            select(methods.to_vec()).prop_map(str::to_owned).boxed()
        }
        "scp" | "roles" => prop_oneof![
            string(),
            vec(string(), 0..4).prop_map(|values| format!("[{}]", values.join(",")))
        ]
        .boxed(),
        _ => string().boxed(),
    }
}

/// Claims that are good but for a few members.
pub(crate) fn members() -> impl Strategy<Value = Vec<Member>> {
    let good = vec![
        member("iss", 9, write(TestIssuer::ISSUER, 9)),
        member("aud", 9, write(TestIssuer::AUDIENCE, 9)),
        member("exp", 9, (NOW + 300).to_string()),
    ];
    let change = name().prop_flat_map(|name| {
        let value = prop_oneof![3 => fitting(name), 1 => top_value().boxed()];
        (Just(name), 0..6_u8, value, 0..8_u8)
    });
    (vec(change, 0..6), 0..20_u8).prop_map(move |(changes, drop_one)| {
        let mut members = good.clone();
        if usize::from(drop_one) < members.len() {
            members.remove(drop_one.into());
        }
        for (name, style, value, how) in changes {
            // mostly one member of each name
            if how != 0 {
                members.retain(|member| member.name != name);
            }
            let at = usize::from(style) % (members.len() + 1);
            members.insert(at, member(name, style, value));
        }
        members
    })
}
