//! Keys of an identity provider under load: one fetch at a time, and valid tokens unaffected.

use std::time::{Duration, Instant};

use super::key_server::{Answer, JWKS, KeyServer, OPENID, fetch, issuer};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use tower_bearer::key::remote::RemoteKeys;
use tower_bearer::testing::FakeClock;
use tower_bearer_tests::service::Service;

/// The token under another `kid`. Its signature is wrong then, but no one gets as far as to see it;
/// signing thirty thousand takes minutes with some backends.
fn renamed(token: &str, round: usize, number: usize) -> String {
    let header = format!(r#"{{"alg":"ES256","typ":"JWT","kid":"random-{round}-{number}"}}"#);
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_first_requests_make_one_fetch() {
    let server = KeyServer::start().await;
    let alice = issuer(server.issuer(), "a");
    server.answer(OPENID, Answer::Slow(Duration::from_millis(50), server.metadata()));
    server.answer(JWKS, Answer::Slow(Duration::from_millis(100), alice.jwks()));
    let keys = RemoteKeys::discover(server.issuer()).fetch(fetch()).build().unwrap();
    let service = Service::new(&keys, &server.issuer());
    let token = alice.token().sign();
    let calls: Vec<_> = (0..1000)
        .map(|_| {
            let (service, token) = (service.clone(), token.clone());
            tokio::spawn(async move { service.call(&token).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), StatusCode::OK);
    }
    assert_eq!((server.hits(OPENID), server.hits(JWKS)), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_random_kids_make_one_fetch_per_cooldown() {
    let server = KeyServer::start().await;
    let alice = issuer(server.issuer(), "a");
    server.answer(JWKS, Answer::Json(alice.jwks()));
    let clock = FakeClock::now_and_still();
    let keys = RemoteKeys::jwks(server.url(JWKS)).fetch(fetch()).clock(clock.clone());
    let keys = keys.eager().await.unwrap();
    let service = Service::new(&keys, &server.issuer());
    server.answer(JWKS, Answer::Slow(Duration::from_millis(100), alice.jwks()));
    let token = alice.token().sign();
    let valid = |calls: usize| {
        let (service, token) = (service.clone(), token.clone());
        async move {
            let mut slowest = Duration::ZERO;
            for _ in 0..calls {
                let begun = Instant::now();
                assert_eq!(service.call(&token).await, StatusCode::OK);
                slowest = slowest.max(begun.elapsed());
                tokio::task::yield_now().await;
            }
            slowest
        }
    };
    let calm = valid(500).await;
    for round in 0..3 {
        let before = server.hits(JWKS);
        let good = tokio::spawn(valid(500));
        let begun = Instant::now();
        let flood: Vec<_> = (0..10_000)
            .map(|number| {
                let (service, token) = (service.clone(), renamed(&token, round, number));
                tokio::spawn(async move { service.call(&token).await })
            })
            .collect();
        for call in flood {
            assert_eq!(call.await.unwrap(), StatusCode::UNAUTHORIZED);
        }
        println!(
            "round {round}: 10,000 random kids in {:?}, {} fetch, slowest valid token {:?} (calm {calm:?})",
            begun.elapsed(),
            server.hits(JWKS) - before,
            good.await.unwrap(),
        );
        assert_eq!(server.hits(JWKS) - before, 1, "in round {round}");
        // until the cooldown is over, no one waits and no one asks
        let begun = Instant::now();
        let stranger = alice.token().header("kid", "another").sign();
        assert_eq!(service.call(&stranger).await, StatusCode::UNAUTHORIZED);
        assert!(begun.elapsed() < Duration::from_millis(50));
        assert_eq!(server.hits(JWKS) - before, 1);
        clock.advance(Duration::from_secs(31));
    }
}
