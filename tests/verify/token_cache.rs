//! The cache of verified tokens saves the signature check, and nothing else.
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, StatusCode, header};
use serde::Deserialize;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_bearer::claims::Principal;
use tower_bearer::clock::UnixTime;
use tower_bearer::guard::{Guard, scope};
use tower_bearer::key::{KeySet, SharedKeys};
use tower_bearer::revocation::{MemoryStore, Revocation};
use tower_bearer::testing::{FakeClock, TestIssuer};
use tower_bearer::verify::TokenCache;
use tower_bearer::{Algorithm, AuthLayer, Rejection, RejectionKind, Verifier};

const START: UnixTime = UnixTime::from_secs(1_800_000_000);

/// Counts how often claims were read: a hit reads none.
#[derive(Deserialize)]
struct Counted {
    #[serde(rename = "sub", deserialize_with = "counted")]
    _sub: String,
}

thread_local! {
    static READ: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

fn counted<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    READ.with(|read| read.set(read.get() + 1));
    String::deserialize(deserializer)
}

fn reads() -> u32 {
    READ.with(std::cell::Cell::get)
}

/// Asks a layer around a service that does nothing; the rejection's kind if there is one.
async fn ask<R: tower_bearer::revocation::RevocationCheck>(
    layer: &AuthLayer<Verifier<Counted>, R>,
    token: &str,
) -> Result<(), RejectionKind> {
    let inner = service_fn(async |request: Request<String>| {
        assert!(Principal::from_extensions(request.extensions()).is_some());
        Ok::<_, Infallible>(http::Response::new(http_body_util::Empty::<bytes::Bytes>::new()))
    });
    let request = Request::get("/").header(header::AUTHORIZATION, format!("Bearer {token}"));
    let response = layer.layer(inner).oneshot(request.body(String::new()).unwrap()).await.unwrap();
    match response.extensions().get::<Rejection>() {
        None => {
            assert_eq!(response.status(), StatusCode::OK);
            Ok(())
        }
        Some(rejection) => Err(rejection.kind()),
    }
}

fn issuer() -> (TestIssuer, FakeClock) {
    let clock = FakeClock::at(START);
    (TestIssuer::new().clock(clock.clone()), clock)
}

fn cached(issuer: &TestIssuer) -> AuthLayer<Verifier<Counted>> {
    let verifier = issuer.verifier::<Counted>().leeway(Duration::ZERO).build().unwrap();
    AuthLayer::new(verifier.cache(TokenCache::new()))
}

#[tokio::test]
async fn a_token_seen_before_is_not_read_again() {
    let (issuer, _) = issuer();
    let layer = cached(&issuer);
    let token = issuer.token().subject("alice").sign();
    for _ in 0..10 {
        ask(&layer, &token).await.unwrap();
    }
    assert_eq!(reads(), 1);
    let without = AuthLayer::new(issuer.verifier::<Counted>().build().unwrap());
    ask(&without, &token).await.unwrap();
    ask(&without, &token).await.unwrap();
    assert_eq!(reads(), 3, "without the call there is no cache");
}

#[tokio::test]
async fn the_same_claims_with_another_signature_are_not_a_hit() {
    let (issuer, _) = issuer();
    let layer = cached(&issuer);
    let token = issuer.token().subject("alice").sign();
    ask(&layer, &token).await.unwrap();
    let (head, signature) = token.rsplit_once('.').unwrap();
    for place in 0..signature.len() {
        let mut forged = signature.as_bytes().to_vec();
        forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
        let forged = format!("{head}.{}", String::from_utf8(forged).unwrap());
        assert!(ask(&layer, &forged).await.is_err(), "{place}");
    }
    assert!(ask(&layer, &format!("{head}.")).await.is_err());
    ask(&layer, &token).await.unwrap();
    assert_eq!(reads(), 1);
}

#[tokio::test]
async fn rfc7519_time_goes_on_for_tokens_in_the_cache() {
    let (issuer, clock) = issuer();
    let layer = cached(&issuer);
    for with_iat in [true, false] {
        clock.set(START);
        let token = issuer.token().subject("alice").expires_in(Duration::from_secs(100));
        let token = if with_iat { token } else { token.without("iat") }.sign();
        ask(&layer, &token).await.unwrap();
        clock.advance(Duration::from_secs(99));
        ask(&layer, &token).await.unwrap();
        clock.advance(Duration::from_secs(1));
        assert_eq!(ask(&layer, &token).await, Err(RejectionKind::Expired));
    }
    clock.set(START);
    let early =
        issuer.token().subject("bob").claim("nbf", START.as_secs() + 5).without("iat").sign();
    assert_eq!(ask(&layer, &early).await, Err(RejectionKind::NotYetValid));
    clock.advance(Duration::from_secs(5));
    ask(&layer, &early).await.unwrap();
    clock.set(START);
    assert_eq!(ask(&layer, &early).await, Err(RejectionKind::NotYetValid), "a clock set back");
}

#[tokio::test]
async fn the_maximum_age_is_judged_on_every_hit() {
    let (issuer, clock) = issuer();
    let verifier = issuer.verifier().leeway(Duration::ZERO).max_age(Duration::from_secs(10));
    let layer = AuthLayer::new(verifier.build().unwrap().cache(TokenCache::new()));
    let token = issuer.token().subject("alice").sign();
    ask(&layer, &token).await.unwrap();
    clock.advance(Duration::from_secs(10));
    assert_eq!(ask(&layer, &token).await, Err(RejectionKind::Expired));
}

#[tokio::test]
async fn a_key_that_is_gone_takes_along_what_it_verified() {
    let (issuer, clock) = issuer();
    let other = TestIssuer::new().key().with_id("other");
    let keys = SharedKeys::new(KeySet::new([issuer.key(), other.clone()]));
    let verifier = Verifier::builder()
        .keys(keys.clone())
        .issuer(TestIssuer::ISSUER)
        .audience(TestIssuer::AUDIENCE)
        .clock(clock);
    let layer = AuthLayer::new(verifier.build().unwrap().cache(TokenCache::new()));
    let token = issuer.token().subject("alice").sign();
    ask(&layer, &token).await.unwrap();
    ask(&layer, &token).await.unwrap();
    assert_eq!(reads(), 1);

    keys.replace(KeySet::new([other]));
    assert_eq!(ask(&layer, &token).await, Err(RejectionKind::UnknownKey));
    keys.replace(KeySet::new([TestIssuer::new().key()]));
    assert_eq!(ask(&layer, &token).await, Err(RejectionKind::InvalidSignature), "same kid");
    keys.replace(KeySet::new([issuer.key()]));
    ask(&layer, &token).await.unwrap();
    assert_eq!(reads(), 2, "it was verified anew");
}

#[tokio::test]
async fn a_revocation_between_two_hits_counts() {
    let (issuer, _) = issuer();
    let store = MemoryStore::new();
    let layer = cached(&issuer).revocation(store.clone());
    let token = issuer.token().subject("alice").token_id("t1").sign();
    ask(&layer, &token).await.unwrap();
    ask(&layer, &token).await.unwrap();
    store.revoke_now(&Revocation::token("t1", UnixTime::MAX)).unwrap();
    assert_eq!(ask(&layer, &token).await, Err(RejectionKind::Revoked));
    assert_eq!(reads(), 1);
}

#[tokio::test]
async fn what_one_verifier_accepted_another_does_not() {
    let (one, clock) = issuer();
    let two = TestIssuer::new().clock(clock);
    let (first, second) = (cached(&one), cached(&two));
    let token = one.token().subject("alice").sign();
    ask(&first, &token).await.unwrap();
    assert_eq!(ask(&second, &token).await, Err(RejectionKind::InvalidSignature));
    ask(&first, &token).await.unwrap();
}

#[tokio::test]
async fn several_issuers_share_a_cache_and_keep_their_rules() {
    let clock = FakeClock::at(START);
    let issuer = |name: &str| TestIssuer::new().issuer(name).clock(clock.clone());
    let (strict, lenient) = (issuer("https://strict.test"), issuer("https://lenient.test"));
    let verifiers = [
        strict.verifier().leeway(Duration::ZERO).build().unwrap(),
        lenient.verifier().leeway(Duration::from_secs(60)).build().unwrap(),
    ];
    let layer = AuthLayer::new(Verifier::of_issuers(verifiers).unwrap().cache(TokenCache::new()));
    let tokens = [&strict, &lenient]
        .map(|issuer| issuer.token().subject("alice").expires_in(Duration::from_secs(10)).sign());
    for token in tokens.iter().chain(&tokens) {
        ask(&layer, token).await.unwrap();
    }
    assert_eq!(reads(), 2);
    clock.advance(Duration::from_secs(30));
    assert_eq!(ask(&layer, &tokens[0]).await, Err(RejectionKind::Expired));
    ask(&layer, &tokens[1]).await.unwrap();
}

#[tokio::test]
async fn one_slot_for_all_still_tells_tokens_apart() {
    let (issuer, _) = issuer();
    let verifier = issuer.verifier::<Counted>().build().unwrap();
    let layer = AuthLayer::new(verifier.cache(TokenCache::new().max_entries(1)));
    let tokens = ["alice", "bob", "carol"].map(|sub| issuer.token().subject(sub).sign());
    for round in 1..=3 {
        for token in &tokens {
            ask(&layer, token).await.unwrap();
        }
        assert_eq!(reads(), 3 * round, "each took the place of the one before");
    }
    let forged = format!("{}A", &tokens[2][..tokens[2].len() - 1]);
    assert!(forged == tokens[2] || ask(&layer, &forged).await.is_err());
}

#[tokio::test]
async fn bad_tokens_evict_nothing() {
    let (issuer, _) = issuer();
    let verifier = issuer.verifier::<Counted>().build().unwrap();
    let layer = AuthLayer::new(verifier.cache(TokenCache::new().max_entries(4)));
    let good = issuer.token().subject("alice").sign();
    ask(&layer, &good).await.unwrap();
    let stranger = TestIssuer::new();
    for n in 0..500 {
        let bad = stranger.token().subject(format!("mallory-{n}")).sign();
        assert!(ask(&layer, &bad).await.is_err());
        let late = issuer.token().subject(format!("late-{n}")).expired();
        assert!(ask(&layer, &late.sign()).await.is_err());
    }
    let before = reads();
    ask(&layer, &good).await.unwrap();
    assert_eq!(reads(), before);
}

#[tokio::test]
async fn the_bound_on_bytes_holds_and_new_tokens_find_room() {
    let (issuer, clock) = issuer();
    let verifier = issuer.verifier::<Counted>().build().unwrap();
    let layer = AuthLayer::new(verifier.cache(TokenCache::new().max_bytes(50_000)));
    let token = |n: u32| issuer.token().subject(format!("{n}-{}", "x".repeat(2000))).sign();
    for n in 0..200 {
        ask(&layer, &token(n)).await.unwrap();
    }
    let before = reads();
    for n in 0..200 {
        ask(&layer, &token(n)).await.unwrap();
    }
    assert!(reads() - before > 180, "far more than the bound allows were still there");
    clock.advance(Duration::from_secs(10_000));
    let fresh = issuer.token().subject("alice").sign();
    ask(&layer, &fresh).await.unwrap();
    let before = reads();
    ask(&layer, &fresh).await.unwrap();
    assert_eq!(reads(), before, "expired tokens made room");

    let tiny = issuer.verifier::<Counted>().build().unwrap();
    let layer = AuthLayer::new(tiny.cache(TokenCache::new().max_bytes(10)));
    let before = reads();
    ask(&layer, &fresh).await.unwrap();
    ask(&layer, &fresh).await.unwrap();
    assert_eq!(reads() - before, 2, "what exceeds the bound alone is not kept");
}

#[tokio::test]
async fn guards_are_asked_on_every_hit() {
    let (issuer, _) = issuer();
    let layer = cached(&issuer);
    let token = issuer.token().subject("alice").scope("read").sign();
    for (needed, passes) in [("read", true), ("write", false), ("read", true)] {
        let inner = service_fn(move |request: Request<String>| {
            let principal = Principal::from_extensions(request.extensions()).unwrap();
            assert_eq!(scope(needed).check(principal).is_ok(), passes);
            ready(Ok::<_, Infallible>(http::Response::new(String::new())))
        });
        let request = Request::get("/").header(header::AUTHORIZATION, format!("Bearer {token}"));
        let mut service = layer.layer(inner);
        let response = service
            .ready()
            .await
            .unwrap()
            .call(request.body(String::new()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}

/// Threads insert, hit, evict and rotate at once; a wrong verdict or a torn entry would show.
#[test]
fn concurrent_inserts_hits_evictions_and_rotations_never_mix_tokens_up() {
    #[derive(Deserialize)]
    struct User {
        sub: String,
    }
    let issuer = TestIssuer::with_algorithm(Algorithm::EdDSA).unwrap();
    let keys = SharedKeys::new(KeySet::new([issuer.key()]));
    let verifier: Verifier<User> = Verifier::builder()
        .keys(keys.clone())
        .issuer(TestIssuer::ISSUER)
        .audience(TestIssuer::AUDIENCE)
        .build()
        .unwrap();
    let layer = AuthLayer::new(verifier.cache(TokenCache::new().max_entries(8).max_bytes(12_000)));
    let tokens: Arc<Vec<_>> = Arc::new(
        (0..32).map(|n| (n.to_string(), issuer.token().subject(n.to_string()).sign())).collect(),
    );
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let (layer, tokens) = (layer.clone(), Arc::clone(&tokens));
            threads.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                for round in 0..400 {
                    let (sub, token) = &tokens[(round * 7 + thread) % tokens.len()];
                    let expected = sub.clone();
                    let inner = service_fn(move |request: Request<String>| {
                        let claims =
                            tower_bearer::Claims::<User>::from_extensions(request.extensions());
                        assert_eq!(claims.unwrap().sub, expected);
                        ready(Ok::<_, Infallible>(http::Response::new(String::new())))
                    });
                    let request =
                        Request::get("/").header("authorization", format!("Bearer {token}"));
                    let response = layer.layer(inner).oneshot(request.body(String::new()).unwrap());
                    assert_eq!(runtime.block_on(response).unwrap().status(), StatusCode::OK);
                }
            });
        }
        for _ in 0..200 {
            keys.replace(KeySet::new([issuer.key()]));
            std::thread::yield_now();
        }
    });
}
