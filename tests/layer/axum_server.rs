//! Behind `axum::serve` on loopback, asked by reqwest: HTTP/1.1 and HTTP/2.
use std::future::IntoFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use bytes::Bytes;
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use tower_bearer::authenticate::Mode;
use tower_bearer::credentials::dangerous::QueryParameter;
use tower_bearer::credentials::{
    AuthorizationHeader, Cookie, HeaderField, Sources, TokenOrigin, WebSocketProtocol,
};
use tower_bearer::extract::Granted;
use tower_bearer::guard::{Guard, Policy, all, authenticated, role, scope};
use tower_bearer::respond::{Auto, Challenge, EmptyBody, ProblemJson, RequestInfo, Responder};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{
    AuthLayer, Claims, Principal, Rejection, RejectionKind, RequireLayer, StandardClaims,
};
use tower_http::cors::{AllowHeaders, AllowMethods, CorsLayer};

use tower_bearer_tests::servers::{Log, User, alice, bearer, layer, listen, verifier};

const INVALID: &str =
    r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid""#;
const EXPIRED: &str =
    r#"Bearer realm="api", error="invalid_token", error_description="The access token expired""#;
const ILL_FORMED: &str = r#"Bearer realm="api", error="invalid_request", error_description="The request carries ill-formed or repeated credentials""#;
const MISSING: &str = r#"Bearer realm="api""#;

async fn serve(app: Router) -> String {
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    format!("http://{address}")
}

fn http1() -> Client {
    Client::builder().no_proxy().http1_only().build().unwrap()
}

fn http2() -> Client {
    Client::builder().no_proxy().http2_prior_knowledge().build().unwrap()
}

async fn me(user: Claims<User>) -> String {
    format!("hello {}", user.sub)
}

async fn maybe(user: Option<Claims<User>>) -> String {
    user.map_or_else(|| "anonymous".into(), |user| user.sub.clone())
}

async fn whatever(user: Result<Claims<User>, Rejection>) -> String {
    user.map_or_else(|rejection| format!("{:?}", rejection.kind()), |user| user.sub.clone())
}

async fn open() -> &'static str {
    "open"
}

/// Status, `WWW-Authenticate` and body.
type Answer = (u16, Option<String>, String);

async fn ask(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let challenges: Vec<_> = response.headers().get_all("www-authenticate").iter().collect();
    assert!(challenges.len() < 2, "one challenge at most: {challenges:?}");
    let challenge = challenges.first().map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), challenge, response.text().await.unwrap())
}

fn rejected(status: u16, challenge: &str) -> Answer {
    (status, Some(challenge.to_owned()), String::new())
}

fn plain(status: u16, text: &str) -> Answer {
    (status, None, text.to_owned())
}

#[tokio::test]
async fn both_http_versions_serve_and_reject() {
    let issuer = TestIssuer::new();
    let url = serve(Router::new().route("/", get(me)).layer(layer(&issuer))).await;
    for (client, version) in [(http1(), "HTTP/1.1"), (http2(), "HTTP/2.0")] {
        let response = client.get(&url).header("authorization", alice(&issuer)).send().await;
        assert_eq!(format!("{:?}", response.unwrap().version()), version);

        let with = |value: String| ask(client.get(&url).header("authorization", value));
        assert_eq!(with(alice(&issuer)).await, plain(200, "hello alice"));
        let lower = alice(&issuer).replacen("Bearer", "bEARER", 1);
        assert_eq!(with(lower).await, plain(200, "hello alice"));
        assert_eq!(ask(client.get(&url)).await, rejected(401, MISSING));
        assert_eq!(with("Basic YTpi".into()).await, rejected(401, MISSING));
        let expired = issuer.token().subject("alice").expired().sign();
        assert_eq!(with(bearer(&expired)).await, rejected(401, EXPIRED));
        let stranger = TestIssuer::new().token().subject("alice").sign();
        assert_eq!(with(bearer(&stranger)).await, rejected(401, INVALID));
        let audience = issuer.token().subject("alice").claim("aud", "other").sign();
        assert_eq!(with(bearer(&audience)).await, rejected(401, INVALID));
        let no_subject = issuer.token().sign();
        assert_eq!(with(bearer(&no_subject)).await, rejected(401, INVALID));
        assert_eq!(with("Bearer".into()).await, rejected(400, ILL_FORMED));
        assert_eq!(with("Bearer a b".into()).await, rejected(400, ILL_FORMED));
        let twice = client
            .get(&url)
            .header("authorization", alice(&issuer))
            .header("authorization", alice(&issuer));
        assert_eq!(ask(twice).await, rejected(400, ILL_FORMED));
    }
}

#[tokio::test]
async fn layers_stand_where_axum_puts_them() {
    let issuer = TestIssuer::new();
    let nested = Router::new().route("/deep", get(me)).layer(layer(&issuer).realm("nested"));
    let app = Router::new()
        .route("/covered", get(me))
        .layer(layer(&issuer).realm("layer"))
        .merge(Router::new().route("/routed", get(me)).route_layer(layer(&issuer).realm("routed")))
        .route("/method", get(me).layer(layer(&issuer).realm("method")).post(open))
        .nest("/nested", nested)
        .route("/after", get(open));
    let url = serve(app).await;
    for client in [http1(), http2()] {
        for (path, realm) in [
            ("/covered", "layer"),
            ("/routed", "routed"),
            ("/method", "method"),
            ("/nested/deep", "nested"),
        ] {
            let url = format!("{url}{path}");
            let good = client.get(&url).header("authorization", alice(&issuer));
            assert_eq!(ask(good).await, plain(200, "hello alice"), "{path}");
            let challenge = format!("Bearer realm=\"{realm}\"");
            assert_eq!(ask(client.get(&url)).await, rejected(401, &challenge), "{path}");
        }
        assert_eq!(ask(client.get(format!("{url}/after"))).await, plain(200, "open"));
        assert_eq!(ask(client.post(format!("{url}/method"))).await, plain(200, "open"));
        // `route_layer` leaves what no route matches alone.
        assert_eq!(ask(client.get(format!("{url}/nowhere"))).await.0, 404);
    }
}

#[tokio::test]
async fn guards_per_route_and_per_method() {
    let issuer = TestIssuer::new();
    let app = Router::new()
        .route(
            "/orders",
            get(open).merge(post(open).layer(RequireLayer::new(scope("orders:write")))),
        )
        .route(
            "/admin",
            get(open).layer(RequireLayer::new(all((role("admin"), scope("a b"), scope("b c"))))),
        )
        .route("/any", get(open))
        .route_layer(RequireLayer::new(authenticated()))
        .layer(layer(&issuer).realm("shop"));
    let url = serve(app).await;
    let client = http1();
    let token = |scope: &str, roles: &[&str]| {
        let token = issuer.token().subject("alice").scope(scope);
        bearer(&token.roles(roles.iter().copied()).sign())
    };
    let with = |method: Method, path: &str, value: String| {
        ask(client.request(method, format!("{url}{path}")).header("authorization", value))
    };
    let lacking = |scope: &str| {
        let challenge = format!(
            "Bearer realm=\"shop\", error=\"insufficient_scope\", \
             error_description=\"The access token lacks a required scope\", scope=\"{scope}\""
        );
        rejected(403, &challenge)
    };
    assert_eq!(with(Method::GET, "/orders", token("", &[])).await, plain(200, "open"));
    assert_eq!(with(Method::POST, "/orders", token("orders", &[])).await, lacking("orders:write"));
    let write = token("orders orders:write", &[]);
    assert_eq!(with(Method::POST, "/orders", write).await, plain(200, "open"));
    assert_eq!(with(Method::GET, "/admin", token("a", &["admin"])).await, lacking("a b c"));
    assert_eq!(with(Method::GET, "/admin", token("a b c", &["user"])).await, plain(403, ""));
    assert_eq!(with(Method::GET, "/admin", token("a b c", &["admin"])).await, plain(200, "open"));
    for path in ["/orders", "/admin", "/any"] {
        let anonymous = ask(client.get(format!("{url}{path}"))).await;
        assert_eq!(anonymous, rejected(401, "Bearer realm=\"shop\""));
    }
}

struct CanWrite;

impl Policy for CanWrite {
    fn guard() -> impl Guard {
        scope("orders:write")
    }
}

async fn granted(user: Granted<CanWrite, User>) -> String {
    let claims = user.clone().into_claims();
    assert_eq!(claims.sub, user.sub);
    format!("granted {}", user.sub)
}

#[tokio::test]
async fn extractors_in_every_mode() {
    let issuer = TestIssuer::new();
    let routes = Router::new()
        .route("/claims", get(me))
        .route("/option", get(maybe))
        .route("/result", get(whatever))
        .route("/granted", get(granted))
        .route("/open", get(open));
    let app = Router::new()
        .nest("/required", routes.clone().layer(layer(&issuer)))
        .nest("/optional", routes.clone().layer(layer(&issuer).mode(Mode::Optional)))
        .nest("/inspect", routes.layer(layer(&issuer).mode(Mode::Inspect)));
    let url = serve(app).await;
    let client = http2();

    let good = alice(&issuer);
    let writer = issuer.token().subject("bob").scope("orders:write").sign();
    let expired = bearer(&issuer.token().subject("alice").expired().sign());
    let lacking = r#"Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope="orders:write""#;
    let cases: Vec<(&str, Option<&str>, Answer)> = vec![
        ("/required/claims", Some(&good), plain(200, "hello alice")),
        ("/required/option", Some(&good), plain(200, "alice")),
        ("/required/result", Some(&good), plain(200, "alice")),
        ("/required/granted", Some(&good), rejected(403, lacking)),
        ("/required/open", None, rejected(401, MISSING)),
        ("/required/open", Some(&expired), rejected(401, EXPIRED)),
        ("/optional/claims", Some(&good), plain(200, "hello alice")),
        ("/optional/option", Some(&good), plain(200, "alice")),
        ("/optional/result", Some(&good), plain(200, "alice")),
        ("/optional/granted", Some(&good), rejected(403, lacking)),
        ("/optional/claims", None, rejected(401, MISSING)),
        ("/optional/option", None, plain(200, "anonymous")),
        ("/optional/result", None, plain(200, "MissingToken")),
        ("/optional/granted", None, rejected(401, MISSING)),
        ("/optional/open", None, plain(200, "open")),
        ("/optional/open", Some(&expired), rejected(401, EXPIRED)),
        ("/optional/open", Some("Bearer"), rejected(400, ILL_FORMED)),
        ("/inspect/claims", Some(&good), plain(200, "hello alice")),
        ("/inspect/option", Some(&good), plain(200, "alice")),
        ("/inspect/result", Some(&good), plain(200, "alice")),
        ("/inspect/claims", None, rejected(401, MISSING)),
        ("/inspect/claims", Some(&expired), rejected(401, EXPIRED)),
        ("/inspect/option", None, plain(200, "anonymous")),
        ("/inspect/option", Some(&expired), rejected(401, EXPIRED)),
        ("/inspect/result", None, plain(200, "MissingToken")),
        ("/inspect/result", Some(&expired), plain(200, "Expired")),
        ("/inspect/result", Some("Bearer"), plain(200, "InvalidRequest")),
        ("/inspect/granted", Some(&expired), rejected(401, EXPIRED)),
        ("/inspect/granted", Some(&good), rejected(403, lacking)),
        ("/inspect/open", Some(&expired), plain(200, "open")),
    ];
    for (path, value, expected) in cases {
        let mut request = client.get(format!("{url}{path}"));
        if let Some(value) = value {
            request = request.header("authorization", value);
        }
        assert_eq!(ask(request).await, expected, "{path} {}", value.is_some());
    }
    for mode in ["required", "optional", "inspect"] {
        let request = client.get(format!("{url}/{mode}/granted"));
        let request = request.header("authorization", bearer(&writer));
        assert_eq!(ask(request).await, plain(200, "granted bob"), "{mode}");
    }
}

#[tokio::test]
async fn a_rejection_from_a_handler_is_rendered_by_the_layer() {
    async fn deny() -> Result<&'static str, Rejection> {
        Err(Rejection::from(RejectionKind::InsufficientScope).with_scope("x y"))
    }
    async fn dressed() -> impl IntoResponse {
        ([("x-kept", "yes")], Rejection::from(RejectionKind::InsufficientAuthentication))
    }
    let issuer = TestIssuer::new();
    let app = Router::new().route("/", any(deny)).route("/dressed", get(dressed)).layer(
        layer(&issuer).challenge(
            Challenge::new().realm("the \"realm\"").resource_metadata("https://api.test/meta"),
        ),
    );
    let url = serve(app).await;
    let client = http1();
    let challenge = r#"Bearer realm="the \"realm\"", error="insufficient_scope", error_description="The access token lacks a required scope", scope="x y", resource_metadata="https://api.test/meta""#;
    let request = client.get(&url).header("authorization", alice(&issuer));
    assert_eq!(ask(request).await, rejected(403, challenge));

    let request = client.get(format!("{url}/dressed")).header("authorization", alice(&issuer));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["x-kept"], "yes");
    let challenge = r#"Bearer realm="the \"realm\"", error="insufficient_user_authentication", error_description="A more recent or stronger authentication is required", resource_metadata="https://api.test/meta""#;
    assert_eq!(response.headers()["www-authenticate"], challenge);

    // The handler does not know of gRPC; the layer does.
    let request = client.post(&url).header("authorization", alice(&issuer));
    let response = request.header("content-type", "application/grpc").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["grpc-status"], "7");
    assert_eq!(response.headers()["content-type"], "application/grpc");
}

#[cfg(feature = "tracing")]
#[tokio::test]
async fn a_missing_layer_is_500_and_the_log_says_what_to_do() {
    let log = Log::capture();
    let app = Router::new()
        .route("/claims", get(me))
        .route("/option", get(maybe))
        .route("/granted", get(granted))
        .route("/guarded", get(open).layer(RequireLayer::new(scope("a"))));
    let url = serve(app).await;
    for path in ["/claims", "/option", "/granted", "/guarded"] {
        let request = http1().get(format!("{url}{path}")).header("authorization", "Bearer a.b.c");
        assert_eq!(ask(request).await, plain(500, ""), "{path}");
        let logged = log.take();
        assert_eq!(logged.lines().count(), 1, "{path}: {logged}");
        assert!(logged.starts_with("ERROR"), "{path}: {logged}");
        assert!(logged.contains("no AuthLayer handled this request: put one outside"), "{path}");
        assert!(!logged.contains("a.b.c"), "{path}");
    }
}

#[cfg(feature = "tracing")]
#[tokio::test]
async fn claims_of_another_type_are_500_and_the_log_says_so() {
    let log = Log::capture();
    let issuer = TestIssuer::new();
    let guard = tower_bearer::guard::claims(|claims: &StandardClaims| claims.sub.is_some());
    let app = Router::new()
        .route("/claims", get(|_: Claims<StandardClaims>| async {}))
        .route("/option", get(|_: Option<Claims<StandardClaims>>| async {}))
        .route("/granted", get(|_: Granted<CanWrite, StandardClaims>| async {}))
        .route("/guarded", get(open).layer(RequireLayer::new(guard)))
        .layer(layer(&issuer));
    let url = serve(app).await;
    for path in ["/claims", "/option", "/granted", "/guarded"] {
        let token = issuer.token().subject("alice").scope("orders:write").sign();
        let request = http1().get(format!("{url}{path}")).header("authorization", bearer(&token));
        assert_eq!(ask(request).await, plain(500, ""), "{path}");
        let logged = log.take();
        assert_eq!(logged.lines().count(), 1, "{path}: {logged}");
        assert!(logged.starts_with("ERROR"), "{path}: {logged}");
        assert!(logged.contains("of another type than"), "{path}: {logged}");
        assert!(!logged.contains(&token) && !logged.contains("alice"), "{path}");
    }
}

#[tokio::test]
async fn misconfiguration_says_nothing_to_clients_but_a_fixed_text() {
    let issuer = TestIssuer::new();
    let app = Router::new()
        .route("/", get(|_: Claims<StandardClaims>| async {}))
        .layer(layer(&issuer).responder(Auto::new(ProblemJson::new())));
    let url = serve(app).await;
    let (status, challenge, body) =
        ask(http1().get(&url).header("authorization", alice(&issuer))).await;
    assert_eq!((status, challenge), (500, None));
    assert_eq!(
        body,
        r#"{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"Internal server error"}"#
    );
}

fn sources() -> Sources {
    Sources::new()
        .and(AuthorizationHeader::new())
        .and(Cookie::named("__Host-token"))
        .and(WebSocketProtocol::marker("bearer"))
        .and(HeaderField::named(HeaderName::from_static("x-access-token")))
        .and(QueryParameter::named("access_token"))
}

#[tokio::test]
async fn tokens_come_from_where_the_sources_look() {
    async fn origin(user: Claims<User>) -> String {
        format!("{:?}", user.token().origin())
    }
    let issuer = TestIssuer::new();
    let app = Router::new().route("/", get(origin)).layer(layer(&issuer).source(sources()));
    let url = serve(app).await;
    let token = issuer.token().subject("alice").sign();
    let cookie = format!("a=b; __Host-token={token}");
    let offered = format!("bearer, {token}, chat");
    let query = format!("{url}/?access_token={token}");
    for client in [http1(), http2()] {
        let places = [
            client.get(&url).header("authorization", bearer(&token)),
            client.get(&url).header("cookie", &cookie),
            client.get(&url).header("sec-websocket-protocol", &offered),
            client.get(&url).header("x-access-token", &token),
            client.get(&query),
        ];
        let origins = [
            TokenOrigin::Authorization,
            TokenOrigin::Cookie,
            TokenOrigin::WebSocketProtocol,
            TokenOrigin::Header,
            TokenOrigin::Query,
        ];
        for (request, origin) in places.into_iter().zip(origins) {
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 200, "{origin:?}");
            let cache = response.headers().get("cache-control").cloned();
            // RFC 6750 §2.3
            let private = (origin == TokenOrigin::Query).then_some("private");
            assert_eq!(cache.as_ref().map(|value| value.to_str().unwrap()), private, "{origin:?}");
            assert_eq!(response.text().await.unwrap(), format!("{origin:?}"));
        }
        assert_eq!(ask(client.get(&url)).await, rejected(401, MISSING));

        // RFC 6750 §2: one method per request.
        let authorized = || client.get(&url).header("authorization", bearer(&token));
        for twice in [
            authorized().header("cookie", &cookie),
            authorized().header("sec-websocket-protocol", &offered),
            authorized().header("x-access-token", &token),
            client.get(&query).header("authorization", bearer(&token)),
            client.get(&query).header("cookie", &cookie),
            client.get(format!("{query}&access_token={token}")),
            client.get(&url).header("cookie", format!("{cookie}; __Host-token=x")),
            client.get(&url).header("x-access-token", &token).header("x-access-token", &token),
        ] {
            assert_eq!(ask(twice).await, rejected(400, ILL_FORMED));
        }
    }
}

#[tokio::test]
async fn the_default_looks_at_the_authorization_header_alone() {
    let issuer = TestIssuer::new();
    let url = serve(Router::new().route("/", get(me)).layer(layer(&issuer))).await;
    let token = issuer.token().subject("alice").sign();
    let client = http1();
    for request in [
        client.get(format!("{url}/?access_token={token}")),
        client.get(&url).header("cookie", format!("access_token={token}")),
        client.get(&url).header("sec-websocket-protocol", format!("bearer, {token}")),
        client.post(&url).header("content-type", "application/x-www-form-urlencoded"),
    ] {
        assert_eq!(ask(request).await, rejected(401, MISSING));
    }
}

#[tokio::test]
async fn rfc6750_s2_3_answers_to_query_tokens_are_private() {
    let issuer = TestIssuer::new();
    let app = Router::new()
        .route("/public", get(|| async { ([("cache-control", "public, max-age=60")], "x") }))
        .route("/no-store", get(|| async { ([("cache-control", "No-Store")], "x") }))
        .route("/plain", get(open))
        .route("/denied", get(open).layer(RequireLayer::new(scope("none"))))
        .layer(layer(&issuer).source(sources()));
    let url = serve(app).await;
    let token = issuer.token().subject("alice").sign();
    for (path, status, expected) in [
        ("/public", 200, "private"),
        ("/no-store", 200, "No-Store"),
        ("/plain", 200, "private"),
        ("/denied", 403, "private"),
    ] {
        let request = http1().get(format!("{url}{path}?access_token={token}"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        let values: Vec<_> = response.headers().get_all("cache-control").iter().collect();
        assert_eq!(values, [expected], "{path}");
    }
    let request = http1().get(format!("{url}/public")).header("authorization", bearer(&token));
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "public, max-age=60");
}

/// As a browser asks before it sends `Authorization` across origins.
fn preflight(client: &Client, url: &str) -> RequestBuilder {
    client
        .request(Method::OPTIONS, url)
        .header("origin", "https://app.test")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization")
}

#[tokio::test]
async fn cors_preflights_are_rejected_unless_told_to_pass_and_pass_no_guard() {
    async fn seen(method: Method) -> String {
        method.to_string()
    }
    let issuer = TestIssuer::new();
    let guarded = || {
        Router::new()
            .route("/", any(seen))
            .route("/guarded", any(seen).layer(RequireLayer::new(scope("a"))))
            .route("/claims", any(me))
            .route("/option", any(maybe))
    };
    let passes = serve(guarded().layer(layer(&issuer).let_preflights_pass())).await;
    let strict = serve(guarded().layer(layer(&issuer))).await;
    let client = http1();
    let answer = ask(preflight(&client, &format!("{passes}/guarded"))).await;
    assert_eq!(answer, rejected(401, MISSING), "no CORS layer was on its way");
    let with_body = preflight(&client, &format!("{passes}/")).body("a call in disguise");
    assert_eq!(ask(with_body).await, rejected(401, MISSING));
    let answer = ask(preflight(&client, &format!("{passes}/"))).await;
    assert_eq!(answer, plain(200, "OPTIONS"));
    for path in ["/", "/guarded"] {
        let answer = ask(preflight(&client, &format!("{strict}{path}"))).await;
        assert_eq!(answer, rejected(401, MISSING), "{path}");
        let request = client.request(Method::OPTIONS, format!("{passes}{path}"));
        assert_eq!(ask(request).await, rejected(401, MISSING), "a plain OPTIONS is none");
    }
    // A preflight is nobody: handlers that need a user still refuse it.
    let answer = ask(preflight(&client, &format!("{passes}/claims"))).await;
    assert_eq!(answer, rejected(401, MISSING));
    let answer = ask(preflight(&client, &format!("{passes}/option"))).await;
    assert_eq!(answer, plain(200, "anonymous"));
    // With a token, it is still a preflight and not looked at; the strict layer looks.
    let with_token = preflight(&client, &format!("{passes}/option"));
    let answer = ask(with_token.header("authorization", alice(&issuer))).await;
    assert_eq!(answer, plain(200, "anonymous"));
    let with_token = preflight(&client, &format!("{strict}/option"));
    assert_eq!(ask(with_token.header("authorization", alice(&issuer))).await, plain(200, "alice"));
}

#[tokio::test]
async fn a_cors_layer_outside_answers_preflights_and_marks_rejections() {
    let issuer = TestIssuer::new();
    let cors = CorsLayer::new()
        .allow_origin(HeaderValue::from_static("https://app.test"))
        .allow_methods(AllowMethods::list([Method::GET]))
        .allow_headers(AllowHeaders::list([HeaderName::from_static("authorization")]))
        .expose_headers([HeaderName::from_static("www-authenticate")]);
    let app = Router::new().route("/", get(me)).layer(layer(&issuer)).layer(cors);
    let url = serve(app).await;
    let client = http1();
    let response = preflight(&client, &url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["access-control-allow-headers"], "authorization");
    assert!(!response.headers().contains_key("www-authenticate"));

    let request = client.get(&url).header("origin", "https://app.test");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["access-control-allow-origin"], "https://app.test");
    assert_eq!(response.headers()["access-control-expose-headers"], "www-authenticate");
    assert_eq!(response.headers()["www-authenticate"], MISSING);
    let request = client.get(&url).header("origin", "https://app.test");
    let request = request.header("authorization", alice(&issuer));
    assert_eq!(ask(request).await, plain(200, "hello alice"));
}

#[tokio::test]
async fn rfc9457_problem_details_by_choice() {
    let issuer = TestIssuer::new();
    let responder = Auto::new(ProblemJson::new().type_base("https://docs.test/errors/"));
    let app = Router::new()
        .route("/", get(me))
        .route("/guarded", get(open).layer(RequireLayer::new(role("admin"))))
        .layer(layer(&issuer).responder(responder));
    let url = serve(app).await;
    for client in [http1(), http2()] {
        let response = client.get(&url).send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["www-authenticate"], MISSING);
        assert_eq!(
            response.text().await.unwrap(),
            r#"{"type":"https://docs.test/errors/missing_token","title":"Unauthorized","status":401,"detail":"Authentication is required"}"#
        );
        let request = client.get(format!("{url}/guarded")).header("authorization", alice(&issuer));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 403);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(
            response.text().await.unwrap(),
            r#"{"type":"https://docs.test/errors/access_denied","title":"Forbidden","status":403,"detail":"Access is denied"}"#
        );
    }
}

#[tokio::test]
async fn a_responder_of_ones_own_renders_everything() {
    let html = |rejection: &Rejection, request: &RequestInfo, challenge: &Challenge| {
        let mut response: Response<Bytes> = EmptyBody.respond(rejection, request, challenge);
        let value = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert("content-type", value);
        *response.body_mut() = Bytes::from(format!("<h1>{}</h1>", rejection.kind().description()));
        response
    };
    let issuer = TestIssuer::new();
    let app = Router::new()
        .route("/", get(me))
        .route("/guarded", get(open).layer(RequireLayer::new(role("admin"))))
        .layer(layer(&issuer).responder(Auto::new(html)));
    let url = serve(app).await;
    let client = http2();
    let (status, challenge, body) = ask(client.get(&url)).await;
    assert_eq!((status, challenge.as_deref()), (401, Some(MISSING)));
    assert_eq!(body, "<h1>Authentication is required</h1>");
    let request = client.get(format!("{url}/guarded")).header("authorization", alice(&issuer));
    assert_eq!(ask(request).await, plain(403, "<h1>Access is denied</h1>"));
}

#[tokio::test]
async fn head_and_options() {
    let issuer = TestIssuer::new();
    let app = Router::new()
        .route("/", get(me))
        .route("/guarded", get(open).layer(RequireLayer::new(role("admin"))))
        .layer(layer(&issuer).responder(Auto::new(ProblemJson::new())));
    let url = serve(app).await;
    for client in [http1(), http2()] {
        let response = client.head(&url).send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], MISSING);
        assert_eq!(response.text().await.unwrap(), "");
        let request = client.head(&url).header("authorization", alice(&issuer));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-length"], "11");
        let request = client.head(format!("{url}/guarded")).header("authorization", alice(&issuer));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 403);
        assert_eq!(response.text().await.unwrap(), "");
        let request = client.request(Method::OPTIONS, &url);
        let response = request.header("authorization", alice(&issuer)).send().await.unwrap();
        assert_eq!(response.status(), 405, "the router's own answer");
        // The connection is still good.
        let request = client.get(&url).header("authorization", alice(&issuer));
        assert_eq!(ask(request).await, plain(200, "hello alice"));
    }
}

#[tokio::test]
async fn over_long_credentials_are_an_invalid_request() {
    let issuer = TestIssuer::new();
    let app = Router::new().route("/", get(me).layer(layer(&issuer))).route(
        "/small",
        get(me).layer(layer(&issuer).source(AuthorizationHeader::new().max_len(64))),
    );
    let url = serve(app).await;
    let client = http1();
    let with = |value: String| ask(client.get(&url).header("authorization", value));
    for len in [16 * 1024 + 1, 100 * 1024, 300 * 1024] {
        assert_eq!(with(bearer(&"a".repeat(len))).await, rejected(400, ILL_FORMED), "{len}");
        assert_eq!(with(format!("Basic {}", "a".repeat(len))).await, rejected(400, ILL_FORMED));
    }
    let dots = bearer(&".".repeat(16 * 1024));
    assert_eq!(with(dots).await, rejected(400, ILL_FORMED));
    // Just within the limit: looked at, and no token.
    assert_eq!(with(bearer(&"a".repeat(16 * 1024 - 7))).await, rejected(401, INVALID));
    assert_eq!(with(bearer(&".".repeat(16 * 1024 - 7))).await, rejected(401, INVALID));
    // A large token within the limit is no problem.
    let large = issuer.token().subject("alice").claim("x", "y".repeat(8 * 1024)).sign();
    assert_eq!(with(bearer(&large)).await, plain(200, "hello alice"));
    let small = client.get(format!("{url}/small")).header("authorization", alice(&issuer));
    assert_eq!(ask(small).await, rejected(400, ILL_FORMED));
    // HTTP/2 servers have a limit of their own; whoever answers, nobody hangs and nobody passes.
    let client = http2();
    let request = client.get(&url).header("authorization", bearer(&"a".repeat(100 * 1024)));
    assert!(request.send().await.map_or(true, |response| response.status().is_client_error()));
    let request = client.get(&url).header("authorization", alice(&issuer));
    assert_eq!(ask(request).await, plain(200, "hello alice"));
}

#[tokio::test]
async fn a_value_that_is_no_text_is_an_invalid_request() {
    let issuer = TestIssuer::new();
    let url = serve(Router::new().route("/", get(me)).layer(layer(&issuer))).await;
    for client in [http1(), http2()] {
        for bytes in [&b"Bearer \xff\xfe"[..], b"Bearer a\tb", b"\xe4", b"Bearer \xc3\xa4.b.c"] {
            let value = HeaderValue::from_bytes(bytes).unwrap();
            let answer = ask(client.get(&url).header("authorization", value)).await;
            assert_eq!(answer, rejected(400, ILL_FORMED), "{bytes:?}");
        }
    }
}

#[derive(Deserialize)]
struct Device {
    device: String,
}

#[tokio::test]
async fn nested_layers_render_their_own_rejections() {
    let (outer, inner) = (TestIssuer::new(), TestIssuer::new());
    let field = HeaderName::from_static("x-inner");
    let app = Router::new()
        .route("/", get(me))
        .route("/guarded", get(open).layer(RequireLayer::new(role("admin"))))
        .layer(layer(&inner).realm("inner").source(HeaderField::named(field)))
        .layer(layer(&outer).realm("outer"));
    let url = serve(app).await;
    let client = http1();
    let inner_token = inner.token().subject("bob").sign();
    let outside = || client.get(&url).header("authorization", alice(&outer));
    assert_eq!(ask(client.get(&url)).await, rejected(401, "Bearer realm=\"outer\""));
    assert_eq!(ask(outside()).await, rejected(401, "Bearer realm=\"inner\""));
    let late = inner.token().subject("bob").expired().sign();
    let challenge = EXPIRED.replace("api", "inner");
    assert_eq!(ask(outside().header("x-inner", late)).await, rejected(401, &challenge));
    // The inner layer's claims count.
    assert_eq!(ask(outside().header("x-inner", &inner_token)).await, plain(200, "hello bob"));
    let request = client.get(format!("{url}/guarded")).header("authorization", alice(&outer));
    assert_eq!(ask(request.header("x-inner", &inner_token)).await, plain(403, ""));
}

#[tokio::test]
async fn an_anonymous_request_of_the_inner_layer_has_no_claims_of_the_outer() {
    async fn both(user: Option<Claims<User>>, device: Option<Claims<Device>>) -> String {
        let user = user.as_ref().map(|user| user.sub.as_str());
        format!("{user:?} {:?}", device.as_ref().map(|device| device.device.as_str()))
    }
    async fn from_extensions(request: axum::extract::Request) -> String {
        let user = Claims::<User>::from_extensions(request.extensions());
        let device = Claims::<Device>::from_extensions(request.extensions());
        let principal = tower_bearer::Principal::from_extensions(request.extensions());
        let user = user.as_ref().map(|user| user.sub.as_str());
        let device = device.as_ref().map(|device| device.device.as_str());
        format!("{user:?} {device:?} {}", principal.is_some())
    }
    let issuer = TestIssuer::new();
    let field = || HeaderField::named(HeaderName::from_static("x-inner"));
    let routes = Router::new()
        .route("/option", get(both))
        .route("/claims", get(|device: Claims<Device>| async move { device.device.clone() }))
        .route("/user", get(me))
        .route("/granted", get(granted))
        .route("/guarded", get(open).layer(RequireLayer::new(authenticated())))
        .route("/extensions", get(from_extensions));
    let inner = layer(&issuer).mode(Mode::Optional).source(field());
    let same = routes.clone().layer(inner.clone()).layer(layer(&issuer));
    let other = AuthLayer::new(issuer.verifier::<Device>().build().unwrap());
    let other = routes.layer(inner).layer(other);
    let url = serve(Router::new().nest("/same", same).nest("/other", other)).await;
    let client = http1();
    let outer =
        bearer(&issuer.token().subject("alice").claim("device", "d").scope("orders:write").sign());
    let ask_as = |path: &str| client.get(format!("{url}{path}")).header("authorization", &outer);

    for base in ["/same", "/other"] {
        let at = |path: &str| ask_as(&format!("{base}{path}"));
        assert_eq!(ask(at("/option")).await, plain(200, "None None"), "{base}");
        assert_eq!(ask(at("/extensions")).await, plain(200, "None None false"), "{base}");
        for path in ["/claims", "/user", "/granted", "/guarded"] {
            assert_eq!(ask(at(path)).await, rejected(401, MISSING), "{base}{path}");
        }
    }
    // With a token for the inner layer, its claims are the only ones.
    let bob = issuer.token().subject("bob").sign();
    let with = |path: &str| ask_as(path).header("x-inner", &bob);
    assert_eq!(ask(with("/other/user")).await, plain(200, "hello bob"));
    assert_eq!(ask(with("/other/claims")).await, plain(500, ""));
    assert_eq!(ask(with("/other/extensions")).await, plain(200, "Some(\"bob\") None true"));
    assert_eq!(ask(with("/other/granted")).await.0, 403);
}

#[tokio::test]
async fn what_is_rejected_never_reaches_the_handler() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let issuer = TestIssuer::new();
    let handler = move || {
        let counted = Arc::clone(&counted);
        async move {
            counted.fetch_add(1, Ordering::SeqCst);
            StatusCode::NO_CONTENT
        }
    };
    let app = Router::new()
        .route("/", any(handler.clone()))
        .route("/guarded", any(handler).layer(RequireLayer::new(scope("x"))))
        .layer(layer(&issuer));
    let url = serve(app).await;
    let client = http2();
    for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        assert_eq!(client.request(method.clone(), &url).send().await.unwrap().status(), 401);
        let request = client.request(method, format!("{url}/guarded"));
        let request = request.header("authorization", alice(&issuer)).body("a body nobody reads");
        assert_eq!(request.send().await.unwrap().status(), 403);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    let request = client.post(&url).header("authorization", alice(&issuer));
    assert_eq!(request.send().await.unwrap().status(), 204);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn handlers_find_the_token_marked_sensitive() {
    async fn debug(request: Request<axum::body::Body>) -> String {
        format!("{:?}", request.headers())
    }
    let issuer = TestIssuer::new();
    let cookies = layer(&issuer).source(sources());
    let url = serve(Router::new().route("/", get(debug)).layer(cookies)).await;
    let token = issuer.token().subject("alice").sign();
    let client = http1();
    for request in [
        client.get(&url).header("authorization", bearer(&token)),
        client.get(&url).header("cookie", format!("__Host-token={token}")),
        client.get(&url).header("x-access-token", &token),
        client.get(&url).header("sec-websocket-protocol", format!("bearer, {token}")),
    ] {
        let (status, _, headers) = ask(request).await;
        assert_eq!(status, 200);
        assert!(headers.contains("Sensitive") && !headers.contains(&token), "{headers}");
    }
}

#[tokio::test]
async fn the_verifier_is_shared_by_layers() {
    let issuer = TestIssuer::new();
    let verifier = verifier(&issuer);
    let app = Router::new()
        .route("/a", get(me).layer(AuthLayer::new(verifier.clone()).realm("a")))
        .route("/b", get(me).layer(AuthLayer::new(verifier).realm("b")));
    let url = serve(app).await;
    for path in ["a", "b"] {
        let request = http1().get(format!("{url}/{path}"));
        let answer = ask(request.header("authorization", alice(&issuer))).await;
        assert_eq!(answer, plain(200, "hello alice"));
        let answer = ask(http1().get(format!("{url}/{path}"))).await;
        assert_eq!(answer, rejected(401, &format!("Bearer realm=\"{path}\"")));
    }
}

#[tokio::test]
async fn a_status_of_200_that_means_no_is_for_grpc_alone() {
    let issuer = TestIssuer::new();
    let url = serve(Router::new().route("/", any(me)).layer(layer(&issuer))).await;
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
        let request = http1().request(method.clone(), &url);
        let response = request.header("content-type", "application/grpc").send().await.unwrap();
        assert_eq!(response.status(), 401, "{method}");
        assert!(!response.headers().contains_key("grpc-status"), "{method}");
    }
}

#[tokio::test]
async fn a_cors_layer_inside_answers_preflights_that_were_let_through() {
    let issuer = TestIssuer::new();
    let app = Router::new()
        .route("/", any(me).layer(RequireLayer::new(scope("a"))))
        .layer(CorsLayer::permissive())
        .layer(layer(&issuer).let_preflights_pass());
    let url = serve(app).await;
    let response = preflight(&http1(), &url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let response = http1().get(&url).header("origin", "https://app.test").send().await.unwrap();
    assert_eq!(response.status(), 401);
}

/// The owner or an administrator, what the token is without its type, and what is optional.
#[tokio::test]
async fn handlers_ask_guards_and_take_what_may_be_missing() {
    use tower_bearer::guard::{any, guard_fn, role};

    async fn cancel(
        axum::extract::Path(owner): axum::extract::Path<String>,
        user: Claims<User>,
    ) -> Result<String, Rejection> {
        let owns = guard_fn(move |user| user.registered().subject() == Some(&owner));
        user.require(any((owns, role("admin"))))?;
        Ok(format!("cancelled by {}", user.sub))
    }
    async fn who(user: Principal) -> String {
        user.registered().subject().unwrap_or("nobody").to_owned()
    }
    async fn who_if_any(user: Option<Principal>) -> String {
        user.map_or("anonymous".to_owned(), |user| format!("{:?}", user.registered().subject()))
    }
    struct Admin;
    impl Policy for Admin {
        fn guard() -> impl Guard {
            role("admin")
        }
    }
    async fn page(admin: Option<Granted<Admin, User>>) -> &'static str {
        if admin.is_some() { "with buttons" } else { "without buttons" }
    }
    async fn why(admin: Result<Granted<Admin, User>, Rejection>) -> String {
        match admin {
            Ok(admin) => format!("hello {}", admin.sub),
            Err(rejection) => rejection.kind().as_str().to_owned(),
        }
    }
    let issuer = TestIssuer::new();
    let routes = || {
        Router::new()
            .route("/cancel/{owner}", get(cancel))
            .route("/who", get(who))
            .route("/who-if-any", get(who_if_any))
            .route("/page", get(page))
            .route("/why", get(why))
            .route("/public", get(|| async { "public" }))
    };
    let optional = serve(routes().layer(layer(&issuer).mode(Mode::Optional))).await;
    let inspect = serve(routes().layer(layer(&issuer).mode(Mode::Inspect))).await;
    let client = http1();
    let alice = alice(&issuer);
    let admin = bearer(&issuer.token().subject("bob").roles(["admin"]).sign());
    let late = bearer(&issuer.token().subject("alice").expired().sign());
    let get = |base: &str, path: &str, token: &str| {
        let request = client.get(format!("{base}{path}"));
        if token.is_empty() { request } else { request.header("authorization", token) }
    };
    for base in [&*optional, &*inspect] {
        for (path, token, expected) in [
            ("/cancel/alice", &*alice, plain(200, "cancelled by alice")),
            ("/cancel/alice", &admin, plain(200, "cancelled by bob")),
            ("/cancel/carol", &alice, plain(403, "")),
            ("/cancel/carol", "", rejected(401, MISSING)),
            ("/who", &alice, plain(200, "alice")),
            ("/who", "", rejected(401, MISSING)),
            ("/who-if-any", "", plain(200, "anonymous")),
            ("/who-if-any", &alice, plain(200, "Some(\"alice\")")),
            ("/page", "", plain(200, "without buttons")),
            ("/page", &alice, plain(200, "without buttons")),
            ("/page", &admin, plain(200, "with buttons")),
            ("/why", "", plain(200, "missing_token")),
            ("/why", &alice, plain(200, "forbidden")),
            ("/why", &admin, plain(200, "hello bob")),
        ] {
            assert_eq!(ask(get(base, path, token)).await, expected, "{path} {token}");
        }
        for path in ["/who", "/who-if-any", "/page", "/cancel/alice"] {
            assert_eq!(ask(get(base, path, &late)).await, rejected(401, EXPIRED), "{path}");
        }
    }
    // With a layer in Inspect mode, only handlers that ask are protected, as with an extractor that
    // verifies by itself.
    assert_eq!(ask(get(&optional, "/public", &late)).await, rejected(401, EXPIRED));
    assert_eq!(ask(get(&inspect, "/public", &late)).await, plain(200, "public"));
    assert_eq!(ask(get(&inspect, "/why", &late)).await, plain(200, "expired"));
}

/// The realm is kept, other schemes are offered behind `Bearer`, and no gRPC is spoken.
#[tokio::test]
async fn challenges_and_protocols_are_as_the_layer_was_told() {
    let issuer = TestIssuer::new();
    let basic = HeaderValue::from_static("Basic realm=\"orders\"");
    let challenge = tower_bearer::respond::Challenge::new().scope("read").also(basic);
    let layer = layer(&issuer).realm("orders").challenge(challenge).without_grpc();
    let url = serve(Router::new().route("/", any(me)).layer(layer)).await;
    let request = http1().post(&url).header("content-type", "application/grpc");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(!response.headers().contains_key("grpc-status"));
    let challenges: Vec<_> = response.headers().get_all("www-authenticate").iter().collect();
    assert_eq!(challenges, ["Bearer realm=\"orders\", scope=\"read\"", "Basic realm=\"orders\""]);
}
