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
        "roles":["r"],"scope":"x","deep":{"er":[1]},"cnf":{"jkt":"\u006b","n":7}}"#;
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
fn nesting_is_bounded_by_us() {
    for name in ["x", "roles", "aud", "cnf"] {
        for depth in [64, 127, 7000] {
            let deep = format!(r#"{{"{name}":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
            assert_eq!(problem(&deep), "the payload is nested too deeply", "{name} {depth}");
        }
    }
    let deep = format!(r#"{{"x":{}1{}}}"#, "[".repeat(63), "]".repeat(63));
    assert!(read::<StandardClaims>(&deep).is_ok());
    let reserved = r#"{"x":[{"\u0024serde_json::private::RawValue":"1"}]}"#;
    assert_eq!(problem(reserved), "the payload has a member whose name is reserved");
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
    let json = r#"{"realm_access":{"roles":["a","b"],"extra":"c d","n":0,"deep":{"roles":[7]}},
        "roles":["not looked at"],"https://example.com/roles":["e\u0041"]}"#;
    let (claims, custom) = decode::<Json>(json.to_owned(), &names).unwrap();
    assert_eq!(claims.roles().iter().collect::<Vec<_>>(), ["a", "b", "c d", "eA"]);
    assert_eq!(custom, serde_json::from_str::<Json>(json).unwrap());
    assert!(claims.roles().contains("c d") && !claims.roles().contains("c"));
}

#[test]
fn roles_and_scopes_of_another_shape_are_refused_and_never_read_as_none() {
    let odds = [
        "1",
        "null",
        "true",
        "-1",
        "1.5",
        r#"{"roles":["a"]}"#,
        r#"[["a"]]"#,
        r#"["a",1]"#,
        r#"["a",null]"#,
        r#"[{"a":"b"}]"#,
        r#"[1,"a"]"#,
        "{}",
    ];
    for name in ["roles", "scope", "scp"] {
        for odd in odds {
            let error = problem(&format!(r#"{{"{name}":{odd}}}"#));
            assert_eq!(error, format!("claim `{name}` is neither a string nor strings"), "{odd}");
        }
        assert!(registered(&format!(r#"{{"{name}":[]}}"#)).roles().is_empty());
        assert!(registered(&format!(r#"{{"{name}":[]}}"#)).scopes().is_empty());
    }
    let many: Vec<_> = (0..50).map(|n| format!("\"r{n}\"")).collect();
    let claims = registered(&format!(r#"{{"roles":[{}]}}"#, many.join(",")));
    assert_eq!(claims.roles().iter().count(), 50);
    assert!(claims.roles().contains("r0") && claims.roles().contains("r49"));
}

#[test]
fn a_lone_string_is_one_role_unless_the_profile_asks_for_an_array() {
    let claims = registered(r#"{"roles":"clerk admin"}"#);
    assert_eq!(claims.roles().iter().collect::<Vec<_>>(), ["clerk admin"]);
    assert!(!claims.roles().contains("admin"));
    let names = ClaimNames { lone_role: false, ..ClaimNames::default() };
    let read = |json: &str| decode::<Json>(json.to_owned(), &names);
    let error = read(r#"{"roles":"admin"}"#).unwrap_err();
    assert_eq!(error.to_string(), "claim `roles` is not an array of strings");
    assert!(read(r#"{"roles":"\u0061dmin"}"#).is_err());
    let (claims, _) = read(r#"{"roles":["clerk admin"]}"#).unwrap();
    assert_eq!(claims.roles().iter().collect::<Vec<_>>(), ["clerk admin"]);
}

#[test]
fn the_way_to_roles_leads_through_objects_and_each_name_on_it_is_there_once() {
    let names = ClaimNames {
        roles: vec![["a", "b", "c"].into(), ["a", "x"].into()],
        ..ClaimNames::default()
    };
    let read = |json: &str| {
        let (claims, custom) =
            decode::<Json>(json.to_owned(), &names).map_err(|e| e.to_string())?;
        assert_eq!(custom, serde_json::from_str::<Json>(json).unwrap());
        Ok::<_, String>(claims.roles().iter().map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(
        read(r#"{"a":{"x":["1"],"b":{"c":["2","3"],"x":7},"y":{"b":4}}}"#).unwrap(),
        ["1", "2", "3"]
    );
    assert_eq!(read(r#"{"a":{}}"#).unwrap(), [""; 0]);
    assert_eq!(read(r#"{"a":{"b":{}},"b":{"c":7}}"#).unwrap(), [""; 0]);
    for (odd, error) in [
        (r#"{"a":7}"#, "claim `a` is not an object"),
        (r#"{"a":null}"#, "claim `a` is not an object"),
        (r#"{"a":["x"]}"#, "claim `a` is not an object"),
        (r#"{"a":"x"}"#, "claim `a` is not an object"),
        (r#"{"a":{"b":[]}}"#, "claim `b` is not an object"),
        (r#"{"a":{"b":null}}"#, "claim `b` is not an object"),
        (r#"{"a":{"x":{}}}"#, "claim `x` is neither a string nor strings"),
        (r#"{"a":{"b":{"c":[7]}}}"#, "claim `c` is neither a string nor strings"),
        (r#"{"a":{"x":[],"x":[]}}"#, "claim `x` appears twice"),
        (r#"{"a":{"x":[],"\u0078":[]}}"#, "claim `x` appears twice"),
        (r#"{"a":{"b":{"c":[]},"b":{}}}"#, "claim `b` appears twice"),
        (r#"{"a":{"b":{"c":[],"c":[]}}}"#, "claim `c` appears twice"),
        (r#"{"a":{},"a":{}}"#, "claim `a` appears twice"),
    ] {
        assert_eq!(read(odd).unwrap_err(), error, "{odd}");
    }
}

#[test]
fn names_within_the_way_to_roles_may_be_numbers_to_the_application() {
    let names = ClaimNames { roles: vec![["a", "7"].into()], ..ClaimNames::default() };
    type Numbered = HashMap<String, HashMap<u64, Vec<String>>>;
    let json = r#"{"a":{"7":["r"],"10":["s"]}}"#;
    let (claims, custom) = decode::<Numbered>(json.to_owned(), &names).unwrap();
    assert_eq!(custom, serde_json::from_str::<Numbered>(json).unwrap());
    assert_eq!(claims.roles().iter().collect::<Vec<_>>(), ["r"]);
    let signs: HashMap<String, HashMap<bool, i8>> =
        decode(r#"{"a":{"true":1,"false":-1}}"#.to_owned(), &names).unwrap().1;
    assert_eq!(signs["a"][&false], -1);
    for odd in [
        r#"{"a":{" 7":["r"]}}"#,
        r#"{"a":{"7 ":[]}}"#,
        r#"{"a":{"-7":[]}}"#,
        r#"{"a":{"\u0038":[]}}"#,
        r#"{"a":{"x":[]}}"#,
    ] {
        assert!(decode::<Numbered>(odd.to_owned(), &names).is_err(), "{odd}");
        assert!(serde_json::from_str::<Numbered>(odd).is_err(), "{odd}");
    }
}

#[test]
fn rfc7800_cnf_is_an_object_read_once() {
    let claims = registered(r#"{"cnf":{"jkt":"k","x5t#S256":"\u0063"}}"#);
    let bound = claims.confirmation().unwrap();
    assert_eq!((bound.jwk_thumbprint(), bound.certificate_thumbprint()), (Some("k"), Some("c")));
    assert_eq!((bound.methods(), bound.has_unknown_methods()), (2, false));
    assert_eq!(format!("{bound:?}"), r#"Confirmation {"jkt", "x5t#S256"}"#);
    let claims = registered(r#"{"cnf":{"kid":"a","jwk":{"kty":"EC"},"jkt":"k"}}"#);
    let bound = claims.confirmation().unwrap();
    assert_eq!((bound.methods(), bound.has_unknown_methods()), (3, true));
    let claims = registered(r#"{"cnf":{}}"#);
    assert_eq!(claims.confirmation().unwrap().methods(), 0);
    assert_eq!(format!("{claims:?}"), r#"RegisteredClaims {"cnf"}"#);
    assert_eq!(registered("{}").confirmation().map(|bound| bound.methods()), None);
    for (odd, error) in [
        (r#"{"cnf":null}"#, "claim `cnf` is not an object"),
        (r#"{"cnf":"k"}"#, "claim `cnf` is not an object"),
        (r#"{"cnf":[{"jkt":"k"}]}"#, "claim `cnf` is not an object"),
        (r#"{"cnf":7}"#, "claim `cnf` is not an object"),
        (r#"{"cnf":{"jkt":7}}"#, "claim `jkt` is not a string"),
        (r#"{"cnf":{"jkt":null}}"#, "claim `jkt` is not a string"),
        (r#"{"cnf":{"x5t#S256":["c"]}}"#, "claim `x5t#S256` is not a string"),
        (r#"{"cnf":{"jkt":"k","jkt":"k"}}"#, "claim `jkt` appears twice"),
        (r#"{"cnf":{"jkt":"k","j\u006bt":"k"}}"#, "claim `jkt` appears twice"),
        (r#"{"cnf":{"jkt":"k"},"cnf":1}"#, "claim `cnf` appears twice"),
        (r#"{"cnf":{},"\u0063nf":{}}"#, "claim `cnf` appears twice"),
    ] {
        assert_eq!(problem(odd), error, "{odd}");
        // whatever the application makes of it
        #[derive(Debug, Deserialize)]
        struct Nothing {}
        assert_eq!(read::<Nothing>(odd).unwrap_err(), error, "{odd}");
    }
}

/// Types that do not read what they are given, give up half-way, or go on after an error.
mod careless {
    use serde::de::{Deserializer, MapAccess, Visitor};

    use super::*;

    fn refused<C: serde::de::DeserializeOwned>(json: &str) -> String {
        let names =
            ClaimNames { roles: vec![["a", "b"].into(), "roles".into()], ..ClaimNames::default() };
        decode::<C>(json.to_owned(), &names).map(|_| ()).unwrap_err().to_string()
    }

    /// Never asks the parser.
    #[derive(Debug, Default)]
    struct Blind;
    impl<'de> Deserialize<'de> for Blind {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }

    #[test]
    fn a_type_that_never_looks_hides_nothing() {
        #[derive(Deserialize)]
        struct Own {
            #[serde(default)]
            #[allow(dead_code)]
            sub: Blind,
            #[serde(default)]
            #[allow(dead_code)]
            roles: Blind,
            #[serde(default)]
            #[allow(dead_code)]
            cnf: Blind,
            #[serde(default)]
            #[allow(dead_code)]
            a: Blind,
        }
        for name in ["sub", "roles", "cnf", "a"] {
            let error = refused::<Own>(&format!(r#"{{"{name}":"x"}}"#));
            assert_eq!(
                error,
                format!("claim `{name}` was not read by the application's claims type")
            );
        }
    }

    /// Reads the first member only, and swallows its own errors.
    #[derive(Debug, Default)]
    struct Half;
    impl<'de> Deserialize<'de> for Half {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct First;
            impl<'de> Visitor<'de> for First {
                type Value = ();
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                    map.next_entry::<String, u8>().map(|_| ())
                }
            }
            let _swallowed = deserializer.deserialize_map(First);
            Ok(Self)
        }
    }

    #[test]
    fn a_type_that_gives_up_half_way_does_not_move_the_rest() {
        #[derive(Deserialize)]
        struct Own {
            #[serde(default)]
            #[allow(dead_code)]
            a: Half,
            #[serde(default)]
            #[allow(dead_code)]
            cnf: Half,
            #[serde(default)]
            #[allow(dead_code)]
            other: Half,
        }
        for name in ["a", "cnf", "other"] {
            for inside in
                [r#""n":1,"sub":"admin""#, r#""n":"x","sub":"admin""#, r#""n":1,"b":["r"]"#]
            {
                let json = format!(r#"{{"{name}":{{{inside}}},"sub":"alice"}}"#);
                refused::<Own>(&json);
            }
        }
    }

    #[test]
    fn an_array_is_read_to_its_end_whatever_the_type_takes_of_it() {
        #[derive(Debug, Deserialize)]
        struct Own {
            #[allow(dead_code)]
            aud: (String,),
        }
        let error = refused::<Own>(r#"{"aud":["a","b"],"sub":"alice"}"#);
        assert_eq!(error, "claim `aud` does not fit the application's claims type");
        let error = refused::<Own>(r#"{"aud":["a",7],"sub":"alice"}"#);
        assert_eq!(error, "claim `aud` is neither a string nor strings");
    }

    /// An error of its own about a claim of the right type is the application's to swallow.
    #[test]
    fn what_is_right_stays_noted_though_the_application_gave_up_on_it() {
        fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
            Ok(u64::deserialize(deserializer).ok())
        }
        #[derive(Deserialize)]
        struct Own {
            #[serde(deserialize_with = "lenient")]
            sub: Option<u64>,
            #[serde(deserialize_with = "lenient")]
            roles: Option<u64>,
        }
        let (claims, own) = read::<Own>(r#"{"sub":"\u0061","roles":["r"],"jti":"j"}"#).unwrap();
        assert_eq!((own.sub, own.roles), (None, None));
        assert_eq!((claims.subject(), claims.token_id()), (Some("a"), Some("j")));
        assert!(claims.roles().contains("r"));
        // one of the wrong type is not
        assert_eq!(refused::<Own>(r#"{"sub":7,"roles":["r"]}"#), "claim `sub` is not a string");
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
    // only a lone string is split
    let claims = registered(r#"{"scope":["a b","",  "c"],"scp":["d e"]}"#);
    assert_eq!(claims.scopes().iter().collect::<Vec<_>>(), ["a b", "c", "d e"]);
    for not_held in ["a", "b", "d", "e", ""] {
        assert!(!claims.scopes().contains(not_held), "{not_held}");
    }
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
        assert_eq!(problem(json), "the payload has a member whose name is reserved", "{json}");
    }
    assert_eq!(problem(r#"{"exp":{"n":1}}"#), "claim `exp` is not a number in range");
}
