//! A cluster whose slots move.

use redis::Value;
use tower_bearer::redis_store::{RedisStore, Replica};
use tower_bearer::revocation::replica::{LogEntry, LogReader, RevocationLog};

use super::*;

const ENTRIES: &str = "{tower-bearer}:revocation:entries";

async fn cluster() -> Option<(RedisServer, RedisServer)> {
    let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
    let (a, b) = (RedisServer::start(&options)?, RedisServer::start(&options)?);
    a.command("CLUSTER ADDSLOTSRANGE 0 16383");
    a.command(&format!("CLUSTER MEET 127.0.0.1 {}", b.port()));
    eventually("they know each other", async || {
        [&a, &b].iter().all(|server| {
            let info: String = redis::from_redis_value(server.command("CLUSTER INFO")).unwrap();
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:2")
        })
    })
    .await;
    Some((a, b))
}

fn text(value: Value) -> String {
    redis::from_redis_value(value).unwrap()
}

#[tokio::test]
async fn a_slot_that_moves_hides_nothing() {
    let Some((a, b)) = cluster().await else { return };
    let store = RedisStore::cluster([&*a.url()]).unwrap().timeout(Duration::from_secs(1));
    let store = store.build().unwrap();
    store.ping().await.unwrap();
    store.revoke(&revocation("before")).await.unwrap();
    let node = Replica::builder(store.clone()).max_staleness(MAX_STALENESS).build().unwrap();
    within(Duration::from_secs(20), node.ready()).await;
    assert!(is_revoked(&node, "before").await);

    let Value::Int(slot) = a.command(&format!("CLUSTER KEYSLOT {ENTRIES}")) else { panic!() };
    let (to, from) = (text(b.command("CLUSTER MYID")), text(a.command("CLUSTER MYID")));
    b.command(&format!("CLUSTER SETSLOT {slot} IMPORTING {from}"));
    a.command(&format!("CLUSTER SETSLOT {slot} MIGRATING {to}"));
    a.command(&format!("MIGRATE 127.0.0.1 {} {ENTRIES} 0 5000", b.port()));
    // Who knows one address only cannot tell, and says so.
    let alone = RedisStore::builder(&a.url()).unwrap().timeout(TIMEOUT).build().unwrap();
    assert!(ask(&alone, "before").await.is_err());
    let late = Replica::builder(alone).max_staleness(MAX_STALENESS).build().unwrap();
    assert!(tokio::time::timeout(MAX_STALENESS * 2, late.ready()).await.is_err());
    assert!(!late.health().current);

    for key in ["expiry", "log"] {
        let key = ENTRIES.replace("entries", key);
        a.command(&format!("MIGRATE 127.0.0.1 {} {key} 0 5000", b.port()));
    }
    for server in [&b, &a] {
        server.command(&format!("CLUSTER SETSLOT {slot} NODE {to}"));
    }
    eventually("the store follows", async || {
        ask(&store, "before").await.is_ok_and(|status| status.is_revoked())
    })
    .await;
    eventually("it takes more", async || store.revoke(&revocation("after")).await.is_ok()).await;
    current(&node).await;
    eventually("it is followed", async || is_revoked(&node, "after").await).await;
    assert!(is_revoked(&node, "before").await);
    let newcomer = Replica::builder(store).max_staleness(MAX_STALENESS).build().unwrap();
    within(Duration::from_secs(20), newcomer.ready()).await;
    assert!(is_revoked(&newcomer, "before").await && is_revoked(&newcomer, "after").await);
}

#[tokio::test]
async fn a_scan_does_not_go_on_at_another_node() {
    let Some((a, b)) = cluster().await else { return };
    let store = RedisStore::cluster([&*a.url()]).unwrap().timeout(Duration::from_secs(5));
    let store = store.build().unwrap();
    for chunk in 0..6 {
        let entry = |number| LogEntry::from(&revocation(&format!("{chunk}-{number}")));
        store.append(&(0..500).map(entry).collect::<Vec<_>>()).await.unwrap();
    }
    let mut reader = store.open(Duration::from_secs(1)).await.unwrap();
    let first = reader.page(None).await.unwrap().next.expect("there is more than one page");
    let second = reader.page(Some(&first)).await.unwrap();
    assert!(!second.entries.is_empty(), "one node goes on");

    let Value::Int(slot) = a.command(&format!("CLUSTER KEYSLOT {ENTRIES}")) else { panic!() };
    let (to, from) = (text(b.command("CLUSTER MYID")), text(a.command("CLUSTER MYID")));
    b.command(&format!("CLUSTER SETSLOT {slot} IMPORTING {from}"));
    a.command(&format!("CLUSTER SETSLOT {slot} MIGRATING {to}"));
    for key in ["entries", "expiry", "log"] {
        let key = ENTRIES.replace("entries", key);
        a.command(&format!("MIGRATE 127.0.0.1 {} {key} 0 5000", b.port()));
    }
    for server in [&b, &a] {
        server.command(&format!("CLUSTER SETSLOT {slot} NODE {to}"));
    }
    let refused = reader.page(Some(&first)).await.unwrap_err();
    assert!(format!("{refused:?}").contains("another node"), "{refused:?}");
    eventually("a scan that begins anew is answered", async || reader.page(None).await.is_ok())
        .await;
}
