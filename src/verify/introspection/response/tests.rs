use super::*;
use crate::claims::StandardClaims;
use crate::verify::options::Options;
use crate::verify::rules::{Accept, Types};

fn answer(json: &str, kinds: Kinds) -> Result<Result<(), RejectionKind>, RejectionKind> {
    let audience = Accept::OneOf(vec!["me".into()]);
    let rules = Options { required: vec!["scope"], ..Options::default() };
    let rules = rules.into_rules(Accept::Any, audience, Types::Usual).unwrap();
    let read = read::<StandardClaims>(json.to_owned(), &rules, kinds);
    match read {
        Ok(Ok(_)) => Ok(Ok(())),
        Ok(Err(rejection)) => Ok(Err(rejection.kind())),
        Err(rejection) => Err(rejection.kind()),
    }
}

#[test]
fn rfc7662_s2_2_active_is_strictly_boolean_or_the_response_says_nothing() {
    for json in [
        "",
        "null",
        "true",
        "[true]",
        "[false,null,null,null]",
        " [false,null,null,null]",
        "{}",
        r#"{"active":null}"#,
        r#"{"active":"true"}"#,
        r#"{"active":"false"}"#,
        r#"{"active":1}"#,
        r#"{"active":0}"#,
        r#"{"active":[true]}"#,
        r#"{"Active":true}"#,
        r#"{"active":true,"active":true}"#,
        r#"{"active":false,"active":true}"#,
        r#"{"active":true,"\u0061ctive":false}"#,
        r#"{"active":false"#,
        r#"{"active":false}{}"#,
        r#"{"active":false} x"#,
        "<html>active</html>",
    ] {
        let unavailable = Err(RejectionKind::IntrospectionUnavailable);
        assert_eq!(answer(json, Kinds::NotAnother), unavailable, "{json}");
    }
    let inactive = Ok(Err(RejectionKind::Inactive));
    assert_eq!(answer(r#" {"active":false} "#, Kinds::NotAnother), inactive);
    // what else is there does not count
    assert_eq!(answer(r#"{"active":false,"aud":7,"exp":"x"}"#, Kinds::NotAnother), inactive);
}

#[test]
fn an_active_token_still_has_to_obey_the_rules() {
    let with = |more: &str| {
        let json = format!(r#"{{"active":true,"aud":"me","scope":"a"{more}}}"#);
        answer(&json, Kinds::NotAnother)
    };
    assert_eq!(with(""), Ok(Ok(())));
    for more in [
        r#","exp":"soon""#,
        r#","exp":null"#,
        r#","exp":1e400"#,
        r#","sub":7"#,
        r#","sub":"a","sub":"b""#,
        r#","scope":"b""#,
        r#","aud":"me""#,
        r#","iss":["a"]"#,
    ] {
        assert_eq!(with(more), Ok(Err(RejectionKind::InvalidClaims)), "{more}");
    }
    for (json, kind) in [
        (r#"{"active":true,"scope":"a"}"#, RejectionKind::WrongAudience),
        (r#"{"active":true,"scope":"a","aud":["you"]}"#, RejectionKind::WrongAudience),
        (r#"{"active":true,"aud":"me"}"#, RejectionKind::InvalidClaims),
    ] {
        assert_eq!(answer(json, Kinds::NotAnother), Ok(Err(kind)), "{json}");
    }
}

#[test]
fn other_kinds_of_token_are_active_too_and_rejected() {
    let with = |more: &str, kinds| {
        answer(&format!(r#"{{"active":true,"aud":"me","scope":"a"{more}}}"#), kinds)
    };
    for more in [
        r#","token_type":"Bearer""#,
        r#","token_type":"bearer","typ":"JWT""#,
        r#","token_type":"access_token""#,
        r#","token_use":"access_token""#,
        r#","typ":"Bearer""#,
        r#","typ":"at+jwt""#,
    ] {
        assert_eq!(with(more, Kinds::NotAnother), Ok(Ok(())), "{more}");
        assert_eq!(with(more, Kinds::Named), Ok(Ok(())), "{more}");
    }
    for more in [
        r#","token_type":"refresh_token""#,
        r#","token_type":"N_A""#,
        r#","token_type":"""#,
        r#","token_type":7"#,
        r#","token_type":"Bearer","token_use":"refresh_token""#,
        r#","token_type":"Bearer","typ":"Refresh""#,
        r#","typ":"Offline""#,
        r#","typ":"ID""#,
        r#","typ":["Bearer"]"#,
    ] {
        let wrong = Ok(Err(RejectionKind::WrongType));
        assert_eq!(with(more, Kinds::NotAnother), wrong, "{more}");
        assert_eq!(with(more, Kinds::Named), wrong, "{more}");
        assert_eq!(with(more, Kinds::Any), Ok(Ok(())), "{more}");
    }
    for more in ["", r#","token_type":null"#] {
        assert_eq!(with(more, Kinds::NotAnother), Ok(Ok(())), "{more}");
        assert_eq!(with(more, Kinds::Named), Ok(Err(RejectionKind::WrongType)), "{more}");
    }
    let bound = Ok(Err(RejectionKind::BoundToken));
    for kinds in [Kinds::NotAnother, Kinds::Named, Kinds::Any] {
        for more in [
            r#","token_type":"DPoP""#,
            r#","token_type":"dpop","typ":"at+jwt""#,
            r#","token_type":"Bearer","token_use":"DPoP""#,
            r#","token_type":"DPoP","cnf":{"x5t#S256":"c"}"#,
            r#","token_type":"DPoP","cnf":{}"#,
        ] {
            assert_eq!(with(more, kinds), bound, "{more}");
        }
        // What `cnf` asks for is for the layer to ask.
        for more in [
            r#","token_type":"DPoP","cnf":{"jkt":"k"}"#,
            r#","token_type":"Bearer","cnf":{"jkt":"k"}"#,
            r#","token_type":"Bearer","cnf":{"x5t#S256":"c"}"#,
            r#","token_type":"Bearer","cnf":{}"#,
        ] {
            assert_eq!(with(more, kinds), Ok(Ok(())), "{more}");
        }
        let odd = Ok(Err(RejectionKind::InvalidClaims));
        for cnf in ["null", "7", "[]", r#"{"jkt":7}"#, r#"{"jkt":"a","jkt":"b"}"#] {
            let more = format!(r#","token_type":"Bearer","cnf":{cnf}"#);
            assert_eq!(with(&more, kinds), odd, "{more}");
        }
    }
    let twice = r#","token_type":"Bearer","token_type":"DPoP""#;
    assert_eq!(with(twice, Kinds::Any), Err(RejectionKind::IntrospectionUnavailable));
}

#[test]
fn answers_that_a_parser_should_not_read_say_nothing_of_the_token() {
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    for more in [
        format!(r#""x":{deep}"#),
        format!(r#""token_type":{deep}"#),
        format!(r#""cnf":{deep}"#),
        r#""typ":{"$serde_json::private::RawValue":"{}"}"#.to_owned(),
        r#""x":[{"y":{"\u0024serde_json::private::Number":"1"}}]"#.to_owned(),
    ] {
        for active in [true, false] {
            let json = format!(r#"{{"active":{active},"aud":"me","scope":"a",{more}}}"#);
            let unavailable = Err(RejectionKind::IntrospectionUnavailable);
            assert_eq!(answer(&json, Kinds::Any), unavailable, "{json}");
        }
    }
}
