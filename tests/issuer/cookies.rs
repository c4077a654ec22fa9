//! A browser app's session in a cookie, behind `axum::serve` on loopback: login, refresh, theft,
//! logout, and pages of other sites.
use std::future::IntoFuture;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::request::Parts;
use http::{Request, Response};
use reqwest::Client;
use serde_json::Value;
use tokio::net::TcpListener;
use tower_bearer::authenticate::Mode;
use tower_bearer::clock::{Clock, UnixTime};
use tower_bearer::credentials::CrossSiteProtection;
use tower_bearer::issuer::cookie::TokenCookie;
use tower_bearer::issuer::session::{
    MemorySessionStore, NewSession, RefreshRequest, SessionError, SessionErrorKind, SessionTokens,
    Sessions,
};
use tower_bearer::issuer::{IssueErrorKind, Issuer, SigningKeys};
use tower_bearer::key::Algorithm;
use tower_bearer::respond::BytesBody;
use tower_bearer::revocation::MemoryStore;
use tower_bearer::testing::FakeClock;
use tower_bearer::{AuthLayer, Claims, RejectionKind, StandardClaims, Verifier};

const START: u64 = 1_800_000_000;

#[derive(Clone)]
struct App {
    issuer: Issuer,
    sessions: Sessions,
    cookie: TokenCookie,
}

struct World {
    clock: FakeClock,
    app: App,
    keys: SigningKeys,
    store: MemorySessionStore,
}

fn world(cookie: TokenCookie) -> World {
    let clock = FakeClock::at(UnixTime::from_duration(Duration::from_millis(START * 1000 + 250)));
    let keys = SigningKeys::generate(Algorithm::EdDSA).unwrap();
    let issuer = Issuer::builder()
        .keys(keys.clone())
        .issuer("https://id.test")
        .audience("api")
        .clock(clock.clone())
        .build()
        .unwrap();
    let revocations = MemoryStore::builder().clock(clock.clone()).build();
    let store = MemorySessionStore::builder().revocations(revocations).capacity(100).build();
    let sessions = Sessions::builder(issuer.clone(), store.clone());
    let sessions = sessions.grace(Duration::ZERO).build().unwrap();
    World { clock, app: App { issuer, sessions, cookie }, keys, store }
}

impl World {
    fn verifier(&self) -> Verifier<StandardClaims> {
        Verifier::builder()
            .keys(self.keys.verification_keys())
            .issuer("https://id.test")
            .audience("api")
            .access_token_profile()
            .clock(self.clock.clone())
            .build()
            .unwrap()
    }

    async fn grant(&self) -> SessionTokens {
        self.app.sessions.begin(NewSession::new("ada", "web")).await.unwrap()
    }

    async fn serve(&self) -> Browser {
        let api = Router::new()
            .route("/me", get(me))
            .layer(AuthLayer::new(self.verifier()).revocation(self.store.clone()));
        let app = Router::new()
            .route("/auth/login", post(login))
            .route("/auth/refresh", post(refresh))
            .route("/auth/logout", post(logout))
            .with_state(self.app.clone())
            .merge(api);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, app).into_future());
        Browser { client: Client::builder().no_proxy().build().unwrap(), origin }
    }
}

type Answer = Result<Response<BytesBody>, SessionError>;

async fn login(State(app): State<App>, head: Parts) -> Answer {
    app.cookie.check_site(&head)?;
    let grant = app.sessions.begin(NewSession::new("ada", "web")).await?;
    Ok(app.cookie.respond(grant, |access| access.roles(["customer"]))?)
}

async fn refresh(State(app): State<App>, head: Parts) -> Answer {
    let token = app.cookie.require(&head)?;
    let grant = app.sessions.refresh(RefreshRequest::new(token.expose_secret(), "web")).await?;
    Ok(app.cookie.respond(grant, |access| access.roles(["customer"]))?)
}

async fn logout(State(app): State<App>, head: Parts) -> Answer {
    if let Some(token) = app.cookie.read(&head)? {
        let _ = app.sessions.end_by_token(token.expose_secret()).await?;
    }
    Ok(app.cookie.respond_signed_out())
}

async fn me(user: Claims<StandardClaims>) -> String {
    format!("{:?} {:?}", user.sub, user.registered().roles().iter().collect::<Vec<_>>())
}

struct Browser {
    client: Client,
    origin: String,
}

struct Page {
    status: u16,
    /// `Set-Cookie`, at most one.
    set: Option<String>,
    body: Value,
}

impl Page {
    /// What a browser sends back.
    fn cookie(&self) -> String {
        self.set.as_deref().unwrap().split(';').next().unwrap().to_owned()
    }

    fn access_token(&self) -> &str {
        assert_eq!(self.status, 200, "{}", self.body);
        assert_eq!(self.body["token_type"], "Bearer");
        assert_eq!(self.body.get("refresh_token"), None, "scripts must not see it");
        self.body["access_token"].as_str().unwrap()
    }

    #[track_caller]
    fn is_refused(&self, status: u16, error: &str) {
        let expected = serde_json::json!({ "error": error });
        assert_eq!((self.status, &self.body), (status, &expected));
        assert_eq!(self.set, None);
    }
}

impl Browser {
    async fn post(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Page {
        let mut request = self.client.post(format!("{}{path}", self.origin));
        if !cookie.is_empty() {
            request = request.header("cookie", cookie);
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let headers = response.headers().clone();
        assert_eq!(headers["cache-control"], "no-store");
        let sets: Vec<_> = headers.get_all("set-cookie").iter().collect();
        assert!(sets.len() < 2, "{sets:?}");
        let set = sets.first().map(|set| set.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body = response.text().await.unwrap();
        let body = if body.is_empty() { Value::Null } else { body.parse().unwrap() };
        Page { status, set, body }
    }

    /// From the site's own page.
    async fn own(&self, path: &str, cookie: &str) -> Page {
        let fields = [("sec-fetch-site", "same-origin"), ("origin", &*self.origin)];
        self.post(path, cookie, &fields).await
    }

    async fn me(&self, access_token: &str) -> (u16, String) {
        let request = self.client.get(format!("{}/me", self.origin)).bearer_auth(access_token);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }
}

fn by_path() -> TokenCookie {
    TokenCookie::secure("refresh", "/auth").unwrap()
}

fn by_host() -> TokenCookie {
    TokenCookie::host("refresh").unwrap()
}

const CLEARED: &str = "__Secure-refresh=; HttpOnly; SameSite=Strict; Secure; Path=/auth; Max-Age=0";

#[tokio::test]
async fn login_sets_refresh_rotates_logout_clears() {
    let world = world(by_path());
    let browser = world.serve().await;
    let first = browser.own("/auth/login", "").await;
    let hello = (200, r#"Some("ada") ["customer"]"#.to_owned());
    assert_eq!(browser.me(first.access_token()).await, hello);

    world.clock.advance(Duration::from_secs(600));
    let second = browser.own("/auth/refresh", &first.cookie()).await;
    assert_ne!(second.cookie(), first.cookie());
    assert_ne!(second.access_token(), first.access_token());
    assert_eq!(browser.me(second.access_token()).await, hello);

    let bye = browser.own("/auth/logout", &second.cookie()).await;
    assert_eq!((bye.status, bye.set.as_deref()), (204, Some(CLEARED)));
    // The access tokens are dead at once, and the cookie is too, should the browser have kept it.
    for page in [&first, &second] {
        assert_eq!(browser.me(page.access_token()).await.0, 401);
    }
    browser.own("/auth/refresh", &second.cookie()).await.is_refused(400, "invalid_grant");
    browser.own("/auth/refresh", &bye.cookie()).await.is_refused(400, "invalid_grant");
    browser.own("/auth/refresh", "").await.is_refused(400, "invalid_grant");
    for cookie in ["", "__Secure-refresh=of_another_form"] {
        let again = browser.own("/auth/logout", cookie).await;
        assert_eq!((again.status, again.set.as_deref()), (204, Some(CLEARED)));
    }
}

#[tokio::test]
async fn a_replayed_cookie_ends_the_session() {
    let world = world(by_host());
    let browser = world.serve().await;
    let login = browser.own("/auth/login", "").await;
    let refreshed = browser.own("/auth/refresh", &login.cookie()).await;
    assert_eq!(browser.me(refreshed.access_token()).await.0, 200);

    let thief = browser.own("/auth/refresh", &login.cookie()).await;
    thief.is_refused(400, "invalid_grant");
    browser.own("/auth/refresh", &refreshed.cookie()).await.is_refused(400, "invalid_grant");
    assert_eq!(browser.me(refreshed.access_token()).await.0, 401);
}

/// Another site neither refreshes, nor logs out, nor logs in, and spends nothing.
#[tokio::test]
async fn other_sites_are_rejected_and_spend_nothing() {
    for cookie in [by_path(), by_host(), by_path().same_site_lax()] {
        let world = world(cookie);
        let browser = world.serve().await;
        let login = browser.own("/auth/login", "").await;
        let cookie = login.cookie();
        let other_port = "http://127.0.0.1:1";
        for fields in [
            &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")][..],
            &[("sec-fetch-site", "same-site"), ("origin", other_port)],
            &[("origin", other_port)],
            &[("origin", "null")],
            &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
        ] {
            for path in ["/auth/refresh", "/auth/logout", "/auth/login"] {
                browser.post(path, &cookie, fields).await.is_refused(403, "access_denied");
                // `SameSite` keeps the cookie back, and still the answer must not set or clear it.
                browser.post(path, "", fields).await.is_refused(403, "access_denied");
            }
        }
        // The session lives on, and the token in the cookie is unspent.
        assert_eq!(browser.me(login.access_token()).await.0, 200);
        let refreshed = browser.own("/auth/refresh", &cookie).await;
        assert_eq!(browser.me(refreshed.access_token()).await.0, 200);
    }
}

#[tokio::test]
async fn pages_of_trusted_origins_may() {
    let trusted = CrossSiteProtection::new().trusted_origin("https://app.test").unwrap();
    let world = world(by_host().cross_site_protection(trusted));
    let browser = world.serve().await;
    let fields = [("sec-fetch-site", "same-site"), ("origin", "https://app.test")];
    let login = browser.post("/auth/login", "", &fields).await;
    let refreshed = browser.post("/auth/refresh", &login.cookie(), &fields).await;
    assert_eq!(browser.me(refreshed.access_token()).await.0, 200);
    let near = [("sec-fetch-site", "same-site"), ("origin", "https://app.test:8443")];
    let cookie = refreshed.cookie();
    browser.post("/auth/refresh", &cookie, &near).await.is_refused(403, "access_denied");
}

#[tokio::test]
async fn doubled_and_ill_formed_cookies_are_no_token() {
    let world = world(by_path());
    let browser = world.serve().await;
    let login = browser.own("/auth/login", "").await;
    let cookie = login.cookie();
    // A subdomain may have planted the other one.
    let planted = format!("{cookie}; __Secure-refresh=tbr1_planted");
    for bad in [&*planted, "__Secure-refresh=a b", "__Secure-refresh=\"x"] {
        browser.own("/auth/refresh", bad).await.is_refused(400, "invalid_request");
    }
    let renamed = cookie.replace("__Secure-", "__Host-");
    browser.own("/auth/refresh", &renamed).await.is_refused(400, "invalid_grant");
    let access = format!("__Secure-refresh={}", login.access_token());
    browser.own("/auth/refresh", &access).await.is_refused(400, "invalid_grant");
    assert_eq!(browser.own("/auth/refresh", &format!("a=b; {cookie}")).await.status, 200);
}

/// Attribute by attribute.
#[tokio::test]
async fn rfc6265_what_is_written() {
    let world = world(by_host());
    let now = world.clock.now();
    let grant = world.grant().await;
    let token = grant.refresh_token();
    let idle = token.expires_at().saturating_since(now).as_secs();
    assert!(idle > 3600);
    let text = |value: http::HeaderValue| {
        assert!(value.is_sensitive());
        value.to_str().unwrap().to_owned()
    };
    let secret = token.expose_secret();
    assert_eq!(
        text(by_host().set(token, now)),
        format!(
            "__Host-refresh={secret}; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age={idle}"
        )
    );
    assert_eq!(
        text(by_path().same_site_lax().set(token, now)),
        format!(
            "__Secure-refresh={secret}; HttpOnly; SameSite=Lax; Secure; Path=/auth; Max-Age={idle}"
        )
    );
    assert_eq!(
        text(by_host().clear()),
        "__Host-refresh=; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0"
    );
    assert_eq!(text(by_path().clear()), CLEARED);
    assert_eq!(text(by_path().same_site_lax().clear()), CLEARED.replace("Strict", "Lax"));
    assert_eq!(by_path().name(), "__Secure-refresh");

    // Whole seconds, rounded down; what has expired is cleared.
    let before = |left: Duration| token.expires_at().saturating_sub(left);
    for (left, max_age) in [
        (Duration::from_millis(90_999), "; Max-Age=90"),
        (Duration::from_secs(1), "; Max-Age=1"),
        (Duration::from_millis(999), "; Max-Age=0"),
        (Duration::ZERO, "; Max-Age=0"),
    ] {
        let value = text(by_path().set(token, before(left)));
        assert!(value.ends_with(max_age), "{value}");
        assert_eq!(value.contains(secret), left >= Duration::from_secs(1), "{value}");
    }
    let late = token.expires_at().saturating_add(Duration::from_secs(10));
    assert_eq!(text(by_path().set(token, late)), CLEARED);
    // Browsers keep none for longer than 400 days.
    let value = text(by_path().set(token, UnixTime::EPOCH));
    assert!(value.ends_with("; Max-Age=34560000"), "{value}");
}

#[tokio::test]
async fn access_tokens_go_into_cookies_if_they_fit() {
    let world = world(TokenCookie::host("access").unwrap());
    let cookie = &world.app.cookie;
    let now = world.clock.now();
    let token = |roles: usize| {
        let roles = (0..roles).map(|n| format!("a-role-with-a-long-name-{n}"));
        world.app.issuer.access_token("ada").client_id("web").roles(roles).issue().unwrap()
    };
    let small = token(1);
    let value = cookie.set_access(&small, now).unwrap();
    assert!(value.is_sensitive());
    let age = small.expires_at().saturating_since(now).as_secs();
    assert_eq!(
        value,
        &*format!(
            "__Host-access={}; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age={age}",
            small.expose_secret()
        )
    );
    let large = token(200);
    let error = cookie.set_access(&large, now).unwrap_err();
    assert_eq!(error.kind(), IssueErrorKind::TooLong);
    assert!(error.to_string().contains("4,096"), "{error}");

    // And the layer reads it from there, protected.
    let layer = AuthLayer::new(world.verifier()).source(cookie.source()).mode(Mode::Required);
    let app = Router::new().route("/me", get(me).post(me)).layer(layer);
    let status = async |method: &str, site: &str| {
        let request = Request::builder()
            .method(method)
            .uri("/me")
            .header("sec-fetch-site", site)
            .header("cookie", format!("__Host-access={}", small.expose_secret()))
            .body(axum::body::Body::empty())
            .unwrap();
        let response = tower::ServiceExt::oneshot(app.clone(), request).await.unwrap();
        response.status().as_u16()
    };
    assert_eq!(status("POST", "same-origin").await, 200);
    assert_eq!(status("GET", "cross-site").await, 200);
    assert_eq!(status("POST", "cross-site").await, 403);
}

#[test]
fn reading_tells_what_is_wrong() {
    let cookie = by_path();
    let read = |site: &str, value: &str| {
        let request = Request::post("/auth/refresh")
            .header("sec-fetch-site", site)
            .header("cookie", value)
            .body(())
            .unwrap();
        let outcome = cookie.require(&request);
        outcome.map(|token| token.expose_secret().to_owned())
    };
    assert_eq!(read("same-origin", "__Secure-refresh=abc").unwrap(), "abc");
    for (site, value, kind, refresh, status) in [
        ("same-origin", "", RejectionKind::MissingToken, SessionErrorKind::InvalidGrant, 400),
        (
            "cross-site",
            "__Secure-refresh=abc",
            RejectionKind::CrossSite,
            SessionErrorKind::CrossSite,
            403,
        ),
        (
            "same-origin",
            "__Secure-refresh=a b",
            RejectionKind::InvalidRequest,
            SessionErrorKind::InvalidRequest,
            400,
        ),
    ] {
        let rejection = read(site, value).unwrap_err();
        assert_eq!(rejection.kind(), kind, "{value}");
        let reason = rejection.reason();
        let error = SessionError::from(rejection);
        assert_eq!((error.kind(), error.to_string()), (refresh, reason.to_owned()));
        assert_eq!(error.to_response().status().as_u16(), status);
    }
}

#[tokio::test]
async fn debug_shows_no_token() {
    let world = world(by_path());
    let now = world.clock.now();
    let grant = world.grant().await;
    let secret = grant.refresh_token().expose_secret().to_owned();
    let access = grant.access_token().issue().unwrap();
    let set = world.app.cookie.set(grant.refresh_token(), now);
    let set_access = world.app.cookie.set_access(&access, now).unwrap();
    let response = world.app.cookie.respond(grant, |access| access).unwrap();
    let request = Request::post("/").header("cookie", format!("__Secure-refresh={secret}"));
    let read = world.app.cookie.read(&request.body(()).unwrap()).unwrap();
    assert_eq!(read.as_ref().unwrap().expose_secret(), secret);
    let text = format!("{set:?} {set_access:?} {response:?} {read:?} {:?}", world.app.cookie);
    assert!(text.contains("__Secure-refresh"), "{text}");
    for secret in ["tbr1_", &secret, access.expose_secret()] {
        assert!(!text.contains(secret), "{text}");
    }
}
