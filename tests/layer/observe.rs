//! What the operator learns: the observer's events, and the log.
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use tower::{Layer, ServiceExt};
use tower_bearer::authenticate::{AuthEvent, Decision, Mode};
use tower_bearer::clock::UnixTime;
use tower_bearer::guard::{role, scope};
use tower_bearer::revocation::{
    Identifiers, MemoryStore, Revocation, RevocationStatus, StoreError, check_async_fn,
};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{AuthLayer, RejectionKind, RequireLayer, Verifier};

use tower_bearer_tests::servers::{User, alice, bearer, layer};

type Answer = Response<Full<Bytes>>;
type Event = (Decision, Option<RejectionKind>, Option<String>);

const ISSUER: Option<&str> = Some(TestIssuer::ISSUER);

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Event>>>);

impl Seen {
    fn hook(&self) -> impl Fn(&AuthEvent<'_>) + Send + Sync + 'static {
        let seen = self.clone();
        move |event| seen.observe(event)
    }

    fn observe(&self, event: &AuthEvent<'_>) {
        assert_eq!(event.realm, Some("api"));
        if event.outcome == Decision::Denied {
            assert_eq!(event.latency, Duration::ZERO);
        } else {
            assert!(event.latency < Duration::from_secs(60));
        }
        let issuer = event.issuer.map(str::to_owned);
        self.0.lock().unwrap().push((event.outcome, event.kind, issuer));
    }
}

impl Seen {
    #[track_caller]
    fn are(&self, expected: &[(Decision, Option<RejectionKind>, Option<&str>)]) {
        let events = std::mem::take(&mut *self.0.lock().unwrap());
        let events: Vec<_> =
            events.iter().map(|event| (event.0, event.1, event.2.as_deref())).collect();
        assert_eq!(events, expected);
    }
}

const ACCEPTED: (Decision, Option<RejectionKind>, Option<&str>) =
    (Decision::Accepted, None, ISSUER);

fn rejected(kind: RejectionKind) -> (Decision, Option<RejectionKind>, Option<&'static str>) {
    (Decision::Rejected, Some(kind), None)
}

fn denied(kind: RejectionKind) -> (Decision, Option<RejectionKind>, Option<&'static str>) {
    (Decision::Denied, Some(kind), None)
}

async fn open(_: Request<String>) -> Result<Answer, Infallible> {
    Ok(Response::default())
}

fn with(token: &str) -> Request<String> {
    Request::get("/").header("authorization", token).body(String::new()).unwrap()
}

fn preflight() -> Request<String> {
    Request::builder()
        .method(Method::OPTIONS)
        .header("origin", "https://app.test")
        .header("access-control-request-method", "GET")
        .body(String::new())
        .unwrap()
}

async fn ask<R: tower_bearer::revocation::RevocationCheck>(
    layer: &AuthLayer<Verifier<User>, R>,
    request: Request<String>,
) -> u16 {
    let answer = layer.layer(tower::service_fn(open)).oneshot(request).await.unwrap();
    answer.status().as_u16()
}

#[tokio::test]
async fn every_outcome_is_seen_once() {
    let issuer = TestIssuer::new();
    let seen = Seen::default();
    let required = layer(&issuer).observer(seen.hook());
    assert_eq!(ask(&required, with(&alice(&issuer))).await, 200);
    seen.are(&[ACCEPTED]);
    assert_eq!(ask(&required, Request::new(String::new())).await, 401);
    seen.are(&[rejected(RejectionKind::MissingToken)]);
    assert_eq!(ask(&required, preflight()).await, 401);
    seen.are(&[rejected(RejectionKind::MissingToken)]);
    assert_eq!(ask(&required.clone().let_preflights_pass(), preflight()).await, 200);
    seen.are(&[(Decision::Preflight, None, None)]);

    let optional = required.clone().mode(Mode::Optional);
    assert_eq!(ask(&optional, Request::new(String::new())).await, 200);
    seen.are(&[(Decision::Anonymous, None, None)]);
    let late = bearer(&issuer.token().subject("alice").expired().sign());
    assert_eq!(ask(&optional, with(&late)).await, 401);
    seen.are(&[rejected(RejectionKind::Expired)]);
    let inspect = required.mode(Mode::Inspect);
    assert_eq!(ask(&inspect, with(&late)).await, 200);
    seen.are(&[rejected(RejectionKind::Expired)]);
    assert_eq!(ask(&inspect, Request::new(String::new())).await, 200);
    seen.are(&[(Decision::Anonymous, None, None)]);
}

#[tokio::test]
async fn every_kind_is_seen_and_the_issuer_of_verified_tokens_alone() {
    let issuer = TestIssuer::new();
    let seen = Seen::default();
    let revoked = MemoryStore::builder().require(Identifiers::NONE).build();
    revoked.revoke_now(&Revocation::token("gone", UnixTime::MAX)).unwrap();
    let layer = layer(&issuer).revocation(revoked).observer(seen.hook());
    let token = || issuer.token().subject("alice");
    let stranger = TestIssuer::new();
    let hour = UnixTime::from(std::time::SystemTime::now()).as_secs() + 3600;
    for (value, kind) in [
        ("Bearer".to_owned(), RejectionKind::InvalidRequest),
        (bearer("a.b.c"), RejectionKind::MalformedToken),
        (bearer(&token().header("kid", "other").sign()), RejectionKind::UnknownKey),
        (bearer(&token().header("alg", "HS512").sign()), RejectionKind::WrongAlgorithm),
        (alice(&stranger), RejectionKind::InvalidSignature),
        (bearer(&token().claim("iss", "other").sign()), RejectionKind::WrongIssuer),
        (bearer(&token().claim("aud", "other").sign()), RejectionKind::WrongAudience),
        (bearer(&token().header("typ", "logout+jwt").sign()), RejectionKind::WrongType),
        (bearer(&token().claim("nbf", hour).sign()), RejectionKind::NotYetValid),
        (bearer(&token().expired().sign()), RejectionKind::Expired),
        (bearer(&token().without("sub").sign()), RejectionKind::InvalidClaims),
        (bearer(&token().token_id("gone").sign()), RejectionKind::Revoked),
    ] {
        let status = if kind == RejectionKind::InvalidRequest { 400 } else { 401 };
        assert_eq!(ask(&layer, with(&value)).await, status, "{kind:?}");
        seen.are(&[rejected(kind)]);
    }
    assert_eq!(ask(&layer, with(&bearer(&token().sign()))).await, 200);
    seen.are(&[ACCEPTED]);
}

#[tokio::test]
async fn what_guards_and_handlers_deny_is_seen_once_more() {
    async fn deny(_: Request<String>) -> Result<Answer, Infallible> {
        panic!("denied before")
    }
    let issuer = TestIssuer::new();
    let seen = Seen::default();
    let required = layer(&issuer).observer(seen.hook());
    let both = bearer(&issuer.token().subject("alice").scope("a").sign());

    let service = RequireLayer::new(scope("b")).layer(tower::service_fn(deny));
    let service = RequireLayer::new(scope("a")).layer(service);
    let answer = required.layer(service.clone()).oneshot(with(&both)).await.unwrap();
    assert_eq!(answer.status(), 403);
    seen.are(&[ACCEPTED, denied(RejectionKind::InsufficientScope)]);

    let service = RequireLayer::new(role("b")).layer(tower::service_fn(deny));
    let answer = required.layer(service.clone()).oneshot(with(&both)).await.unwrap();
    assert_eq!(answer.status(), 403);
    seen.are(&[ACCEPTED, denied(RejectionKind::Forbidden)]);

    let inspect = required.clone().mode(Mode::Inspect);
    let answer = inspect.layer(service.clone()).oneshot(with("Bearer")).await.unwrap();
    assert_eq!(answer.status(), 400);
    seen.are(&[rejected(RejectionKind::InvalidRequest), denied(RejectionKind::InvalidRequest)]);
    let answer = inspect.layer(service).oneshot(Request::new(String::new())).await.unwrap();
    assert_eq!(answer.status(), 401);
    seen.are(&[(Decision::Anonymous, None, None), denied(RejectionKind::MissingToken)]);

    // A layer within a layer: each reports to its own observer.
    let inner = Seen::default();
    let guarded = RequireLayer::new(scope("none")).layer(tower::service_fn(deny));
    let nested = required.layer(layer(&issuer).observer(inner.hook()).layer(guarded));
    let answer = nested.oneshot(with(&both)).await.unwrap();
    assert_eq!(answer.status(), 403);
    seen.are(&[ACCEPTED]);
    inner.are(&[ACCEPTED, denied(RejectionKind::InsufficientScope)]);
}

#[tokio::test]
async fn outcomes_that_come_later_are_seen_once_too() {
    let issuer = TestIssuer::new();
    let seen = Seen::default();
    let down = Arc::new(AtomicBool::new(false));
    let is_down = Arc::clone(&down);
    let check = check_async_fn(move |token| {
        let down = is_down.load(Ordering::SeqCst);
        async move {
            tokio::task::yield_now().await;
            match down {
                true => Err(StoreError::unavailable("connection refused")),
                false => Ok(RevocationStatus::revoked_if(token.token_id() == Some("gone"))),
            }
        }
    });
    let closed = layer(&issuer).revocation(check).observer(seen.hook());
    let open = closed.clone().dangerous().accept_when_revocation_is_unavailable();
    let good = bearer(&issuer.token().subject("alice").token_id("1").sign());
    let gone = bearer(&issuer.token().subject("alice").token_id("gone").sign());
    assert_eq!(ask(&closed, with(&good)).await, 200);
    seen.are(&[ACCEPTED]);
    assert_eq!(ask(&closed, with(&gone)).await, 401);
    seen.are(&[rejected(RejectionKind::Revoked)]);
    assert_eq!(
        ask(&closed, with(&bearer(&issuer.token().subject("alice").without("jti").sign()))).await,
        401
    );
    seen.are(&[rejected(RejectionKind::MissingIdentifier)]);
    down.store(true, Ordering::SeqCst);
    assert_eq!(ask(&closed, with(&good)).await, 503);
    seen.are(&[rejected(RejectionKind::RevocationUnavailable)]);
    assert_eq!(ask(&open, with(&good)).await, 200);
    seen.are(&[ACCEPTED]);
    // A request that was given up has no outcome.
    drop(closed.layer(tower::service_fn(self::open)).oneshot(with(&good)));
    seen.are(&[]);
}

#[tokio::test]
async fn a_closure_is_an_observer() {
    let issuer = TestIssuer::new();
    let count = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&count);
    let layer = layer(&issuer).observer(move |event| {
        assert_eq!(event.outcome, Decision::Accepted);
        *counted.lock().unwrap() += 1;
    });
    assert_eq!(ask(&layer, with(&alice(&issuer))).await, 200);
    assert_eq!(*count.lock().unwrap(), 1);
}

#[cfg(feature = "tracing")]
mod log {
    use tower_bearer::StandardClaims;
    use tower_bearer::guard::authenticated;

    use tower_bearer_tests::servers::Log;

    use super::*;

    /// What a token with secrets in every claim leaves in the log.
    fn assert_silent(logged: &str, token: &str) {
        assert!(!logged.contains(token), "{logged}");
        for segment in token.split('.') {
            assert!(!logged.contains(segment), "{logged}");
        }
        for secret in ["mallory", "tenant-42", "SECRETSCOPE", "SECRETJTI"] {
            assert!(!logged.contains(secret), "{secret}: {logged}");
        }
    }

    #[tokio::test]
    async fn rejections_are_logged_with_kind_and_reason_and_no_token() {
        let issuer = TestIssuer::new();
        let store = MemoryStore::new();
        store.revoke_now(&Revocation::token("SECRETJTI", UnixTime::MAX)).unwrap();
        let layer = layer(&issuer).revocation(store);
        let token = || {
            let token = issuer.token().subject("mallory").claim("tenant", "tenant-42");
            token.scope("SECRETSCOPE").token_id("SECRETJTI-2")
        };
        let hour = UnixTime::from(std::time::SystemTime::now()).as_secs() + 3600;
        let log = Log::capture();
        let mut warned = std::collections::HashSet::new();
        for (token, kind, reason) in [
            (token().header("kid", "lost").sign(), "unknown_key", "names \"lost\", there are"),
            (token().header("alg", "HS512").sign(), "wrong_algorithm", "is not the algorithm of"),
            (token().sign() + "AAAA", "invalid_signature", "the signature does not verify"),
            (token().claim("iss", "mallory").sign(), "wrong_issuer", "iss"),
            (token().claim("aud", "tenant-42").sign(), "wrong_audience", "aud"),
            (token().header("typ", "lost+jwt").sign(), "wrong_type", "`typ`"),
            (token().claim("nbf", hour).sign(), "not_yet_valid", "nbf"),
            (token().expired().sign(), "expired", "exp"),
            (token().claim("exp", "mallory").sign(), "invalid_claims", "claims type"),
            (token().claim("sub", ["mallory"]).sign(), "invalid_claims", "claims type"),
            (token().token_id("SECRETJTI").sign(), "revoked", "were revoked"),
            (token().without("jti").sign(), "missing_identifier", "lacks an identifier"),
        ] {
            let request = with(&bearer(&token));
            assert_eq!(ask(&layer, request).await, 401, "{kind}");
            let logged = log.take();
            assert_eq!(logged.lines().count(), 1, "{kind}: {logged}");
            // What only a trusted issuer can cause is a warning, once.
            let trusted = ["wrong_audience", "wrong_type", "invalid_claims", "missing_identifier"];
            let level =
                if trusted.contains(&kind) && warned.insert(kind) { "WARN" } else { "DEBUG" };
            assert!(logged.trim_start().starts_with(level), "{logged}");
            assert!(logged.contains("request rejected"), "{logged}");
            assert!(logged.contains(&format!("kind={kind}")), "{kind}: {logged}");
            assert!(logged.contains(reason), "{kind}: {logged}");
            assert_silent(&logged, &token);
        }
        // Accepted requests are not worth a line.
        assert_eq!(ask(&layer, with(&bearer(&token().sign()))).await, 200);
        assert_eq!(log.take(), "");
    }

    #[tokio::test]
    async fn the_log_names_the_field_that_does_not_fit() {
        #[derive(Debug, serde::Deserialize)]
        struct Tenanted {
            #[allow(dead_code, reason = "read by serde alone")]
            tenant: u32,
        }
        let issuer = TestIssuer::new();
        let log = Log::capture();
        let layer = AuthLayer::new(issuer.verifier::<Tenanted>().build().unwrap());
        for token in [
            issuer.token().claim("tenant", "tenant-42").sign(),
            issuer.token().subject("mallory").sign(),
        ] {
            let service = layer.layer(tower::service_fn(open));
            let answer = service.oneshot(with(&bearer(&token))).await.unwrap();
            assert_eq!(answer.status(), 401);
            let logged = log.take();
            assert!(logged.contains("source=") && logged.contains("`tenant`"), "{logged}");
            assert_silent(&logged, &token);
        }
    }

    #[tokio::test]
    async fn outages_are_warnings_with_their_source() {
        let issuer = TestIssuer::new();
        let check = check_async_fn(|_| async {
            Err(StoreError::unavailable("connection refused by db-3"))
        });
        let closed = layer(&issuer).revocation(check);
        let open = closed.clone().dangerous().accept_when_revocation_is_unavailable();
        let token = issuer.token().subject("mallory").token_id("SECRETJTI").sign();
        let log = Log::capture();
        for (layer, status, text) in [
            (closed, 503, "request rejected"),
            (open, 200, "request accepted without a revocation check"),
        ] {
            assert_eq!(ask(&layer, with(&bearer(&token))).await, status);
            let logged = log.take();
            assert_eq!(logged.lines().count(), 1, "{logged}");
            assert!(logged.trim_start().starts_with("WARN"), "{logged}");
            assert!(logged.contains(text), "{logged}");
            assert!(logged.contains("kind=revocation_unavailable"), "{logged}");
            assert!(logged.contains("source=the store cannot be asked"), "{logged}");
            assert!(logged.contains("connection refused by db-3"), "the cause: {logged}");
            assert_silent(&logged, &token);
        }
    }

    #[tokio::test]
    async fn denials_are_logged_once_and_misconfiguration_as_an_error() {
        let issuer = TestIssuer::new();
        let token = issuer.token().subject("mallory").scope("SECRETSCOPE").sign();
        let log = Log::capture();
        let service = RequireLayer::new(scope("a")).layer(tower::service_fn(open));
        let service = layer(&issuer).layer(service);
        assert_eq!(service.oneshot(with(&bearer(&token))).await.unwrap().status(), 403);
        let logged = log.take();
        assert_eq!(logged.lines().count(), 1, "{logged}");
        assert!(logged.contains("kind=insufficient_scope"), "{logged}");
        assert_silent(&logged, &token);

        let guard = tower_bearer::guard::claims(|claims: &StandardClaims| claims.sub.is_some());
        let service = RequireLayer::new(guard).layer(tower::service_fn(open));
        let service = layer(&issuer).layer(service);
        assert_eq!(service.oneshot(with(&bearer(&token))).await.unwrap().status(), 500);
        let logged = log.take();
        assert_eq!(logged.lines().count(), 1, "{logged}");
        assert!(logged.starts_with("ERROR"), "{logged}");
        assert!(logged.contains("the guard expects") && logged.contains("StandardClaims"));
        assert_silent(&logged, &token);

        let service = RequireLayer::new(authenticated()).layer(tower::service_fn(open));
        assert_eq!(service.oneshot(with(&bearer(&token))).await.unwrap().status(), 500);
        let logged = log.take();
        assert_eq!(logged.lines().count(), 1, "{logged}");
        assert!(logged.starts_with("ERROR") && logged.contains("AuthLayer::new(verifier)"));
        assert_silent(&logged, &token);
    }
}
