//! Tokens and sessions that are bound to what the client has proven, from the token endpoint to the
//! service: over HTTP, as RFC 9449 §5 and §8 have it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};
use tower_bearer::bound::{ClientCertificate, ClientCertificates, Dpop, DpopBuilder};
use tower_bearer::claims::Binding;
use tower_bearer::clock::UnixTime;
use tower_bearer::issuer::session::{
    BoundKey, MemorySessionStore, NewSession, RefreshRequest, SessionError, SessionEvent, Sessions,
    TokenResponse,
};
use tower_bearer::issuer::{Issuer, SigningKeys};
use tower_bearer::key::Secret;
use tower_bearer::testing::{DpopClient, FakeClock};
use tower_bearer::{Claims, StandardClaims};

const URL: &str = "https://id.example.com";

struct World {
    clock: FakeClock,
    sessions: Sessions,
    dpop: Dpop,
    events: Arc<Mutex<Vec<&'static str>>>,
}

fn world(set: impl FnOnce(DpopBuilder) -> DpopBuilder) -> World {
    let clock = FakeClock::at(UnixTime::from_secs(1_800_000_000));
    let secret = Secret::new("a secret of 32 bytes or more, please");
    let keys = SigningKeys::hs256(&secret).unwrap();
    let issuer = Issuer::builder().keys(keys).issuer(URL).audience("api").clock(clock.clone());
    let events = Arc::<Mutex<Vec<&'static str>>>::default();
    let told = Arc::clone(&events);
    let store = MemorySessionStore::builder().clock(clock.clone()).build();
    let sessions = Sessions::builder(issuer.build().unwrap(), store)
        .observe(move |event: &SessionEvent<'_>| told.lock().unwrap().push(event.as_str()))
        .build()
        .unwrap();
    let dpop = set(Dpop::builder(URL).clock(clock.clone())).build().unwrap();
    World { clock, sessions, dpop, events }
}

impl World {
    /// `POST /token`: without a refresh token it signs in.
    fn ask(&self, refresh: Option<&str>, proof: Option<&str>) -> (u16, Option<String>, Value) {
        let mut request = Request::post("/token");
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        let request = request.body(()).unwrap();
        let answer = async {
            let key = self.dpop.proven_key(&request).await?;
            let bound = key.as_ref().map(BoundKey::from);
            let tokens = match (refresh, &bound) {
                (None, Some(bound)) => {
                    self.sessions
                        .begin(NewSession::new("ada", "web").bound_to(bound.clone()))
                        .await?
                }
                (None, None) => self.sessions.begin(NewSession::new("ada", "web")).await?,
                (Some(token), Some(bound)) => {
                    self.sessions
                        .refresh(RefreshRequest::new(token, "web").proven_key(bound))
                        .await?
                }
                (Some(token), None) => {
                    self.sessions.refresh(RefreshRequest::new(token, "web")).await?
                }
            };
            let mut response = TokenResponse::into_response(tokens.respond(|token| token)?);
            if let Some(key) = key {
                key.write_nonce(response.headers_mut());
            }
            Ok::<_, SessionError>(response)
        };
        let response = answer.now_or_never().unwrap().unwrap_or_else(|error| error.to_response());
        let (parts, body) = response.into_parts();
        let nonce = parts.headers.get("dpop-nonce").map(|it| it.to_str().unwrap().to_owned());
        let body = body.collect().now_or_never().unwrap().unwrap().to_bytes();
        (parts.status.as_u16(), nonce, serde_json::from_slice(&body).unwrap())
    }

    /// What a service of the same process makes of an access token.
    fn call(
        &self,
        scheme: &str,
        token: &str,
        proof: Option<&str>,
        with: Option<&ClientCertificate>,
    ) -> (u16, Binding) {
        let layer = self.sessions.layer::<StandardClaims>().unwrap();
        let layer = layer.dpop(self.dpop.clone());
        let layer = layer.client_certificates(ClientCertificates::from_extension());
        let inner = service_fn(|request: Request<String>| async move {
            let claims = Claims::<StandardClaims>::from_extensions(request.extensions()).unwrap();
            let mut response = Response::new(String::new());
            response.extensions_mut().insert(claims.binding());
            Ok::<_, std::convert::Infallible>(response)
        });
        let mut request = Request::get("/me").header("authorization", format!("{scheme} {token}"));
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        let mut request = request.body(String::new()).unwrap();
        if let Some(certificate) = with {
            request.extensions_mut().insert(certificate.clone());
        }
        let response = layer.layer(inner).oneshot(request).now_or_never().unwrap().unwrap();
        let binding = response.extensions().get().copied().unwrap_or_default();
        (response.status().as_u16(), binding)
    }
}

fn text(body: &Value, member: &str) -> String {
    body[member].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

#[test]
fn rfc9449_s5_a_session_is_bound_at_the_first_grant_and_refreshed_with_its_key_only() {
    let world = world(|dpop| dpop);
    let (client, thief) = (
        DpopClient::new().clock(world.clock.clone()),
        DpopClient::new().clock(world.clock.clone()),
    );
    let proof = |client: &DpopClient| client.proof("POST", &format!("{URL}/token")).sign();
    let (status, _, body) = world.ask(None, Some(&proof(&client)));
    assert_eq!((status, &body["token_type"]), (200, &json!("DPoP")));
    let (access, refresh) = (text(&body, "access_token"), text(&body, "refresh_token"));
    let resource = |token: &str| client.proof("GET", &format!("{URL}/me")).token(token).sign();
    assert_eq!(world.call("DPoP", &access, Some(&resource(&access)), None), (200, Binding::Dpop));
    assert_eq!(world.call("Bearer", &access, None, None).0, 401);

    // Whoever has only the refresh token, or a key of their own: `invalid_grant`, and an event.
    for wrong in [None, Some(proof(&thief))] {
        let (status, _, body) = world.ask(Some(&refresh), wrong.as_deref());
        assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
        assert_eq!(world.events.lock().unwrap().pop(), Some("wrong_key"));
    }
    // A proof that is wrong, or comes twice, never reaches the session.
    let used = proof(&client);
    let (status, _, body) = world.ask(Some(&refresh), Some(&used));
    assert_eq!((status, &body["token_type"]), (200, &json!("DPoP")));
    let (access, refresh) = (text(&body, "access_token"), text(&body, "refresh_token"));
    let (status, nonce, body) = world.ask(Some(&refresh), Some(&used));
    assert_eq!((status, &body["error"], nonce), (400, &json!("invalid_dpop_proof"), None));
    let wrong = client.proof("GET", &format!("{URL}/token")).sign();
    assert_eq!(world.ask(Some(&refresh), Some(&wrong)).2["error"], "invalid_dpop_proof");
    assert_eq!(world.call("DPoP", &access, Some(&resource(&access)), None).0, 200);
    assert_eq!(world.ask(Some(&refresh), Some(&proof(&client))).0, 200);
}

#[test]
fn rfc9449_s8_the_token_endpoint_gives_nonces() {
    let world = world(DpopBuilder::nonces);
    let client = DpopClient::new().clock(world.clock.clone());
    let proof = || client.proof("POST", &format!("{URL}/token"));
    let (status, nonce, body) = world.ask(None, Some(&proof().sign()));
    assert_eq!((status, &body["error"]), (400, &json!("use_dpop_nonce")));
    let nonce = nonce.unwrap();
    let (status, next, body) = world.ask(None, Some(&proof().nonce(&nonce).sign()));
    assert_eq!((status, next), (200, None));
    world.clock.advance(Duration::from_secs(200));
    let refresh = text(&body, "refresh_token");
    let (status, next, _) = world.ask(Some(&refresh), Some(&proof().nonce(&nonce).sign()));
    assert!(status == 200 && next.is_some_and(|next| next != nonce));
}

#[test]
fn without_a_proof_the_session_and_its_tokens_are_as_before() {
    let world = world(|dpop| dpop);
    let (status, _, body) = world.ask(None, None);
    assert_eq!((status, &body["token_type"]), (200, &json!("Bearer")));
    let (access, refresh) = (text(&body, "access_token"), text(&body, "refresh_token"));
    assert_eq!(world.call("Bearer", &access, None, None), (200, Binding::Bearer));
    assert_eq!(world.ask(Some(&refresh), None).2["token_type"], "Bearer");
}

#[test]
fn rfc8705_s3_tokens_and_sessions_are_bound_to_a_certificate() {
    let world = world(|dpop| dpop);
    let certificate = ClientCertificate::from_der(b"0 certificate").unwrap();
    let other = ClientCertificate::from_der(b"0 another").unwrap();
    let session = NewSession::new("ada", "web").bound_to(&certificate);
    let tokens = world.sessions.begin(session).now_or_never().unwrap().unwrap();
    let access = tokens.access_token().issue().unwrap();
    assert_eq!(access.token_type(), "Bearer");
    let call = |with| world.call("Bearer", access.expose_secret(), None, with);
    assert_eq!(call(Some(&certificate)), (200, Binding::Certificate));
    assert_eq!((call(Some(&other)).0, call(None).0), (401, 401));
    let refresh = tokens.refresh_token().expose_secret();
    for (key, granted) in [(BoundKey::from(&other), false), (BoundKey::from(&certificate), true)] {
        let request = RefreshRequest::new(refresh, "web").proven_key(&key);
        let answer = world.sessions.refresh(request).now_or_never().unwrap();
        assert_eq!(answer.is_ok(), granted);
    }
}
