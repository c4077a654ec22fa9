//! Keys of an identity provider that misbehaves: good keys serve on, then 503, never 401.

use std::error::Error;
use std::time::{Duration, Instant};

use super::key_server::{Answer, JWKS, KeyServer, OPENID, fetch, issuer, set};
use http::StatusCode;
use serde_json::json;
use tower_bearer::fetch::ReqwestFetch;
use tower_bearer::key::remote::{RemoteKeys, RemoteKeysBuilder, RemoteKeysErrorKind as Kind};
use tower_bearer::testing::{FakeClock, TestIssuer};
use tower_bearer_tests::service::Service;

const SHORT: Duration = Duration::from_millis(50);
const HOUR: Duration = Duration::from_secs(3600);

fn jwks(server: &KeyServer) -> RemoteKeysBuilder {
    RemoteKeys::jwks(server.url(JWKS)).fetch(fetch()).timeout(Duration::from_millis(400))
}

/// A server with one key, and the issuer that has it.
async fn one_key() -> (KeyServer, TestIssuer) {
    let server = KeyServer::start().await;
    let issuer = issuer(server.issuer(), "a");
    server.answer(JWKS, Answer::Json(issuer.jwks()));
    (server, issuer)
}

/// One answer after the other, each wrong in its own way.
fn misbehaviours(keys: &serde_json::Value) -> Vec<(&'static str, Answer, Kind)> {
    let elsewhere = "http://127.0.0.1:1/jwks.json".to_owned();
    // a block of zeros packed to a thousandth; what is in it does not matter, for it is not unpacked
    let bomb = vec![0x1f_u8; 100_000];
    vec![
        ("hanging", Answer::Hang, Kind::Unreachable),
        ("dripping", Answer::Drip, Kind::Unreachable),
        ("slower than the timeout", Answer::Slow(HOUR, keys.clone()), Kind::Unreachable),
        ("500", Answer::Status(500), Kind::Status),
        ("404", Answer::Status(404), Kind::Status),
        ("429", Answer::Status(429), Kind::Status),
        ("204", Answer::Status(204), Kind::Status),
        ("304 unasked", Answer::Status(304), Kind::Status),
        ("redirect", Answer::Redirect(elsewhere), Kind::Status),
        ("truncated", Answer::Truncated(keys.clone()), Kind::Unreachable),
        ("100 MB announced", Answer::Huge(100 << 20, true), Kind::Unreachable),
        ("100 MB unannounced", Answer::Huge(100 << 20, false), Kind::Unreachable),
        ("gzip bomb", Answer::Gzip(bomb), Kind::Unreachable),
        ("garbage", Answer::Bytes(vec![0xff; 1000]), Kind::Keys),
        ("a page", Answer::Bytes(b"<html>".to_vec()), Kind::Keys),
        ("no set", Answer::Json(json!([1, 2])), Kind::Keys),
        ("nothing", Answer::Bytes(Vec::new()), Kind::Keys),
        ("an empty set", Answer::Json(json!({ "keys": [] })), Kind::Keys),
        ("only broken keys", Answer::Json(json!({ "keys": [{ "kty": "EC" }, 7] })), Kind::Keys),
        ("closed", Answer::Close, Kind::Unreachable),
    ]
}

#[tokio::test]
async fn nothing_wrong_ever_replaces_good_keys() {
    let (server, issuer) = one_key().await;
    let keys = jwks(&server).retry_within(HOUR, HOUR).eager().await.unwrap();
    let service = Service::new(&keys, &server.issuer());
    let token = issuer.token().sign();
    let epoch = keys.status().epoch;
    let misbehaviours = misbehaviours(&issuer.jwks());
    for (number, (what, answer, kind)) in (1..).zip(misbehaviours) {
        server.answer(JWKS, answer);
        let begun = Instant::now();
        let error = keys.refresh().await.expect_err(what);
        assert_eq!(error.kind(), kind, "{what}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{what} took {:?}", begun.elapsed());
        let status = keys.status();
        assert_eq!((status.epoch, status.failures, status.usable), (epoch, number, true), "{what}");
        assert_eq!(status.last_error.unwrap().to_string(), error.to_string());
        assert!(error.to_string().len() < 300, "{error}");
        assert_eq!(service.call(&token).await, StatusCode::OK, "{what}");
    }
    server.answer(JWKS, Answer::Json(issuer.jwks()));
    keys.refresh().await.unwrap();
    let status = keys.status();
    assert_eq!((status.epoch, status.failures, status.last_error.is_none()), (epoch, 0, true));
}

#[tokio::test]
async fn nothing_wrong_is_good_enough_to_start_with() {
    let (server, issuer) = one_key().await;
    for (what, answer, kind) in misbehaviours(&issuer.jwks()) {
        server.answer(JWKS, answer);
        let error = jwks(&server).eager().await.expect_err(what);
        assert_eq!(error.kind(), kind, "{what}: {error}");
        // and requests are told to come back
        let keys = jwks(&server).wait(Duration::from_millis(600)).build().unwrap();
        let service = Service::new(&keys, &server.issuer());
        let begun = Instant::now();
        assert!(service.unavailable(&issuer.token().sign()).await >= 1, "{what}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{what} took {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (server, _) = one_key().await;
    let other = KeyServer::with_keys(issuer("x", "evil").jwks()).await;
    server.answer(JWKS, Answer::Redirect(other.url(JWKS)));
    server.answer(OPENID, Answer::Redirect(other.url(OPENID)));
    assert!(jwks(&server).eager().await.is_err());
    assert!(RemoteKeys::discover(server.issuer()).fetch(fetch()).eager().await.is_err());
    assert!(other.all_hits().is_empty());
    // a client that follows them nevertheless is found out
    let follows = reqwest::Client::builder().no_proxy().build().unwrap();
    let follows = jwks(&server).fetch(ReqwestFetch::with_client(follows));
    let error = follows.eager().await.unwrap_err();
    assert!(error.to_string().contains("redirect"), "{error}");
}

#[tokio::test]
async fn last_known_good_keys_serve_for_a_time_then_503_then_recovery() {
    let (mut server, issuer) = one_key().await;
    let clock = FakeClock::now_and_still();
    let keys = jwks(&server).clock(clock.clone()).keep_for(HOUR).retry_within(HOUR, HOUR);
    let keys = keys.eager().await.unwrap();
    let service = Service::new(&keys, &server.issuer());
    let token = issuer.token().expires_in(HOUR * 5).sign();
    server.stop().await;
    assert_eq!(keys.refresh().await.unwrap_err().kind(), Kind::Unreachable);
    clock.advance(HOUR - Duration::from_secs(1));
    assert_eq!(service.call(&token).await, StatusCode::OK);
    assert!(keys.ready().await.is_ok());
    clock.advance(Duration::from_secs(2));
    let retry_after = service.unavailable(&token).await;
    assert!((3200..=3600).contains(&retry_after), "{retry_after}");
    assert!(!keys.status().usable);
    let error = keys.ready().await.unwrap_err();
    assert!(error.source().unwrap().to_string().contains("cannot be fetched"));
    server.restart().await;
    // not asked before it is due, except by hand
    service.unavailable(&token).await;
    keys.refresh().await.unwrap();
    assert_eq!(service.call(&token).await, StatusCode::OK);
}

#[tokio::test]
async fn connection_refused_then_back_heals_by_itself() {
    let (mut server, issuer) = one_key().await;
    server.stop().await;
    let keys = jwks(&server).retry_within(SHORT, SHORT * 2).build().unwrap();
    let service = Service::new(&keys, &server.issuer());
    let token = issuer.token().sign();
    service.unavailable(&token).await;
    tokio::time::sleep(SHORT * 6).await;
    assert!(keys.status().failures >= 2, "{:?}", keys.status());
    server.restart().await;
    let begun = Instant::now();
    while service.call(&token).await != StatusCode::OK {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(keys.status().failures, 0);
}

#[tokio::test]
async fn an_unknown_kid_is_503_while_the_provider_cannot_be_asked() {
    let (mut server, known) = one_key().await;
    let new = issuer(server.issuer(), "new");
    let keys = jwks(&server).retry_within(SHORT, SHORT).cooldown(HOUR).eager().await.unwrap();
    let service = Service::new(&keys, &server.issuer());
    server.stop().await;
    for _ in 0..3 {
        service.unavailable(&new.token().sign()).await;
        assert_eq!(service.call(&known.token().sign()).await, StatusCode::OK);
    }
    server.answer(JWKS, Answer::Json(set([&known, &new])));
    server.restart().await;
    // the background task tries again, whatever the cooldown
    let begun = Instant::now();
    while service.call(&new.token().sign()).await != StatusCode::OK {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn waiting_is_bounded() {
    let (server, known) = one_key().await;
    let wait = Duration::from_millis(200);
    let keys = jwks(&server).timeout(Duration::from_secs(5)).wait(wait).eager().await.unwrap();
    let service = Service::new(&keys, &server.issuer());
    server.answer(JWKS, Answer::Hang);
    let stranger = issuer(server.issuer(), "stranger").token().sign();
    let begun = Instant::now();
    service.unavailable(&stranger).await;
    assert!(begun.elapsed() >= wait && begun.elapsed() < wait * 3, "{:?}", begun.elapsed());
    // a refresh that takes longer than anyone would wait is not waited for
    let begun = Instant::now();
    service.unavailable(&stranger).await;
    assert!(begun.elapsed() < wait / 2, "{:?}", begun.elapsed());
    assert_eq!(service.call(&known.token().sign()).await, StatusCode::OK);
    assert_eq!(server.hits(JWKS), 2);
}

#[tokio::test]
async fn keys_that_move_are_found_again() {
    let server = KeyServer::with_keys(issuer("x", "a").jwks()).await;
    let keys = RemoteKeys::discover(server.issuer()).fetch(fetch()).eager().await.unwrap();
    server.answer(JWKS, Answer::Status(404));
    let moved = json!({ "issuer": server.issuer(), "jwks_uri": server.url("/v2/jwks.json") });
    server.answer(OPENID, Answer::Json(moved));
    server.answer("/v2/jwks.json", Answer::Json(issuer("x", "b").jwks()));
    assert!(keys.refresh().await.is_err());
    keys.refresh().await.unwrap();
    assert_eq!(keys.status().key_ids, ["b"]);
    // metadata that are gone do not matter while the keys are there
    server.answer("/v2/jwks.json", Answer::Status(500));
    server.answer(OPENID, Answer::Status(500));
    assert!(keys.refresh().await.is_err());
    server.answer("/v2/jwks.json", Answer::Json(issuer("x", "c").jwks()));
    keys.refresh().await.unwrap();
    assert_eq!(keys.status().key_ids, ["c"]);
}

mod a_fetch_that_breaks_its_promises {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;
    use tower_bearer::fetch::{Fetch, FetchError, FetchLimits};
    use tower_bearer::step::BoxFuture;

    use super::*;

    /// Panics the first time, hangs the second, brings too much the third.
    struct Broken(Arc<AtomicUsize>);

    impl Fetch for Broken {
        fn fetch(
            &self,
            _: http::Request<Bytes>,
            limits: FetchLimits,
        ) -> BoxFuture<'static, Result<http::Response<Bytes>, FetchError>> {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                match count {
                    0 => panic!("a broken client"),
                    1 => std::future::pending().await,
                    _ => Ok(http::Response::new(vec![b' '; limits.max_body + 1].into())),
                }
            })
        }
    }

    #[tokio::test]
    async fn is_survived() {
        let count = Arc::new(AtomicUsize::new(0));
        let keys =
            RemoteKeys::jwks("https://id.example.com/jwks.json").fetch(Broken(count.clone()));
        let keys = keys.timeout(SHORT).retry_within(HOUR, HOUR).build().unwrap();
        for kind in [Kind::Stopped, Kind::Unreachable, Kind::Unreachable] {
            let begun = Instant::now();
            assert_eq!(keys.refresh().await.unwrap_err().kind(), kind);
            assert!(begun.elapsed() < Duration::from_secs(2));
        }
        assert_eq!(count.load(Ordering::SeqCst), 3);
    }
}
