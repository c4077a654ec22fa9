//! The token sent twice, in the wrong place, or in a header field that is none.

use http::{HeaderValue, Request};
use tower_bearer::RejectionKind;
use tower_bearer::credentials::{AuthorizationHeader, Cookie, HeaderField, Sources, dangerous};

use crate::stack::*;

fn everywhere(stack: Stack) -> Stack {
    stack.source(
        Sources::new()
            .and(AuthorizationHeader::new())
            .and(Cookie::named("token"))
            .and(dangerous::QueryParameter::named("access_token"))
            .and(HeaderField::named("x-token".parse().unwrap())),
    )
}

#[test]
fn rfc6750_s2_two_authorization_fields() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let good = issuer.token().sign();
    pass(&stack, &good);
    let bearer = format!("Bearer {good}");
    for [first, second] in [
        [&*bearer, &*bearer],
        [&*bearer, "Bearer x"],
        ["Bearer x", &*bearer],
        [&*bearer, "Basic dTpw"],
        ["Basic dTpw", &*bearer],
        [&*bearer, ""],
        ["", &*bearer],
    ] {
        let request = Request::get("/")
            .header("authorization", first)
            .header("Authorization", second)
            .body(String::new())
            .unwrap();
        refuse_request(&stack, request, RejectionKind::InvalidRequest);
    }
    for folded in
        [format!("{bearer}, {bearer}"), format!("{bearer},{bearer}"), format!("Basic a, {bearer}")]
    {
        let request =
            Request::get("/").header("authorization", folded.clone()).body(String::new()).unwrap();
        let kind = match folded.starts_with("Basic") {
            // Another scheme: no token that this layer knows of.
            true => RejectionKind::MissingToken,
            false => RejectionKind::InvalidRequest,
        };
        refuse_request(&stack, request, kind);
    }
}

#[test]
fn rfc6750_s2_header_and_cookie_and_query() {
    let issuer = issuer();
    let stack = everywhere(stack(&issuer));
    let good = issuer.token().sign();
    let bearer = format!("Bearer {good}");
    let cookie = format!("token={good}");
    let target = format!("/?access_token={good}");
    let get = |target: &str, fields: &[(&str, &str)]| {
        let mut request = Request::get(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(String::new()).unwrap()
    };
    pass_request(&stack, get("/", &[("authorization", &bearer)]));
    pass_request(&stack, get("/", &[("cookie", &cookie)]));
    pass_request(&stack, get("/", &[("x-token", &good)]));
    let (response, _) = call(&stack, get(&target, &[]));
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "private");
    for (target, fields) in [
        ("/", &[("authorization", &*bearer), ("cookie", &*cookie)][..]),
        ("/", &[("authorization", &*bearer), ("cookie", "token=other")]),
        ("/", &[("authorization", "Bearer other"), ("cookie", &*cookie)]),
        ("/", &[("authorization", &*bearer), ("x-token", &*good)]),
        ("/", &[("cookie", &*cookie), ("x-token", &*good)]),
        ("/", &[("cookie", &*cookie), ("cookie", &*cookie)]),
        ("/", &[("x-token", &*good), ("x-token", &*good)]),
        (&*target, &[("authorization", &*bearer)]),
        (&*target, &[("cookie", &*cookie)]),
        ("/?access_token=other", &[("authorization", &*bearer)]),
        ("/?access_token=", &[("authorization", &*bearer)]),
    ] {
        refuse_request(&stack, get(target, fields), RejectionKind::InvalidRequest);
    }
    let twice = format!("{target}&access_token={good}");
    refuse_request(&stack, get(&twice, &[]), RejectionKind::InvalidRequest);
    let escaped = format!("{target}&access%5Ftoken={good}");
    refuse_request(&stack, get(&escaped, &[]), RejectionKind::InvalidRequest);
}

/// By default a token counts nowhere but in `Authorization`.
#[test]
fn rfc6750_s2_3_a_token_in_the_query_or_a_cookie_is_not_looked_for() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let good = issuer.token().sign();
    pass(&stack, &good);
    let query = Request::get(format!("/?access_token={good}")).body(String::new()).unwrap();
    refuse_request(&stack, query, RejectionKind::MissingToken);
    for (name, value) in [
        ("cookie", format!("access_token={good}")),
        ("x-access-token", good.clone()),
        ("proxy-authorization", format!("Bearer {good}")),
        ("sec-websocket-protocol", format!("bearer, {good}")),
    ] {
        let request = Request::get("/").header(name, value).body(String::new()).unwrap();
        refuse_request(&stack, request, RejectionKind::MissingToken);
    }
}

#[test]
fn rfc9110_s11_4_odd_authorization_fields() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let good = issuer.token().sign();
    let get = |value: &[u8]| {
        let value = HeaderValue::from_bytes(value).unwrap();
        Request::get("/").header("authorization", value).body(String::new()).unwrap()
    };
    for scheme in ["Bearer", "bearer", "BEARER", "bEARER", "Bearer   "] {
        pass_request(&stack, get(format!("{scheme} {good}").as_bytes()));
    }
    for odd in [
        "",
        " ",
        "Bearer",
        "bearer",
        "Bearer ",
        "Bearer      ",
        &format!("Bearer\t{good}"),
        &format!("Bearer {good} {good}"),
        &format!("Bearer {good} x"),
        &format!("Bearer Bearer {good}"),
        &format!("Bearer=\"{good}\""),
        &format!("Bearer \"{good}\""),
        &format!("Bearer token={good}"),
        &format!("Bearer: {good}"),
        &format!("Bearer {}", "a".repeat(16 * 1024)),
        &format!("Basic {}", "a".repeat(16 * 1024)),
    ] {
        refuse_request(&stack, get(odd.as_bytes()), RejectionKind::InvalidRequest);
    }
    for bytes in [&b"Bearer \xff"[..], b"Bearer a\xc3\xa4b", "Bearer \u{202e}abc".as_bytes()] {
        refuse_request(&stack, get(bytes), RejectionKind::InvalidRequest);
    }
    for other in ["Basic dTpw", "Digest x", "DPoP abc", "Negotiate abc", "Bearers abc", &good] {
        refuse_request(&stack, get(other.as_bytes()), RejectionKind::MissingToken);
    }
    refuse_request(
        &stack,
        Request::get("/").body(String::new()).unwrap(),
        RejectionKind::MissingToken,
    );
}

/// No preflight passes without a token, and only a real one where they are let through.
#[test]
fn cors_preflight_is_no_way_around() {
    let issuer = issuer();
    let strict = stack(&issuer);
    let stack = strict.clone().let_preflights_pass();
    let request = |method: &str, names: &[&str]| {
        let mut request = Request::builder().method(method).uri("/");
        for name in names {
            request = request.header(*name, "x");
        }
        request.body(String::new()).unwrap()
    };
    let both = ["origin", "access-control-request-method"];
    pass_request(&stack, request("OPTIONS", &both));
    for (method, names) in [
        ("OPTIONS", &[][..]),
        ("OPTIONS", &["origin"]),
        ("OPTIONS", &["access-control-request-method"]),
        ("GET", &both),
        ("POST", &both),
        ("options", &both),
    ] {
        refuse_request(&stack, request(method, names), RejectionKind::MissingToken);
    }
    refuse_request(&strict, request("OPTIONS", &both), RejectionKind::MissingToken);
    pass(&strict, &issuer.token().sign());
}
