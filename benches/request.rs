//! What the layer costs a request: the first sight of a token, by algorithm, beside the bare
//! signature check of the same token in the same run; and rejections. Allocations are counted and
//! printed before the timings.
//!
//! `cargo bench --bench request`

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]
#![allow(unsafe_code, reason = "a counting allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::{HeaderValue, Request, Response, header};
use http_body_util::Empty;
use serde::Deserialize;
use tower::{Layer, Service};
use tower_bearer::key::KeySet;
use tower_bearer::revocation::MemoryStore;
use tower_bearer::testing::{TestIssuer, TokenBuilder};
use tower_bearer::verify::TokenCache;
use tower_bearer::{Algorithm, AuthLayer, Claims, Verifier};

struct Counting;

thread_local! {
    // Of each thread its own, so that counting does not slow several threads down.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Deserialize)]
struct User {
    #[allow(dead_code, reason = "read from the token, as a service would")]
    sub: String,
    #[allow(dead_code, reason = "read from the token, as a service would")]
    tenant: String,
}

/// The innermost service: looks at its claims, as a handler would.
#[derive(Clone)]
struct Inner;

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

/// The request of a client with this `Authorization` header, which is part of a shared buffer as a
/// server's are.
fn request(authorization: Option<&Bytes>) -> Request<String> {
    let mut request = Request::get("/orders");
    if let Some(authorization) = authorization {
        let value = HeaderValue::from_maybe_shared(authorization.clone()).unwrap();
        request = request.header(header::AUTHORIZATION, value);
    }
    request.body(String::new()).unwrap()
}

fn shared(authorization: String) -> Bytes {
    let bytes = Bytes::from(authorization);
    std::mem::forget(bytes.clone()); // from now on clones only count
    bytes
}

/// The whole of `Service::call`, to the response.
fn call<S>(service: &mut S, request: Request<String>) -> Response<impl Sized + use<S>>
where
    S: Service<Request<String>, Error = Infallible>,
    S: Service<Request<String>, Response = Response<<S as Answer>::Body>> + Answer,
{
    let mut future = pin!(service.call(request));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response,
        _ => unreachable!("static keys and a local store answer at once"),
    }
}

trait Answer {
    type Body;
}
impl Answer for Inner {
    type Body = Empty<Bytes>;
}
impl<S: Answer, V, R> Answer for tower_bearer::layer::AuthService<S, V, R> {
    type Body = tower_bearer::layer::ResponseBody<S::Body>;
}

/// The signature check alone, with a key that was parsed before.
enum Bare {
    Hmac(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl Bare {
    fn of(issuer: &TestIssuer, algorithm: Algorithm) -> Self {
        let jwk = &issuer.jwks()["keys"][0];
        let member = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        let raw = |algorithm: &'static dyn VerificationAlgorithm, bytes: &[u8]| {
            Self::Public(ParsedPublicKey::new(algorithm, bytes).unwrap())
        };
        match algorithm {
            Algorithm::HS256 => Self::Hmac(hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]).into()),
            Algorithm::RS256 => {
                let (n, e) = (member("n"), member("e"));
                let components = signature::RsaPublicKeyComponents { n, e };
                let parameters = &signature::RSA_PKCS1_2048_8192_SHA256;
                Self::Public(components.to_parsed_public_key(parameters).unwrap())
            }
            Algorithm::ES256 => {
                let point = [vec![4], member("x"), member("y")].concat();
                raw(&signature::ECDSA_P256_SHA256_FIXED, &point)
            }
            _ => raw(&signature::ED25519, &member("x")),
        }
    }

    fn check(&self, message: &[u8], signature: &[u8]) {
        match self {
            // Whether the tag is right does not change what it costs.
            Self::Hmac(key) => drop(black_box(hmac::verify(key, message, signature))),
            Self::Public(key) => key.verify_sig(message, signature).unwrap(),
        }
    }
}

/// Claims as in the comparison of peers: ten of them, some 600 to 900 bytes of token.
fn filled(token: TokenBuilder<'_>) -> TokenBuilder<'_> {
    token
        .subject("auth0|5f7c8ec7c33c6c004bbafe82")
        .claim("nbf", 1_700_000_000)
        .token_id("0194d2d0-7b57-7c3c-a7a1-6b7f9d2d6c1e")
        .scope("openid profile email orders:read orders:write")
        .roles(["clerk", "manager"])
        .claim("tenant", "acme-corporation-emea")
}

fn allocations(times: u64, mut run: impl FnMut()) -> u64 {
    let before = ALLOCATIONS.get();
    for _ in 0..times {
        run();
    }
    (ALLOCATIONS.get() - before) / times
}

/// A verifier with three keys, of which the token's `kid` names one.
fn verifier(issuer: &TestIssuer) -> Verifier<User> {
    let others = ["first", "second"].map(|kid| TestIssuer::new().key().with_id(kid));
    let [first, second] = others;
    Verifier::builder()
        .keys(KeySet::new([first, second, issuer.key()]))
        .issuer(TestIssuer::ISSUER)
        .audience(TestIssuer::AUDIENCE)
        .build()
        .unwrap()
}

fn accepted(c: &mut Criterion) {
    let algorithms = [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    for algorithm in algorithms {
        let issuer = TestIssuer::with_algorithm(algorithm).unwrap();
        let token = filled(issuer.token()).sign();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let bare = Bare::of(&issuer, algorithm);
        let authorization = shared(format!("Bearer {token}"));
        let layer = AuthLayer::new(verifier(&issuer));
        let mut service = layer.layer(Inner);
        let cached = AuthLayer::new(verifier(&issuer).cache(TokenCache::new()));
        let mut seen = cached.layer(Inner);
        let mut revoking = layer.clone().revocation(MemoryStore::new()).layer(Inner);

        assert_eq!(call(&mut service, request(Some(&authorization))).status(), 200);
        assert_eq!(call(&mut revoking, request(Some(&authorization))).status(), 200);
        let floor = allocations(100, || drop(call(&mut Inner, request(Some(&authorization)))));
        let ours = allocations(100, || drop(call(&mut service, request(Some(&authorization)))));
        drop(call(&mut seen, request(Some(&authorization))));
        let hit = allocations(100, || drop(call(&mut seen, request(Some(&authorization)))));
        let own = allocations(100, || {
            let user = User { sub: "x".repeat(9), tenant: "x".repeat(9) };
            drop(black_box(user));
        });
        println!(
            "{algorithm}: token of {} bytes, {} allocations, {own} of them the claims type's own; \
             seen before: {}",
            token.len(),
            ours - floor,
            hit - floor,
        );

        let mut group = c.benchmark_group(algorithm.as_str());
        group.bench_function("bare signature check", |b| {
            b.iter(|| bare.check(black_box(message.as_bytes()), black_box(&signature)));
        });
        let fresh = || request(Some(&authorization));
        group.bench_function("no layer", |b| {
            b.iter_batched(fresh, |request| call(&mut Inner, request), BatchSize::SmallInput);
        });
        group.bench_function("layer", |b| {
            b.iter_batched(fresh, |request| call(&mut service, request), BatchSize::SmallInput);
        });
        group.bench_function("layer with revocation in memory", |b| {
            b.iter_batched(fresh, |request| call(&mut revoking, request), BatchSize::SmallInput);
        });
        group.bench_function("layer, token seen before", |b| {
            b.iter_batched(fresh, |request| call(&mut seen, request), BatchSize::SmallInput);
        });
        for threads in [1, 2] {
            let name = format!("layer, one token seen before, {threads} threads");
            group.bench_function(name, |b| {
                b.iter_custom(|times| on_threads(threads, times, &cached, &authorization));
            });
        }
        group.finish();
    }
}

/// The time it takes this many threads to make `times` requests each, all with the same token.
fn on_threads(
    threads: usize,
    times: u64,
    layer: &AuthLayer<Verifier<User>>,
    authorization: &Bytes,
) -> Duration {
    let start = Barrier::new(threads);
    let slowest = std::thread::scope(|scope| {
        let spawn = |_| {
            scope.spawn(|| {
                let mut service = layer.layer(Inner);
                // Built once, so that what is measured is the layer and not the building; and of
                // each thread its own, as connections have buffers of their own.
                let authorization = shared(String::from_utf8(authorization.to_vec()).unwrap());
                let head = request(Some(&authorization)).into_parts().0;
                start.wait();
                let begin = Instant::now();
                for _ in 0..times {
                    drop(call(&mut service, Request::from_parts(head.clone(), String::new())));
                }
                begin.elapsed()
            })
        };
        let running: Vec<_> = (0..threads).map(spawn).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).max()
    });
    slowest.unwrap()
}

fn rejected(c: &mut Criterion) {
    let issuer = TestIssuer::with_algorithm(Algorithm::RS256).unwrap();
    let mut service = AuthLayer::new(verifier(&issuer)).layer(Inner);
    let good = format!("Bearer {}", filled(issuer.token()).sign());
    let forged = {
        let other = TestIssuer::with_algorithm(Algorithm::RS256).unwrap();
        format!("Bearer {}", filled(other.token()).sign())
    };
    let unknown = format!("Bearer {}", filled(issuer.token()).header("kid", "nobody").sign());
    let cases = [
        ("accepted, for comparison", Some(good)),
        ("no header", None),
        ("another scheme", Some("Basic YWxhZGRpbjpvcGVuc2VzYW1l".into())),
        ("garbage", Some(format!("Bearer {}", "garbage/".repeat(100)))),
        ("oversized", Some(format!("Bearer {}", "A".repeat(100_000)))),
        ("unknown kid", Some(unknown)),
        ("forged signature", Some(forged)),
    ];
    let mut group = c.benchmark_group("RS256 rejected");
    for (name, authorization) in &cases {
        let authorization = authorization.clone().map(shared);
        let fresh = || request(authorization.as_ref());
        let status = call(&mut service, fresh()).status();
        let floor = allocations(100, || drop(call(&mut Inner, fresh())));
        let ours = allocations(100, || drop(call(&mut service, fresh())));
        println!("{name}: {status}, {} allocations", ours - floor);
        group.bench_function(*name, |b| {
            b.iter_batched(fresh, |request| call(&mut service, request), BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group!(benches, accepted, rejected);
criterion_main!(benches);
