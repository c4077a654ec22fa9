//! Opaque tokens through the whole layer, against an endpoint that also misbehaves (RFC 7662).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::endpoint::{Does, Endpoint, Http};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tower::ServiceExt;
use tower_bearer::clock::{Clock, UnixTime};
use tower_bearer::credentials::{BearerToken, dangerous::QueryParameter};
use tower_bearer::fetch::{Fetch, FetchError, FetchLimits};
use tower_bearer::guard::{role, scope};
use tower_bearer::head::RequestHead;
use tower_bearer::key::{Algorithm, Key, Secret, SigningKey};
use tower_bearer::revocation::{Identifiers, MemoryStore, Revocation};
use tower_bearer::step::{BoxFuture, Step};
use tower_bearer::testing::{FakeClock, TestIssuer};
use tower_bearer::verify::TokenVerifier;
use tower_bearer::verify::builder::Audiences;
use tower_bearer::verify::introspection::builder::Client;
use tower_bearer::verify::introspection::{
    ClientAuth, Introspection, IntrospectionBuilder, JwtOrOpaque, PrivateKeyJwt,
};
use tower_bearer::{
    AuthLayer, Claims, Rejection, RejectionKind, RequireLayer, StandardClaims, Verifier,
};

const INVALID: &str = "Bearer realm=\"api\", error=\"invalid_token\", \
     error_description=\"The access token is invalid\"";

type Builder = IntrospectionBuilder<StandardClaims, Client, Audiences>;

fn builder(endpoint: &Endpoint) -> Builder {
    Introspection::builder(&endpoint.url, Http::new())
        .client(ClientAuth::basic("orders-api", Secret::new("s3cret")))
        .audience("orders-api")
        .timeout(Duration::from_secs(30))
}

fn app<V: TokenVerifier<Claims = StandardClaims>>(layer: AuthLayer<V>) -> Router {
    routes().layer(layer)
}

fn routes() -> Router {
    async fn me(user: Claims<StandardClaims>) -> String {
        user.sub.clone().unwrap_or_else(|| "machine".into())
    }
    Router::new()
        .route("/", get(me))
        .route("/write", get(me).layer(RequireLayer::new(scope("orders:write"))))
        .route("/admin", get(me).layer(RequireLayer::new(role("admin"))))
}

struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    kind: Option<RejectionKind>,
    reason: &'static str,
}

async fn send(app: &Router, path: &str, token: &str) -> Got {
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let rejection = response.extensions().get::<Rejection>().cloned();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Got {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
        kind: rejection.as_ref().map(Rejection::kind),
        reason: rejection.map_or("", |rejection| rejection.reason()),
    }
}

impl Got {
    fn is_ok(&self, body: &str) {
        assert_eq!((self.status, &*self.body), (StatusCode::OK, body), "{}", self.reason);
    }

    /// 401 and `invalid_token`.
    fn is_rejected(&self, kind: RejectionKind) {
        assert_eq!((self.status.as_u16(), self.kind), (401, Some(kind)), "{}", self.reason);
        assert_eq!(self.headers["www-authenticate"], INVALID);
    }

    /// 503, and nothing that says the token was bad.
    fn is_outage(&self, retry_after: &str) {
        let kind = Some(RejectionKind::IntrospectionUnavailable);
        assert_eq!((self.status.as_u16(), self.kind), (503, kind), "{}", self.reason);
        assert!(!self.headers.contains_key("www-authenticate"));
        assert_eq!(self.headers["retry-after"], retry_after);
        assert_eq!(self.body, "");
    }
}

fn active(more: &Value) -> Does {
    let mut json = json!({"active": true, "aud": "orders-api", "sub": "alice"});
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Does::Answer(json)
}

#[tokio::test]
async fn rfc7662_claims_scopes_and_roles_are_those_of_the_response() {
    let more = json!({"scope": "orders:read orders:write", "roles": ["clerk"]});
    let endpoint = Endpoint::start(active(&more)).await;
    let app = app(AuthLayer::new(builder(&endpoint).build().unwrap()));

    send(&app, "/", "opaque").await.is_ok("alice");
    send(&app, "/write", "opaque").await.is_ok("alice");
    let admin = send(&app, "/admin", "opaque").await;
    assert_eq!((admin.status.as_u16(), admin.kind), (403, Some(RejectionKind::Forbidden)));
    assert_eq!(endpoint.calls(), 1);

    endpoint.does(active(&json!({"scope": "orders:read", "roles": ["admin"]})));
    send(&app, "/admin", "other").await.is_ok("alice");
    let write = send(&app, "/write", "other").await;
    assert_eq!(write.status, 403);
    let challenge = write.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.contains("scope=\"orders:write\""), "{challenge}");
    assert_eq!(endpoint.calls(), 2);
}

#[tokio::test]
async fn rfc7662_s2_1_what_is_asked() {
    let endpoint = Endpoint::start(active(&json!({}))).await;
    let app = app(AuthLayer::new(builder(&endpoint).build().unwrap()));
    send(&app, "/", "a+b/c~d._-==").await.is_ok("alice");
    let asked = endpoint.last();
    assert_eq!(asked.form.len(), 2);
    assert_eq!(asked.form["token"], "a+b/c~d._-==");
    assert_eq!(asked.form["token_type_hint"], "access_token");
    assert_eq!(asked.headers["accept"], "application/json");
    assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded");
}

#[tokio::test]
async fn rfc7662_s2_2_inactive_and_unfit_tokens_are_rejected_and_remembered_for_a_while() {
    let clock = FakeClock::now_and_still();
    let endpoint = Endpoint::start(Does::Answer(json!({"active": false}))).await;
    let introspection = builder(&endpoint).issuer("https://id").clock(clock.clone());
    let app = app(AuthLayer::new(introspection.build().unwrap()));
    let past = clock.now().saturating_sub(Duration::from_secs(3600)).as_secs();
    let cases = [
        (json!({"active": false}), RejectionKind::Inactive),
        (json!({"active": true, "iss": "https://id"}), RejectionKind::WrongAudience),
        (
            json!({"active": true, "iss": "https://id", "aud": "other"}),
            RejectionKind::WrongAudience,
        ),
        (json!({"active": true, "aud": "orders-api"}), RejectionKind::WrongIssuer),
        (
            json!({"active": true, "aud": "orders-api", "iss": "https://id/"}),
            RejectionKind::WrongIssuer,
        ),
        (json!({"active": true, "aud": 7, "iss": "https://id"}), RejectionKind::InvalidClaims),
        (
            json!({"active": true, "token_type": "refresh_token", "iss": "https://id"}),
            RejectionKind::WrongType,
        ),
    ];
    for (number, (json, kind)) in cases.into_iter().enumerate() {
        endpoint.does(Does::Answer(json));
        let token = format!("token{number}");
        let before = endpoint.calls();
        for _ in 0..5 {
            send(&app, "/", &token).await.is_rejected(kind);
        }
        assert_eq!(endpoint.calls(), before + 1, "{kind:?}");
    }
    let expired = json!({"active": true, "aud": "orders-api", "iss": "https://id", "exp": past});
    endpoint.does(Does::Answer(expired));
    let before = endpoint.calls();
    for _ in 0..5 {
        let got = send(&app, "/", "expired").await;
        assert_eq!((got.status.as_u16(), got.kind), (401, Some(RejectionKind::Expired)));
        let challenge = got.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains("The access token expired"), "{challenge}");
    }
    assert_eq!(endpoint.calls(), before + 1);

    clock.advance(Duration::from_secs(5));
    let good = json!({"active": true, "aud": "orders-api", "iss": "https://id"});
    endpoint.does(Does::Answer(good));
    send(&app, "/", "token0").await.is_ok("machine");
}

#[tokio::test]
async fn only_tokens_of_clients_and_with_values_that_are_allowed() {
    let good = json!({"client_id": "web", "tenant": "acme"});
    let endpoint = Endpoint::start(active(&good)).await;
    let strict = builder(&endpoint).clients(["web", "app"]).require_value("tenant", "acme");
    let app = app(AuthLayer::new(strict.build().unwrap()));
    send(&app, "/", "good").await.is_ok("alice");
    for bad in [
        json!({"tenant": "acme"}),
        json!({"client_id": "other", "tenant": "acme"}),
        json!({"client_id": "web", "azp": "other", "tenant": "acme"}),
        json!({"client_id": "web"}),
        json!({"client_id": "web", "tenant": "other"}),
        json!({"client_id": "web", "tenant": ["acme"]}),
    ] {
        endpoint.does(active(&bad));
        let token = format!("token-{}", endpoint.calls());
        send(&app, "/", &token).await.is_rejected(RejectionKind::InvalidClaims);
    }
    assert_eq!(endpoint.calls(), 7);
}

#[tokio::test]
async fn an_endpoint_that_misbehaves_is_an_outage_and_never_remembered() {
    let text = |text: &str| Does::Text(StatusCode::OK, text.into());
    let status = |status: u16| {
        Does::Text(StatusCode::from_u16(status).unwrap(), r#"{"active":true}"#.into())
    };
    let endpoint = Endpoint::start(Does::Hang).await;
    let elsewhere = endpoint.url.replace("introspect", "elsewhere");
    let impatient = builder(&endpoint).timeout(Duration::from_millis(300)).build().unwrap();
    let impatient = app(AuthLayer::new(impatient));
    for does in
        [Does::Hang, Does::HangInBody, Does::Slow(Duration::from_secs(5), json!({"active": true}))]
    {
        let before = endpoint.calls();
        endpoint.does(does.clone());
        for _ in 0..2 {
            send(&impatient, "/", "opaque").await.is_outage("5");
        }
        assert_eq!(endpoint.calls(), before + 2, "{does:?}");
    }
    let app = app(AuthLayer::new(builder(&endpoint).build().unwrap()));
    for does in [
        Does::Truncate,
        Does::Huge,
        Does::Redirect(elsewhere),
        status(500),
        status(401),
        status(403),
        status(404),
        status(429),
        status(201),
        status(204),
        text(""),
        text("<html>hello</html>"),
        text("[true]"),
        text(r#"{"active":"true","aud":"orders-api"}"#),
        text(r#"{"active":1,"aud":"orders-api"}"#),
        text(r#"{"active":null,"aud":"orders-api"}"#),
        text(r#"{"aud":"orders-api"}"#),
        text(r#"{"active":false,"active":true,"aud":"orders-api"}"#),
        text(r#"{"active":true,"aud":"orders-api""#),
    ] {
        let before = endpoint.calls();
        endpoint.does(does.clone());
        for _ in 0..2 {
            send(&app, "/", "opaque").await.is_outage("5");
        }
        assert_eq!(endpoint.calls(), before + 2, "{does:?}");
        endpoint.does(active(&json!({})));
        let fresh = format!("fresh{before}");
        send(&app, "/", &fresh).await.is_ok("alice");
    }
    for (value, expected) in [("17", "17"), ("999999", "300"), ("soon", "5"), ("-1", "5")] {
        endpoint.does(Does::WithRetryAfter(value));
        send(&app, "/", "opaque").await.is_outage(expected);
    }
    endpoint
        .does(Does::Slow(Duration::from_millis(20), json!({"active": true, "aud": "orders-api"})));
    send(&app, "/", "opaque").await.is_ok("machine");
}

#[tokio::test]
async fn nobody_listens_and_a_client_that_panics() {
    struct Panics;
    impl Fetch for Panics {
        fn fetch(
            &self,
            _: Request<bytes::Bytes>,
            _: FetchLimits,
        ) -> BoxFuture<'static, Result<http::Response<bytes::Bytes>, FetchError>> {
            Box::pin(async { panic!("the client's own fault") })
        }
    }
    let refused = Introspection::<StandardClaims>::builder("http://127.0.0.1:1/i", Http::new())
        .client(ClientAuth::bearer(Secret::new("own")))
        .any_audience();
    let app_refused = app(AuthLayer::new(refused.build().unwrap()));
    send(&app_refused, "/", "opaque").await.is_outage("5");
    let panics = Introspection::<StandardClaims>::builder("https://127.0.0.1/i", Panics)
        .client(ClientAuth::bearer(Secret::new("own")))
        .any_audience();
    let app_panics = app(AuthLayer::new(panics.build().unwrap()));
    for _ in 0..2 {
        send(&app_panics, "/", "opaque").await.is_outage("5");
    }
}

/// Sends a request as far as it gets, which must not be to the end.
async fn begin<'a>(app: &'a Router, token: &'a str) -> Pin<Box<dyn Future<Output = Got> + 'a>> {
    let mut request = Box::pin(send(app, "/", token));
    let waits = poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx).is_pending())).await;
    assert!(waits, "the request was answered at once");
    request
}

#[tokio::test]
async fn a_thousand_requests_with_one_token_ask_once() {
    let gate = Arc::new(Semaphore::new(0));
    let answer = json!({"active": true, "aud": "orders-api", "sub": "alice"});
    let endpoint = Endpoint::start(Does::Gated(Arc::clone(&gate), answer)).await;
    // nothing is remembered: they share the answer because they ask at the same time
    let introspection = builder(&endpoint).remember_active(Duration::ZERO).build().unwrap();
    let app = app(AuthLayer::new(introspection));
    let mut requests = Vec::new();
    for _ in 0..1000 {
        requests.push(begin(&app, "opaque").await);
    }
    gate.add_permits(2);
    for request in requests {
        request.await.is_ok("alice");
    }
    assert_eq!(endpoint.calls(), 1);
    send(&app, "/", "opaque").await.is_ok("alice");
    assert_eq!(endpoint.calls(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_made_up_tokens_opens_no_more_than_the_allowed_connections() {
    let endpoint = Endpoint::start(active(&json!({}))).await;
    let limited = builder(&endpoint).concurrency(2).timeout(Duration::from_millis(500));
    let app = app(AuthLayer::new(limited.build().unwrap()));
    send(&app, "/", "known").await.is_ok("alice");

    endpoint.does(Does::Hang);
    let requests: Vec<_> = (0..200)
        .map(|number| {
            let app = app.clone();
            tokio::spawn(async move {
                let got = send(&app, "/", &format!("made-up-{number}")).await;
                let retry_after = got.headers["retry-after"].to_str().unwrap().to_owned();
                got.is_outage(&retry_after);
                retry_after
            })
        })
        .collect();
    send(&app, "/", "known").await.is_ok("alice");
    let mut at_once = 0;
    for request in requests {
        at_once += usize::from(request.await.unwrap() == "1");
    }
    // two under way and thirty-two waiting at a time
    assert!((1..=200 - 34).contains(&at_once), "{at_once}");
    // Two at a time; the endpoint may notice late that some were given up, and count them with the
    // next. Without the limit it would be all two hundred.
    assert!(endpoint.most_at_once() < 10, "{}", endpoint.most_at_once());
    endpoint.does(active(&json!({})));
    send(&app, "/", "made-up-1").await.is_ok("alice");
}

#[tokio::test]
async fn an_active_token_is_remembered_for_a_while_and_not_beyond_its_exp() {
    let clock = FakeClock::at(UnixTime::from_secs(1_000_000));
    let endpoint = Endpoint::start(active(&json!({"exp": 1_000_010}))).await;
    let app = app(AuthLayer::new(builder(&endpoint).clock(clock.clone()).build().unwrap()));
    let inactive = || Does::Answer(json!({"active": false}));

    send(&app, "/", "short").await.is_ok("alice");
    endpoint.does(active(&json!({})));
    send(&app, "/", "long").await.is_ok("alice");
    endpoint.does(inactive());
    clock.advance(Duration::from_millis(9_999));
    send(&app, "/", "short").await.is_ok("alice");
    assert_eq!(endpoint.calls(), 2);
    clock.advance(Duration::from_millis(1));
    send(&app, "/", "short").await.is_rejected(RejectionKind::Inactive);
    clock.advance(Duration::from_millis(19_999));
    send(&app, "/", "long").await.is_ok("alice");
    clock.advance(Duration::from_millis(1));
    send(&app, "/", "long").await.is_rejected(RejectionKind::Inactive);
    assert_eq!(endpoint.calls(), 4);
}

#[tokio::test]
async fn times_are_judged_on_every_hit() {
    let clock = FakeClock::at(UnixTime::from_secs(1_000_000));
    let endpoint = Endpoint::start(active(&json!({"nbf": 1_000_070}))).await;
    let introspection = builder(&endpoint).clock(clock.clone()).max_age(Duration::from_secs(90));
    let introspection = introspection.remember_active(Duration::from_secs(600));
    endpoint.does(active(&json!({"nbf": 1_000_070, "iat": 1_000_000})));
    let app = app(AuthLayer::new(introspection.build().unwrap()));
    send(&app, "/", "opaque").await.is_rejected(RejectionKind::NotYetValid);
    clock.advance(Duration::from_secs(10));
    send(&app, "/", "opaque").await.is_ok("alice");
    clock.advance(Duration::from_secs(139));
    send(&app, "/", "opaque").await.is_ok("alice");
    clock.advance(Duration::from_secs(1));
    assert_eq!(send(&app, "/", "opaque").await.kind, Some(RejectionKind::Expired));
    assert_eq!(endpoint.calls(), 1);
}

#[tokio::test]
async fn revocation_is_asked_on_every_hit() {
    let endpoint = Endpoint::start(active(&json!({"jti": "one"}))).await;
    let store = MemoryStore::new();
    let layer = AuthLayer::new(builder(&endpoint).build().unwrap()).revocation(store.clone());
    let app = routes().layer(layer);
    send(&app, "/", "opaque").await.is_ok("alice");
    store.revoke_now(&Revocation::token("one", UnixTime::MAX)).unwrap();
    send(&app, "/", "opaque").await.is_rejected(RejectionKind::Revoked);
    assert_eq!(endpoint.calls(), 1);
}

#[tokio::test]
async fn machine_clients_have_neither_sub_nor_jti() {
    let machine = json!({"active": true, "aud": "orders-api", "client_id": "cron", "sid": "s1"});
    let endpoint = Endpoint::start(Does::Answer(machine)).await;
    let introspection = builder(&endpoint).build().unwrap();
    let store = MemoryStore::new();
    let layer = AuthLayer::new(introspection).revocation(store.clone());
    let strict = routes().layer(layer.clone());
    send(&strict, "/", "opaque").await.is_rejected(RejectionKind::MissingIdentifier);
    let lenient = routes().layer(layer.may_lack(Identifiers::TOKEN_ID | Identifiers::SUBJECT));
    send(&lenient, "/", "opaque").await.is_ok("machine");
    store.revoke_now(&Revocation::session("s1", UnixTime::MAX)).unwrap();
    send(&lenient, "/", "opaque").await.is_rejected(RejectionKind::Revoked);
    assert_eq!(endpoint.calls(), 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_waste_the_answer() {
    let gate = Arc::new(Semaphore::new(0));
    let answer = json!({"active": true, "aud": "orders-api", "sub": "alice"});
    let endpoint = Endpoint::start(Does::Gated(Arc::clone(&gate), answer)).await;
    let app = app(AuthLayer::new(builder(&endpoint).build().unwrap()));
    drop(begin(&app, "opaque").await);
    gate.add_permits(1);
    send(&app, "/", "opaque").await.is_ok("alice");
    assert_eq!(endpoint.calls(), 1);
}

#[tokio::test]
async fn forgotten_tokens_are_asked_about_anew() {
    let endpoint = Endpoint::start(active(&json!({}))).await;
    let introspection = builder(&endpoint).build().unwrap();
    let app = app(AuthLayer::new(introspection.clone()));
    send(&app, "/", "one").await.is_ok("alice");
    send(&app, "/", "two").await.is_ok("alice");
    endpoint.does(Does::Answer(json!({"active": false})));
    introspection.forget(&BearerToken::parse("one").unwrap());
    send(&app, "/", "one").await.is_rejected(RejectionKind::Inactive);
    send(&app, "/", "two").await.is_ok("alice");
    introspection.clear();
    send(&app, "/", "two").await.is_rejected(RejectionKind::Inactive);

    // an answer under way when the token was forgotten is not remembered
    introspection.clear();
    let gate = Arc::new(Semaphore::new(0));
    let before = json!({"active": true, "aud": "orders-api", "sub": "before"});
    endpoint.does(Does::Gated(Arc::clone(&gate), before));
    let asked = endpoint.calls();
    let under_way = begin(&app, "three").await;
    endpoint.asked(asked + 1).await;
    introspection.forget(&BearerToken::parse("three").unwrap());
    endpoint.does(Does::Answer(json!({"active": false})));
    send(&app, "/", "three").await.is_rejected(RejectionKind::Inactive);
    gate.add_permits(1);
    under_way.await.is_ok("before");
    send(&app, "/", "three").await.is_rejected(RejectionKind::Inactive);
}

#[tokio::test]
async fn where_the_token_stood_is_told_of_each_request() {
    let endpoint = Endpoint::start(active(&json!({}))).await;
    let introspection = builder(&endpoint).build().unwrap();
    let in_header = app(AuthLayer::new(introspection.clone()));
    let in_query = app(AuthLayer::new(introspection).source(QueryParameter::named("access_token")));
    for _ in 0..2 {
        let got = send(&in_header, "/", "opaque").await;
        assert!(!got.headers.contains_key("cache-control"));
        let request = Request::get("/?access_token=opaque").body(Body::empty()).unwrap();
        let got = in_query.clone().oneshot(request).await.unwrap();
        assert_eq!(
            (got.status(), &got.headers()["cache-control"]),
            (StatusCode::OK, &"private".parse().unwrap())
        );
    }
    assert_eq!(endpoint.calls(), 1);
}

#[tokio::test]
async fn gateway_signed_tokens_are_verified_here_and_the_others_introspected() {
    let endpoint = Endpoint::start(active(&json!({"sub": "gateway"}))).await;
    let issuer = TestIssuer::new();
    let verifier = issuer.verifier::<StandardClaims>().build().unwrap();
    let introspection = builder(&endpoint).build().unwrap();
    let app = app(AuthLayer::new(JwtOrOpaque::new(verifier, introspection)));

    send(&app, "/", &issuer.token().subject("alice").sign()).await.is_ok("alice");
    // no rejected JWT gets a second chance, although the endpoint would say yes
    let stranger = TestIssuer::new().token().sign();
    send(&app, "/", &stranger).await.is_rejected(RejectionKind::InvalidSignature);
    let unsecured = issuer.token().header("alg", "none").sign();
    send(&app, "/", &unsecured).await.is_rejected(RejectionKind::WrongAlgorithm);
    let expired = issuer.token().expired().sign();
    assert_eq!(send(&app, "/", &expired).await.kind, Some(RejectionKind::Expired));
    let unsigned = stranger.rsplit_once('.').unwrap().0.to_owned() + ".";
    send(&app, "/", &unsigned).await.is_rejected(RejectionKind::MalformedToken);
    assert_eq!(endpoint.calls(), 0);

    send(&app, "/", "8f3a-reference-token").await.is_ok("gateway");
    send(&app, "/", "two.dots.here").await.is_ok("gateway");
    assert_eq!(endpoint.calls(), 2);
}

#[tokio::test]
async fn client_authentication_on_the_wire() {
    let endpoint = Endpoint::start(active(&json!({}))).await;
    let ask = async |client: ClientAuth| {
        let introspection = Introspection::<StandardClaims>::builder(&endpoint.url, Http::new())
            .client(client)
            .audience("orders-api");
        let app = app(AuthLayer::new(introspection.build().unwrap()));
        send(&app, "/", "opaque").await.is_ok("alice");
        endpoint.last()
    };

    // RFC 6749 §2.3.1: encoded first, so that a colon in the id is not the separator
    let asked = ask(ClientAuth::basic("orders:api", Secret::new("p%+ä"))).await;
    let field = asked.headers["authorization"].to_str().unwrap();
    let pair = STANDARD.decode(field.strip_prefix("Basic ").unwrap()).unwrap();
    assert_eq!(pair, b"orders%3Aapi:p%25%2B%C3%A4");
    assert_eq!(asked.form.len(), 2);

    let asked = ask(ClientAuth::post("orders:api", Secret::new("p%+ä&="))).await;
    assert!(!asked.headers.contains_key("authorization"));
    assert_eq!(asked.form["client_id"], "orders:api");
    assert_eq!(asked.form["client_secret"], "p%+ä&=");

    let asked = ask(ClientAuth::bearer(Secret::new("my.own.token"))).await;
    assert_eq!(asked.headers["authorization"], "Bearer my.own.token");
    assert_eq!(asked.form.len(), 2);
}

#[tokio::test]
async fn rfc7523_private_key_jwt_verifies_with_the_public_key() {
    let endpoint = Endpoint::start(active(&json!({}))).await;
    let pem = include_str!("../../src/key/testdata/p256.key.pem");
    let public = include_str!("../../src/key/testdata/p256.pub.pem");
    let issuer = "https://id.example.com";
    let client =
        PrivateKeyJwt::new("orders-api", SigningKey::from_pem(Algorithm::ES256, pem).unwrap())
            .audience(issuer);
    assert!(!format!("{client:?}").contains("BEGIN"));
    let introspection = Introspection::<StandardClaims>::builder(&endpoint.url, Http::new())
        .client(client.key_id("k1"))
        .audience("orders-api");
    let app = app(AuthLayer::new(introspection.build().unwrap()));

    let verifier = Verifier::<StandardClaims>::builder()
        .keys(Key::from_pem(Algorithm::ES256, public).unwrap().with_id("k1"))
        .issuer("orders-api")
        .audience(issuer)
        .require(["exp", "iat", "jti", "sub"])
        .max_age(Duration::from_secs(60))
        .leeway(Duration::from_secs(2))
        .build()
        .unwrap();
    let mut ids = Vec::new();
    for token in ["one", "two"] {
        send(&app, "/", token).await.is_ok("alice");
        let asked = endpoint.last();
        assert!(!asked.headers.contains_key("authorization"));
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        assert_eq!(asked.form["client_assertion_type"], kind);
        let assertion = BearerToken::parse(&asked.form["client_assertion"]).unwrap();
        let Step::Now(verified) = verifier.verify(assertion, &RequestHead::from(&Request::new(())))
        else {
            panic!("the key is there")
        };
        let verified = verified.unwrap();
        assert_eq!(verified.registered().subject(), Some("orders-api"));
        ids.push(verified.registered().token_id().unwrap().to_owned());
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn every_request_has_its_own_token_to_forward() {
    async fn forward(user: Claims<StandardClaims>) -> String {
        format!("{} {}", user.token().expose_secret(), user.principal().token().expose_secret())
    }
    let endpoint = Endpoint::start(active(&json!({}))).await;
    let introspection = builder(&endpoint).build().unwrap();
    let app = Router::new().route("/", get(forward)).layer(AuthLayer::new(introspection));
    // Remembered is what is known of the token, and not the token.
    for _ in 0..2 {
        send(&app, "/", "opaque").await.is_ok("opaque opaque");
    }
    assert_eq!(endpoint.calls(), 1);
}

#[test]
fn who_joins_a_question_has_a_time_of_their_own() {
    let served = tokio::runtime::Runtime::new().unwrap();
    let left_alone = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let endpoint = served.block_on(Endpoint::start(active(&json!({}))));
    let patience = Duration::from_millis(400);
    let introspection = builder(&endpoint).timeout(patience).build().unwrap();
    let app = app(AuthLayer::new(introspection));
    // Asks, and then nobody drives its runtime any more.
    let mut first = left_alone.block_on(begin(&app, "opaque"));
    served.block_on(async {
        let begun = Instant::now();
        let joined = tokio::time::timeout(patience * 20, send(&app, "/", "opaque")).await;
        joined.expect("a time of its own").is_outage("5");
        let took = begun.elapsed();
        assert!(took >= patience && took < patience * 8, "{took:?}");
        // The first one's time is over by now, too, wherever it is waited for.
        first.as_mut().await.is_outage("5");
        // And whoever comes later asks for themselves.
        send(&app, "/", "opaque").await.is_ok("alice");
    });
    assert_eq!(endpoint.calls(), 1);
}

#[tokio::test]
async fn rfc8414_section_2_the_issuer_says_where_the_endpoint_is() {
    let clock = FakeClock::now_and_still();
    let endpoint = Endpoint::start(active(&json!({}))).await;
    let issuer = endpoint.url.strip_suffix("/introspect").unwrap().to_owned();
    let introspection = Introspection::discover(&issuer, Http::new())
        .client(ClientAuth::basic("orders-api", Secret::new("s3cret")))
        .audience("orders-api")
        .clock(clock.clone())
        .build()
        .unwrap();
    let app = app(AuthLayer::new(introspection));
    let says = |issuer: &str, endpoint: Value| json!({ "issuer": issuer, "introspection_endpoint": endpoint });
    for wrong in [
        json!({ "issuer": issuer }),
        says(&format!("{issuer}/"), json!(endpoint.url)),
        says(&issuer, json!("http://id.example.com/introspect")),
        says(&issuer, json!("/introspect")),
    ] {
        endpoint.metadata(wrong);
        send(&app, "/", "opaque").await.is_outage("5");
        clock.advance(Duration::from_secs(5));
    }
    assert_eq!(endpoint.calls(), 0, "nobody is given a token");
    let asked = endpoint.metadata(says(&issuer, json!(endpoint.url)));
    for token in ["opaque", "other", "third"] {
        send(&app, "/", token).await.is_ok("alice");
    }
    // What was learned holds for an hour, and longer where nothing better is to be had.
    assert_eq!(endpoint.metadata(json!({})), asked + 1);
    clock.advance(Duration::from_secs(2 * 3600));
    send(&app, "/", "opaque").await.is_ok("alice");
    send(&app, "/", "other").await.is_ok("alice");
    assert_eq!(endpoint.metadata(json!({})), asked + 2);

    let error = Introspection::<StandardClaims>::discover(
        format!("{issuer}/.well-known/oauth-authorization-server"),
        Http::new(),
    );
    let error = error.client(ClientAuth::bearer(Secret::new("own"))).any_audience().build();
    assert!(error.unwrap_err().to_string().contains("without /.well-known/"));
}

#[test]
fn without_tokio_the_service_is_misconfigured_and_does_not_panic() {
    let introspection = Introspection::<StandardClaims>::builder("https://id/i", Http::new())
        .client(ClientAuth::bearer(Secret::new("own")))
        .any_audience()
        .build()
        .unwrap();
    let token = BearerToken::parse("opaque").unwrap();
    let Step::Now(Err(rejection)) =
        introspection.verify(token, &RequestHead::from(&Request::new(())))
    else {
        panic!("it cannot wait")
    };
    assert_eq!(rejection.kind(), RejectionKind::Misconfigured);
}

#[test]
fn what_cannot_be_meant_is_refused_when_built() {
    let url = "https://id.example.com/introspect";
    let with = |url: &str, set: fn(Builder) -> Builder| {
        let builder = Introspection::builder(url, Http::new())
            .client(ClientAuth::basic("orders-api", Secret::new("s3cret")))
            .audience("orders-api");
        set(builder).build().map_err(|error| error.to_string())
    };
    let built = with(url, |builder| builder).unwrap();
    assert!(!format!("{built:?}").contains("s3cret"));
    assert!(with("http://id.example.com/i", |b| b).unwrap_err().contains("not https"));
    assert!(with("http://id.example.com/i", |b| b.dangerous().allow_http()).is_ok());
    assert!(with("introspect", |b| b).is_err());
    assert!(with(url, |b| b.audience("")).unwrap_err().contains("audience"));
    assert!(with(url, |b| b.issuer("")).unwrap_err().contains("issuer"));
    assert!(with(url, |b| b.timeout(Duration::ZERO)).unwrap_err().contains("timeout"));
    assert!(with(url, |b| b.timeout(Duration::from_secs(61))).unwrap_err().contains("timeout"));
    assert!(with(url, |b| b.concurrency(0)).unwrap_err().contains("concurrency"));
    assert!(with(url, |b| b.remember_active(Duration::from_secs(3601))).is_err());
    assert!(with(url, |b| b.remember_rejected(Duration::from_secs(3601))).is_err());
    assert!(with(url, |b| b.require(["tenant"])).is_err());
}

/// A verifier is shared by all threads of a server.
#[test]
fn it_is_send_and_sync() {
    fn check<T: Send + Sync + Clone + 'static>() {}
    check::<Introspection<StandardClaims>>();
    check::<JwtOrOpaque<Verifier<StandardClaims>, Introspection<StandardClaims>>>();
}
