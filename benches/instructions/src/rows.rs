//! What is counted: requests, and the services that they go to.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Empty;
use serde::Deserialize;
use tower::{Layer, Service};
use tower_bearer::clock::UnixTime;
use tower_bearer::key::KeySet;
use tower_bearer::store::{MemoryOnce, OnceId};
use tower_bearer::testing::{TestIssuer, TokenBuilder};
use tower_bearer::verify::TokenCache;
use tower_bearer::{Algorithm, AuthLayer, Claims, Verifier};

use crate::counting::allocations;

/// Makes so many requests and yields the allocations of what is counted.
pub(crate) type Run = fn(u64) -> u64;

/// By name. What is to be subtracted comes first.
pub(crate) fn all() -> Vec<(&'static str, Run)> {
    vec![
        ("floor", |times| requests(times, &mut Inner, Some(&good()))),
        ("floor, no header", |times| requests(times, &mut Inner, None)),
        ("bare signature", bare_signature),
        ("first sight", |times| with_layer(times, false, Some(&good()))),
        ("seen before", |times| with_layer(times, true, Some(&good()))),
        ("no header", |times| with_layer(times, false, None)),
        ("garbage", |times| {
            with_layer(times, false, Some(&shared(format!("Bearer {}", "garbage/".repeat(100)))))
        }),
        ("expired", |times| {
            let expired = filled(issuer().token()).expired().sign();
            with_layer(times, false, Some(&shared(format!("Bearer {expired}"))))
        }),
        ("bad signature", |times| with_layer(times, false, Some(&forged()))),
        ("bad signature, header known", |times| {
            let mut service = AuthLayer::new(verifier()).layer(Inner);
            requests(1, &mut service, Some(&good()));
            requests(times, &mut service, Some(&forged()))
        }),
        ("an id claimed in memory", claims_of_ids),
        ("axum's router", |times| routed(times, router())),
        ("axum's router, seen before", |times| {
            let layer = AuthLayer::new(verifier().cache(TokenCache::new()));
            routed(times, router().layer(layer))
        }),
    ]
}

/// The claims of a service, read as it would.
#[derive(Deserialize)]
#[allow(dead_code, reason = "read from the token, as a service would")]
pub(crate) struct User {
    iss: String,
    sub: String,
    aud: Vec<String>,
    exp: u64,
    nbf: u64,
    iat: u64,
    jti: String,
    scope: String,
    roles: Vec<String>,
    tenant: String,
}

const SECRET: [u8; 32] = *b"one of 32 bytes, for this alone.";

fn issuer() -> TestIssuer {
    let secret = tower_bearer::key::Secret::new(SECRET);
    TestIssuer::from_secret(Algorithm::HS256, &secret).expect("a key").key_id("2025-b")
}

fn filled(token: TokenBuilder<'_>) -> TokenBuilder<'_> {
    token
        .subject("auth0|5f7c8ec7c33c6c004bbafe82")
        .claim("aud", [TestIssuer::AUDIENCE])
        .claim("nbf", 1_700_000_000)
        .token_id("0194d2d0-7b57-7c3c-a7a1-6b7f9d2d6c1e")
        .scope("openid profile email orders:read orders:write")
        .roles(["clerk", "manager"])
        .claim("tenant", "acme-corporation-emea")
        .expires_in(Duration::from_secs(24 * 3600))
}

pub(crate) fn good() -> Bytes {
    shared(format!("Bearer {}", filled(issuer().token()).sign()))
}

/// The good token with another byte in its signature.
fn forged() -> Bytes {
    let token = filled(issuer().token()).sign();
    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let mut signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    signature[7] ^= 1;
    shared(format!("Bearer {message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Three keys, of which the token's `kid` names one.
pub(crate) fn verifier() -> Verifier<User> {
    let others = ["2024-a", "2025-a"].map(|kid| TestIssuer::new().key_id(kid).key());
    let [first, second] = others;
    Verifier::builder()
        .keys(KeySet::new([first, second, issuer().key()]))
        .issuer(TestIssuer::ISSUER)
        .audience(TestIssuer::AUDIENCE)
        .build()
        .expect("a verifier")
}

/// Part of a shared buffer, as a server's header fields are.
pub(crate) fn shared(authorization: String) -> Bytes {
    let bytes = Bytes::from(authorization);
    std::mem::forget(bytes.clone()); // from now on clones only count
    bytes
}

pub(crate) fn request<B: Default>(authorization: Option<&Bytes>) -> Request<B> {
    let mut request = Request::get("/orders");
    if let Some(authorization) = authorization {
        let value = HeaderValue::from_maybe_shared(authorization.clone()).expect("a value");
        request = request.header(header::AUTHORIZATION, value);
    }
    request.body(B::default()).expect("a request")
}

/// The innermost service: looks at its claims, as a handler would.
#[derive(Clone)]
pub(crate) struct Inner;

impl Service<Request<String>> for Inner {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let claims = Claims::<User>::from_extensions(request.extensions());
        black_box(claims.map(|claims| claims.sub.len()));
        ready(Ok(Response::new(Empty::new())))
    }
}

/// What is counted: to the response, and its drop.
#[inline(never)]
pub(crate) fn measured<S, B, R>(service: &mut S, request: Request<B>) -> StatusCode
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
{
    let mut future = pin!(service.call(request));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response.status(),
        _ => StatusCode::REQUEST_TIMEOUT,
    }
}

fn requests<S, B, R>(times: u64, service: &mut S, authorization: Option<&Bytes>) -> u64
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
    B: Default,
{
    let mut all = 0;
    for _ in 0..times {
        let request = request(authorization);
        let before = allocations();
        let status = measured(service, request);
        all += allocations() - before;
        assert_ne!(status, StatusCode::REQUEST_TIMEOUT, "nothing has to wait here");
    }
    all
}

fn with_layer(times: u64, cached: bool, authorization: Option<&Bytes>) -> u64 {
    let verifier = verifier();
    let verifier = if cached { verifier.cache(TokenCache::new()) } else { verifier };
    requests(times, &mut AuthLayer::new(verifier).layer(Inner), authorization)
}

pub(crate) fn router() -> Router {
    Router::new().route("/orders", get(|| async {}))
}

/// With a clone of the router for each connection, and one inside of it for each request.
fn routed(times: u64, mut router: Router) -> u64 {
    requests::<_, Body, _>(times, &mut router, Some(&good()))
}

/// As proofs come: 2,000 a second, each good for a minute.
fn claims_of_ids(times: u64) -> u64 {
    let once = MemoryOnce::new();
    let mut all = 0;
    for number in 0..times {
        let (now, mut id) = (UnixTime::from_secs(number / 2000), [0; 32]);
        for (place, part) in (1..).zip(id.chunks_mut(8)) {
            let part_of_hash =
                (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(place * 13);
            part.copy_from_slice(&part_of_hash.wrapping_mul(0xD6E8_FEB8_6659_FD93).to_le_bytes());
        }
        let before = allocations();
        measured_claim(&once, &OnceId::from_hash(id), now);
        all += allocations() - before;
    }
    all
}

#[inline(never)]
fn measured_claim(once: &MemoryOnce, id: &OnceId, now: UnixTime) {
    let until = now.saturating_add(Duration::from_secs(60));
    assert!(once.claim_now(id, until, now).is_ok_and(|first| first), "claimed once");
}

fn bare_signature(times: u64) -> u64 {
    let token = filled(issuer().token()).sign();
    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
    for _ in 0..times {
        measured_signature(&key, message, &signature);
    }
    0
}

#[inline(never)]
fn measured_signature(key: &hmac::Key, message: &str, signature: &[u8]) {
    let (message, signature) = (black_box(message.as_bytes()), black_box(signature));
    hmac::verify(key, message, signature).expect("a good signature");
}
