//! Keys that are fetched on one runtime and waited for on another, or on none; a machine that sleeps;
//! caches on the way that are out of date; restarts.

use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tower_bearer::StandardClaims;
use tower_bearer::clock::Clock;
use tower_bearer::key::remote::{RemoteKeys, RemoteKeysBuilder, RemoteKeysErrorKind, SeedKeys};
use tower_bearer::key::{Algorithm, JwksOptions, KeySource, MissingKey, Secret};
use tower_bearer::testing::{FakeClock, TestIssuer};
use tower_bearer::verify::{Tenants, Verifier};
use tower_bearer_tests::service::Service;

use crate::key_server::{Answer, JWKS, KeyServer, OPENID, fetch, issuer, set};

const HOUR: Duration = Duration::from_secs(3600);

fn jwks(server: &KeyServer) -> RemoteKeysBuilder {
    RemoteKeys::jwks(server.url(JWKS)).fetch(fetch())
}

/// Drives a future on this thread, without any runtime.
fn drive<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn requests_may_wait_for_keys_without_a_runtime() {
    let runtime = Runtime::new().unwrap();
    let (server, keys, new) = runtime.block_on(async {
        let server = KeyServer::start().await;
        let (old, new) = (issuer(server.issuer(), "old"), issuer(server.issuer(), "new"));
        server.answer(JWKS, Answer::Json(set([&old])));
        let keys = jwks(&server).wait(Duration::from_millis(500)).eager().await.unwrap();
        server.answer(JWKS, Answer::Json(set([&old, &new])));
        (server, keys, new)
    });
    let service = Service::new(&keys, &server.issuer());
    assert_eq!(drive(service.call(&new.token().sign())), StatusCode::OK);
    // And their wait is bounded there, too.
    server.answer(JWKS, Answer::Hang);
    let slow = jwks(&server).wait(Duration::from_millis(300)).build().unwrap();
    {
        let _context = runtime.enter();
        assert!(slow.current().is_err());
    }
    let missing = MissingKey::new(Some("new"), Algorithm::ES256);
    let begun = Instant::now();
    assert!(drive(KeySource::refresh(&slow, &missing).unwrap()).is_err());
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(3), "{took:?}");
    assert!(drive(slow.ready()).is_err());
}

#[test]
fn a_runtime_without_timers_is_an_error_in_time() {
    let served = Runtime::new().unwrap();
    let server = served.block_on(KeyServer::with_keys(issuer("x", "a").jwks()));
    let bare = Builder::new_current_thread().enable_io().build().unwrap();
    let begun = Instant::now();
    bare.block_on(async {
        let keys = jwks(&server).build().unwrap();
        assert!(keys.ready().await.is_err());
        assert!(keys.refresh().await.is_err());
    });
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_runtime_that_nobody_drives_is_taken_over_from() {
    let served = Runtime::new().unwrap();
    let server = served.block_on(KeyServer::start());
    let (old, new) = (issuer(server.issuer(), "old"), issuer(server.issuer(), "new"));
    server.answer(JWKS, Answer::Json(set([&old])));
    // As in a program that fetches keys before its servers start, each on a runtime of its own.
    let left_alone = Builder::new_current_thread().enable_all().build().unwrap();
    let keys = left_alone.block_on(jwks(&server).eager()).unwrap();
    served.block_on(async {
        let service = Service::new(&keys, &server.issuer());
        assert_eq!(service.call(&old.token().sign()).await, StatusCode::OK);
        server.answer(JWKS, Answer::Json(set([&new])));
        assert_eq!(service.call(&new.token().sign()).await, StatusCode::OK);
        assert_eq!(service.call(&old.token().sign()).await, StatusCode::UNAUTHORIZED);
        let begun = Instant::now();
        keys.refresh().await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(keys.status().overdue.is_none());
    });
    // The other way round: a refresh that was asked for there shows that it does not begin.
    let keys = left_alone.block_on(jwks(&server).eager()).unwrap();
    let fetched = server.hits(JWKS);
    let refresh = thread::spawn({
        let keys = keys.clone();
        move || drive(keys.refresh())
    });
    thread::sleep(Duration::from_millis(200));
    let status = keys.status();
    assert!(status.usable && status.overdue.unwrap() >= Duration::from_millis(50), "{status:?}");
    // Whoever comes from a runtime that runs helps the one who waits without.
    served.block_on(async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        keys.refresh().await.unwrap();
    });
    refresh.join().unwrap().unwrap();
    assert!(server.hits(JWKS) > fetched);
}

#[test]
fn a_refresh_that_no_runtime_makes_ends_in_time() {
    let served = Runtime::new().unwrap();
    let server = served.block_on(KeyServer::with_keys(issuer("x", "a").jwks()));
    let left_alone = Builder::new_current_thread().enable_all().build().unwrap();
    let keys = jwks(&server).timeout(Duration::from_millis(100));
    let keys = left_alone.block_on(keys.eager()).unwrap();
    let (sender, ended) = mpsc::channel();
    let asking = keys.clone();
    thread::spawn(move || sender.send(drive(asking.refresh())));
    let refreshed = ended.recv_timeout(Duration::from_secs(8)).expect("an end in time");
    assert_eq!(refreshed.unwrap_err().kind(), RemoteKeysErrorKind::Stopped);
    assert!(keys.current().is_ok());
}

#[tokio::test]
async fn time_that_the_machine_was_suspended_counts() {
    let server = KeyServer::start().await;
    let (old, new) = (issuer(server.issuer(), "old"), issuer(server.issuer(), "new"));
    let token = old.token().expires_in(HOUR * 100).sign();
    server.answer(JWKS, Answer::Json(set([&old])));
    // The monotonic clock does not move with this one, as on a machine that sleeps.
    let clock = FakeClock::now_and_still();
    let keys = jwks(&server).clock(clock.clone()).eager().await.unwrap();
    let service = Service::new(&keys, &server.issuer());
    assert_eq!(service.call(&token).await, StatusCode::OK);
    server.answer(JWKS, Answer::Json(set([&new])));
    clock.advance(HOUR * 23);
    assert_eq!(service.call(&token).await, StatusCode::UNAUTHORIZED, "withdrawn 23 hours ago");
    assert_eq!(server.hits(JWKS), 2);
    // While the provider is away, old keys serve on, as they do for who did not sleep.
    let token = new.token().expires_in(HOUR * 100).sign();
    server.answer(JWKS, Answer::Status(500));
    clock.advance(HOUR * 20);
    assert_eq!(service.call(&token).await, StatusCode::OK);
    assert_eq!(server.hits(JWKS), 3);
    server.answer(JWKS, Answer::Json(set([&new])));
    keys.refresh().await.unwrap();
    // After a short sleep nobody waits, and the keys are fetched.
    let fetched = server.hits(JWKS);
    clock.advance(HOUR * 3 / 2);
    assert_eq!(service.call(&token).await, StatusCode::OK);
    while server.hits(JWKS) == fetched {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn caches_on_the_way_do_not_keep_a_withdrawn_key() {
    let server = KeyServer::start().await;
    let (old, new) = (issuer(server.issuer(), "old"), issuer(server.issuer(), "new"));
    server.answer(JWKS, Answer::OutOfDate { cached: set([&old]), now: set([&old]) });
    let keys = jwks(&server).eager().await.unwrap();
    let service = Service::new(&keys, &server.issuer());
    assert_eq!(service.call(&old.token().sign()).await, StatusCode::OK);
    server.answer(JWKS, Answer::OutOfDate { cached: set([&old]), now: set([&new]) });
    keys.refresh().await.unwrap();
    assert_eq!(service.call(&old.token().sign()).await, StatusCode::UNAUTHORIZED);
    let request = server.last_request().to_ascii_lowercase();
    assert!(request.contains("cache-control: no-cache"), "{request}");
    assert!(!request.contains("if-none-match"), "{request}");

    // Likewise for a key that somebody uses already.
    let keys = jwks(&server).eager().await.unwrap();
    let service = Service::new(&keys, &server.issuer());
    assert_eq!(service.call(&new.token().sign()).await, StatusCode::OK);

    // In the background the provider itself is asked at least once in the time that keys are kept.
    let often = Duration::from_millis(100);
    let keys = jwks(&server).refresh_within(often, often).keep_for(often * 20);
    let keys = keys.eager().await.unwrap();
    assert_eq!(keys.status().key_ids, ["old"]);
    let begun = Instant::now();
    while keys.status().key_ids != ["new"] {
        assert!(begun.elapsed() < often * 60, "{:?}", keys.status());
        tokio::time::sleep(often / 4).await;
    }
}

#[tokio::test]
async fn caches_on_the_way_do_not_hide_that_keys_have_moved() {
    let server = KeyServer::start().await;
    let (old, new) = (issuer(server.issuer(), "old"), issuer(server.issuer(), "new"));
    let cached = server.metadata();
    let now = json!({ "issuer": server.issuer(), "jwks_uri": server.url("/moved.json") });
    server.answer(OPENID, Answer::Json(cached.clone()));
    server.answer(JWKS, Answer::Json(set([&old])));
    server.answer("/moved.json", Answer::Json(set([&new])));
    let clock = FakeClock::now_and_still();
    let keys = RemoteKeys::discover(server.issuer()).fetch(fetch()).clock(clock.clone());
    let keys = keys.eager().await.unwrap();
    assert_eq!(keys.status().key_ids, ["old"]);
    server.answer(OPENID, Answer::OutOfDate { cached, now });
    // Longer than metadata are taken to hold.
    clock.advance(HOUR * 25);
    keys.refresh().await.unwrap();
    assert_eq!(keys.status().key_ids, ["new"]);
}

#[tokio::test]
async fn times_without_end_are_a_year() {
    let server = KeyServer::with_keys(issuer("x", "a").jwks()).await;
    let forever = Duration::MAX;
    let keys = jwks(&server)
        .refresh_every(forever)
        .refresh_within(Duration::from_secs(60), forever)
        .retry_within(forever, forever)
        .keep_for(forever)
        .cooldown(forever)
        .timeout(forever);
    let keys = keys.eager().await.unwrap();
    let year = HOUR * 24 * 366;
    assert!(keys.status().next_refresh.unwrap() <= year);
    server.answer(JWKS, Answer::Status(500));
    for _ in 0..3 {
        assert!(keys.refresh().await.is_err());
        let next = keys.status().next_refresh.unwrap();
        assert!(next > year / 2 && next <= year, "{next:?}");
    }
    assert!(keys.current().is_ok());
}

#[tokio::test]
async fn a_restart_during_an_outage_serves() {
    let mut server = KeyServer::start().await;
    let (alice, next) = (issuer(server.issuer(), "a"), issuer(server.issuer(), "next"));
    server.answer(OPENID, Answer::Json(server.metadata()));
    server.answer(JWKS, Answer::Json(alice.jwks()));
    let name = server.issuer();
    let discover = || RemoteKeys::discover(&name).fetch(fetch());
    let clock = FakeClock::now_and_still();
    let before = discover().clock(clock.clone()).eager().await.unwrap();
    let exported = before.export().unwrap();
    // In whole seconds.
    let confirmed = exported.confirmed_at().as_secs();
    assert_eq!(confirmed, clock.now().as_secs());
    let file = exported.to_json();
    drop(before);
    server.stop().await;
    assert!(discover().eager().await.is_err());

    clock.advance(HOUR * 23);
    let seed = || SeedKeys::from_json(&file).unwrap();
    let started = Instant::now();
    let keys = discover().clock(clock.clone()).seed(seed()).eager().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(3));
    let service = Service::new(&keys, &server.issuer());
    let token = alice.token().expires_in(HOUR * 48).sign();
    assert_eq!(service.call(&token).await, StatusCode::OK);
    assert!(keys.ready().await.is_ok() && keys.status().last_error.is_some());
    assert_eq!(keys.status().age.unwrap().as_secs(), 23 * 3600);
    // Exported again, they are as old as they were.
    assert_eq!(keys.export().unwrap().confirmed_at().as_secs(), confirmed);
    // No longer than if this process had fetched them.
    clock.advance(HOUR);
    service.unavailable(&token).await;
    // And the provider has the last word.
    server.answer(JWKS, Answer::Json(next.jwks()));
    server.restart().await;
    keys.refresh().await.unwrap();
    assert_eq!(service.call(&token).await, StatusCode::UNAUTHORIZED);

    // A seed is of one provider, and has to be one.
    let other = RemoteKeys::discover("https://id.example.com").fetch(fetch()).seed(seed());
    let error = other.build().unwrap_err();
    assert_eq!(error.kind(), RemoteKeysErrorKind::Configuration);
    assert!(error.to_string().contains(&server.issuer()), "{error}");
    for odd in ["", "{}", "[]", r#"{"keys":[]}"#, r#"{"keys":[],"confirmed_at":-1}"#] {
        let error = SeedKeys::from_json(odd).unwrap_err();
        assert_eq!(error.kind(), RemoteKeysErrorKind::Keys, "{odd}");
    }
    let empty = jwks(&server).seed(SeedKeys::new(r#"{"keys":[]}"#, clock.now()));
    assert_eq!(empty.build().unwrap_err().kind(), RemoteKeysErrorKind::Keys);
}

#[tokio::test]
async fn shared_secrets_are_never_exported() {
    let server = KeyServer::start().await;
    let alice = issuer(server.issuer(), "a");
    let secret = "SdDLRnZ1ZgFhmCjrDxFsXaJGN9v5ibAmfVOJQWbmVbc";
    let oct = json!({ "kty": "oct", "k": secret, "alg": "HS256", "kid": "s" });
    server.answer(JWKS, Answer::Json(json!({ "keys": [oct, alice.jwks()["keys"][0]] })));
    let symmetric = || jwks(&server).options(JwksOptions::new().allow_symmetric());
    let keys = symmetric().eager().await.unwrap();
    assert_eq!(keys.status().key_ids, ["s", "a"]);
    let json = keys.export().unwrap().to_json();
    assert!(!json.contains(secret) && json.contains(r#""kid":"a""#), "{json}");
    server.answer(JWKS, Answer::Json(json!({ "keys": [oct] })));
    keys.refresh().await.unwrap();
    assert!(keys.export().is_none());
}

#[tokio::test]
async fn the_whole_cause_is_told_once() {
    let mut server = KeyServer::with_keys(issuer("x", "a").jwks()).await;
    // Nobody speaks TLS here.
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let https = format!("https://{}/jwks.json", plain.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await
    });
    let error = RemoteKeys::jwks(https).fetch(fetch()).eager().await.unwrap_err().to_string();
    assert!(error.contains("corrupt message"), "{error}");
    server.stop().await;
    let keys = jwks(&server).build().unwrap();
    let error = keys.refresh().await.unwrap_err().to_string();
    assert_eq!(error.matches("Connection refused").count(), 1, "{error}");
    assert_eq!(keys.status().last_error.unwrap().to_string(), error);
}

#[tokio::test]
async fn readiness_is_that_of_all_issuers() {
    let mut server = KeyServer::start().await;
    let alice = issuer(server.issuer(), "a");
    server.answer(JWKS, Answer::Json(alice.jwks()));
    let remote = jwks(&server).retry_within(Duration::from_millis(10), Duration::from_millis(10));
    let remote = remote.wait(Duration::from_millis(400)).build().unwrap();
    let verifier = |issuer: &str, keys: Arc<dyn KeySource>| {
        let builder = Verifier::<StandardClaims>::builder().keys(keys).issuer(issuer);
        builder.audience("orders-api").build().unwrap()
    };
    let secret = Secret::new("a secret of 32 bytes or more, please");
    let fixed = TestIssuer::from_secret(Algorithm::HS256, &secret).unwrap().key();
    let fixed = tower_bearer::key::SharedKeys::from(fixed);
    let fixed = verifier("https://fixed.example", Arc::new(fixed));
    fixed.ready().await.unwrap();
    assert!(fixed.key_status()[0].is_usable());

    let both = [fixed.clone(), verifier("https://remote.example", Arc::new(remote.clone()))];
    let all = Verifier::of_issuers(both.clone()).unwrap();
    let tenants = Tenants::new();
    assert!(tenants.ready().await.is_ok() && tenants.key_status().is_empty());
    for one in both {
        tenants.insert(one).unwrap();
    }
    server.stop().await;
    let begun = Instant::now();
    for error in [all.ready().await.unwrap_err(), tenants.ready().await.unwrap_err()] {
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("https://remote.example"), "{source}");
        assert!(error.retry_after().is_some());
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    for status in [all.key_status(), tenants.key_status()] {
        assert_eq!(status.len(), 2);
        for status in status {
            let remote = status.issuers == ["https://remote.example"];
            assert_eq!((status.is_usable(), status.keys), (!remote, usize::from(!remote)));
        }
    }
    server.restart().await;
    let begun = Instant::now();
    while all.ready().await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
    assert!(tenants.ready().await.is_ok());
    assert!(all.key_status().iter().all(|status| status.is_usable() && status.keys == 1));
}
