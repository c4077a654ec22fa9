//! Header members that change what a token means, or that stand there twice.

use serde_json::{Value, json};
use tower_bearer::{AuthLayer, RejectionKind};

use crate::stack::*;

fn rejects_headers(headers: &[String]) {
    let issuer = issuer();
    let stack = stack(&issuer);
    let payload = payload(&issuer);
    pass(&stack, &signed(r#"{"alg":"HS256","kid":"test","typ":"JWT"}"#, &payload));
    for header in headers {
        refuse(&stack, &signed(header, &payload), RejectionKind::MalformedToken);
    }
}

#[test]
fn rfc7515_s4_1_11_crit_in_every_form() {
    let forms = [
        r#"[]"#,
        r#"["exp"]"#,
        r#"["b64"]"#,
        r#"["b64","exp"]"#,
        r#"["alg"]"#,
        r#"["kid"]"#,
        r#"["unknown"]"#,
        r#"["exp","exp"]"#,
        r#"[""]"#,
        r#"[null]"#,
        r#"[5]"#,
        r#"[["exp"]]"#,
        r#""exp""#,
        r#""""#,
        "null",
        "true",
        "false",
        "0",
        "{}",
        r#"{"exp":true}"#,
    ];
    let mut headers = Vec::new();
    for name in ["crit", "\\u0063rit"] {
        for form in forms {
            headers.push(format!(r#"{{"alg":"HS256","{name}":{form}}}"#));
            headers.push(format!(r#"{{"alg":"HS256","exp":1,"b64":true,"{name}":{form}}}"#));
        }
    }
    headers.push(r#"{"alg":"HS256","crit":["exp"],"crit":["exp"],"exp":1}"#.to_owned());
    headers.push(r#"{"alg":"HS256","crit":["exp"],"\u0063rit":[],"exp":1}"#.to_owned());
    rejects_headers(&headers);
}

#[test]
fn rfc7797_b64_in_every_form() {
    let mut headers = Vec::new();
    for form in ["false", "true", "null", "0", r#""false""#, "[]", "{}"] {
        headers.push(format!(r#"{{"alg":"HS256","b64":{form}}}"#));
        headers.push(format!(r#"{{"alg":"HS256","b64":{form},"crit":["b64"]}}"#));
        headers.push(format!(r#"{{"alg":"HS256","\u00624":0,"\u006264":{form}}}"#));
    }
    headers.push(r#"{"alg":"HS256","b64":true,"b64":true}"#.to_owned());
    rejects_headers(&headers);
}

#[test]
fn rfc7797_b64_false_with_the_payload_as_it_is() {
    let issuer = issuer();
    let stack = stack(&issuer);
    pass(&stack, &issuer.token().sign());
    let header = encode(r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#);
    // Signed as RFC 7797 §3 has it, over the payload itself.
    let raw = payload(&issuer);
    let mac = sign_text(&format!("{header}.{raw}"));
    let mac = mac.rsplit_once('.').unwrap().1;
    let encoded = encode(&raw);
    refuse(&stack, &format!("{header}.{encoded}.{mac}"), RejectionKind::MalformedToken);
    refuse(&stack, &format!("{header}..{mac}"), RejectionKind::MalformedToken);
    refuse(&stack, &format!("{header}.{raw}.{mac}"), RejectionKind::InvalidRequest);
}

#[test]
fn rfc7515_s4_header_members_twice() {
    let mut headers = Vec::new();
    for (name, escaped, value) in [
        ("alg", "\\u0061lg", r#""HS256""#),
        ("kid", "ki\\u0064", r#""test""#),
        ("typ", "\\u0074yp", r#""JWT""#),
        ("jku", "j\\u006bu", r#""https://attacker.example""#),
        ("whatever", "what\\u0065ver", "1"),
        ("", "", "1"),
    ] {
        let other = if name == "alg" { "" } else { r#""alg":"HS256","# };
        for (first, second) in [(name, name), (name, escaped), (escaped, name), (escaped, escaped)]
        {
            headers.push(format!(r#"{{{other}"{first}":{value},"{second}":{value}}}"#));
        }
    }
    headers.push(r#"{"alg":"none","alg":"HS256"}"#.to_owned());
    headers.push(r#"{"alg":"HS256","alg":"none"}"#.to_owned());
    rejects_headers(&headers);
}

#[test]
fn header_is_no_json_object() {
    let many: String = (0..40).map(|n| format!(r#","x{n}":0"#)).collect();
    rejects_headers(
        &[
            "",
            " ",
            "null",
            "[]",
            r#"["HS256"]"#,
            r#""HS256""#,
            "HS256",
            "{",
            r#"{"alg":"HS256""#,
            r#"{"alg":"HS256",}"#,
            r#"{'alg':'HS256'}"#,
            r#"{alg:"HS256"}"#,
            r#"{"alg":"HS256"}{"alg":"HS256"}"#,
            r#"{"alg":"HS256"}x"#,
            r#"{"alg":"HS256"} null"#,
            "\u{feff}{\"alg\":\"HS256\"}",
            "{\"alg\":\"HS256\",\"x\":\"\n\"}",
            r#"{"alg":"HS256","kid":"\ud800"}"#,
            r#"{"alg":"HS256","typ":"\udc00\ud800"}"#,
            r#"{"alg":"HS256","\ud800":1}"#,
            r#"{"alg":"HS256","typ":5}"#,
            r#"{"alg":"HS256","typ":null}"#,
            r#"{"alg":"HS256","typ":["JWT"]}"#,
            r#"{"alg":"HS256","x":01}"#,
            r#"{"alg":"HS256","x":NaN}"#,
            r#"{/**/"alg":"HS256"}"#,
            &format!(r#"{{"alg":"HS256"{many}}}"#),
        ]
        .map(str::to_owned),
    );
}

#[test]
fn header_is_no_utf8() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let payload = payload(&issuer);
    for odd in [&b"{\"alg\":\"HS256\",\"kid\":\"\xff\"}"[..], b"{\"alg\":\"HS256\",\"\xc0\x80\":1}"]
    {
        let token = issuer.token().sign_raw(odd, payload.as_bytes());
        refuse(&stack, &token, RejectionKind::MalformedToken);
    }
    let good = issuer.token().sign_raw(br#"{"alg":"HS256"}"#, payload.as_bytes());
    pass(&stack, &good);
}

/// RFC 8725 §3.11: another kind of token of the same issuer, by its `typ`.
#[test]
fn rfc8725_s3_11_wrong_typ() {
    let issuer = issuer();
    let usual = stack(&issuer);
    let profile: Stack = AuthLayer::new(issuer.verifier().access_token_profile().build().unwrap());
    let logout: Stack = AuthLayer::new(issuer.verifier().token_type("logout+jwt").build().unwrap());
    let complete = || issuer.token().subject("alice").token_id("1").claim("client_id", "app");
    let typed = |typ: &str| complete().header("typ", typ).sign();
    let untyped = complete().without_header("typ").sign();
    pass(&usual, &untyped);
    refuse(&profile, &untyped, RejectionKind::WrongType);
    refuse(&logout, &untyped, RejectionKind::WrongType);
    for typ in ["JWT", "jwt", "application/jwt", "APPLICATION/JWT"] {
        pass(&usual, &typed(typ));
        refuse(&profile, &typed(typ), RejectionKind::WrongType);
        refuse(&logout, &typed(typ), RejectionKind::WrongType);
    }
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        pass(&usual, &typed(typ));
        pass(&profile, &typed(typ));
        refuse(&logout, &typed(typ), RejectionKind::WrongType);
    }
    for typ in [
        "id",
        "id+jwt",
        "id_token+jwt",
        "refresh",
        "refresh+jwt",
        "rt+jwt",
        "secevent+jwt",
        "application/secevent+jwt",
        "dpop+jwt",
        "statuslist+jwt",
        "entity-statement+jwt",
        "token-introspection+jwt",
        "oauth-authz-req+jwt",
        "client-authentication+jwt",
        "kb+jwt",
        "JOSE",
        "JOSE+JSON",
        "application/json",
        "text/jwt",
        "",
        " ",
        " JWT",
        "JWT ",
        "JWT;v=1",
        "application/",
        "application/application/jwt",
        "at+jwt, JWT",
        "at jwt",
        "JW\u{54}\0",
        "application/x/at+jwt",
    ] {
        refuse(&usual, &typed(typ), RejectionKind::WrongType);
        refuse(&profile, &typed(typ), RejectionKind::WrongType);
        refuse(&logout, &typed(typ), RejectionKind::WrongType);
    }
    refuse(&usual, &typed("logout+jwt"), RejectionKind::WrongType);
    refuse(&profile, &typed("logout+jwt"), RejectionKind::WrongType);
    pass(&logout, &typed("logout+jwt"));
}

#[test]
fn rfc9068_s2_2_each_required_claim_missing() {
    let issuer = issuer();
    let stack: Stack = AuthLayer::new(issuer.verifier().access_token_profile().build().unwrap());
    let good = issuer
        .token()
        .header("typ", "at+jwt")
        .subject("alice")
        .token_id("1")
        .claim("client_id", "app")
        .claim("azp", "app");
    pass(&stack, &good.sign());
    for (claim, kind) in [
        ("iss", RejectionKind::WrongIssuer),
        ("aud", RejectionKind::WrongAudience),
        ("exp", RejectionKind::InvalidClaims),
        ("sub", RejectionKind::InvalidClaims),
        // `azp` does not stand in for it
        ("client_id", RejectionKind::InvalidClaims),
        ("iat", RejectionKind::InvalidClaims),
        ("jti", RejectionKind::InvalidClaims),
    ] {
        refuse(&stack, &good.clone().without(claim).sign(), kind);
        let null = good.clone().claim(claim, Value::Null).sign();
        refuse(&stack, &null, RejectionKind::InvalidClaims);
        let object = good.clone().claim(claim, json!({})).sign();
        refuse(&stack, &object, RejectionKind::InvalidClaims);
    }
}
