//! The table of outcomes, row by row: kind, status, challenge, `Retry-After`, body, gRPC status.
//!
//! Each row goes through the layers three ways: with the default challenge, with a realm, scopes
//! and metadata of its own, and as gRPC; and through the modes that let a request pass.
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_bearer::authenticate::{Authentication, Mode};
use tower_bearer::credentials::{AuthorizationHeader, Cookie, Sources, dangerous};
use tower_bearer::guard::{
    Guard, acr_any_of, all, any, authenticated, authenticated_within, claims, guard_fn, role, scope,
};
use tower_bearer::key::{BoxFuture, KeySnapshot, KeySource, KeysUnavailable, MissingKey};
use tower_bearer::respond::Challenge;
use tower_bearer::revocation::{
    BoxRevocationCheck, NoRevocation, RevocationStatus, StoreError, check_async_fn, check_fn,
};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{
    AuthLayer, Claims, Principal, Rejection, RejectionKind, RequireLayer, StandardClaims, Verifier,
};

const METADATA: &str = "https://api.example.com/.well-known/oauth-protected-resource";

/// How one row is brought about.
struct Row {
    name: &'static str,
    kind: RejectionKind,
    verifier: Verifier<StandardClaims>,
    check: BoxRevocationCheck,
    guard: Option<Arc<dyn Guard>>,
    /// Whether the `AuthLayer` is there at all.
    layered: bool,
    fields: Vec<(&'static str, String)>,
    target: &'static str,
    /// What the challenge says behind the realm, and whether it has the configured scopes.
    challenge: Option<&'static str>,
    retry_after: Option<&'static str>,
}

struct Down(Option<Duration>);

impl KeySource for Down {
    fn current(&self) -> Result<KeySnapshot, KeysUnavailable> {
        let down = KeysUnavailable::new().with_source("connect to 10.0.0.7 refused");
        Err(match self.0 {
            Some(wait) => down.with_retry_after(wait),
            None => down,
        })
    }

    fn refresh(
        &self,
        _: &MissingKey<'_>,
    ) -> Option<BoxFuture<'static, Result<(), KeysUnavailable>>> {
        None
    }
}

struct Other;

const INVALID_REQUEST: &str = r#", error="invalid_request", error_description="The request carries ill-formed or repeated credentials""#;
const INVALID_TOKEN: &str =
    r#", error="invalid_token", error_description="The access token is invalid""#;
const EXPIRED: &str = r#", error="invalid_token", error_description="The access token expired""#;

fn rows() -> Vec<Row> {
    use RejectionKind as Kind;
    let issuer = TestIssuer::new();
    let other = TestIssuer::new();
    let verifier = || issuer.verifier::<StandardClaims>().build().unwrap();
    let good = issuer.token().subject("alice").token_id("1").scope("orders:read").roles(["clerk"]);
    let bearer = |token: &str| vec![("authorization", format!("Bearer {token}"))];
    let row = |name, kind, fields, challenge| Row {
        name,
        kind,
        verifier: verifier(),
        check: BoxRevocationCheck::new(NoRevocation),
        guard: None,
        layered: true,
        fields,
        target: "/",
        challenge,
        retry_after: None,
    };
    let mut rows = vec![
        row("no token", Kind::MissingToken, vec![], Some("")),
        row(
            "another scheme",
            Kind::MissingToken,
            vec![("authorization", "Basic dTpw".to_owned())],
            Some(""),
        ),
        row(
            "two fields",
            Kind::InvalidRequest,
            [bearer(&good.sign()), bearer(&good.sign())].concat(),
            Some(INVALID_REQUEST),
        ),
        row(
            "header and cookie",
            Kind::InvalidRequest,
            [bearer(&good.sign()), vec![("cookie", format!("t={}", good.sign()))]].concat(),
            Some(INVALID_REQUEST),
        ),
        Row {
            target: "/?access_token=abc",
            ..row(
                "header and query",
                Kind::InvalidRequest,
                bearer(&good.sign()),
                Some(INVALID_REQUEST),
            )
        },
        row(
            "ill-formed",
            Kind::InvalidRequest,
            vec![("authorization", "Bearer a b".to_owned())],
            Some(INVALID_REQUEST),
        ),
        row(
            "cookie, another site",
            Kind::CrossSite,
            vec![
                ("cookie", format!("t={}", good.sign())),
                ("sec-fetch-site", "cross-site".to_owned()),
            ],
            None,
        ),
        row("malformed", Kind::MalformedToken, bearer("a.b.c"), Some(INVALID_TOKEN)),
        row(
            "signature",
            Kind::InvalidSignature,
            bearer(&other.token().sign()),
            Some(INVALID_TOKEN),
        ),
        row(
            "key",
            Kind::UnknownKey,
            bearer(&good.clone().header("kid", "x").sign()),
            Some(INVALID_TOKEN),
        ),
        row(
            "alg",
            Kind::WrongAlgorithm,
            bearer(&good.clone().header("alg", "RS256").sign()),
            Some(INVALID_TOKEN),
        ),
        row(
            "iss",
            Kind::WrongIssuer,
            bearer(&good.clone().claim("iss", "x").sign()),
            Some(INVALID_TOKEN),
        ),
        row(
            "aud",
            Kind::WrongAudience,
            bearer(&good.clone().claim("aud", "x").sign()),
            Some(INVALID_TOKEN),
        ),
        row(
            "typ",
            Kind::WrongType,
            bearer(&good.clone().header("typ", "logout+jwt").sign()),
            Some(INVALID_TOKEN),
        ),
        row(
            "nbf",
            Kind::NotYetValid,
            bearer(&good.clone().claim("nbf", u64::MAX).sign()),
            Some(INVALID_TOKEN),
        ),
        row(
            "claims",
            Kind::InvalidClaims,
            bearer(&good.clone().claim("exp", "soon").sign()),
            Some(INVALID_TOKEN),
        ),
        row("expired", Kind::Expired, bearer(&good.clone().expired().sign()), Some(EXPIRED)),
        Row {
            check: BoxRevocationCheck::new(check_fn(|_| RevocationStatus::Revoked)),
            ..row("revoked", Kind::Revoked, bearer(&good.sign()), Some(INVALID_TOKEN))
        },
        Row {
            check: BoxRevocationCheck::new(check_fn(|_| RevocationStatus::Active)),
            ..row(
                "cannot be revoked",
                Kind::MissingIdentifier,
                bearer(&good.clone().without("jti").sign()),
                Some(INVALID_TOKEN),
            )
        },
        Row {
            check: BoxRevocationCheck::new(check_async_fn(|_| async {
                Err(StoreError::unavailable("redis://10.0.0.8 timed out"))
            })),
            ..row("store down", Kind::RevocationUnavailable, bearer(&good.sign()), None)
        },
        // A bad token is a bad token, whether or not the store can be asked.
        Row {
            check: BoxRevocationCheck::new(check_async_fn(|_| async {
                Err(StoreError::unavailable("down"))
            })),
            ..row(
                "store down, expired",
                Kind::Expired,
                bearer(&good.clone().expired().sign()),
                Some(EXPIRED),
            )
        },
    ];
    let down = |wait: Option<Duration>| {
        Verifier::builder().keys(Down(wait)).any_issuer().any_audience().build().unwrap()
    };
    for (wait, retry_after) in [
        (None, None),
        (Some(Duration::ZERO), Some("0")),
        (Some(Duration::from_millis(2_001)), Some("3")),
        (Some(Duration::from_secs(30)), Some("30")),
    ] {
        rows.push(Row {
            verifier: down(wait),
            retry_after,
            ..row("keys down", Kind::KeysUnavailable, bearer(&good.sign()), None)
        });
    }
    let guarded = |name, kind, guard: Arc<dyn Guard>, challenge| Row {
        guard: Some(guard),
        ..row(name, kind, bearer(&good.sign()), challenge)
    };
    let insufficient = r#", error="insufficient_scope", error_description="The access token lacks a required scope", scope="orders:read orders:write""#;
    let step_up = r#", error="insufficient_user_authentication", error_description="A more recent or stronger authentication is required""#;
    rows.extend([
        guarded(
            "scope",
            Kind::InsufficientScope,
            Arc::new(scope("orders:read orders:write")),
            Some(insufficient),
        ),
        // All that the operation needs, also what the token has.
        guarded(
            "scopes of several guards",
            Kind::InsufficientScope,
            Arc::new(all((scope("orders:read"), role("clerk"), scope("orders:write")))),
            Some(insufficient),
        ),
        guarded("role", Kind::Forbidden, Arc::new(role("admin")), None),
        guarded(
            "role and scope",
            Kind::Forbidden,
            Arc::new(all((scope("orders:write"), role("admin")))),
            None,
        ),
        guarded("closure", Kind::Forbidden, Arc::new(guard_fn(|_| false)), None),
        guarded(
            "condition",
            Kind::Forbidden,
            Arc::new(claims(|user: &StandardClaims| user.sub.is_none())),
            None,
        ),
        guarded(
            "no way in",
            Kind::Forbidden,
            Arc::new(any((role("admin"), guard_fn(|_| false)))),
            None,
        ),
        guarded(
            "too old",
            Kind::InsufficientAuthentication,
            Arc::new(authenticated_within(Duration::from_secs(300))),
            Some(concat!(
                r#", error="insufficient_user_authentication", error_description="A more recent or stronger authentication is required""#,
                r#", max_age="300""#
            )),
        ),
        guarded(
            "too weak",
            Kind::InsufficientAuthentication,
            Arc::new(acr_any_of("phr phrh")),
            Some(concat!(
                r#", error="insufficient_user_authentication", error_description="A more recent or stronger authentication is required""#,
                r#", acr_values="phr phrh""#
            )),
        ),
        guarded(
            "claims of another type",
            Kind::Misconfigured,
            Arc::new(claims(|_: &Other| true)),
            None,
        ),
        Row {
            layered: false,
            ..guarded("no layer", Kind::Misconfigured, Arc::new(scope("orders:read")), None)
        },
        Row {
            guard: Some(Arc::new(authenticated())),
            ..row("guard, no token", Kind::MissingToken, vec![], Some(""))
        },
        Row {
            guard: Some(Arc::new(role("admin"))),
            ..row(
                "guard, bad token",
                Kind::InvalidSignature,
                bearer(&other.token().sign()),
                Some(INVALID_TOKEN),
            )
        },
    ]);
    assert!(rows.iter().any(|row| row.challenge.is_some_and(|text| text.starts_with(step_up))));
    rows
}

/// The statuses of the table, as numbers, and its column for gRPC.
fn statuses(kind: RejectionKind) -> (u16, &'static str) {
    use RejectionKind as Kind;
    match kind {
        Kind::InvalidRequest => (400, "16"),
        Kind::InsufficientScope | Kind::Forbidden | Kind::CrossSite => (403, "7"),
        Kind::KeysUnavailable | Kind::RevocationUnavailable => (503, "14"),
        Kind::Misconfigured => (500, "13"),
        _ => (401, "16"),
    }
}

impl Row {
    fn request(&self, content_type: Option<&str>) -> Request<String> {
        let mut request = Request::post(self.target);
        for (name, value) in &self.fields {
            request = request.header(*name, value);
        }
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        request.body(String::new()).unwrap()
    }

    /// The response, and its body: `inside` where the service was reached.
    fn send(
        &self,
        challenge: Challenge,
        mode: Mode,
        content_type: Option<&str>,
    ) -> (Response<()>, Bytes) {
        let inside = service_fn(|request: Request<String>| async move {
            let mut response = Response::new(Full::new(Bytes::from_static(b"inside")));
            if let Ok(outcome) = Authentication::of(request.extensions()) {
                response.extensions_mut().insert(outcome.clone());
            }
            if let Some(claims) = Claims::<StandardClaims>::from_extensions(request.extensions()) {
                response.extensions_mut().insert(claims.clone());
            }
            Ok::<_, Infallible>(response)
        });
        let sources = Sources::new()
            .and(AuthorizationHeader::new())
            .and(Cookie::named("t"))
            .and(dangerous::QueryParameter::named("access_token"));
        let layer = AuthLayer::new(self.verifier.clone())
            .revocation(self.check.clone())
            .source(sources)
            .mode(mode)
            .challenge(challenge);
        let request = self.request(content_type);
        match (&self.guard, self.layered) {
            (None, true) => collect(layer.layer(inside), request),
            (Some(guard), true) => {
                let guarded = RequireLayer::new(Arc::clone(guard)).layer(inside);
                collect(layer.layer(guarded), request)
            }
            (Some(guard), false) => {
                collect(RequireLayer::new(Arc::clone(guard)).layer(inside), request)
            }
            (None, false) => unreachable!("nothing to test"),
        }
    }

    /// The exact challenge for a realm, the scopes to ask for and the metadata.
    fn expected(&self, realm: &str, scopes: &str, metadata: &str) -> Option<String> {
        let own = self.challenge?;
        let scopes = if self.kind == RejectionKind::MissingToken { scopes } else { "" };
        Some(format!(r#"Bearer realm="{realm}"{own}{scopes}{metadata}"#))
    }

    #[track_caller]
    fn assert(&self, response: &Response<()>, body: &Bytes, challenge: Option<String>) {
        let name = self.name;
        let rejection = response.extensions().get::<Rejection>();
        let rejection = rejection.unwrap_or_else(|| panic!("{name}: no rejection"));
        assert_eq!(rejection.kind(), self.kind, "{name}: {rejection:?}");
        assert_eq!(response.status().as_u16(), statuses(self.kind).0, "{name}");
        let challenges: Vec<_> = response
            .headers()
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .map(|value| value.to_str().unwrap().to_owned())
            .collect();
        assert_eq!(challenges, Vec::from_iter(challenge), "{name}");
        let retry_after = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap());
        assert_eq!(retry_after, self.retry_after, "{name}");
        assert!(body.is_empty(), "{name}");
        let fields = challenges.len() + usize::from(retry_after.is_some());
        assert_eq!(response.headers().len(), fields, "{name}: {:?}", response.headers());
    }
}

fn collect<S, B>(service: S, request: Request<String>) -> (Response<()>, Bytes)
where
    S: Service<Request<String>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes, Error = Infallible>,
{
    let response = service.oneshot(request).now_or_never();
    let response = response.expect("nothing here has to wait").unwrap();
    let (parts, body) = response.into_parts();
    assert_eq!(body.size_hint().exact().is_some_and(|length| length == 0), body.is_end_stream());
    let body = body.collect().now_or_never().unwrap().unwrap().to_bytes();
    (Response::from_parts(parts, ()), body)
}

fn configured() -> Challenge {
    Challenge::new().realm("or\"ders").scope("orders:read orders:list").resource_metadata(METADATA)
}

#[test]
fn every_row_with_the_default_challenge() {
    for row in rows() {
        let (response, body) = row.send(Challenge::default(), Mode::Required, None);
        row.assert(&response, &body, row.expected("api", "", ""));
    }
}

#[test]
fn every_row_with_realm_scope_and_metadata() {
    let scopes = r#", scope="orders:read orders:list""#;
    let metadata = format!(r#", resource_metadata="{METADATA}""#);
    for row in rows() {
        let (response, body) = row.send(configured(), Mode::Required, None);
        row.assert(&response, &body, row.expected(r#"or\"ders"#, scopes, &metadata));
    }
}

/// The realm alone, by its own setter.
#[test]
fn guard_denials_have_the_realm_of_the_layer() {
    let issuer = TestIssuer::new();
    let layer =
        AuthLayer::new(issuer.verifier::<StandardClaims>().build().unwrap()).realm("orders");
    let inside = service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"inside"))))
    });
    let service = layer.layer(RequireLayer::new(scope("orders:write")).layer(inside));
    let send = |token: String| {
        let request = Request::get("/").header("authorization", format!("Bearer {token}"));
        collect(service.clone(), request.body(String::new()).unwrap())
    };
    let (response, _) = send(issuer.token().scope("orders:read").sign());
    assert_eq!(
        response.headers()[WWW_AUTHENTICATE],
        r#"Bearer realm="orders", error="insufficient_scope", error_description="The access token lacks a required scope", scope="orders:write""#
    );
    let (response, body) = send(issuer.token().scope("orders:read orders:write").sign());
    assert_eq!((response.status(), &body[..]), (StatusCode::OK, &b"inside"[..]));
}

/// HTTP 200, the status in `grpc-status`, and the challenge beside it.
#[test]
fn every_row_as_grpc() {
    for row in rows() {
        let (response, body) =
            row.send(Challenge::default(), Mode::Required, Some("application/grpc"));
        let name = row.name;
        let kind = response.extensions().get::<Rejection>().unwrap().kind();
        assert_eq!((kind, response.status().as_u16()), (row.kind, 200), "{name}");
        let headers = response.headers();
        assert_eq!(headers["grpc-status"], statuses(row.kind).1, "{name}");
        assert_eq!(headers["content-type"], "application/grpc", "{name}");
        assert!(!headers["grpc-message"].is_empty(), "{name}");
        let challenge =
            headers.get(WWW_AUTHENTICATE).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(challenge, row.expected("api", "", ""), "{name}");
        assert!(headers.get(RETRY_AFTER).is_none(), "{name}");
        assert!(body.is_empty(), "{name}");
    }
}

/// Optional: only a request without a token passes, as anonymous; and no guard lets it in.
#[test]
fn optional_mode_lets_nothing_but_anonymous_requests_pass() {
    for row in rows() {
        let (response, body) = row.send(Challenge::default(), Mode::Optional, None);
        if row.kind == RejectionKind::MissingToken && row.guard.is_none() {
            assert_eq!((response.status(), &body[..]), (StatusCode::OK, &b"inside"[..]));
            assert!(response.headers().is_empty(), "{}", row.name);
            let outcome = response.extensions().get::<Authentication>().unwrap();
            assert!(matches!(outcome, Authentication::Anonymous), "{}: {outcome:?}", row.name);
            assert!(Claims::<StandardClaims>::from_extensions(response.extensions()).is_none());
        } else {
            row.assert(&response, &body, row.expected("api", "", ""));
        }
    }
}

/// Inspect: the handler is told; a guard answers as the layer would have.
#[test]
fn inspect_mode_tells_the_handler_and_guards_still_deny() {
    for row in rows() {
        let (response, body) = row.send(configured(), Mode::Inspect, None);
        let name = row.name;
        if row.guard.is_some() {
            let scopes = r#", scope="orders:read orders:list""#;
            let metadata = format!(r#", resource_metadata="{METADATA}""#);
            row.assert(&response, &body, row.expected(r#"or\"ders"#, scopes, &metadata));
            continue;
        }
        assert_eq!((response.status(), &body[..]), (StatusCode::OK, &b"inside"[..]), "{name}");
        assert!(response.headers().is_empty(), "{name}");
        assert!(
            Claims::<StandardClaims>::from_extensions(response.extensions()).is_none(),
            "{name}"
        );
        let outcome = response.extensions().get::<Authentication>().unwrap();
        let kind = outcome.principal().unwrap_err().kind();
        assert_eq!(kind, row.kind, "{name}");
        match outcome {
            Authentication::Anonymous => {
                assert_eq!(row.kind, RejectionKind::MissingToken, "{name}")
            }
            Authentication::Rejected(rejection) => assert_eq!(rejection.kind(), row.kind, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// Claims that somebody put into the request before are not mistaken for this layer's.
#[test]
fn planted_claims_do_not_survive_the_layer() {
    let issuer = TestIssuer::new();
    for mode in [Mode::Optional, Mode::Inspect] {
        for (token, kind) in
            [(None, RejectionKind::MissingToken), (Some("a.b.c"), RejectionKind::MalformedToken)]
        {
            let verifier = issuer.verifier::<StandardClaims>().build().unwrap();
            let inside = service_fn(|request: Request<String>| async move {
                let extensions = request.extensions();
                assert!(Claims::<StandardClaims>::from_extensions(extensions).is_none());
                assert!(Principal::from_extensions(extensions).is_none());
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"inside"))))
            });
            let guarded = RequireLayer::new(authenticated()).layer(inside);
            let layer = AuthLayer::new(verifier).mode(mode);
            let request = || {
                let mut request = Request::get("/");
                if let Some(token) = token {
                    request = request.header("authorization", format!("Bearer {token}"));
                }
                let mut request = request.body(String::new()).unwrap();
                let planted = StandardClaims::default();
                tower_bearer::testing::inject(request.extensions_mut(), planted);
                request
            };
            let (response, _) = collect(layer.layer(guarded), request());
            assert_eq!(response.extensions().get::<Rejection>().unwrap().kind(), kind);
            if token.is_none() || mode == Mode::Inspect {
                assert_eq!(collect(layer.layer(inside), request()).1, "inside");
            }
        }
    }
}

/// The choice to fail open is made for this layer and opens nothing else.
#[test]
fn failing_open_is_spelled_out_and_accepts_no_bad_token() {
    let issuer = TestIssuer::new();
    let layer = AuthLayer::new(issuer.verifier::<StandardClaims>().build().unwrap())
        .revocation(check_async_fn(|_| async { Err(StoreError::unavailable("down")) }));
    let open = layer.clone().dangerous().accept_when_revocation_is_unavailable();
    let inside = service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"inside"))))
    });
    let request = |token: String| {
        let request = Request::get("/").header("authorization", format!("Bearer {token}"));
        request.body(String::new()).unwrap()
    };
    let good = issuer.token().token_id("1");
    assert_eq!(collect(open.layer(inside), request(good.sign())).0.status(), 200);
    for (token, kind) in [
        (good.clone().expired(), RejectionKind::Expired),
        (good.clone().claim("aud", "x"), RejectionKind::WrongAudience),
        (good.clone().without("jti"), RejectionKind::MissingIdentifier),
    ] {
        let (response, _) = collect(open.layer(inside), request(token.sign()));
        assert_eq!(response.extensions().get::<Rejection>().unwrap().kind(), kind);
        assert_eq!(response.status(), 401);
    }
    let (response, _) = collect(layer.layer(inside), request(good.sign()));
    assert_eq!(response.status(), 503);
    assert!(response.headers().get(WWW_AUTHENTICATE).is_none());
}

/// RFC 6750 §2.3: what answers a token in the query string is for its sender alone, a denial too.
#[test]
fn a_token_in_the_query_keeps_the_response_from_shared_caches() {
    let issuer = TestIssuer::new();
    let layer = AuthLayer::new(issuer.verifier::<StandardClaims>().build().unwrap())
        .source(dangerous::QueryParameter::named("access_token"));
    let inside = service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"inside"))))
    });
    let token = issuer.token().sign();
    let request = || Request::get(format!("/?access_token={token}")).body(String::new()).unwrap();
    let (response, _) = collect(layer.layer(inside), request());
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[CACHE_CONTROL], "private");
    let guarded = RequireLayer::new(role("admin")).layer(inside);
    let (response, _) = collect(layer.layer(guarded), request());
    assert_eq!(response.status(), 403);
    assert_eq!(
        response.headers().get(CACHE_CONTROL).map(|value| value.as_bytes()),
        Some(&b"private"[..])
    );
}

/// Extractors deny as guards do: in the layer's words.
#[cfg(feature = "axum")]
mod extractors {
    use axum::Router;
    use axum::routing::get;
    use tower_bearer::extract::Granted;
    use tower_bearer::guard::Policy;

    use super::*;

    struct CanWrite;
    impl Policy for CanWrite {
        fn guard() -> impl Guard {
            scope("orders:write")
        }
    }

    async fn ask(app: &Router, path: &str, token: Option<&str>) -> (Response<()>, Bytes) {
        let mut request = Request::get(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(axum::body::Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        (Response::from_parts(parts, ()), body.collect().await.unwrap().to_bytes())
    }

    fn app() -> Router {
        Router::new()
            .route("/me", get(|_: Claims<StandardClaims>| async { "inside" }))
            .route("/other", get(|_: Claims<Vec<u8>>| async { "inside" }))
            .route("/granted", get(|_: Granted<CanWrite, StandardClaims>| async { "inside" }))
            .route("/maybe", get(|_: Option<Claims<StandardClaims>>| async { "inside" }))
    }

    #[tokio::test]
    async fn extractor_denials_have_the_challenge_of_the_layer() {
        let issuer = TestIssuer::new();
        let verifier = issuer.verifier::<StandardClaims>().build().unwrap();
        let layer = AuthLayer::new(verifier).mode(Mode::Inspect).realm("orders");
        let app = app().layer(layer);
        let good = issuer.token().scope("orders:write").sign();
        let weak = issuer.token().scope("orders:read").sign();
        let scopes = r#", error="insufficient_scope", error_description="The access token lacks a required scope", scope="orders:write""#;
        use RejectionKind as Kind;
        for (path, token, expected) in [
            ("/me", Some(&good), None),
            ("/me", None, Some((Kind::MissingToken, 401, Some("")))),
            (
                "/me",
                Some(&"a.b.c".to_owned()),
                Some((Kind::MalformedToken, 401, Some(INVALID_TOKEN))),
            ),
            ("/maybe", Some(&good), None),
            ("/maybe", None, None),
            (
                "/maybe",
                Some(&"a.b.c".to_owned()),
                Some((Kind::MalformedToken, 401, Some(INVALID_TOKEN))),
            ),
            ("/granted", Some(&good), None),
            ("/granted", Some(&weak), Some((Kind::InsufficientScope, 403, Some(scopes)))),
            ("/granted", None, Some((Kind::MissingToken, 401, Some("")))),
            ("/other", Some(&good), Some((Kind::Misconfigured, 500, None))),
            ("/other", None, Some((Kind::MissingToken, 401, Some("")))),
        ] {
            let (response, body) = ask(&app, path, token.map(String::as_str)).await;
            let rejection = response.extensions().get::<Rejection>();
            let Some((kind, status, challenge)) = expected else {
                assert_eq!(
                    (response.status().as_u16(), &body[..]),
                    (200, &b"inside"[..]),
                    "{path}"
                );
                assert!(rejection.is_none());
                continue;
            };
            assert_eq!(rejection.unwrap().kind(), kind, "{path}");
            assert_eq!(response.status().as_u16(), status, "{path}");
            let found = response.headers().get(WWW_AUTHENTICATE);
            let found = found.map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(found, challenge.map(|own| format!(r#"Bearer realm="orders"{own}"#)));
            assert!(body.is_empty(), "{path}: {body:?}");
        }
    }

    #[tokio::test]
    async fn without_the_layer_every_extractor_answers_500() {
        let app = app();
        for path in ["/me", "/other", "/granted", "/maybe"] {
            for token in [None, Some("a.b.c")] {
                let (response, body) = ask(&app, path, token).await;
                assert_eq!(response.status(), 500, "{path}");
                assert!(response.headers().get(WWW_AUTHENTICATE).is_none());
                let rejection = response.extensions().get::<Rejection>().unwrap();
                assert_eq!(rejection.kind(), RejectionKind::Misconfigured);
                assert!(rejection.reason().contains("AuthLayer"), "{rejection}");
                assert!(body.is_empty(), "{path}: {body:?}");
            }
        }
    }
}
