//! What it costs, what it is bounded by, and what Redis must be set to.

use tower_bearer::redis_store::{RedisStore, Replica};
use tower_bearer::revocation::replica::{LogEntry, RevocationLog};
use tower_bearer::revocation::{Revocation, RevocationStore, StoreErrorKind};
use tower_bearer::testing::FakeClock;
use tower_bearer::testing::revocation::conformance;

use super::*;

const KEY: &str = "{tower-bearer}:revocation:";

/// How often these commands ran since the statistics were reset.
fn calls(server: &RedisServer, commands: &[&str]) -> u64 {
    let stats: String = redis::from_redis_value(server.command("INFO commandstats")).unwrap();
    let of = |command: &&str| {
        let found = stats.split(&format!("cmdstat_{command}:calls=")).nth(1)?;
        found.split(',').next()?.parse::<u64>().ok()
    };
    commands.iter().filter_map(of).sum()
}

#[tokio::test]
async fn a_redis_that_evicts_is_refused() {
    let options = ["--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"];
    let Some(server) = RedisServer::start(&options) else { return };
    let refusing = store(&server);
    let refused = ask(&refusing, "a").await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Configuration);
    assert!(refused.to_string().contains("noeviction"), "{refused}");
    assert!(refusing.revoke(&revocation("a")).await.is_err());
    let late = replica_of(&server).build().unwrap();
    assert!(tokio::time::timeout(MAX_STALENESS, late.ready()).await.is_err());
    server.command("CONFIG SET maxmemory-policy noeviction");
    within(Duration::from_secs(20), late.ready()).await;
    refusing.revoke(&revocation("a")).await.unwrap();
    // Changed later, whoever connects finds it.
    server.command("CONFIG SET maxmemory-policy allkeys-lru");
    server.command("CLIENT KILL TYPE normal");
    eventually("it is stale", async || !late.health().current).await;
    assert!(late.health().last_error.unwrap().contains("noeviction"));
}

#[tokio::test]
async fn a_redis_that_evicts_from_now_on_is_refused_within_seconds() {
    let Some(server) = RedisServer::start(&["--maxmemory", "100mb"]) else { return };
    let store = store(&server);
    store.revoke(&revocation("a")).await.unwrap();
    server.command("CONFIG SET maxmemory-policy allkeys-lru");
    tokio::time::sleep(Duration::from_millis(5_200)).await;
    for _ in 0..2 {
        let refused = ask(&store, "a").await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Configuration);
        assert!(store.revoke(&revocation("b")).await.is_err());
    }
    server.command("CONFIG SET maxmemory-policy noeviction");
    assert!(is_revoked(&store, "a").await);
}

#[tokio::test]
async fn a_clock_of_redis_that_is_ahead_forgets_nothing() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let behind = FakeClock::at(in_secs(0).saturating_sub(Duration::from_secs(18 * 60)));
    let store = RedisStore::builder(&server.url()).unwrap().clock(behind.clone());
    let store = store.build().unwrap();
    let quarter = behind.now().saturating_add(Duration::from_secs(16 * 60));
    store.revoke(&Revocation::token("a", quarter)).await.unwrap();
    store.revoke(&revocation("b")).await.unwrap();
    assert!(is_revoked(&store, "a").await);
    let redis::Value::Int(left) = server.command(&format!("TTL {KEY}entries")) else { panic!() };
    assert!(left > 16 * 60, "{left}");
}

#[tokio::test]
async fn many_revocations_are_read_at_once() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let nodes = [ready(&server).await, ready(&server).await, ready(&server).await];
    let store = store(&server);
    server.command("CONFIG RESETSTAT");
    let count = 300;
    for number in 0..count {
        store.revoke(&revocation(&number.to_string())).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let last = (count - 1).to_string();
    for node in &nodes {
        eventually("it is everywhere", async || is_revoked(node, &last).await).await;
    }
    // Two of the questions in each revocation are its own script's and its own proof of a primary.
    let asked = calls(&server, &["xread", "hmget", "role"]) - 2 * count;
    let each = asked as f64 / (count * nodes.len() as u64) as f64;
    println!("{each:.2} commands per revocation and node");
    assert!(each < 0.9, "{each} commands per revocation and node");
}

#[tokio::test]
async fn a_log_ahead_of_the_clock_is_bounded() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let store = RedisStore::builder(&server.url()).unwrap().log_length(500);
    let store = store.timeout(Duration::from_secs(5)).build().unwrap();
    let tomorrow = in_secs(86_400).as_secs() * 1000;
    server.command(&format!("HSET {KEY}entries epoch e last {tomorrow}-0:0000000000000001"));
    server.command(&format!("XADD {KEY}log {tomorrow}-0 n x"));
    for chunk in 0..20 {
        let entry = |number| LogEntry::from(&revocation(&format!("{chunk}-{number}")));
        let entries: Vec<_> = (0..100).map(entry).collect();
        let appended = store.append(&entries).await.unwrap();
        assert_eq!(appended.changed, 100);
        assert_eq!(appended.position.major(), tomorrow, "ids rise");
    }
    let redis::Value::Int(length) = server.command(&format!("XLEN {KEY}log")) else { panic!() };
    assert!(length < 800, "{length} items");
}

#[tokio::test]
async fn what_redis_lost_is_written_back_by_all_together_while_they_follow() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let store = RedisStore::builder(&server.url()).unwrap().timeout(Duration::from_secs(5));
    let store = store.build().unwrap();
    let nodes: Vec<_> = (0..3).map(|_| Replica::builder(store.clone()).build().unwrap()).collect();
    let count = 4_000_u64;
    for chunk in 0..count / 500 {
        let entry = |number| LogEntry::from(&revocation(&format!("{chunk}-{number}")));
        store.append(&(0..500).map(entry).collect::<Vec<_>>()).await.unwrap();
    }
    for node in &nodes {
        eventually("all is known", async || node.health().entries as u64 == count).await;
    }
    server.command("CONFIG RESETSTAT");
    server.command("FLUSHALL SYNC");
    let newer = || server.command(&format!("HLEN {KEY}entries"));
    eventually("writing back has begun", async || newer() != redis::Value::Int(0)).await;
    store.revoke(&revocation("meanwhile")).await.unwrap();
    for node in &nodes {
        eventually("news get through", async || is_revoked(node, "meanwhile").await).await;
    }
    let all = redis::Value::Int(3 + 1 + count as i64);
    eventually("all is there", async || newer() == all).await;
    for node in &nodes {
        eventually("it noticed", async || node.health().losses == 1).await;
    }
    let written = || nodes.iter().map(|node| node.health().written_back).sum::<u64>();
    eventually("each was written", async || written() >= count).await;
    assert_eq!(written(), count, "each was written by one");
    println!("{} scripts", calls(&server, &["evalsha"]));
}

/// What the page of `redis_store` says is enough.
#[tokio::test]
async fn least_rights_are_enough() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let page = include_str!("../../src/redis_store/layout.rs");
    let rights = page.split("ACL SETUSER tower-bearer ").nth(1).unwrap();
    let rights = rights.split("```").next().unwrap().replace("//!", " ");
    assert!(rights.contains("~{tower-bearer}:*"), "{rights}");
    let more = page.split("Sessions and single-use tokens need beside it:").nth(1).unwrap();
    let more = more.split("```").nth(1).unwrap().trim_start_matches("text").replace("//!", " ");
    server.command(&format!("ACL SETUSER tower-bearer {}", rights.replace("<password>", "secret")));
    let url = server.url().replace("redis://", "redis://tower-bearer:secret@");
    let store = RedisStore::builder(&url).unwrap().timeout(Duration::from_secs(10));
    let store = store.require(tower_bearer::revocation::Identifiers::TOKEN_ID).build().unwrap();
    store.ping().await.unwrap();
    conformance(|| async { store.clone() }).await;
    let replica = Replica::builder(store.clone()).build().unwrap();
    within(Duration::from_secs(20), replica.ready()).await;
    current(&replica).await;
    #[cfg(all(feature = "issuer", any(feature = "aws-lc-rs", feature = "rust-crypto")))]
    {
        use tower_bearer::testing::session;

        server.command(&format!("ACL SETUSER tower-bearer {more}"));
        let sessions = RedisStore::builder(&url).unwrap().timeout(Duration::from_secs(10));
        let sessions = sessions.require(tower_bearer::revocation::Identifiers::SESSION_ID);
        let sessions = sessions.build().unwrap();
        session::conformance(|| async { sessions.clone() }).await;
    }
    server.command("ACL SETUSER tower-bearer -hset");
    let refused = store.revoke(&revocation("b")).await.unwrap_err();
    assert!(
        format!("{refused:?}").contains("rights") || refused.kind() == StoreErrorKind::Unavailable
    );
}
