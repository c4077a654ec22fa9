//! Keys of an identity provider: discovery, refresh, rotation, lifecycle.

use std::time::Duration;

use super::key_server::{Answer, JWKS, KeyServer, OAUTH, OPENID, fetch, issuer, set};
use http::StatusCode;
use serde_json::json;
use tower_bearer::claims::StandardClaims;
use tower_bearer::key::remote::{RemoteKeys, RemoteKeysBuilder, RemoteKeysErrorKind};
use tower_bearer::key::{Algorithm, KeySource, MissingKey};
use tower_bearer::testing::FakeClock;
use tower_bearer::verify::Verifier;
use tower_bearer_tests::service::Service;

const SHORT: Duration = Duration::from_millis(50);

fn discover(server: &KeyServer) -> RemoteKeysBuilder {
    RemoteKeys::discover(server.issuer()).fetch(fetch())
}

async fn failure(builder: RemoteKeysBuilder) -> (RemoteKeysErrorKind, String) {
    let error = builder.eager().await.unwrap_err();
    (error.kind(), error.to_string())
}

#[tokio::test]
async fn openid_connect_discovery_section_4() {
    let server = KeyServer::start().await;
    let alice = issuer(server.issuer(), "a");
    server.answer(OPENID, Answer::Json(server.metadata()));
    server.answer(JWKS, Answer::Json(alice.jwks()));
    let keys = discover(&server).eager().await.unwrap();
    assert_eq!(keys.issuer(), Some(&*server.issuer()));
    let service = Service::new(&keys, &server.issuer());
    assert_eq!(service.call(&alice.token().subject("alice").sign()).await, StatusCode::OK);
    assert_eq!(server.all_hits(), [OPENID, JWKS]);
    let request = server.last_request().to_ascii_lowercase();
    assert!(
        request.contains(concat!("user-agent: tower-bearer/", env!("CARGO_PKG_VERSION"))),
        "{request}"
    );
    assert!(request.contains("accept: application/json"), "{request}");

    let status = keys.status();
    assert!(status.usable && status.last_error.is_none() && !status.refreshing, "{status:?}");
    assert_eq!(
        (status.key_ids.as_slice(), status.refreshes, status.failures),
        (&["a".to_owned()][..], 1, 0)
    );
    assert_eq!(status.source, Some(server.url(JWKS)));
    assert!(status.age.unwrap() < Duration::from_secs(5));
    let next = status.next_refresh.unwrap();
    assert!(next > Duration::from_secs(53 * 60) && next <= Duration::from_secs(3600), "{next:?}");
}

#[tokio::test]
async fn rfc8414_section_3_1_where_openid_metadata_are_missing() {
    for absent in
        [Answer::Status(404), Answer::Bytes(b"<!doctype html><title>app</title>".to_vec())]
    {
        let server = KeyServer::start().await;
        let name = format!("{}/tenants/a", server.issuer());
        server.answer("/tenants/a/.well-known/openid-configuration", absent);
        let metadata = json!({ "issuer": name, "jwks_uri": server.url(JWKS) });
        server.answer(&format!("{OAUTH}/tenants/a"), Answer::Json(metadata));
        server.answer(JWKS, Answer::Json(issuer(&name, "a").jwks()));
        let keys = RemoteKeys::discover(&name).fetch(fetch()).eager().await.unwrap();
        assert_eq!(keys.status().key_ids, ["a"]);
    }
}

#[tokio::test]
async fn the_issuer_is_compared_exactly() {
    let server = KeyServer::with_keys(issuer("x", "a").jwks()).await;
    let other = |name: String| {
        server
            .answer(OPENID, Answer::Json(json!({ "issuer": name, "jwks_uri": server.url(JWKS) })));
    };
    for name in [format!("{}/", server.issuer()), server.issuer().to_uppercase(), String::new()] {
        other(name);
        let (kind, text) = failure(discover(&server)).await;
        assert_eq!(kind, RemoteKeysErrorKind::WrongIssuer, "{text}");
    }
    // and the other way round
    other(server.issuer());
    let slashed = RemoteKeys::discover(format!("{}/", server.issuer())).fetch(fetch());
    assert_eq!(failure(slashed).await.0, RemoteKeysErrorKind::WrongIssuer);
    assert_eq!(server.hits(JWKS), 0);
}

#[tokio::test]
async fn only_https_is_asked_for_loopback_apart() {
    let server = KeyServer::start().await;
    for (uri, what) in [
        (json!("http://keys.example.com/jwks.json"), "not https"),
        (json!("ftp://127.0.0.1/jwks.json"), "not an absolute https URL"),
        (json!("/jwks.json"), "not an absolute https URL"),
        (json!("http://user:hunter2@127.0.0.1/jwks.json"), "user name"),
        (json!(null), "missing"),
    ] {
        server.answer(OPENID, Answer::Json(json!({ "issuer": server.issuer(), "jwks_uri": uri })));
        let (kind, text) = failure(discover(&server)).await;
        assert_eq!(kind, RemoteKeysErrorKind::Metadata);
        assert!(text.contains(what) && !text.contains("hunter2"), "{text}");
    }
    for url in ["http://id.example.com", "", "id.example.com", "file:///etc/passwd"] {
        for builder in [RemoteKeys::discover(url), RemoteKeys::jwks(url)] {
            let error = builder.fetch(fetch()).build().unwrap_err();
            assert_eq!(error.kind(), RemoteKeysErrorKind::Configuration, "{url}");
        }
        let spelled_out = RemoteKeys::jwks("http://id.example.com").dangerous().allow_http();
        assert!(spelled_out.fetch(fetch()).build().is_ok());
    }
}

#[tokio::test]
async fn the_url_of_metadata_is_no_issuer() {
    for url in [
        "https://id.example.com/.well-known/openid-configuration",
        "https://id.example.com/realms/a/.well-known/openid-configuration",
        "https://id.example.com/.well-known/oauth-authorization-server/realms/a",
    ] {
        let error = RemoteKeys::discover(url).fetch(fetch()).build().unwrap_err();
        assert_eq!(error.kind(), RemoteKeysErrorKind::Configuration);
        assert!(error.to_string().contains("give the issuer, without /.well-known/"), "{error}");
        let error = RemoteKeys::jwks(url).fetch(fetch()).build().unwrap_err();
        assert!(error.to_string().contains("give `RemoteKeys::discover` the issuer"), "{error}");
    }
}

#[tokio::test]
async fn settings_that_cannot_be_meant() {
    let jwks = || RemoteKeys::jwks("https://id.example.com/jwks.json").fetch(fetch());
    let hour = Duration::from_secs(3600);
    for builder in [
        jwks().refresh_within(hour, SHORT),
        jwks().retry_within(hour, SHORT),
        jwks().refresh_within(Duration::ZERO, SHORT),
        jwks().cooldown(Duration::ZERO),
        jwks().wait(Duration::ZERO),
        jwks().keep_for(Duration::ZERO),
        jwks().timeout(Duration::ZERO),
    ] {
        assert_eq!(builder.build().unwrap_err().kind(), RemoteKeysErrorKind::Configuration);
    }
    assert!(jwks().keep_for(Duration::MAX).refresh_within(SHORT, Duration::MAX).build().is_ok());
}

#[tokio::test]
async fn keys_of_another_issuer_are_refused_when_the_verifier_is_built() {
    let keys = RemoteKeys::discover("https://id.example.com/").fetch(fetch()).build().unwrap();
    let verifier = |issuer: &str| {
        let builder = Verifier::<StandardClaims>::builder().keys(keys.clone()).any_audience();
        builder.issuer(issuer).build()
    };
    assert!(verifier("https://id.example.com").unwrap_err().to_string().contains("slash"));
    assert!(verifier("https://id.example.com/").is_ok());
}

#[tokio::test]
async fn an_unchanged_set_stays_the_same_set() {
    let (a, b) = (issuer("x", "a"), issuer("x", "b"));
    let server = KeyServer::with_keys(set([&a, &b])).await;
    let keys = discover(&server).eager().await.unwrap();
    let epoch = keys.status().epoch;
    keys.refresh().await.unwrap();
    server.answer(JWKS, Answer::Json(set([&b, &a])));
    keys.refresh().await.unwrap();
    assert_eq!((keys.status().epoch, server.hits(JWKS)), (epoch, 3));
    server.answer(JWKS, Answer::Json(set([&b])));
    keys.refresh().await.unwrap();
    assert_ne!(keys.status().epoch, epoch);
    assert_eq!(keys.status().key_ids, ["b"]);
    // metadata hold for a day
    assert_eq!(server.hits(OPENID), 1);
}

#[tokio::test]
async fn rfc9110_section_13_1_2_if_none_match() {
    let (a, b) = (issuer("x", "a"), issuer("x", "b"));
    let server = KeyServer::with_keys(set([&a])).await;
    server.etags();
    let keys = discover(&server).refresh_within(SHORT, SHORT).eager().await.unwrap();
    let epoch = keys.status().epoch;
    while server.not_modified() < 3 {
        tokio::time::sleep(SHORT).await;
    }
    assert_eq!((keys.status().epoch, keys.status().failures), (epoch, 0));
    server.answer(JWKS, Answer::Json(set([&b])));
    while keys.status().key_ids != ["b"] {
        tokio::time::sleep(SHORT).await;
    }
    drop(keys);
    tokio::time::sleep(SHORT * 4).await;
    // Who asks by hand asks the provider itself, and not whether something has changed.
    let asked = server.not_modified();
    let keys = discover(&server).eager().await.unwrap();
    for _ in 0..2 {
        keys.refresh().await.unwrap();
        let request = server.last_request().to_ascii_lowercase();
        assert!(request.contains("cache-control: no-cache"), "{request}");
    }
    assert_eq!(server.not_modified(), asked);
}

#[tokio::test]
async fn rfc9111_max_age_within_bounds() {
    for (control, least, most) in [
        ("max-age=600", 540, 600),
        ("max-age=1", 54, 60),
        ("no-store", 54, 60),
        ("max-age=999999999", 38880, 43200),
    ] {
        let server = KeyServer::with_keys(issuer("x", "a").jwks()).await;
        server.header("cache-control", control);
        let keys = discover(&server).eager().await.unwrap();
        let next = keys.status().next_refresh.unwrap().as_secs_f64();
        assert!(next > f64::from(least) - 1.0 && next <= f64::from(most), "{control}: {next}");
    }
}

#[tokio::test]
async fn background_refresh_and_its_end() {
    let server = KeyServer::with_keys(issuer("x", "a").jwks()).await;
    let keys = discover(&server).refresh_within(SHORT, SHORT).spawn().unwrap();
    let handle = keys.clone();
    while server.hits(JWKS) < 3 {
        tokio::time::sleep(SHORT).await;
    }
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let with_task = tasks();
    drop(keys);
    tokio::time::sleep(SHORT * 3).await;
    assert_eq!(handle.status().failures, 0);
    let hits = server.hits(JWKS);
    assert!(hits > 3, "one handle is left");
    drop(handle);
    tokio::time::sleep(SHORT * 4).await;
    let after = server.hits(JWKS);
    assert!(after <= hits + 1, "the task goes on without a handle");
    tokio::time::sleep(SHORT * 6).await;
    assert_eq!(server.hits(JWKS), after);
    assert!(tasks() < with_task, "{} tasks of {with_task} are left", tasks());
}

#[test]
fn outside_of_a_runtime_nothing_panics() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(KeyServer::with_keys(issuer("x", "a").jwks()));
    let keys = discover(&server).build().unwrap();
    assert!(keys.current().is_err());
    let missing = MissingKey::new(Some("a"), Algorithm::ES256);
    let mut refresh = KeySource::refresh(&keys, &missing).unwrap();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = refresh.as_mut().poll(&mut context) else {
        panic!("not an error at once");
    };
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("runtime"));
    assert_eq!(discover(&server).spawn().unwrap_err().kind(), RemoteKeysErrorKind::NoRuntime);
    // the same handle works once there is one, and on the next one too
    runtime.block_on(keys.ready()).unwrap();
    assert!(keys.current().is_ok());
    let other = tokio::runtime::Runtime::new().unwrap();
    let more = discover(&server).build().unwrap();
    other.block_on(more.ready()).unwrap();
    drop(other);
    assert!(more.current().is_ok() && more.status().next_refresh.is_none());
    runtime.block_on(more.refresh()).unwrap();
    assert!(more.status().next_refresh.is_some());
}

#[tokio::test]
async fn a_service_that_starts_before_its_provider() {
    let mut server = KeyServer::with_keys(issuer("x", "a").jwks()).await;
    server.stop().await;
    let builder = || discover(&server).retry_within(SHORT, SHORT);
    assert_eq!(failure(builder()).await.0, RemoteKeysErrorKind::Unreachable);
    assert!(builder().eager_within(SHORT * 4).await.is_err());
    let waiting = tokio::spawn(builder().eager_within(Duration::from_secs(20)));
    tokio::time::sleep(SHORT * 4).await;
    server.restart().await;
    assert_eq!(waiting.await.unwrap().unwrap().status().key_ids, ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotation_without_a_single_401_for_tokens_of_either_key() {
    let server = KeyServer::start().await;
    let (old, new) = (issuer(server.issuer(), "old"), issuer(server.issuer(), "new"));
    server.answer(OPENID, Answer::Json(server.metadata()));
    server.answer(JWKS, Answer::Json(set([&old])));
    let keys = discover(&server).eager().await.unwrap();
    let service = Service::new(&keys, &server.issuer());
    let (one, two) = (old.token().sign(), new.token().sign());
    let calls = |token: String, service: Service| async move {
        for _ in 0..300 {
            assert_eq!(service.call(&token).await, StatusCode::OK);
            tokio::task::yield_now().await;
        }
    };
    let before = tokio::spawn(calls(one, service.clone()));
    tokio::time::sleep(Duration::from_millis(5)).await;
    // published while requests run, and used at once
    server.answer(JWKS, Answer::Json(set([&old, &new])));
    let after: Vec<_> = (0..8).map(|_| tokio::spawn(calls(two.clone(), service.clone()))).collect();
    before.await.unwrap();
    for task in after {
        task.await.unwrap();
    }
    assert_eq!(server.hits(JWKS), 2, "one for the start, one for the new key");
    // the old key goes, and what it signed with it
    server.answer(JWKS, Answer::Json(set([&new])));
    keys.refresh().await.unwrap();
    assert_eq!(service.call(&old.token().sign()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(service.call(&two).await, StatusCode::OK);
}

#[tokio::test]
async fn rotation_of_keys_without_kid() {
    let server = KeyServer::start().await;
    let (old, new) = (issuer(server.issuer(), "-"), issuer(server.issuer(), "-"));
    let nameless = |mut keys: serde_json::Value| {
        keys["keys"][0].as_object_mut().unwrap().remove("kid");
        keys
    };
    server.answer(JWKS, Answer::Json(nameless(old.jwks())));
    let keys = RemoteKeys::jwks(server.url(JWKS)).fetch(fetch()).eager().await.unwrap();
    let service = Service::new(&keys, &server.issuer());
    assert_eq!(service.call(&old.token().without_header("kid").sign()).await, StatusCode::OK);
    server.answer(JWKS, Answer::Json(nameless(new.jwks())));
    assert_eq!(service.call(&new.token().without_header("kid").sign()).await, StatusCode::OK);
    assert_eq!(
        service.call(&old.token().without_header("kid").sign()).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(server.hits(JWKS), 2);
}

#[tokio::test]
async fn odd_keys_are_skipped_one_by_one_and_seen() {
    let server = KeyServer::start().await;
    let good = issuer(server.issuer(), "good");
    let mut keys = set([&good]);
    let list = keys["keys"].as_array_mut().unwrap();
    list.push(json!({ "kty": "quantum", "kid": "q" }));
    list.push(json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "broken" }));
    list.push(json!({ "kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "alg": "HS256" }));
    list.push(good.jwks()["keys"][0].clone());
    server.answer(JWKS, Answer::Json(keys));
    let keys = RemoteKeys::jwks(server.url(JWKS)).fetch(fetch()).eager().await.unwrap();
    assert_eq!(keys.status().skipped, 3);
    assert_eq!(keys.status().key_ids, ["good", "good"]);
    let service = Service::new(&keys, &server.issuer());
    assert_eq!(service.call(&good.token().sign()).await, StatusCode::OK);
}

#[tokio::test]
async fn rfc8725_nothing_in_a_token_becomes_a_request() {
    let server = KeyServer::start().await;
    let evil = KeyServer::with_keys(issuer("x", "evil").jwks()).await;
    let good = issuer(server.issuer(), "a");
    server.answer(JWKS, Answer::Json(good.jwks()));
    let keys = RemoteKeys::jwks(server.url(JWKS)).fetch(fetch()).eager().await.unwrap();
    let service = Service::new(&keys, &server.issuer());
    let forged = issuer(server.issuer(), "evil");
    for member in ["jku", "x5u"] {
        let token = forged.token().header(member, evil.url(JWKS));
        assert_eq!(service.call(&token.sign()).await, StatusCode::UNAUTHORIZED);
    }
    let token = forged.token().header("jwk", forged.jwks()["keys"][0].clone());
    assert_eq!(service.call(&token.sign()).await, StatusCode::UNAUTHORIZED);
    let token = forged.token().header("kid", evil.url(JWKS)).claim("iss", evil.issuer());
    assert_eq!(service.call(&token.sign()).await, StatusCode::UNAUTHORIZED);
    assert!(evil.all_hits().is_empty());
}

#[tokio::test]
async fn age_is_told_by_the_clock() {
    let server = KeyServer::with_keys(issuer("x", "a").jwks()).await;
    let clock = FakeClock::now_and_still();
    let keys = discover(&server).clock(clock.clone()).eager().await.unwrap();
    clock.advance(Duration::from_secs(90));
    assert_eq!(keys.status().age, Some(Duration::from_secs(90)));
    keys.refresh().await.unwrap();
    assert_eq!(keys.status().age, Some(Duration::ZERO));
}
