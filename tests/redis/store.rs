//! The store.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower_bearer::clock::UnixTime;
use tower_bearer::redis_store::RedisStore;
use tower_bearer::revocation::{Revocation, RevocationStore, StoreErrorKind, TokenIdentity};
use tower_bearer::testing::revocation::conformance;

use super::*;

#[tokio::test]
async fn it_conforms() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let store = RedisStore::builder(&server.url()).unwrap().timeout(Duration::from_secs(10));
    let store = store.prefix("con*for[m").build().unwrap();
    store.ping().await.unwrap();
    conformance(|| async { store.clone() }).await;
}

#[tokio::test]
async fn everything_expires_and_nothing_says_who() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let store = store(&server);
    let soon = Revocation::token("mallory@example.com", in_secs(10));
    store.revoke(&soon.issuer("https://secret.example")).await.unwrap();
    store
        .revoke(&Revocation::subject("mallory@example.com", in_secs(0), UnixTime::MAX))
        .await
        .unwrap();
    let redis::Value::Array(keys) = server.command("KEYS *") else { panic!() };
    assert_eq!(keys.len(), 3);
    for key in keys {
        let redis::Value::BulkString(key) = key else { panic!() };
        let key = String::from_utf8(key).unwrap();
        assert!(key.starts_with("{tower-bearer}:revocation:"), "{key}");
        let redis::Value::Int(left) = server.command(&format!("TTL {key}")) else { panic!() };
        assert!(left > 0, "{key} stays for ever");
        let redis::Value::BulkString(bytes) = server.command(&format!("DUMP {key}")) else {
            panic!()
        };
        let text = key + &String::from_utf8_lossy(&bytes);
        assert!(!text.contains("mallory") && !text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn a_question_is_one_command_and_so_is_a_revocation() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let store = store(&server);
    let full = token("t").with_session_id("s").with_subject("ada");
    store.revoke(&revocation("t")).await.unwrap();
    server.command("CONFIG RESETSTAT");
    for _ in 0..10 {
        store.revoke(&revocation("t")).await.unwrap();
        assert!(store.status(&full).await.unwrap().is_revoked());
    }
    assert!(!store.status(&TokenIdentity::new()).await.unwrap().is_revoked());
    let stats = server.command("INFO commandstats");
    let stats: String = redis::from_redis_value(stats).unwrap();
    assert!(stats.contains("cmdstat_hmget:calls=20,"), "one, and one in the script: {stats}");
    assert!(stats.contains("cmdstat_role:calls=20,"), "each says that it is a primary: {stats}");
    assert!(stats.contains("cmdstat_evalsha:calls=10,"), "{stats}");
}

#[tokio::test]
async fn a_dead_server_is_an_error_in_time_and_a_new_one_is_found() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let store = store(&server);
    store.revoke(&revocation("a")).await.unwrap();
    server.kill();
    for _ in 0..20 {
        assert_eq!(ask(&store, "a").await.unwrap_err().kind(), StoreErrorKind::Unavailable);
        let refused = within(BOUND, store.revoke(&revocation("b"))).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
        assert!(std::error::Error::source(&refused).is_some());
    }
    server.restart();
    eventually("it is back", async || ask(&store, "b").await.is_ok()).await;
    store.revoke(&revocation("a")).await.unwrap();
    assert!(is_revoked(&store, "a").await);
}

#[tokio::test]
async fn a_frozen_server_is_an_error_in_time_and_thaws() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let store = store(&server);
    store.revoke(&revocation("a")).await.unwrap();
    server.freeze();
    for _ in 0..5 {
        assert_eq!(ask(&store, "a").await.unwrap_err().kind(), StoreErrorKind::Unavailable);
        assert!(within(BOUND, store.revoke(&revocation("b"))).await.is_err());
    }
    server.thaw();
    eventually("it is back", async || ask(&store, "a").await.is_ok()).await;
    assert!(is_revoked(&store, "a").await);
}

#[tokio::test]
async fn a_slow_server_is_an_error_in_time() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let store = store(&server);
    store.revoke(&revocation("a")).await.unwrap();
    server.command("CLIENT PAUSE 1500 ALL");
    assert!(ask(&store, "a").await.is_err());
    assert!(within(BOUND, store.revoke(&revocation("b"))).await.is_err());
    eventually("it is back", async || ask(&store, "a").await.is_ok()).await;
    assert!(is_revoked(&store, "a").await);
}

#[tokio::test]
async fn a_full_server_takes_nothing_and_keeps_everything() {
    let Some(server) = RedisServer::start(&["--maxmemory-policy", "noeviction"]) else { return };
    let store = store(&server);
    store.revoke(&revocation("before")).await.unwrap();
    server.command("CONFIG SET maxmemory 1000000");
    let refused = store.revoke(&revocation("more")).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Full);
    assert!(is_revoked(&store, "before").await);
    assert!(!is_revoked(&store, "more").await);
    store.ping().await.unwrap();
    server.command("CONFIG SET maxmemory-policy allkeys-lru");
    assert!(store.ping().await.is_err());
    server.command("CONFIG SET maxmemory 0");
    store.ping().await.unwrap();
    store.revoke(&revocation("more")).await.unwrap();
    assert!(is_revoked(&store, "more").await);
}

#[tokio::test]
async fn what_is_of_another_layout_is_never_active() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let store = store(&server);
    store.revoke(&revocation("a")).await.unwrap();
    let key = "{tower-bearer}:revocation:entries";
    let fields: Vec<String> =
        redis::from_redis_value(server.command(&format!("HKEYS {key}"))).unwrap();
    let name = fields.iter().find(|field| field.starts_with('t')).unwrap();
    for odd in
        [format!("HSET {key} {name} nonsense"), format!("SET {key} nonsense"), format!("DEL {key}")]
    {
        server.command(&odd);
        match ask(&store, "a").await {
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::Unavailable),
            Ok(status) => assert!(odd.starts_with("DEL") && !status.is_revoked(), "{odd}"),
        }
    }
}

#[test]
fn wrong_configuration_is_an_error_and_shows_no_password() {
    assert!(RedisStore::builder("http://localhost").is_err());
    let builder = RedisStore::builder("redis://:hunter2@localhost/").unwrap();
    assert!(!format!("{builder:?}").contains("hunter2"));
    // Nothing is asked yet, and without a runtime nothing can be.
    let store = builder.build().unwrap();
    let asked = futures_util::FutureExt::now_or_never(store.ping()).unwrap();
    assert_eq!(asked.unwrap_err().kind(), StoreErrorKind::Configuration);
    for url in ["localhost:6379", "http://localhost", "redis//x"] {
        let refused = RedisStore::builder(url).unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Configuration, "{url}");
        assert!(refused.to_string().contains("redis://127.0.0.1:6379/"), "{refused}");
    }
    for prefix in ["", "a{b", "}"] {
        let builder = RedisStore::builder("redis://:hunter2@localhost/").unwrap();
        assert!(builder.prefix(prefix).build().is_err());
    }
    let store = RedisStore::builder("redis://:hunter2@localhost/").unwrap().build().unwrap();
    assert!(!format!("{store:?}").contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_no_revoked_token_is_ever_active() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let replica = ready(&server).await;
    let other = ready(&server).await;
    let revoked = Arc::new(Mutex::new(Vec::<String>::new()));
    let stop = Arc::new(AtomicBool::new(false));
    let answers = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for number in 0..8 {
        let (replica, other) = (replica.clone(), other.clone());
        let (revoked, stop) = (Arc::clone(&revoked), Arc::clone(&stop));
        let answers = Arc::clone(&answers);
        tasks.push(tokio::spawn(async move {
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                count += 1;
                let id = format!("{number}-{count}");
                if within(BOUND, replica.revoke(&revocation(&id))).await.is_ok() {
                    revoked.lock().unwrap().push(id);
                }
                let sample = {
                    let revoked = revoked.lock().unwrap();
                    let nth = |n: usize| revoked.get(n * 7919 % revoked.len().max(1)).cloned();
                    (0..8).filter_map(|n| nth(n * count)).collect::<Vec<_>>()
                };
                for id in sample {
                    // On the node that revoked: at once, whatever happens.
                    if let Ok(status) = ask(&replica, &id).await {
                        assert!(status.is_revoked(), "{id} came back to life");
                    }
                    answers.fetch_add(1, Ordering::Relaxed);
                    let _ = ask(&other, &id).await;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }));
    }
    let pause = || tokio::time::sleep(Duration::from_millis(500));
    pause().await;
    server.freeze();
    pause().await;
    pause().await;
    server.thaw();
    pause().await;
    server.command("CLIENT PAUSE 700 ALL");
    pause().await;
    pause().await;
    server.command("CLIENT KILL TYPE normal");
    pause().await;
    server.command("FLUSHALL");
    pause().await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    current(&replica).await;
    current(&other).await;
    let revoked = revoked.lock().unwrap().clone();
    let third = ready(&server).await;
    for (number, id) in revoked.iter().enumerate() {
        for (node, replica) in [("own", &replica), ("other", &other)] {
            assert!(is_revoked(replica, id).await, "{id}, {number} of {}, {node}", revoked.len());
        }
        eventually("a new node learns of it", async || is_revoked(&third, id).await).await;
    }
    println!("{} revocations, {} answers", revoked.len(), answers.load(Ordering::Relaxed));
    assert!(revoked.len() > 100);
}

#[cfg(feature = "redis-tls")]
#[tokio::test]
async fn a_server_without_tls_is_an_error_and_no_panic() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let url = server.url().replace("redis://", "rediss://");
    let store = RedisStore::builder(&url).unwrap().timeout(TIMEOUT).build().unwrap();
    let error = ask(&store, "a").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}
