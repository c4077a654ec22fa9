//! Servers that stop being the primary, and what they had not handed on.

use tower_bearer::redis_store::{OnStale, RedisStore, Replica};
use tower_bearer::revocation::{RevocationStore, StoreErrorKind};
use tower_bearer_tests::proxy::Proxy;

use super::*;

/// A primary, and a replica of it that is up to date.
async fn pair() -> Option<(RedisServer, RedisServer)> {
    let (a, b) = (RedisServer::start(&[])?, RedisServer::start(&[])?);
    b.command(&format!("REPLICAOF 127.0.0.1 {}", a.port()));
    linked(&b).await;
    Some((a, b))
}

async fn linked(replica: &RedisServer) {
    let up = async || {
        let info: String = redis::from_redis_value(replica.command("INFO replication")).unwrap();
        info.contains("master_link_status:up")
    };
    eventually("it is linked", up).await;
}

/// Waits until the replica has all that the primary has now.
async fn in_step(primary: &RedisServer, replica: &RedisServer) {
    let offset = |server: &RedisServer, field: &str| {
        let info: String = redis::from_redis_value(server.command("INFO replication")).unwrap();
        let mut lines = info.lines();
        let found = lines.find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        found.and_then(|offset| offset.trim().parse::<u64>().ok()).unwrap()
    };
    let reached = offset(primary, "master_repl_offset");
    eventually("it is replicated", async || offset(replica, "slave_repl_offset") >= reached).await;
}

fn at(url: &str) -> RedisStore {
    let store = RedisStore::builder(url).unwrap().timeout(TIMEOUT);
    store.log_retention(Duration::from_secs(1)).build().unwrap()
}

async fn node(url: &str) -> Replica {
    let replica = Replica::builder(at(url)).max_staleness(MAX_STALENESS);
    let replica = replica.on_stale(OnStale::FailClosed).build().unwrap();
    within(Duration::from_secs(20), replica.ready()).await;
    replica
}

#[tokio::test]
async fn a_demoted_server_is_not_believed() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let (store, replica) = (store(&server), node(&server.url()).await);
    assert!(!is_revoked(&replica, "x").await);
    // Its primary is nowhere, and it serves what it has.
    server.command("REPLICAOF 127.0.0.1 1");
    eventually("the replica is stale", async || !replica.health().current).await;
    let error = ask(&replica, "x").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(!replica.health().connected);
    assert!(ask(&store, "x").await.is_err());
    assert!(store.ping().await.is_err());
    // Nor by who asks it for the first time.
    let late = Replica::builder(at(&server.url())).max_staleness(MAX_STALENESS).build().unwrap();
    assert!(tokio::time::timeout(MAX_STALENESS * 2, late.ready()).await.is_err());
    server.command("REPLICAOF NO ONE");
    current(&replica).await;
    assert!(ask(&store, "x").await.is_ok());
}

#[tokio::test]
async fn after_a_planned_failover_nodes_work_again_by_themselves() {
    let Some((a, b)) = pair().await else { return };
    let address = Proxy::to(a.port()).await;
    let (store, replica) = (at(&address.url()), node(&address.url()).await);
    store.revoke(&revocation("before")).await.unwrap();
    eventually("it is known", async || is_revoked(&replica, "before").await).await;
    in_step(&a, &b).await;
    b.command("REPLICAOF NO ONE");
    address.lead_to(b.port());
    // Redis leaves connections open when it is demoted.
    a.command(&format!("REPLICAOF 127.0.0.1 {}", b.port()));
    at(&b.url()).revoke(&revocation("there")).await.unwrap();
    eventually("the store moves", async || {
        ask(&store, "there").await.is_ok_and(|status| status.is_revoked())
    })
    .await;
    eventually("it takes revocations", async || store.revoke(&revocation("after")).await.is_ok())
        .await;
    current(&replica).await;
    replica.revoke(&revocation("own")).await.unwrap();
    for id in ["before", "there", "after", "own"] {
        eventually("it is known", async || is_revoked(&replica, id).await).await;
        let there = at(&b.url());
        eventually("it is there", async || is_revoked(&there, id).await).await;
    }
}

#[tokio::test]
async fn a_loss_is_not_taken_for_trimming() {
    let Some((mut a, b)) = pair().await else { return };
    let address = Proxy::to(a.port()).await;
    let replica = node(&address.url()).await;
    replica.revoke(&revocation("a")).await.unwrap();
    let there = at(&b.url());
    in_step(&a, &b).await;
    b.command("REPLICAOF NO ONE");
    replica.revoke(&revocation("b")).await.unwrap();
    // It was read from the log, and what B has of the log is gone.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    a.kill();
    there.revoke(&revocation("c")).await.unwrap();
    address.lead_to(b.port());
    eventually("it was written back", async || is_revoked(&there, "b").await).await;
    current(&replica).await;
    assert_eq!(replica.health().losses, 1);
    let newcomer = node(&b.url()).await;
    for id in ["a", "b", "c"] {
        assert!(is_revoked(&newcomer, id).await, "{id}");
        assert!(is_revoked(&replica, id).await, "{id}");
    }
}

#[tokio::test]
async fn what_was_only_acknowledged_here_is_missed_too() {
    let Some((mut a, b)) = pair().await else { return };
    let address = Proxy::to(a.port()).await;
    let replica = node(&address.url()).await;
    replica.revoke(&revocation("before")).await.unwrap();
    let there = at(&b.url());
    in_step(&a, &b).await;
    b.command("REPLICAOF NO ONE");
    let list: String = redis::from_redis_value(a.command("CLIENT LIST")).unwrap();
    for line in list.lines().filter(|line| line.contains("cmd=xread")) {
        let id = line.split(['=', ' ']).nth(1).unwrap();
        a.command(&format!("CLIENT KILL ID {id}"));
    }
    // Nobody reads the log at this moment.
    replica.revoke(&revocation("mine")).await.unwrap();
    a.kill();
    address.lead_to(b.port());
    eventually("it was written back", async || {
        ask(&there, "mine").await.is_ok_and(|status| status.is_revoked())
    })
    .await;
    current(&replica).await;
    assert_eq!(replica.health().losses, 1);
}

#[tokio::test]
async fn a_primary_that_was_cut_off_vouches_for_nobody() {
    let Some((a, b)) = pair().await else { return };
    for option in ["min-replicas-to-write 1", "min-replicas-max-lag 1"] {
        a.command(&format!("CONFIG SET {option}"));
    }
    let replica = node(&a.url()).await;
    replica.revoke(&revocation("a")).await.unwrap();
    b.freeze();
    eventually("it is stale", async || !replica.health().current).await;
    assert!(ask(&replica, "x").await.is_err());
    b.thaw();
    current(&replica).await;
}

#[tokio::test]
async fn what_has_to_be_durable_is_an_error_without_replicas() {
    let Some((a, b)) = pair().await else { return };
    let wait = Duration::from_millis(300);
    let store = RedisStore::builder(&a.url()).unwrap().timeout(TIMEOUT).durable(1, wait);
    let store = store.build().unwrap();
    eventually("there are two", async || store.revoke(&revocation("a")).await.is_ok()).await;
    b.freeze();
    let refused = store.revoke(&revocation("b")).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
    assert!(is_revoked(&store, "a").await, "questions wait for nobody");
    b.thaw();
    eventually("it is taken", async || store.revoke(&revocation("b")).await.is_ok()).await;
}

#[tokio::test]
async fn sentinels_are_asked_where_the_primary_is() {
    let Some((mut a, b)) = pair().await else { return };
    let configuration = format!(
        "sentinel monitor here 127.0.0.1 {} 1\n\
         sentinel down-after-milliseconds here 500\n\
         sentinel failover-timeout here 2000\n",
        a.port()
    );
    let Some(sentinel) = RedisServer::start_sentinel(&configuration) else { return };
    let store = RedisStore::sentinel([&*sentinel.url()], "here").unwrap();
    let store = store.timeout(Duration::from_secs(1)).build().unwrap();
    let replica = Replica::builder(store).max_staleness(MAX_STALENESS).build().unwrap();
    within(Duration::from_secs(20), replica.ready()).await;
    replica.revoke(&revocation("before")).await.unwrap();
    // It learns of B from A.
    eventually("the sentinel knows the replica", async || {
        let info: String = redis::from_redis_value(sentinel.command("INFO sentinel")).unwrap();
        info.contains("slaves=1")
    })
    .await;
    a.kill();
    let mut waited = 0;
    while replica.revoke(&revocation("after")).await.is_err() {
        waited += 1;
        assert!(waited < 600, "no failover");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    current(&replica).await;
    let there = at(&b.url());
    for id in ["before", "after"] {
        assert!(is_revoked(&replica, id).await, "{id}");
        eventually("it is there", async || is_revoked(&there, id).await).await;
    }
}

#[tokio::test]
async fn what_was_never_confirmed_is_not_taken_for_confirmed_when_it_is_tried_again() {
    let Some((a, b)) = pair().await else { return };
    let durable = || {
        let store = RedisStore::builder(&a.url()).unwrap().timeout(TIMEOUT);
        store.durable(1, Duration::from_millis(300)).build().unwrap()
    };
    let (first, second) = (durable(), durable());
    first.revoke(&revocation("a")).await.unwrap();
    b.freeze();
    assert!(first.revoke(&revocation("b")).await.is_err());
    // Over a fresh connection: the primary has it, so there is nothing left to write.
    assert!(second.revoke(&revocation("b")).await.is_err());
    b.thaw();
    eventually("it is taken", async || second.revoke(&revocation("b")).await.is_ok()).await;
    // A script that the server has forgotten is given to it again.
    a.command("SCRIPT FLUSH");
    second.revoke(&revocation("c")).await.unwrap();
}

#[tokio::test]
async fn what_others_write_without_confirmation_vouches_for_nobody() {
    let Some((a, b)) = pair().await else { return };
    let durable = RedisStore::builder(&a.url()).unwrap().timeout(TIMEOUT);
    let durable = durable.durable(1, Duration::from_millis(300)).build().unwrap();
    let replica = Replica::builder(durable).max_staleness(MAX_STALENESS);
    let replica = replica.on_stale(OnStale::FailClosed).build().unwrap();
    within(Duration::from_secs(20), replica.ready()).await;
    current(&replica).await;
    let other = at(&a.url());
    b.freeze();
    let mut number = 0;
    eventually("it is stale", async || {
        number += 1;
        other.revoke(&revocation(&number.to_string())).await.unwrap();
        !replica.health().current
    })
    .await;
    b.thaw();
    current(&replica).await;
}
