//! The layer in tower stacks without a server: readiness, waiting, cancellation, revocation,
//! rotation.
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::join_all;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde::Deserialize;
use tokio::sync::oneshot;
use tower::buffer::Buffer;
use tower::limit::ConcurrencyLimit;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_bearer::clock::{Clock, UnixTime};
use tower_bearer::key::{
    BoxFuture, KeySnapshot, KeySource, KeysUnavailable, MissingKey, SharedKeys,
};
use tower_bearer::layer::AuthService;
use tower_bearer::revocation::{
    BoxRevocationCheck, Cached, Identifiers, MemoryStore, Revocation, RevocationCheck,
    RevocationStatus, RevocationStore, StoreError, TokenIdentity, both, check_async_fn, check_fn,
};
use tower_bearer::step::Step;
use tower_bearer::testing::{FakeClock, TestIssuer};
use tower_bearer::{
    AuthLayer, Claims, KeySet, Rejection, RejectionKind, RequireLayer, Verifier, guard,
};

use tower_bearer_tests::servers::{User, alice, bearer, layer, verifier};

type Answer = Response<Full<Bytes>>;

fn with(token: &str) -> Request<String> {
    Request::get("/").header("authorization", token).body(String::new()).unwrap()
}

fn anonymous() -> Request<String> {
    Request::new(String::new())
}

async fn greet(request: Request<String>) -> Result<Answer, Infallible> {
    let user = Claims::<User>::from_extensions(request.extensions()).unwrap();
    Ok(Response::new(Full::from(user.sub.clone())))
}

fn kind<B>(response: &Response<B>) -> Option<RejectionKind> {
    response.extensions().get().map(Rejection::kind)
}

/// Panics when it is called without having been polled ready itself. Counts clones and calls.
#[derive(Default)]
struct Strict {
    ready: bool,
    clones: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        self.clones.fetch_add(1, Ordering::SeqCst);
        // As tower asks for: readiness is not cloned.
        Self { ready: false, clones: Arc::clone(&self.clones), calls: Arc::clone(&self.calls) }
    }
}

impl Service<Request<String>> for Strict {
    type Response = Answer;
    type Error = Infallible;
    type Future = Ready<Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without poll_ready");
        self.calls.fetch_add(1, Ordering::SeqCst);
        ready(Ok(Response::default()))
    }
}

/// What a revocation check answers.
type Status = Result<RevocationStatus, StoreError>;

/// A revocation check that answers when the test says so.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<VecDeque<oneshot::Sender<Status>>>>);

impl Gate {
    fn waiting(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Answers who has waited longest. `false` if nobody waits any more.
    fn answer(&self, answer: Status) -> bool {
        let first = self.0.lock().unwrap().pop_front().expect("nobody asked");
        first.send(answer).is_ok()
    }
}

impl RevocationCheck for Gate {
    type Future = BoxFuture<'static, Status>;

    fn required(&self) -> Identifiers {
        Identifiers::NONE
    }

    fn check(&self, _: &TokenIdentity<'_>) -> Step<Status, Self::Future> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap().push_back(sender);
        Step::Later(Box::pin(async move {
            receiver.await.unwrap_or_else(|gone| Err(StoreError::unavailable(gone)))
        }))
    }
}

const ACTIVE: Status = Ok(RevocationStatus::Active);
const REVOKED: Status = Ok(RevocationStatus::Revoked);

/// Polls once, with nobody to wake.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    future.poll_unpin(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn the_static_path_neither_clones_nor_waits() {
    let issuer = TestIssuer::new();
    let revoked = MemoryStore::new();
    let inner = Strict::default();
    let (clones, calls) = (Arc::clone(&inner.clones), Arc::clone(&inner.calls));
    let guarded = RequireLayer::new(guard::authenticated()).layer(inner);
    let mut service = layer(&issuer).revocation(revoked).layer(guarded);
    let good = bearer(&issuer.token().subject("alice").token_id("1").sign());
    let late = bearer(&issuer.token().subject("alice").token_id("1").expired().sign());
    for (token, status) in [(&*good, 200), (&*late, 401), ("Bearer", 400), (&*good, 200)] {
        let Poll::Ready(Ok(())) = poll_once(&mut ready_of(&mut service)) else { panic!() };
        let answer = pin!(service.call(with(token))).now_or_never().expect("it waits").unwrap();
        assert_eq!(answer.status(), status);
    }
    assert_eq!(clones.load(Ordering::SeqCst), 0);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

fn ready_of<S: Service<Request<String>>>(
    service: &mut S,
) -> impl Future<Output = Result<(), S::Error>> + Unpin {
    std::future::poll_fn(|cx| service.poll_ready(cx))
}

#[tokio::test]
async fn a_service_that_had_to_wait_is_made_ready_before_it_is_called() {
    let issuer = TestIssuer::new();
    let gate = Gate::default();
    let inner = Strict::default();
    let (clones, calls) = (Arc::clone(&inner.clones), Arc::clone(&inner.calls));
    let mut service = layer(&issuer).revocation(gate.clone()).layer(inner);
    let mut waiting = Vec::new();
    for _ in 0..3 {
        ready_of(&mut service).await.unwrap();
        waiting.push(tokio::spawn(service.call(with(&alice(&issuer)))));
    }
    let cloned = clones.load(Ordering::SeqCst);
    assert_eq!(cloned, 6, "for each that waits, one that goes along and one that stays");
    for answer in [ACTIVE, REVOKED, ACTIVE] {
        assert!(gate.answer(answer));
    }
    let statuses: Vec<_> = join_all(waiting)
        .await
        .into_iter()
        .map(|answer| answer.unwrap().unwrap().status().as_u16())
        .collect();
    assert_eq!(statuses, [200, 401, 200]);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn readiness_and_its_errors_are_those_of_the_inner_service() {
    #[derive(Clone)]
    struct Failing(Arc<AtomicBool>);
    impl Service<Request<String>> for Failing {
        type Response = Answer;
        type Error = &'static str;
        type Future = Ready<Result<Answer, &'static str>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            match self.0.load(Ordering::SeqCst) {
                true => Poll::Ready(Err("broken")),
                false => Poll::Pending,
            }
        }
        fn call(&mut self, _: Request<String>) -> Self::Future {
            ready(Err("failed"))
        }
    }
    let issuer = TestIssuer::new();
    let broken = Arc::new(AtomicBool::new(false));
    let mut service = layer(&issuer).layer(Failing(Arc::clone(&broken)));
    assert!(poll_once(&mut ready_of(&mut service)).is_pending());
    broken.store(true, Ordering::SeqCst);
    assert_eq!(poll_once(&mut ready_of(&mut service)), Poll::Ready(Err("broken")));
    let answer = service.call(with(&alice(&issuer))).await;
    assert_eq!(answer.unwrap_err(), "failed");
    // A rejection does not ask the inner service, so none of its errors shows.
    assert_eq!(service.call(anonymous()).await.unwrap().status(), 401);
}

#[tokio::test]
async fn rejections_leak_no_permit() {
    let issuer = TestIssuer::new();
    let limited = ConcurrencyLimit::new(tower::service_fn(greet), 1);
    let service = layer(&issuer).layer(limited);
    let mut one = service.clone();
    for _ in 0..10 {
        assert_eq!(one.ready().await.unwrap().call(anonymous()).await.unwrap().status(), 401);
    }
    assert_eq!(one.ready().await.unwrap().call(with(&alice(&issuer))).await.unwrap().status(), 200);
    // The permit went with the request, not with the handle that sent it.
    let mut other = service.clone();
    assert_eq!(
        other.ready().await.unwrap().call(with(&alice(&issuer))).await.unwrap().status(),
        200
    );
    // A handle per request, as servers do it.
    for _ in 0..10 {
        assert_eq!(service.clone().oneshot(anonymous()).await.unwrap().status(), 401);
        assert_eq!(service.clone().oneshot(with(&alice(&issuer))).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn waiting_and_cancelled_authentication_leaks_no_permit() {
    let issuer = TestIssuer::new();
    let gate = Gate::default();
    let limited = ConcurrencyLimit::new(tower::service_fn(greet), 1);
    let mut service = layer(&issuer).revocation(gate.clone()).layer(limited);
    let token = alice(&issuer);

    for answer in [ACTIVE, REVOKED, Err(StoreError::unavailable("down"))] {
        let first = service.ready().await.unwrap().call(with(&token));
        // The one permit is free for others while the request waits.
        let mut other = service.clone();
        assert!(poll_once(&mut ready_of(&mut other)).is_ready());
        drop(other);
        assert!(gate.answer(answer));
        let _ = first.await.unwrap();
        assert!(poll_once(&mut ready_of(&mut service)).is_ready());
    }

    // Dropped before it was polled, and while it waits.
    drop(service.ready().await.unwrap().call(with(&token)));
    assert!(!gate.answer(ACTIVE), "the check was dropped too");
    let mut dropped = Box::pin(service.ready().await.unwrap().call(with(&token)));
    assert!(poll_once(&mut dropped).is_pending());
    drop(dropped);
    assert!(!gate.answer(ACTIVE), "the check was dropped too");
    assert!(poll_once(&mut ready_of(&mut service)).is_ready());
    let last = service.ready().await.unwrap().call(with(&token));
    assert!(gate.answer(ACTIVE));
    assert_eq!(last.await.unwrap().status(), 200);
}

#[tokio::test]
async fn who_was_let_through_waits_for_a_permit_and_is_woken() {
    let issuer = TestIssuer::new();
    let gate = Gate::default();
    let limited = ConcurrencyLimit::new(tower::service_fn(greet), 1);
    let service = layer(&issuer).revocation(gate.clone()).layer(limited.clone());
    let token = alice(&issuer);
    let waiting = tokio::spawn(service.oneshot(with(&token)));
    while gate.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    // Another one has the permit by the time the first is let through.
    let mut other = limited;
    assert!(poll_once(&mut ready_of(&mut other)).is_ready());
    assert!(gate.answer(ACTIVE));
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished(), "there is one permit");
    drop(other);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
}

/// Strangers whose tokens have to wait for keys, introspection or a store take nothing from others.
#[tokio::test]
async fn a_token_that_waits_holds_no_permit_of_the_service() {
    let issuer = TestIssuer::new();
    let check = check_async_fn(|token| async move {
        if token.token_id() == Some("slow") {
            std::future::pending::<()>().await;
        }
        Ok(RevocationStatus::Active)
    });
    let limited = ConcurrencyLimit::new(tower::service_fn(greet), 1);
    let service = layer(&issuer).revocation(check).layer(limited);
    let ask = |id: &str| {
        let token = bearer(&issuer.token().subject("alice").token_id(id).sign());
        service.clone().oneshot(with(&token))
    };
    let mut strangers: Vec<_> = (0..10).map(|_| Box::pin(ask("slow"))).collect();
    for stranger in &mut strangers {
        assert!(poll_once(stranger).is_pending());
    }
    let answer = tokio::time::timeout(Duration::from_secs(10), ask("1")).await;
    assert_eq!(answer.expect("the permit is free").unwrap().status(), 200);
}

/// A worker keeps one service and makes it ready for the next request, which may never come.
#[tokio::test]
async fn a_token_that_waits_is_not_locked_out_by_its_own_service() {
    let issuer = TestIssuer::new();
    let check = check_async_fn(|_| async {
        tokio::task::yield_now().await;
        Ok(RevocationStatus::Active)
    });
    let limited = ConcurrencyLimit::new(tower::service_fn(greet), 1);
    let service = Buffer::new(layer(&issuer).revocation(check).layer(limited), 1);
    let token = bearer(&issuer.token().subject("alice").token_id("1").sign());
    for _ in 0..5 {
        let answer =
            tokio::time::timeout(Duration::from_secs(10), service.clone().oneshot(with(&token)));
        assert_eq!(answer.await.expect("no lock").unwrap().status(), 200);
    }
}

#[tokio::test]
async fn over_and_under_a_buffer() {
    let issuer = TestIssuer::new();
    let token = alice(&issuer);
    let over = layer(&issuer).layer(Buffer::new(tower::service_fn(greet), 1));
    let under =
        Buffer::new(layer(&issuer).layer(ConcurrencyLimit::new(tower::service_fn(greet), 1)), 1);
    for _ in 0..20 {
        assert_eq!(over.clone().oneshot(anonymous()).await.unwrap().status(), 401);
        assert_eq!(over.clone().oneshot(with(&token)).await.unwrap().status(), 200);
        assert_eq!(under.clone().oneshot(anonymous()).await.unwrap().status(), 401);
        assert_eq!(under.clone().oneshot(with(&token)).await.unwrap().status(), 200);
    }
    // Of those that wait at once, each gets its own answer.
    let gate = Gate::default();
    let waits =
        layer(&issuer).revocation(gate.clone()).layer(Buffer::new(tower::service_fn(greet), 4));
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let mut waits = waits.clone();
        tasks.push(tokio::spawn(waits.ready().await.unwrap().call(with(&token))));
    }
    for answer in [REVOKED, ACTIVE, REVOKED, ACTIVE] {
        assert!(gate.answer(answer));
    }
    let answers = join_all(tasks).await.into_iter();
    let statuses: Vec<_> = answers.map(|answer| answer.unwrap().unwrap().status()).collect();
    assert_eq!(statuses, [401, 200, 401, 200].map(|code| StatusCode::from_u16(code).unwrap()));
}

#[tokio::test]
async fn in_a_service_builder_among_other_layers() {
    let issuer = TestIssuer::new();
    let service = ServiceBuilder::new()
        .concurrency_limit(2)
        .timeout(Duration::from_secs(60))
        .layer(layer(&issuer))
        .layer(RequireLayer::new(guard::scope("a")))
        .buffer(2)
        .load_shed()
        .service_fn(greet);
    let scoped = bearer(&issuer.token().subject("alice").scope("a b").sign());
    let answer = service.clone().oneshot(with(&scoped)).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "alice");
    let answer = service.clone().oneshot(with(&alice(&issuer))).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), kind(&answer)),
        (403, Some(RejectionKind::InsufficientScope))
    );
    let answer = service.oneshot(anonymous()).await.unwrap();
    assert_eq!((answer.status().as_u16(), kind(&answer)), (401, Some(RejectionKind::MissingToken)));
}

/// Not `Clone`, not `Debug`.
#[derive(Deserialize)]
struct Opaque {
    sub: String,
}

#[test]
fn services_are_send_sync_and_clone_whatever_the_claims() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    fn send<T: Send>(_: T) {}
    let issuer = TestIssuer::new();
    let layer = AuthLayer::new(issuer.verifier::<Opaque>().build().unwrap());
    let layer = layer.revocation(BoxRevocationCheck::new(Gate::default()));
    shared(&layer);
    let service: AuthService<Strict, Verifier<Opaque>, _> = layer.layer(Strict::default());
    shared(&service);
    assert!(!service.get_ref().ready);
    let guarded = RequireLayer::new(guard::claims(|claims: &Opaque| claims.sub == "alice"));
    shared(&guarded);
    let mut service = layer.layer(guarded.layer(Strict::default()));
    shared(&service);
    send(service.call(anonymous()));
    let _: BoxCloneSyncService<Request<String>, _, Infallible> = BoxCloneSyncService::new(service);
    shared(&Arc::new(MemoryStore::new()));
    assert_eq!(size_of_val(&layer), size_of::<usize>(), "a handle");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_tasks_get_each_their_own_verdict() {
    let issuer = TestIssuer::new();
    let revoked = MemoryStore::new();
    let service = layer(&issuer).revocation(revoked.clone()).layer(tower::service_fn(greet));
    let gone = Revocation::token("7", UnixTime::MAX);
    revoked.revoke_now(&gone).unwrap();
    let tasks = (0..100).map(|number| {
        let name = format!("user-{number}");
        let token = issuer.token().subject(&name).token_id((number % 10).to_string());
        let token = bearer(&if number % 10 == 3 { token.expired() } else { token }.sign());
        let mut service = service.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                let answer = service.ready().await.unwrap().call(with(&token)).await.unwrap();
                let expected = match number % 10 {
                    3 => Some(RejectionKind::Expired),
                    7 => Some(RejectionKind::Revoked),
                    _ => None,
                };
                assert_eq!(kind(&answer), expected);
                if expected.is_none() {
                    let body = answer.into_body().collect().await.unwrap().to_bytes();
                    assert_eq!(body, name);
                }
                tokio::task::yield_now().await;
            }
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
}

/// Asks a layer with this check for a token with these claims.
async fn verdict<R: RevocationCheck>(
    layer: &AuthLayer<Verifier<User>, R>,
    token: &str,
) -> (u16, Option<RejectionKind>) {
    let answer = layer.layer(tower::service_fn(greet)).oneshot(with(token)).await.unwrap();
    (answer.status().as_u16(), kind(&answer))
}

const PASSED: (u16, Option<RejectionKind>) = (200, None);
const TAKEN_BACK: (u16, Option<RejectionKind>) = (401, Some(RejectionKind::Revoked));
const LACKING: (u16, Option<RejectionKind>) = (401, Some(RejectionKind::MissingIdentifier));
const OUTAGE: (u16, Option<RejectionKind>) = (503, Some(RejectionKind::RevocationUnavailable));

#[tokio::test]
async fn revocation_by_token_session_and_subject() {
    let clock = FakeClock::now_and_still();
    let issuer = TestIssuer::new().clock(clock.clone());
    let store = MemoryStore::builder()
        .clock(clock.clone())
        .require(Identifiers::TOKEN_ID | Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH)
        .build();
    let layers = layer(&issuer).revocation(store.clone());
    let sign = |subject: &str, session: &str, id: &str| {
        bearer(&issuer.token().subject(subject).session_id(session).token_id(id).sign())
    };
    let (one, two) = (sign("alice", "s1", "1"), sign("alice", "s1", "2"));
    let (three, bob) = (sign("alice", "s2", "3"), sign("bob", "s3", "4"));
    for token in [&one, &two, &three, &bob] {
        assert_eq!(verdict(&layers, token).await, PASSED);
    }
    store.revoke_now(&Revocation::token("1", UnixTime::MAX)).unwrap();
    assert_eq!(verdict(&layers, &one).await, TAKEN_BACK);
    assert_eq!(verdict(&layers, &two).await, PASSED);
    store.revoke_now(&Revocation::session("s1", UnixTime::MAX)).unwrap();
    assert_eq!(verdict(&layers, &two).await, TAKEN_BACK);
    assert_eq!(verdict(&layers, &three).await, PASSED);
    clock.advance(Duration::from_secs(2));
    store.revoke_now(&Revocation::subject("alice", clock.now(), UnixTime::MAX)).unwrap();
    assert_eq!(verdict(&layers, &three).await, TAKEN_BACK);
    assert_eq!(verdict(&layers, &bob).await, PASSED);
    clock.advance(Duration::from_secs(2));
    assert_eq!(verdict(&layers, &sign("alice", "s4", "5")).await, PASSED);
}

#[tokio::test]
async fn a_token_without_the_identifier_is_rejected_unless_it_may_lack_it() {
    let issuer = TestIssuer::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let check = check_fn(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        RevocationStatus::Active
    })
    .requiring(Identifiers::TOKEN_ID | Identifiers::SESSION_ID);
    let strict = layer(&issuer).revocation(check);
    let token = || issuer.token().subject("alice").without("jti");
    let neither = bearer(&token().sign());
    let id = bearer(&token().token_id("1").sign());
    let session = bearer(&token().session_id("s").sign());
    let both = bearer(&token().token_id("1").session_id("s").sign());
    for token in [&neither, &id, &session] {
        assert_eq!(verdict(&strict, token).await, LACKING);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0, "rejected without asking");
    assert_eq!(verdict(&strict, &both).await, PASSED);
    let lenient = strict.may_lack(Identifiers::SESSION_ID);
    assert_eq!(verdict(&lenient, &id).await, PASSED);
    assert_eq!(verdict(&lenient, &neither).await, LACKING);
    assert_eq!(verdict(&lenient, &session).await, LACKING);
    assert_eq!(verdict(&lenient, &both).await, PASSED);
}

/// A store behind a network that goes down.
#[derive(Clone, Default)]
struct Remote {
    down: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    held: Arc<Mutex<Vec<String>>>,
}

impl RevocationStore for Remote {
    fn required_identifiers(&self) -> Identifiers {
        Identifiers::TOKEN_ID
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("connection refused"));
        }
        let held = self.held.lock().unwrap();
        Ok(RevocationStatus::revoked_if(held.iter().any(|id| token.token_id() == Some(id))))
    }

    async fn revoke(&self, _: &Revocation) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }
}

#[tokio::test]
async fn an_outage_is_503_unless_the_code_says_otherwise() {
    let issuer = TestIssuer::new();
    let store = Remote::default();
    let closed = layer(&issuer).revocation(store.clone());
    let open = layer(&issuer)
        .revocation(store.clone())
        .dangerous()
        .accept_when_revocation_is_unavailable();
    let token = |id: &str| bearer(&issuer.token().subject("alice").token_id(id).sign());
    store.held.lock().unwrap().push("gone".into());
    for layer in [&closed, &open] {
        assert_eq!(verdict(layer, &token("1")).await, PASSED);
        assert_eq!(verdict(layer, &token("gone")).await, TAKEN_BACK);
    }
    store.down.store(true, Ordering::SeqCst);
    for id in ["1", "gone"] {
        assert_eq!(verdict(&closed, &token(id)).await, OUTAGE);
        assert_eq!(verdict(&open, &token(id)).await, PASSED);
    }
    // All else is still rejected, by both.
    for layer in [&closed, &open] {
        let late = issuer.token().subject("alice").token_id("1").expired().sign();
        assert_eq!(verdict(layer, &bearer(&late)).await, (401, Some(RejectionKind::Expired)));
        let no_id = bearer(&issuer.token().subject("alice").without("jti").sign());
        assert_eq!(verdict(layer, &no_id).await, LACKING);
        let answer = layer.layer(tower::service_fn(greet)).oneshot(anonymous()).await.unwrap();
        assert_eq!(answer.status(), 401);
    }
    let answer = closed.layer(tower::service_fn(greet)).oneshot(with(&token("1"))).await.unwrap();
    assert!(!answer.headers().contains_key("www-authenticate"), "an outage is no invalid_token");
    store.down.store(false, Ordering::SeqCst);
    assert_eq!(verdict(&open, &token("gone")).await, TAKEN_BACK);
    assert_eq!(verdict(&closed, &token("1")).await, PASSED);
}

#[tokio::test]
async fn cached_answers_hold_for_their_staleness_and_no_longer() {
    let clock = FakeClock::now_and_still();
    let issuer = TestIssuer::new().clock(clock.clone());
    let store = Remote::default();
    let check = tower_bearer::revocation::StoreCheck::new(store.clone());
    let cached = Cached::new(check, Duration::from_secs(5)).clock(clock.clone());
    let layer = layer(&issuer).revocation(cached);
    let token = bearer(&issuer.token().subject("alice").token_id("1").sign());
    for _ in 0..5 {
        assert_eq!(verdict(&layer, &token).await, PASSED);
    }
    assert_eq!(store.asked.load(Ordering::SeqCst), 1);
    store.held.lock().unwrap().push("1".into());
    clock.advance(Duration::from_millis(4_999));
    assert_eq!(verdict(&layer, &token).await, PASSED, "known, bounded staleness");
    clock.advance(Duration::from_millis(2));
    assert_eq!(verdict(&layer, &token).await, TAKEN_BACK);
    // Revoked stays revoked without asking, even through an outage.
    store.down.store(true, Ordering::SeqCst);
    clock.advance(Duration::from_secs(60));
    assert_eq!(verdict(&layer, &token).await, TAKEN_BACK);
    assert_eq!(store.asked.load(Ordering::SeqCst), 2);
    let other = bearer(&issuer.token().subject("alice").token_id("2").sign());
    assert_eq!(verdict(&layer, &other).await, OUTAGE, "errors are not remembered");
    store.down.store(false, Ordering::SeqCst);
    assert_eq!(verdict(&layer, &other).await, PASSED);
    store.down.store(true, Ordering::SeqCst);
    assert_eq!(verdict(&layer, &other).await, PASSED, "known for its staleness");
    clock.advance(Duration::from_secs(6));
    assert_eq!(verdict(&layer, &other).await, OUTAGE);
    // A hit is no pass for a token that expired meanwhile.
    store.down.store(false, Ordering::SeqCst);
    assert_eq!(verdict(&layer, &other).await, PASSED);
    clock.advance(Duration::from_secs(3600));
    assert_eq!(verdict(&layer, &other).await, (401, Some(RejectionKind::Expired)));
}

#[tokio::test]
async fn of_two_checks_either_revokes_and_either_outage_shows() {
    let issuer = TestIssuer::new();
    let local = MemoryStore::new();
    let store = Remote::default();
    let remote = store.clone();
    let layers = [
        layer(&issuer).revocation(BoxRevocationCheck::new(both(local.clone(), remote.clone()))),
        layer(&issuer).revocation(BoxRevocationCheck::new(both(remote, local.clone()))),
    ];
    let token = |id: &str| bearer(&issuer.token().subject("alice").token_id(id).sign());
    local.revoke_now(&Revocation::token("local", UnixTime::MAX)).unwrap();
    store.held.lock().unwrap().push("remote".into());
    for layer in &layers {
        assert_eq!(verdict(layer, &token("1")).await, PASSED);
        assert_eq!(verdict(layer, &token("local")).await, TAKEN_BACK);
        assert_eq!(verdict(layer, &token("remote")).await, TAKEN_BACK);
        store.down.store(true, Ordering::SeqCst);
        assert_eq!(verdict(layer, &token("1")).await, OUTAGE);
        assert_eq!(verdict(layer, &token("local")).await, TAKEN_BACK, "known without the other");
        store.down.store(false, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn closures_are_checks() {
    let issuer = TestIssuer::new();
    let banned = check_fn(|token| RevocationStatus::revoked_if(token.subject() == Some("bob")))
        .requiring(Identifiers::SUBJECT);
    let later = check_async_fn(|token| async move {
        tokio::task::yield_now().await;
        Ok(RevocationStatus::revoked_if(token.subject() == Some("carol")))
    })
    .requiring(Identifiers::SUBJECT);
    let layer = layer(&issuer).revocation(both(banned, later));
    for (subject, expected) in [("alice", PASSED), ("bob", TAKEN_BACK), ("carol", TAKEN_BACK)] {
        let token = bearer(&issuer.token().subject(subject).sign());
        assert_eq!(verdict(&layer, &token).await, expected, "{subject}");
    }
}

/// What came of fetching keys.
type Fetch = Result<(), KeysUnavailable>;

/// Keys that are fetched when one is missing: the test says when, and what came of it.
#[derive(Clone)]
struct Fetched {
    keys: SharedKeys,
    down: Arc<AtomicBool>,
    fetches: Arc<Mutex<Vec<oneshot::Sender<Fetch>>>>,
}

impl KeySource for Fetched {
    fn current(&self) -> Result<KeySnapshot, KeysUnavailable> {
        match self.down.load(Ordering::SeqCst) {
            true => Err(KeysUnavailable::new().with_retry_after(Duration::from_millis(2_500))),
            false => Ok(self.keys.current()),
        }
    }

    fn refresh(
        &self,
        _: &MissingKey<'_>,
    ) -> Option<BoxFuture<'static, Result<(), KeysUnavailable>>> {
        let (sender, receiver) = oneshot::channel();
        self.fetches.lock().unwrap().push(sender);
        Some(Box::pin(async move {
            receiver.await.unwrap_or_else(|gone| Err(KeysUnavailable::new().with_source(gone)))
        }))
    }
}

#[tokio::test]
async fn keys_that_come_later() {
    let (old, new) = (TestIssuer::new().key_id("old"), TestIssuer::new().key_id("new"));
    let source = Fetched {
        keys: SharedKeys::from(old.key()),
        down: Arc::default(),
        fetches: Arc::default(),
    };
    let verifier = Verifier::<User>::builder()
        .keys(source.clone())
        .issuer(TestIssuer::ISSUER)
        .audience(TestIssuer::AUDIENCE)
        .build()
        .unwrap();
    // Both steps wait: keys, then revocation.
    let gate = Gate::default();
    let inner = Strict::default();
    let calls = Arc::clone(&inner.calls);
    let mut service = AuthLayer::new(verifier).revocation(gate.clone()).layer(inner);
    let fetch = || source.fetches.lock().unwrap().remove(0);

    let mut waiting = Box::pin(service.ready().await.unwrap().call(with(&alice(&new))));
    assert!(poll_once(&mut waiting).is_pending());
    assert_eq!(gate.waiting(), 0, "revocation is asked of verified tokens only");
    source.keys.replace(KeySet::new([old.key(), new.key()]));
    fetch().send(Ok(())).unwrap();
    assert!(poll_once(&mut waiting).is_pending());
    assert!(gate.answer(ACTIVE));
    assert_eq!(waiting.await.unwrap().status(), 200);
    assert_eq!(calls.load(Ordering::SeqCst), 1);

    // A known key needs no fetch.
    let waiting = service.ready().await.unwrap().call(with(&alice(&old)));
    assert!(source.fetches.lock().unwrap().is_empty());
    assert!(gate.answer(ACTIVE));
    assert_eq!(waiting.await.unwrap().status(), 200);

    // An unknown one that stays unknown: one fetch, then rejected.
    let stranger = TestIssuer::new().key_id("stranger");
    let waiting = service.ready().await.unwrap().call(with(&alice(&stranger)));
    fetch().send(Ok(())).unwrap();
    let answer = waiting.await.unwrap();
    assert_eq!((answer.status().as_u16(), kind(&answer)), (401, Some(RejectionKind::UnknownKey)));
    assert!(source.fetches.lock().unwrap().is_empty());

    // The fetch fails: 503, and no challenge.
    let waiting = service.ready().await.unwrap().call(with(&alice(&stranger)));
    let retry = KeysUnavailable::new().with_retry_after(Duration::from_millis(2_500));
    fetch().send(Err(retry)).unwrap();
    let answer = waiting.await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), kind(&answer)),
        (503, Some(RejectionKind::KeysUnavailable))
    );
    assert_eq!(answer.headers()["retry-after"], "3");
    assert!(!answer.headers().contains_key("www-authenticate"));

    // No keys at all.
    source.down.store(true, Ordering::SeqCst);
    let waiting = service.ready().await.unwrap().call(with(&alice(&old)));
    fetch().send(Ok(())).unwrap();
    assert_eq!(waiting.await.unwrap().status(), 503);

    // Nobody waits for a fetch whose request was dropped.
    drop(service.ready().await.unwrap().call(with(&alice(&old))));
    assert!(fetch().send(Ok(())).is_err());
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    assert_eq!(gate.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_under_load_without_a_wrong_verdict() {
    let issuers: Vec<_> =
        (0..3).map(|number| TestIssuer::new().key_id(format!("key-{number}"))).collect();
    let stranger = TestIssuer::new().key_id("key-0");
    let shared = SharedKeys::from(issuers[0].key());
    let verifier = Verifier::<User>::builder()
        .keys(shared.clone())
        .issuer(TestIssuer::ISSUER)
        .audience(TestIssuer::AUDIENCE)
        .build()
        .unwrap();
    let service = AuthLayer::new(verifier).layer(tower::service_fn(greet));
    let stop = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicUsize::new(0));
    let always = alice(&issuers[0]);
    let forged = alice(&stranger);
    let (second, third) = (alice(&issuers[1]), alice(&issuers[2]));
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (stop, served) = (Arc::clone(&stop), Arc::clone(&served));
            let (service, always, forged) = (service.clone(), always.clone(), forged.clone());
            let others = [second.clone(), third.clone()];
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let ask = |token: &str| service.clone().oneshot(with(token));
                    // The key that is never taken away verifies always, a forgery never.
                    assert_eq!(kind(&ask(&always).await.unwrap()), None);
                    let forgery = kind(&ask(&forged).await.unwrap());
                    assert_eq!(forgery, Some(RejectionKind::InvalidSignature));
                    for other in &others {
                        let verdict = kind(&ask(other).await.unwrap());
                        assert!(matches!(verdict, None | Some(RejectionKind::UnknownKey)));
                    }
                    served.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    // What a replacement put in force holds for every request that begins after it.
    let now = async |token: &str| kind(&service.clone().oneshot(with(token)).await.unwrap());
    for round in 0..200 {
        let (with_it, without) = if round % 2 == 0 { (1, 2) } else { (2, 1) };
        shared.replace(KeySet::new([issuers[0].key(), issuers[with_it].key()]));
        let (in_force, retired) = (alice(&issuers[with_it]), alice(&issuers[without]));
        assert_eq!(now(&in_force).await, None);
        assert_eq!(now(&retired).await, Some(RejectionKind::UnknownKey));
        tokio::task::yield_now().await;
    }
    while served.load(Ordering::SeqCst) < 20 {
        tokio::task::yield_now().await;
    }
    stop.store(true, Ordering::SeqCst);
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn the_rejection_rides_in_the_response() {
    let issuer = TestIssuer::new();
    let service = AuthLayer::new(verifier(&issuer))
        .layer(RequireLayer::new(guard::scope("a b")).layer(tower::service_fn(greet)));
    let answer = service.clone().oneshot(with(&alice(&issuer))).await.unwrap();
    let rejection = answer.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::InsufficientScope);
    assert_eq!(rejection.scope(), Some("a b"));
    let answer = service.oneshot(with("Bearer")).await.unwrap();
    let rejection = answer.extensions().get::<Rejection>().unwrap();
    assert_eq!(rejection.kind(), RejectionKind::InvalidRequest);
}
