//! Tokens through their whole life, through real tower stacks: issued, accepted, refreshed, taken
//! back, and mistaken for one another.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty, Full};
use serde::Serialize;
use serde_json::{Value, json};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn, util::BoxCloneService};
use tower_bearer::claims::{Claims, StandardClaims};
use tower_bearer::clock::{Clock, UnixTime};
use tower_bearer::issuer::session::{
    Ending, Grace, MemorySessionStore, NewSession, RefreshRequest, SessionErrorKind, SessionTokens,
    Sessions,
};
use tower_bearer::issuer::single_use::{HandoverNonce, SingleUse, SingleUseErrorKind};
use tower_bearer::issuer::{IssueErrorKind, Issuer, JwksService, SigningKey, SigningKeys};
use tower_bearer::key::{Algorithm, KeySet, Secret};
use tower_bearer::layer::AuthLayer;
use tower_bearer::revocation::{
    Identifiers, MemoryStore, Revocation, RevocationStore, TokenIdentity,
};
use tower_bearer::testing::FakeClock;
use tower_bearer::verify::Verifier;

type Body = Full<bytes::Bytes>;
type Stack = BoxCloneService<Request<Empty<bytes::Bytes>>, Response<String>, Infallible>;

struct World {
    clock: FakeClock,
    keys: SigningKeys,
    issuer: Issuer,
    store: MemorySessionStore,
    tokens: Sessions,
    stolen: Arc<Mutex<Vec<String>>>,
    api: Stack,
}

fn ed25519() -> SigningKey {
    SigningKey::generate(Algorithm::EdDSA).unwrap()
}

fn world_with_grace(grace: u64) -> World {
    let clock = FakeClock::at(UnixTime::from_duration(Duration::from_millis(1_800_000_000_250)));
    let keys = SigningKeys::new(ed25519()).unwrap();
    let issuer = Issuer::builder()
        .keys(keys.clone())
        .issuer("https://id.test")
        .audience("api")
        .clock(clock.clone())
        .build()
        .unwrap();
    let required = Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH;
    let revocations = MemoryStore::builder().clock(clock.clone()).require(required).build();
    let store = MemorySessionStore::builder().revocations(revocations).capacity(100).build();
    let stolen = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&stolen);
    let tokens = Sessions::builder(issuer.clone(), store.clone())
        .grace(Duration::from_secs(grace))
        .on_reuse(move |reuse| seen.lock().unwrap().push(format!("{reuse:?}")))
        .build()
        .unwrap();
    let verifier = Verifier::<StandardClaims>::builder()
        .keys(keys.verification_keys())
        .issuer("https://id.test")
        .audience("api")
        .access_token_profile()
        .clock(clock.clone())
        .build()
        .unwrap();
    let handler = service_fn(|request: Request<_>| async move {
        let claims = Claims::<StandardClaims>::from_extensions(request.extensions()).unwrap();
        let scopes: Vec<_> = claims.registered().scopes().iter().collect();
        let roles: Vec<_> = claims.registered().roles().iter().collect();
        let text = format!("{} {scopes:?} {roles:?}", claims.sub.as_deref().unwrap());
        Ok::<_, Infallible>(Response::new(Body::from(text)))
    });
    let api = ServiceBuilder::new()
        .layer(AuthLayer::new(verifier).revocation(store.clone()))
        .service(handler);
    let api = api.and_then(|response: Response<_>| async {
        let (parts, body) = response.into_parts();
        let bytes = BodyExt::collect(body).await.unwrap().to_bytes();
        Ok(Response::from_parts(parts, String::from_utf8(bytes.to_vec()).unwrap()))
    });
    World { clock, keys, issuer, store, tokens, stolen, api: BoxCloneService::new(api) }
}

fn world() -> World {
    world_with_grace(0)
}

impl World {
    async fn call(&self, token: &str) -> Response<String> {
        let value = format!("Bearer {token}");
        let request = Request::get("/me").header(header::AUTHORIZATION, value);
        self.api.clone().oneshot(request.body(Empty::new()).unwrap()).await.unwrap()
    }

    async fn status(&self, token: &str) -> u16 {
        self.call(token).await.status().as_u16()
    }

    async fn invalid(&self, token: &str) {
        let response = self.call(token).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let challenge = response.headers()[header::WWW_AUTHENTICATE].to_str().unwrap();
        assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
    }

    async fn sign_in(&self, subject: &str) -> SessionTokens {
        let new = NewSession::new(subject, "web").scope("orders:read orders:write");
        self.tokens.begin(new.device("Firefox")).await.unwrap()
    }

    async fn refresh(&self, token: &str) -> Result<SessionTokens, SessionErrorKind> {
        let request = RefreshRequest::new(token, "web");
        self.tokens.refresh(request).await.map_err(|error| error.kind())
    }

    fn pass(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }
}

fn access(grant: &SessionTokens) -> String {
    grant.access_token().issue().unwrap().expose_secret().to_owned()
}

fn part(token: &str, index: usize) -> Value {
    use base64::Engine;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    serde_json::from_slice(&engine.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn rfc9068_2_an_access_token_has_the_profile() {
    let world = world();
    #[derive(Serialize)]
    struct Tenant {
        tenant: u32,
    }
    let request = world.issuer.access_token("ada").client_id("web").scope("b a b").roles(["admin"]);
    let token = request.claims(&Tenant { tenant: 7 }).session_id("s").issue().unwrap();
    assert_eq!(world.call(token.expose_secret()).await.body(), r#"ada ["b", "a"] ["admin"]"#);
    let header = part(token.expose_secret(), 0);
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(header["kid"], world.keys.current().id());
    let claims = part(token.expose_secret(), 1);
    let wanted = json!({
        "iss": "https://id.test", "sub": "ada", "aud": "api", "client_id": "web", "scope": "b a",
        "roles": ["admin"], "tenant": 7, "sid": "s", "jti": token.token_id(),
        "iat": 1_800_000_000, "exp": 1_800_000_900,
    });
    assert_eq!(claims, wanted);
    assert_eq!(token.token_id().len(), 22);
    assert!(!format!("{token:?}").contains(token.expose_secret()));
    world.pass(900 + 60);
    world.invalid(token.expose_secret()).await;
}

#[test]
fn reserved_and_ill_formed_claims_are_refused() {
    let world = world();
    let request = || world.issuer.access_token("ada").client_id("web");
    for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "sid"] {
        let error = request().claims(&json!({ name: "x" })).issue().unwrap_err();
        assert_eq!(error.kind(), IssueErrorKind::ReservedClaim, "{name}");
        assert!(error.to_string().contains(name));
    }
    let twice = request().roles(["a"]).claims(&json!({"roles": ["admin"]})).issue();
    assert_eq!(twice.unwrap_err().kind(), IssueErrorKind::ReservedClaim);
    assert_eq!(request().claims("text").issue().unwrap_err().kind(), IssueErrorKind::Claims);
    assert_eq!(request().scope("a\"b").issue().unwrap_err().kind(), IssueErrorKind::Scope);
    let long = request().lifetime(Duration::from_secs(901)).issue();
    assert_eq!(long.unwrap_err().kind(), IssueErrorKind::Configuration);
    let no_client = world.issuer.access_token("ada").issue();
    assert_eq!(no_client.unwrap_err().kind(), IssueErrorKind::Incomplete);
}

#[tokio::test]
async fn sign_in_refresh_log_out() {
    let world = world();
    let first = world.sign_in("ada").await;
    let old = access(&first);
    assert_eq!(world.status(&old).await, 200);

    world.pass(600);
    let second = world.refresh(first.refresh_token().expose_secret()).await.unwrap();
    let new = access(&second);
    assert_eq!(world.status(&new).await, 200);
    // the session's older access token is as good as before
    assert_eq!(world.status(&old).await, 200);
    let sid = second.session().id.clone();
    let sessions = world.tokens.sessions("ada").await.unwrap();
    assert_eq!(sessions.len(), 1);
    assert_eq!((&sessions[0].id, sessions[0].generation), (&sid, 1));
    assert_eq!(sessions[0].device.as_deref(), Some("Firefox"));
    assert_eq!(sessions[0].last_used_at, world.clock.now());

    assert!(world.tokens.end_session("ada", sid.as_str()).await.unwrap().was_live());
    for token in [&old, &new] {
        world.invalid(token).await;
    }
    // issued after the end, by a request that had been let through before it
    world.invalid(&access(&second)).await;
    let refused = world.refresh(second.refresh_token().expose_secret()).await;
    assert_eq!(refused.unwrap_err(), SessionErrorKind::InvalidGrant);
    assert!(world.stolen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn rfc9700_4_14_reuse_ends_the_session_for_thief_and_victim() {
    for thief_first in [true, false] {
        let world = world();
        let bystander = world.sign_in("ada").await;
        let first = world.sign_in("ada").await;
        let stolen = first.refresh_token().expose_secret().to_owned();
        let one = world.refresh(&stolen).await.unwrap();
        let live = access(&one);
        assert_eq!(world.status(&live).await, 200);
        // whoever comes second
        world.pass(if thief_first { 1 } else { 1000 });
        assert_eq!(world.refresh(&stolen).await.unwrap_err(), SessionErrorKind::InvalidGrant);
        world.invalid(&live).await;
        let successor = one.refresh_token().expose_secret();
        assert_eq!(world.refresh(successor).await.unwrap_err(), SessionErrorKind::InvalidGrant);
        let reports = world.stolen.lock().unwrap().clone();
        assert_eq!(reports.len(), 1);
        assert!(reports[0].contains("generation: 1") && !reports[0].contains("tbr1_"));
        assert!(reports[0].contains(first.session().id.as_str()));
        // the other session of the same user lives on
        assert!(world.refresh(bystander.refresh_token().expose_secret()).await.is_ok());
    }
}

#[tokio::test]
async fn who_knows_a_session_id_cannot_end_the_session() {
    let world = world();
    let grant = world.sign_in("ada").await;
    let token = grant.refresh_token().expose_secret();
    let (stem, secret) = token.split_once('.').unwrap();
    let by_id = format!("tbr1_{}.{secret}", grant.session().id);
    assert_eq!(world.refresh(&by_id).await.unwrap_err(), SessionErrorKind::InvalidGrant);
    let other = world.tokens.end_session("eve", grant.session().id.as_str()).await;
    assert_eq!(other.unwrap(), Ending::Unknown);
    assert!(world.stolen.lock().unwrap().is_empty());
    assert_eq!(world.tokens.sessions("ada").await.unwrap().len(), 1);
    // and nobody fills the store with sessions that never were
    assert_eq!(world.tokens.end_by_token(&by_id).await.unwrap(), Ending::Unknown);
    assert!(world.store.revocations().is_empty());
    // only with the handle, which all of the family's tokens have, does it pass for a spent one
    let forged = format!("{stem}.{}", "A".repeat(43));
    assert_eq!(world.refresh(&forged).await.unwrap_err(), SessionErrorKind::InvalidGrant);
    assert_eq!(world.stolen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn grace_serves_lost_responses_and_parallel_tabs() {
    let world = world_with_grace(10);
    let first = world.sign_in("ada").await;
    let token = first.refresh_token().expose_secret();
    let one = world.refresh(token).await.unwrap();
    world.pass(9);
    let two = world.refresh(token).await.unwrap();
    assert_eq!(one.session().id, two.session().id);
    for grant in [&one, &two] {
        assert_eq!(world.status(&access(grant)).await, 200);
    }
    world.pass(1);
    assert_eq!(world.refresh(token).await.unwrap_err(), SessionErrorKind::InvalidGrant);
    for grant in [&one, &two] {
        world.invalid(&access(grant)).await;
        let refused = world.refresh(grant.refresh_token().expose_secret()).await;
        assert_eq!(refused.unwrap_err(), SessionErrorKind::InvalidGrant);
    }
}

#[tokio::test]
async fn rfc6749_6_scopes_narrow_and_never_widen() {
    let world = world();
    let grant = world.sign_in("ada").await;
    let token = grant.refresh_token().expose_secret();
    for wider in ["admin", "orders:read admin", "orders"] {
        let refused = world.tokens.refresh(RefreshRequest::new(token, "web").scope(wider)).await;
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), SessionErrorKind::InvalidScope);
        let response = error.to_response();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body[..], br#"{"error":"invalid_scope"}"#);
    }
    let narrow = RefreshRequest::new(token, "web").scope("orders:read");
    let narrow = world.tokens.refresh(narrow).await.unwrap();
    assert_eq!(world.call(&access(&narrow)).await.body(), r#"ada ["orders:read"] []"#);
    // the session has kept what it was granted (RFC 6749 §6)
    let whole = world.refresh(narrow.refresh_token().expose_secret()).await.unwrap();
    let body = world.call(&access(&whole)).await;
    assert_eq!(body.body(), r#"ada ["orders:read", "orders:write"] []"#);
    let other = RefreshRequest::new(whole.refresh_token().expose_secret(), "mobile");
    let refused = world.tokens.refresh(other).await.unwrap_err();
    assert_eq!(refused.kind(), SessionErrorKind::InvalidGrant);
    assert!(world.refresh(whole.refresh_token().expose_secret()).await.is_ok());
}

#[tokio::test]
async fn sessions_expire_idle_and_absolutely() {
    const DAY: u64 = 86_400;
    let world = world();
    let idle = world.sign_in("ada").await;
    world.pass(14 * DAY);
    let token = idle.refresh_token().expose_secret();
    assert_eq!(world.refresh(token).await.unwrap_err(), SessionErrorKind::InvalidGrant);

    let mut grant = world.sign_in("ada").await;
    for _ in 0..8 {
        world.pass(11 * DAY);
        grant = world.refresh(grant.refresh_token().expose_secret()).await.unwrap();
    }
    world.pass(2 * DAY - 60);
    grant = world.refresh(grant.refresh_token().expose_secret()).await.unwrap();
    // neither token outlives the session
    let end = grant.session().expires_at;
    assert_eq!(grant.refresh_token().expires_at(), end);
    assert_eq!(grant.access_token().issue().unwrap().expires_at().as_secs(), end.as_secs());
    world.pass(60);
    let refused = world.refresh(grant.refresh_token().expose_secret()).await;
    assert_eq!(refused.unwrap_err(), SessionErrorKind::InvalidGrant);
    assert!(world.stolen.lock().unwrap().is_empty());
}

/// It would revoke until a moment that has long passed by its own clock.
#[tokio::test]
async fn a_memory_store_with_another_clock_than_the_issuer_does_not_pretend_to_revoke() {
    let world = world();
    let past = FakeClock::at(UnixTime::from_secs(1_600_000_000));
    let issuer = Issuer::builder()
        .keys(world.keys.clone())
        .issuer("https://id.test")
        .audience("api")
        .clock(past.clone())
        .build()
        .unwrap();
    for (store, ended) in [
        (MemorySessionStore::new(), false),
        (MemorySessionStore::builder().clock(past.clone()).build(), true),
    ] {
        let tokens = Sessions::builder(issuer.clone(), store.clone()).build().unwrap();
        let grant = tokens.begin(NewSession::new("ada", "web")).await.unwrap();
        let id = grant.session().id.as_str();
        let result = tokens.end_session("ada", id).await;
        assert_eq!(result.is_ok(), ended, "{result:?}");
        if let Err(error) = result {
            assert!(format!("{error:?}").contains("MemorySessionStoreBuilder::clock"), "{error:?}");
        }
        let token = TokenIdentity::new().with_session_id(id);
        assert_eq!(store.revocations().status_now(&token).is_revoked(), ended);
    }
}

#[tokio::test]
async fn hostile_lengths_are_refused_before_anything_is_looked_up() {
    let world = world();
    let long = "x".repeat(1025);
    for (subject, client) in [(long.as_str(), "web"), ("ada", &long), ("", "web"), ("ada", "")] {
        let refused = world.tokens.begin(NewSession::new(subject, client)).await;
        assert_eq!(refused.unwrap_err().kind(), SessionErrorKind::InvalidRequest);
    }
    let new = NewSession::new("ada@example.com", "web");
    assert!(!format!("{new:?}").contains("example.com"));
    let grant = world.sign_in("ada").await;
    let token = grant.refresh_token().expose_secret();
    let scopes: String = (0..100_000).map(|number| format!("{number} ")).collect();
    let refused = world.tokens.refresh(RefreshRequest::new(token, "web").scope(&scopes)).await;
    assert_eq!(refused.unwrap_err().kind(), SessionErrorKind::InvalidScope);
    assert!(world.refresh(token).await.is_ok(), "the token was not spent");
}

/// The second of these is what a client does that was told to come again.
#[tokio::test]
async fn an_access_token_that_cannot_be_issued_is_no_invitation_to_try_again() {
    let world = world();
    let grant = world.sign_in("ada").await;
    let next = world.refresh(grant.refresh_token().expose_secret()).await.unwrap();
    let failed = next.respond(|token| token.claims(&json!({"exp": 1}))).unwrap_err();
    let error = tower_bearer::issuer::session::SessionError::from(failed);
    assert_eq!(error.kind(), SessionErrorKind::Failed);
    let response = error.to_response();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!response.headers().contains_key(header::RETRY_AFTER));
}

/// Not by `end_session`, which ends it, but by its id in the store, as another service might.
#[tokio::test]
async fn a_session_whose_id_was_revoked_is_over_for_good() {
    for scoped in [false, true] {
        let world = world();
        let grant = world.sign_in("ada").await;
        let soon = world.clock.now().saturating_add(Duration::from_secs(60));
        let revocation = Revocation::session(grant.session().id.as_str(), soon);
        let revocation = if scoped { revocation.issuer("https://id.test") } else { revocation };
        world.store.revoke(&revocation).await.unwrap();
        for secs in [0, 100] {
            world.pass(secs);
            let refused = world.refresh(grant.refresh_token().expose_secret()).await;
            assert_eq!(refused.unwrap_err(), SessionErrorKind::InvalidGrant, "{scoped}");
            assert!(world.tokens.sessions("ada").await.unwrap().is_empty());
        }
        let other = world.sign_in("ada").await;
        let elsewhere = Revocation::session(other.session().id.as_str(), UnixTime::MAX);
        let elsewhere = elsewhere.issuer("https://other.test");
        world.store.revocations().revoke_now(&elsewhere).unwrap();
        assert!(world.refresh(other.refresh_token().expose_secret()).await.is_ok());
    }
}

#[tokio::test]
async fn one_session_too_many_ends_the_one_that_was_not_used_for_longest() {
    let world = world();
    let builder = || Sessions::builder(world.issuer.clone(), world.store.clone());
    let kind = builder().most_sessions(0).build().unwrap_err().kind();
    assert_eq!(kind, IssueErrorKind::Configuration);
    let tokens = builder().most_sessions(2).build().unwrap();
    let bob = world.sign_in("bob").await;
    let mut grants = Vec::new();
    for _ in 0..2 {
        grants.push(tokens.begin(NewSession::new("ada", "web")).await.unwrap());
        world.pass(1);
    }
    let [one, two] = grants.try_into().unwrap();
    let one = world.refresh(one.refresh_token().expose_secret()).await.unwrap();
    world.pass(1);
    let three = tokens.begin(NewSession::new("ada", "web")).await.unwrap();
    let left: Vec<_> = tokens.sessions("ada").await.unwrap();
    let left: Vec<_> = left.into_iter().map(|session| session.id).collect();
    assert_eq!(left, [three.session().id.clone(), one.session().id.clone()]);
    world.invalid(&access(&two)).await;
    for grant in [&one, &three, &bob] {
        assert_eq!(world.status(&access(grant)).await, 200);
    }
}

#[tokio::test]
async fn logins_within_a_millisecond_end_old_sessions_and_no_new_one() {
    let world = world();
    let tokens = Sessions::builder(world.issuer.clone(), world.store.clone());
    let tokens = tokens.most_sessions(4).build().unwrap();
    let old = futures_util::future::join_all((0..4).map(|_| world.sign_in("ada"))).await;
    world.pass(1);
    let begin = |_| tokens.begin(NewSession::new("ada", "web"));
    let new = futures_util::future::join_all((0..3).map(begin)).await;
    let left = tokens.sessions("ada").await.unwrap();
    assert_eq!(left.len(), 4);
    let new: Vec<_> = new.into_iter().map(|grant| grant.unwrap().session().id.clone()).collect();
    assert!(new.iter().all(|id| left.iter().any(|session| session.id == *id)), "{left:?}");
    assert!(old.iter().any(|grant| left.iter().any(|session| session.id == grant.session().id)));
}

#[tokio::test]
async fn logout_everywhere_and_everywhere_else() {
    let world = world();
    let (one, two, three) =
        (world.sign_in("ada").await, world.sign_in("ada").await, world.sign_in("ada").await);
    let bob = world.sign_in("bob").await;
    let sid = two.session().id.as_str();
    let ended = world.tokens.end_all_but("ada", sid).await.unwrap();
    assert_eq!(ended.sessions.len(), 2);
    assert_eq!(ended.kept.unwrap().id, two.session().id);
    world.invalid(&access(&one)).await;
    world.invalid(&access(&three)).await;
    // the one that is kept gets new ones by its refresh token, even in this second
    world.invalid(&access(&two)).await;
    let two = world.refresh(two.refresh_token().expose_secret()).await.unwrap();
    assert_eq!(world.status(&access(&two)).await, 200);
    world.pass(1);

    let loose = world.issuer.access_token("ada").client_id("cli").session_id("none").issue();
    let loose = loose.unwrap();
    assert_eq!(world.status(loose.expose_secret()).await, 200);
    let ended = world.tokens.end_all("ada").await.unwrap();
    assert_eq!(ended.sessions, [two.session().id.clone()]);
    world.invalid(&access(&two)).await;
    world.invalid(loose.expose_secret()).await;
    assert_eq!(world.status(&access(&bob)).await, 200);
    assert!(world.tokens.sessions("ada").await.unwrap().is_empty());

    // signing in again in the same second
    let again = world.sign_in("ada").await;
    assert_eq!(world.status(&access(&again)).await, 200);
    let again = world.refresh(again.refresh_token().expose_secret()).await.unwrap();
    assert_eq!(world.status(&access(&again)).await, 200);
    // without a session nobody knows of the epoch
    let loose = || world.issuer.access_token("ada").client_id("cli").session_id("none");
    world.invalid(loose().issue().unwrap().expose_secret()).await;
    let token = loose().issued_from(ended.issue_from).issue().unwrap();
    assert_eq!(world.status(token.expose_secret()).await, 200);
}

#[tokio::test]
async fn signing_keys_rotate_without_a_401() {
    let world = world();
    let token = || world.issuer.access_token("ada").client_id("web").session_id("s");
    let before = token().issue().unwrap();
    let old = world.keys.current().id().to_owned();
    assert_eq!(world.keys.rotate().unwrap_err().kind(), IssueErrorKind::KeyState);
    let next = ed25519();
    world.keys.announce(next.clone()).unwrap();
    let announced = published(&world.keys).await;
    assert_eq!(announced.len(), 2);
    assert_eq!(world.keys.current().id(), old);
    let same = world.keys.announce(world.keys.current()).unwrap_err();
    assert_eq!(same.kind(), IssueErrorKind::KeyState);
    world.keys.rotate().unwrap();
    let after = token().issue().unwrap();
    assert_eq!(part(after.expose_secret(), 0)["kid"], next.id());
    // whoever fetched the keys when the next one was announced has all it takes
    let elsewhere = Verifier::<StandardClaims>::builder()
        .keys(announced)
        .issuer("https://id.test")
        .audience("api")
        .access_token_profile()
        .clock(world.clock.clone())
        .build()
        .unwrap();
    let mut stack = ServiceBuilder::new().layer(AuthLayer::new(elsewhere)).service(service_fn(
        |_: Request<Empty<bytes::Bytes>>| async {
            Ok::<_, Infallible>(Response::new(Body::default()))
        },
    ));
    for token in [&before, &after] {
        assert_eq!(world.status(token.expose_secret()).await, 200);
        let request = Request::get("/")
            .header(header::AUTHORIZATION, format!("Bearer {}", token.expose_secret()))
            .body(Empty::new())
            .unwrap();
        let response = stack.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    world.keys.forget_retiring().unwrap();
    world.invalid(before.expose_secret()).await;
    assert_eq!(world.status(after.expose_secret()).await, 200);
    assert_eq!(published(&world.keys).await.len(), 1);
}

async fn published(keys: &SigningKeys) -> KeySet {
    let service = JwksService::new(keys.clone()).max_age(Duration::from_secs(60));
    let get = |etag: Option<&str>| {
        let mut request = Request::get("/.well-known/jwks.json");
        if let Some(etag) = etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        service.clone().oneshot(request.body(Empty::<bytes::Bytes>::new()).unwrap())
    };
    let response = get(None).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=60");
    let etag = response.headers()[header::ETAG].to_str().unwrap().to_owned();
    let unchanged = get(Some(&format!("\"x\", W/{etag}"))).await.unwrap();
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(get(Some("\"x\"")).await.unwrap().status(), 200);
    let post = service.clone().oneshot(Request::post("/").body(()).unwrap()).await.unwrap();
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, keys.jwks());
    let json = std::str::from_utf8(&body).unwrap();
    assert!(!json.contains("\"d\""));
    KeySet::from_jwks(json).unwrap()
}

#[test]
fn a_shared_secret_is_never_published() {
    let secret = Secret::new("a secret of 32 bytes or more, please");
    let keys = SigningKeys::hs256(&secret).unwrap();
    assert_eq!(&keys.jwks()[..], br#"{"keys":[]}"#);
    keys.announce(ed25519()).unwrap();
    let json: Value = serde_json::from_slice(&keys.jwks()).unwrap();
    assert_eq!(json["keys"].as_array().unwrap().len(), 1);
    assert_eq!(keys.verification_keys().current().len(), 2);
    assert!(!format!("{keys:?}").contains("please"));
}

#[tokio::test]
async fn no_token_passes_for_one_of_another_kind() {
    let world = world();
    let grant = world.sign_in("ada").await;
    let at = access(&grant);
    let id = world.issuer.id_token("ada", "api").session_id("s").issue().unwrap();
    let single = SingleUse::new(
        "https://id.test",
        MemorySessionStore::builder().clock(world.clock.clone()).build(),
    )
    .clock(world.clock.clone());
    let link = single.mint("sign-in", "ada", Duration::from_secs(60)).await.unwrap();
    let challenge = HandoverNonce::generate().unwrap().challenge().unwrap();
    let handover = world.issuer.handover("api", "session", &challenge, "ada").unwrap();
    let refresh = grant.refresh_token().expose_secret();
    for token in [id.expose_secret(), refresh, link.expose_secret(), handover.expose_secret()] {
        world.invalid(token).await;
    }
    // a verifier that does not ask for the profile refuses them all the same (RFC 8725 §3.11)
    let usual = Verifier::<StandardClaims>::builder()
        .keys(world.keys.verification_keys())
        .issuer("https://id.test")
        .audience("api")
        .clock(world.clock.clone())
        .build()
        .unwrap();
    let stack = ServiceBuilder::new().layer(AuthLayer::new(usual)).service(service_fn(
        |_: Request<Empty<bytes::Bytes>>| async {
            Ok::<_, Infallible>(Response::new(Body::default()))
        },
    ));
    for (token, status) in [(&*at, 200), (id.expose_secret(), 401), (handover.expose_secret(), 401)]
    {
        let request = Request::get("/").header(header::AUTHORIZATION, format!("Bearer {token}"));
        let request = request.body(Empty::new()).unwrap();
        assert_eq!(stack.clone().oneshot(request).await.unwrap().status(), status);
    }
    for token in
        [&*at, id.expose_secret(), link.expose_secret(), handover.expose_secret(), "", "tbr1_."]
    {
        assert_eq!(world.refresh(token).await.unwrap_err(), SessionErrorKind::InvalidGrant);
    }
    for token in [&*at, id.expose_secret(), refresh, handover.expose_secret(), ""] {
        let error = single.redeem::<String>("sign-in", token).await.unwrap_err();
        assert_eq!(error.kind(), SingleUseErrorKind::Rejected);
    }
    assert_eq!(single.redeem::<String>("sign-in", link.expose_secret()).await.unwrap(), "ada");
}

#[tokio::test]
async fn rfc6749_5_1_the_token_response() {
    let world = world();
    let response = world.sign_in("ada").await.respond(|token| token.roles(["user"])).unwrap();
    assert!(!format!("{response:?}").contains("tbr1_"));
    let response = response.into_response();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 900);
    assert_eq!(body["scope"], "orders:read orders:write");
    assert!(body["refresh_token"].as_str().unwrap().starts_with("tbr1_"));
    assert_eq!(world.status(body["access_token"].as_str().unwrap()).await, 200);
}

#[tokio::test]
async fn a_full_store_refuses_sessions_and_still_ends_them() {
    let world = world();
    let mut grants = Vec::new();
    for number in 0..100 {
        grants.push(world.sign_in(&format!("user-{number}")).await);
    }
    let refused = world.tokens.begin(NewSession::new("late", "web")).await.unwrap_err();
    assert_eq!(refused.kind(), SessionErrorKind::Unavailable);
    assert_eq!(refused.to_response().status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(world.refresh(grants[0].refresh_token().expose_secret()).await.is_ok());
    let ended = world.tokens.end_by_token(grants[1].refresh_token().expose_secret()).await;
    assert!(ended.unwrap().was_live());
    world.invalid(&access(&grants[1])).await;
    assert!(world.tokens.begin(NewSession::new("late", "web")).await.is_ok());
    // expired sessions make room
    world.pass(14 * 86_400);
    assert!(world.tokens.begin(NewSession::new("later", "web")).await.is_ok());
    assert!(world.store.len() < 100);
}

#[test]
fn a_session_that_cannot_be_revoked_can_only_end() {
    let world = world();
    let full = MemoryStore::builder().clock(world.clock.clone()).capacity(0).build();
    let store = MemorySessionStore::builder().revocations(full).capacity(10).build();
    let tokens =
        Sessions::builder(world.issuer.clone(), store).grace(Grace::Never).build().unwrap();
    let answer = async {
        let first = tokens.begin(NewSession::new("ada", "web")).await.unwrap();
        let first_token = first.refresh_token().expose_secret();
        let second = tokens.refresh(RefreshRequest::new(first_token, "web")).await.unwrap();
        let current = second.refresh_token().expose_secret();
        // logout ends it, says that its access tokens live on, and can be tried again
        let sid = first.session().id.as_str();
        for _ in 0..2 {
            let error = tokens.end_session("ada", sid).await.unwrap_err();
            assert_eq!(error.kind(), SessionErrorKind::Unavailable);
            assert!(tokens.sessions("ada").await.unwrap().is_empty());
            let error = tokens.refresh(RefreshRequest::new(current, "web")).await.unwrap_err();
            assert_eq!(error.kind(), SessionErrorKind::InvalidGrant);
        }
        // reuse is told of when the session can be revoked, and not before
        let other = tokens.begin(NewSession::new("bob", "web")).await.unwrap();
        let spent = other.refresh_token().expose_secret();
        let second = tokens.refresh(RefreshRequest::new(spent, "web")).await.unwrap();
        for token in [spent, second.refresh_token().expose_secret()] {
            let error = tokens.refresh(RefreshRequest::new(token, "web")).await.unwrap_err();
            assert_eq!(error.kind(), SessionErrorKind::Unavailable);
        }
        assert!(tokens.sessions("bob").await.unwrap().is_empty());
    };
    answer.now_or_never().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_concurrent_refreshes_on_several_threads_one_wins() {
    for grace in [0, 10] {
        let world = world_with_grace(grace);
        let grant = world.sign_in("ada").await;
        let token = grant.refresh_token().expose_secret();
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let (tokens, token) = (world.tokens.clone(), token.to_owned());
                tokio::spawn(
                    async move { tokens.refresh(RefreshRequest::new(&token, "web")).await },
                )
            })
            .collect();
        let mut granted = Vec::new();
        let mut later = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(grant) => granted.push(grant),
                Err(error) if error.kind() == SessionErrorKind::Unavailable => later += 1,
                Err(error) => assert_eq!(error.kind(), SessionErrorKind::InvalidGrant),
            }
        }
        let reports = world.stolen.lock().unwrap().len();
        if grace == 0 {
            assert_eq!((granted.len(), later), (1, 0));
            // Told at least once: who comes before that is noted tells of it, too.
            assert!(reports >= 1);
            world.invalid(&access(&granted[0])).await;
        } else {
            assert_eq!((granted.len(), later, reports), (3, 61, 0));
            for grant in &granted {
                assert_eq!(world.status(&access(grant)).await, 200);
            }
        }
    }
}
