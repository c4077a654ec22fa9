//! Rules for claims that belong to the verifier: clients, values, checks of the application's own, bound
//! tokens. Through the layer, so that no route can forget them.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};
use tower_bearer::claims::RegisteredClaims;
use tower_bearer::credentials::{AuthorizationHeader, Cookie, Sources, TokenOrigin};
use tower_bearer::testing::TestIssuer;
use tower_bearer::verify::builder::{Audiences, Issuers, Keys};
use tower_bearer::verify::{TokenCache, VerifierBuilder};
use tower_bearer::{AuthLayer, Claims, Rejection, RejectionKind, StandardClaims, Verifier};

const INVALID: &str =
    r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid""#;

type Builder<C = StandardClaims> = VerifierBuilder<C, Keys, Issuers, Audiences>;

/// The status, the challenge, and the rejection.
fn send<C>(verifier: &Verifier<C>, token: &str) -> (StatusCode, Option<String>, Option<Rejection>)
where
    Verifier<C>: tower_bearer::verify::TokenVerifier,
{
    let inside = service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
    });
    let request = Request::get("/").header("authorization", format!("Bearer {token}"));
    let layer = AuthLayer::new(verifier.clone());
    let response = layer.layer(inside).oneshot(request.body(String::new()).unwrap());
    let response = response.now_or_never().unwrap().unwrap();
    let challenge =
        response.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
    (response.status(), challenge, response.extensions().get().cloned())
}

#[track_caller]
fn passes<C>(verifier: &Verifier<C>, token: &str)
where
    Verifier<C>: tower_bearer::verify::TokenVerifier,
{
    let (status, challenge, rejection) = send(verifier, token);
    assert_eq!((status, challenge), (StatusCode::OK, None), "{rejection:?}");
}

/// 401 with exactly this challenge; yields what the log is told.
#[track_caller]
fn refused<C>(verifier: &Verifier<C>, token: &str, kind: RejectionKind) -> String
where
    Verifier<C>: tower_bearer::verify::TokenVerifier,
{
    let (status, challenge, rejection) = send(verifier, token);
    assert_eq!((status.as_u16(), challenge.as_deref()), (401, Some(INVALID)), "{rejection:?}");
    let rejection = rejection.unwrap();
    assert_eq!(rejection.kind(), kind, "{rejection:?}");
    let source = rejection.source().map(ToString::to_string).unwrap_or_default();
    format!("{}: {source}", rejection.reason())
}

fn built(builder: Builder) -> Verifier<StandardClaims> {
    builder.build().unwrap()
}

#[test]
fn only_tokens_of_clients_that_are_allowed() {
    let issuer = TestIssuer::new();
    let token = |claims: Value| {
        let claims = claims.as_object().unwrap().clone();
        let token =
            claims.iter().fold(issuer.token().without("client_id"), |token, (name, value)| {
                token.claim(name, value.clone())
            });
        token.sign()
    };
    let verifier = built(issuer.verifier().client("web").clients(["app", "cli"]));
    for claims in [
        json!({"client_id": "web"}),
        json!({"client_id": "cli"}),
        json!({"azp": "app"}),
        json!({"azp": "app", "client_id": "app"}),
        json!({"azp": "app", "client_id": "web"}),
    ] {
        passes(&verifier, &token(claims));
    }
    for claims in [
        json!({}),
        json!({"client_id": "Web"}),
        json!({"client_id": "web "}),
        json!({"client_id": ""}),
        json!({"azp": "other"}),
        json!({"client_id": "web", "azp": "other"}),
        json!({"client_id": "other", "azp": "web"}),
        json!({"sub": "web"}),
        json!({"aud": ["test-audience", "web"]}),
    ] {
        let why = refused(&verifier, &token(claims), RejectionKind::InvalidClaims);
        assert!(why.ends_with("allowed is web or app or cli, exactly"), "{why}");
        assert!(!why.contains("other"), "{why}");
    }
    refused(&verifier, &token(json!({"client_id": ["web"]})), RejectionKind::InvalidClaims);
    // no rule, no client needed
    passes(&built(issuer.verifier()), &token(json!({})));
    for odd in [issuer.verifier::<Value>().client(""), issuer.verifier().clients([""; 0])] {
        assert!(odd.build().unwrap_err().to_string().contains("client"));
    }
}

#[test]
fn only_tokens_in_which_a_claim_has_the_required_value() {
    let issuer = TestIssuer::new();
    let with = |name: &str, value: Value| issuer.token().claim(name, value).sign();
    let verifier = built(issuer.verifier().require_value("token_use", "access"));
    passes(&verifier, &with("token_use", json!("access")));
    for value in [
        json!("id"),
        json!("Access"),
        json!("access "),
        json!(["access"]),
        json!(null),
        json!({"access": 1}),
    ] {
        let why = refused(&verifier, &with("token_use", value), RejectionKind::InvalidClaims);
        assert!(why.contains("`token_use`"), "{why}");
        assert!(!why.contains("Access"), "{why}");
    }
    refused(&verifier, &issuer.token().sign(), RejectionKind::InvalidClaims);
    let good = String::from_utf8(base64_payload(&with("token_use", json!("access")))).unwrap();
    let twice = good.replacen('{', r#"{"token_use":"access","#, 1);
    refused(
        &verifier,
        &issuer.token().sign_payload(twice.as_bytes()),
        RejectionKind::InvalidClaims,
    );
    let twice = good.replacen('{', r#"{"token\u005fuse":"id","#, 1);
    refused(
        &verifier,
        &issuer.token().sign_payload(twice.as_bytes()),
        RejectionKind::InvalidClaims,
    );

    // exactly: numbers as they are written, lists whole
    let verifier = built(issuer.verifier().require_value("n", 1));
    passes(&verifier, &with("n", json!(1)));
    for value in [json!(1.0), json!("1"), json!(2), json!(true), json!([1])] {
        refused(&verifier, &with("n", value), RejectionKind::InvalidClaims);
    }
    // another value for the same claim is another that is accepted; other claims are required, too
    let several =
        issuer.verifier().require_value(["plan", "name"], "a").require_value(["plan", "name"], "b");
    let verifier = built(several.require_value("ok", json!([true, null])));
    let token = |plan: Value, ok: Value| issuer.token().claim("plan", plan).claim("ok", ok).sign();
    passes(&verifier, &token(json!({"name": "a"}), json!([true, null])));
    passes(&verifier, &token(json!({"name": "b", "x": 1}), json!([true, null])));
    for (plan, ok) in [
        (json!({"name": "c"}), json!([true, null])),
        (json!({"name": "a"}), json!([true])),
        (json!({"name": "a"}), json!([null, true])),
        (json!("a"), json!([true, null])),
        (json!(null), json!([true, null])),
        (json!([{"name": "a"}]), json!([true, null])),
        (json!({"plan": {"name": "a"}}), json!([true, null])),
    ] {
        refused(&verifier, &token(plan, ok), RejectionKind::InvalidClaims);
    }
}

fn base64_payload(token: &str) -> Vec<u8> {
    use base64::Engine;
    let segment = token.split('.').nth(1).unwrap();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(segment).unwrap()
}

#[derive(Deserialize)]
struct User {
    tenant: String,
}

#[test]
fn a_check_of_the_applications_own_is_applied_to_every_token_each_time() {
    let issuer = TestIssuer::new();
    let closed = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicUsize::new(0));
    let check = {
        let (closed, asked) = (Arc::clone(&closed), Arc::clone(&asked));
        move |user: &User, registered: &RegisteredClaims| {
            asked.fetch_add(1, Ordering::Relaxed);
            if user.tenant != "acme" || registered.subject().is_none() {
                return Err("not of ours");
            }
            if closed.load(Ordering::Relaxed) { Err("closed") } else { Ok(()) }
        }
    };
    let builder: Builder<User> = issuer.verifier();
    let builder = builder.check(check).check(|_, registered| -> Result<(), String> {
        if registered.roles().is_empty() { Err(format!("{} roles", 0)) } else { Ok(()) }
    });
    let verifier = builder.build().unwrap().cache(TokenCache::new());
    let good = issuer.token().subject("alice").claim("tenant", "acme").roles(["clerk"]);
    for _ in 0..3 {
        passes(&verifier, &good.clone().sign());
    }
    let other = good.clone().claim("tenant", "other").sign();
    let why = refused(&verifier, &other, RejectionKind::InvalidClaims);
    assert_eq!(why, "a check of the application's own refuses the claims: not of ours");
    let none = good.clone().without("roles").sign();
    assert!(refused(&verifier, &none, RejectionKind::InvalidClaims).ends_with("0 roles"));
    // an expired token is told so before anybody is asked
    let before = asked.load(Ordering::Relaxed);
    let (status, challenge, rejection) = send(&verifier, &good.clone().expired().sign());
    assert_eq!((status.as_u16(), rejection.unwrap().kind()), (401, RejectionKind::Expired));
    assert!(challenge.unwrap().contains("expired"));
    assert_eq!(asked.load(Ordering::Relaxed), before);
    // the cache knows the token, and it is checked all the same
    let token = good.sign();
    passes(&verifier, &token);
    closed.store(true, Ordering::Relaxed);
    assert!(refused(&verifier, &token, RejectionKind::InvalidClaims).ends_with("closed"));
}

#[test]
fn rfc9449_s7_2_and_rfc8705_s3_a_bound_token_is_no_bearer_token() {
    let issuer = TestIssuer::new();
    let profile = || {
        let claims = issuer.token().header("typ", "at+jwt").subject("alice");
        claims.token_id("1").claim("client_id", "web")
    };
    let strict = built(issuer.verifier());
    let rfc9068 = built(issuer.verifier().access_token_profile());
    let way_out = built(issuer.verifier().dangerous().accept_bound_tokens_without_proof());
    let cached = built(issuer.verifier()).cache(TokenCache::new());
    passes(&strict, &profile().sign());
    passes(&rfc9068, &profile().sign());
    for cnf in [
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
        json!({"jkt": "a", "x5t#S256": "b"}),
        json!({"jwk": {"kty": "EC"}}),
        json!({"kid": "k"}),
        json!({}),
    ] {
        let token = profile().claim("cnf", cnf.clone()).sign();
        for verifier in [&strict, &rfc9068, &cached, &cached] {
            let why = refused(verifier, &token, RejectionKind::BoundToken);
            assert!(why.contains("bound to its sender"), "{why}");
        }
        passes(&way_out, &token);
    }
    for odd in [json!(null), json!("k"), json!([]), json!({"jkt": 1}), json!({"x5t#S256": null})] {
        let token = profile().claim("cnf", odd).sign();
        for verifier in [&strict, &way_out] {
            refused(verifier, &token, RejectionKind::InvalidClaims);
        }
    }
    // who is a stranger learns that first
    let other = profile().claim("aud", "others").claim("cnf", json!({"jkt": "a"})).sign();
    refused(&strict, &other, RejectionKind::WrongAudience);
}

#[test]
fn rfc9068_roles_are_an_array_and_empty_strings_are_no_identifiers() {
    let issuer = TestIssuer::new();
    let token = || {
        let claims = issuer.token().header("typ", "at+jwt").subject("alice");
        claims.token_id("1").claim("client_id", "web")
    };
    let rfc9068 = built(issuer.verifier().access_token_profile());
    let usual = built(issuer.verifier());
    passes(&rfc9068, &token().roles(["clerk"]).sign());
    let lone = token().claim("roles", "clerk").sign();
    passes(&usual, &lone);
    refused(&rfc9068, &lone, RejectionKind::InvalidClaims);
    let required = built(issuer.verifier().require(["sub", "jti", "sid"]));
    passes(&required, &token().session_id("s").sign());
    for name in ["sub", "jti", "client_id"] {
        let empty = token().claim(name, "").session_id("s").sign();
        refused(&rfc9068, &empty, RejectionKind::InvalidClaims);
        passes(&usual, &empty);
    }
    for name in ["sub", "jti", "sid"] {
        let empty = token().session_id("s").claim(name, "").sign();
        refused(&required, &empty, RejectionKind::InvalidClaims);
    }
}

#[test]
fn rfc7515_s4_1_9_the_prefix_of_a_type_may_be_left_out_on_either_side() {
    let issuer = TestIssuer::new();
    for configured in ["vc+jwt", "application/vc+jwt", "APPLICATION/VC+JWT"] {
        let verifier = built(issuer.verifier().token_type(configured));
        for typ in ["vc+jwt", "application/vc+jwt", "Application/Vc+Jwt"] {
            passes(&verifier, &issuer.token().header("typ", typ).sign());
        }
        for typ in ["JWT", "at+jwt", "application/application/vc+jwt", "text/vc+jwt", "vc", ""] {
            refused(&verifier, &issuer.token().header("typ", typ).sign(), RejectionKind::WrongType);
        }
    }
}

#[test]
fn what_type_came_and_what_is_accepted_is_told_to_the_log_alone() {
    let issuer = TestIssuer::new();
    let verifier = built(issuer.verifier().token_type("vc+jwt").token_type("application/x+jwt"));
    let why = refused(
        &verifier,
        &issuer.token().header("typ", "logout+jwt").sign(),
        RejectionKind::WrongType,
    );
    assert!(why.ends_with("`typ` is `logout+jwt`; accepted is vc+jwt or x+jwt"), "{why}");
    let why = refused(
        &verifier,
        &issuer.token().header("typ", "a\nb`c").sign(),
        RejectionKind::WrongType,
    );
    assert!(why.contains(r"`a\nb`c`"), "{why}");
    let long = issuer.token().header("typ", "x".repeat(5000)).sign();
    assert!(refused(&verifier, &long, RejectionKind::WrongType).len() < 300);
    let usual = built(issuer.verifier());
    let why = refused(
        &usual,
        &issuer.token().header("typ", "logout+jwt").sign(),
        RejectionKind::WrongType,
    );
    assert!(why.ends_with("accepted is none, JWT or at+jwt"), "{why}");
    let rfc9068 = built(issuer.verifier().access_token_profile());
    let why =
        refused(&rfc9068, &issuer.token().without_header("typ").sign(), RejectionKind::WrongType);
    assert!(why.ends_with("`typ` is absent; accepted is at+jwt"), "{why}");
}

#[test]
fn a_token_that_was_seen_before_is_where_this_request_had_it() {
    let issuer = TestIssuer::new();
    let verifier = built(issuer.verifier()).cache(TokenCache::new());
    let sources = Sources::default().and(AuthorizationHeader::new()).and(Cookie::named("session"));
    let layer = AuthLayer::new(verifier).source(sources);
    let origin = |name: &'static str, value: String| {
        let inside = service_fn(|request: Request<String>| async move {
            let claims = Claims::<StandardClaims>::from_extensions(request.extensions()).unwrap();
            assert_eq!(claims.token().origin(), claims.principal().token().origin());
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(format!(
                "{:?}",
                claims.token().origin()
            )))))
        });
        let request = Request::get("/").header(name, value).body(String::new()).unwrap();
        let response = layer.layer(inside).oneshot(request).now_or_never().unwrap().unwrap();
        assert_eq!(response.status(), 200);
        http_body_util::BodyExt::collect(response.into_body())
            .now_or_never()
            .unwrap()
            .ok()
            .unwrap()
            .to_bytes()
    };
    let token = issuer.token().sign();
    for _ in 0..2 {
        let expected = format!("{:?}", TokenOrigin::Authorization);
        assert_eq!(origin("authorization", format!("Bearer {token}")), expected);
        assert_eq!(
            origin("cookie", format!("session={token}")),
            format!("{:?}", TokenOrigin::Cookie)
        );
    }
}
