//! What the layer costs a request: the first sight of a token, by algorithm, beside the bare
//! signature check of the same token in the same run; and rejections. Allocations are counted and
//! printed before the timings.
//!
//! `cargo bench -p tower-bearer-benches --bench request`

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod bound;
mod counting;

use std::hint::black_box;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tower::Layer;
use tower_bearer::key::KeySet;
use tower_bearer::revocation::MemoryStore;
use tower_bearer::testing::TestIssuer;
use tower_bearer::verify::TokenCache;
use tower_bearer::{Algorithm, AuthLayer, Verifier};
use tower_bearer_benches::{Inner, User, call, filled, on_threads, request, shared};

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

/// Allocations of one run, on average.
fn allocations(times: u64, mut run: impl FnMut()) -> u64 {
    let before = counting::allocations();
    for _ in 0..times {
        run();
    }
    (counting::allocations() - before) / times
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
        // What two threads could reach here at all: nothing is shared but the machine.
        let other = AuthLayer::new(verifier(&issuer).cache(TokenCache::new()));
        assert_eq!(call(&mut other.layer(Inner), request(Some(&authorization))).status(), 200);
        let threads: [(&str, &[_]); 3] = [
            ("1 thread", &[&cached]),
            ("2 threads", &[&cached, &cached]),
            ("2 threads that share nothing", &[&cached, &other]),
        ];
        for (name, layers) in threads {
            group.bench_function(format!("layer, one token seen before, {name}"), |b| {
                b.iter_custom(|times| on_threads(layers, times, &authorization));
            });
        }
        group.finish();
    }
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

/// Not of criterion, which would mostly measure how proofs are made.
fn bound(_: &mut Criterion) {
    bound::bound();
}

criterion_group!(benches, accepted, rejected, bound);
criterion_main!(benches);
