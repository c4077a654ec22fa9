//! Keys of an identity provider under load: one fetch at a time, and valid tokens unaffected.

use std::process::Command;
use std::time::{Duration, Instant};

use super::key_server::{Answer, JWKS, KeyServer, OPENID, fetch, issuer};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use tower_bearer::claims::StandardClaims;
use tower_bearer::key::remote::RemoteKeys;
use tower_bearer::testing::{FakeClock, TestIssuer};
use tower_bearer::verify::Verifier;
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

#[test]
fn random_kids_of_many_issuers_make_no_more_fetches_than_allowed_to_all_together() {
    const ALONE: &str = "TOWER_BEARER_TESTS_ALONE";
    if std::env::var_os(ALONE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        return runtime.block_on(many_issuers());
    }
    // What is allowed is for the whole process, and other tests want their share of it.
    let thread = std::thread::current();
    let mut alone = Command::new(std::env::current_exe().unwrap());
    let alone = alone.args(["--exact", thread.name().unwrap()]).env(ALONE, "1").output().unwrap();
    let output = String::from_utf8_lossy(&alone.stdout);
    assert!(alone.status.success() && output.contains("1 passed"), "{output}");
}

async fn many_issuers() {
    const ISSUERS: usize = 300;
    let server = KeyServer::start().await;
    let alice = issuer("", "a");
    server.answer(JWKS, Answer::Json(alice.jwks()));
    let fetch = fetch();
    let (mut verifiers, mut strangers) = (Vec::new(), Vec::new());
    for number in 0..ISSUERS {
        let name = format!("https://{number}.test");
        let keys = RemoteKeys::jwks(server.url(JWKS)).fetch(fetch.clone());
        let keys = keys.eager().await.unwrap();
        let verifier = Verifier::<StandardClaims>::builder().keys(keys).issuer(&name);
        verifiers.push(verifier.audience(TestIssuer::AUDIENCE).build().unwrap());
        strangers.push(alice.clone().issuer(name).key_id("unknown").token().sign());
    }
    let service = Service::with(Verifier::of_issuers(verifiers).unwrap());
    let before = server.hits(JWKS);
    assert_eq!(before, ISSUERS);
    let begun = Instant::now();
    let calls: Vec<_> = strangers
        .into_iter()
        .map(|token| {
            let service = service.clone();
            tokio::spawn(async move { service.call(&token).await })
        })
        .collect();
    let mut busy = 0;
    for call in calls {
        busy += usize::from(call.await.unwrap() == StatusCode::SERVICE_UNAVAILABLE);
    }
    // A hundred at once, and ten per second.
    let most = 101 + usize::try_from(begun.elapsed().as_millis() / 100).unwrap();
    let asked = server.hits(JWKS) - before;
    assert!((100..=most).contains(&asked), "{asked} fetches, at most {most}");
    assert!(busy >= ISSUERS - asked, "{busy} of {ISSUERS} were told to come again");
}
