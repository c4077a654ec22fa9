//! The replica.

use std::time::Duration;

use tower_bearer::redis_store::{OnStale, RedisStore, Replica};
use tower_bearer::revocation::{
    Identifiers, Revocation, RevocationStore, StoreErrorKind, TokenIdentity,
};
use tower_bearer::testing::FakeClock;
use tower_bearer::testing::revocation::conformance;

use super::*;

#[tokio::test]
async fn it_conforms() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let store = RedisStore::builder(&server.url()).unwrap().timeout(Duration::from_secs(10));
    let store = store.require(Identifiers::SESSION_ID).build().unwrap();
    let replica = Replica::builder(store).max_staleness(Duration::from_secs(60)).build().unwrap();
    replica.ready().await;
    conformance(|| async { replica.clone() }).await;
}

#[tokio::test]
async fn a_revocation_on_one_node_holds_on_the_other_without_asking() {
    let Some(server) = RedisServer::start(&[]) else { return };
    store(&server).revoke(&revocation("before")).await.unwrap();
    let (a, b) = (ready(&server).await, ready(&server).await);
    let at_once = |replica: &Replica, id: &str| match replica.known(&token(id)) {
        Some(answer) => answer.unwrap().is_revoked(),
        None => panic!("it asks"),
    };
    assert!(at_once(&a, "before") && at_once(&b, "before"));
    assert!(!at_once(&b, "x"));
    a.revoke(&revocation("x")).await.unwrap();
    assert!(at_once(&a, "x"));
    let took = eventually("B knows", async || at_once(&b, "x")).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    let scoped = Revocation::subject("ada", in_secs(0), in_secs(600)).issuer("https://a");
    a.revoke(&scoped).await.unwrap();
    let ada = TokenIdentity::new().with_subject("ada").with_issued_at(in_secs(0));
    let old = ada.clone().with_issued_at(UnixTime::from_secs(1));
    let revoked = async |token| b.status(&token).await.unwrap().is_revoked();
    eventually("B knows", async || revoked(old.clone().with_issuer("https://a")).await).await;
    assert!(!revoked(old.clone().with_issuer("https://b")).await);
    assert!(!revoked(ada.with_issuer("https://a").with_issued_at(in_secs(5))).await);
    let health = b.health();
    assert!(health.connected && health.current && !health.full, "{health:?}");
    assert_eq!((health.entries, health.loads, health.losses), (3, 1, 0));
    assert!(health.staleness.unwrap() < MAX_STALENESS);
}

#[tokio::test]
async fn without_redis_it_is_current_for_as_long_as_allowed_and_then_does_as_told() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let asking = ready(&server).await;
    let closed = replica_of(&server).on_stale(OnStale::FailClosed).build().unwrap();
    closed.ready().await;
    asking.revoke(&revocation("dead")).await.unwrap();
    eventually("it is everywhere", async || is_revoked(&closed, "dead").await).await;
    server.kill();
    for replica in [&asking, &closed] {
        assert!(is_revoked(replica, "dead").await);
        eventually("it is stale", async || !replica.health().current).await;
        assert!(replica.staleness().unwrap() > MAX_STALENESS);
        assert!(is_revoked(replica, "dead").await, "what is known stays known");
        let error = ask(replica, "alive").await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(replica.revoke(&revocation("more")).await.is_err());
        let health = replica.health();
        assert!(!health.connected && health.last_error.is_some(), "{health:?}");
    }
    let Some(Err(_)) = closed.known(&token("alive")) else { panic!("it asks") };
    let None = asking.known(&token("alive")) else { panic!("it does not ask") };

    // Redis comes back and has forgotten everything.
    server.restart();
    for replica in [&asking, &closed] {
        current(replica).await;
        assert!(is_revoked(replica, "dead").await);
        assert!(!is_revoked(replica, "alive").await);
        assert_eq!(replica.health().losses, 1);
    }
    let store = store(&server);
    eventually("it was written back", async || is_revoked(&store, "dead").await).await;
    let newcomer = ready(&server).await;
    assert!(is_revoked(&newcomer, "dead").await);
}

#[tokio::test]
async fn a_replica_asks_the_store_until_it_is_loaded_and_while_redis_is_frozen() {
    let Some(server) = RedisServer::start(&[]) else { return };
    server.freeze();
    let replica = replica_of(&server).build().unwrap();
    assert_eq!(replica.staleness(), None);
    assert!(ask(&replica, "a").await.is_err());
    assert!(ask(&replica, "a").await.is_err());
    server.thaw();
    within(Duration::from_secs(10), replica.ready()).await;
    current(&replica).await;
    assert!(!is_revoked(&replica, "a").await);

    server.freeze();
    eventually("it is stale", async || !replica.health().current).await;
    assert!(ask(&replica, "a").await.is_err());
    server.thaw();
    current(&replica).await;
    replica.revoke(&revocation("a")).await.unwrap();
    assert!(is_revoked(&replica, "a").await);
    assert_eq!(replica.health().loads, 1, "it goes on from where it was");
}

#[tokio::test]
async fn a_lost_connection_loses_no_revocation() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let (a, b) = (ready(&server).await, ready(&server).await);
    for round in 0..20 {
        server.command("CLIENT KILL TYPE normal");
        for number in 0..5 {
            let id = format!("{round}-{number}");
            eventually("it is taken", async || a.revoke(&revocation(&id)).await.is_ok()).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    current(&b).await;
    let last = revocation("last");
    eventually("it is taken", async || a.revoke(&last).await.is_ok()).await;
    eventually("B follows", async || b.health().entries == 101).await;
    for round in 0..20 {
        for number in 0..5 {
            assert!(is_revoked(&b, &format!("{round}-{number}")).await);
        }
    }
    assert_eq!(b.health().loads, 1);
    assert_eq!(b.health().losses, 0);
}

#[tokio::test]
async fn a_trimmed_log_is_loaded_anew() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let replica = ready(&server).await;
    let store = store(&server);
    store.revoke(&revocation("a")).await.unwrap();
    eventually("it is here", async || is_revoked(&replica, "a").await).await;
    let log = "{tower-bearer}:revocation:log";
    // In one transaction with what it had to be told of, as if it had been away meanwhile.
    for (id, cut) in [("b", format!("XTRIM {log} MAXLEN 0")), ("c", format!("DEL {log}"))] {
        server.command("CLIENT PAUSE 300 ALL");
        server.command("CLIENT KILL TYPE normal");
        server.freeze();
        server.thaw();
        eventually("it is taken", async || store.revoke(&revocation(id)).await.is_ok()).await;
        server.command(&cut);
        eventually("it is here", async || is_revoked(&replica, id).await).await;
    }
    let health = replica.health();
    assert_eq!(health.losses, 0, "{health:?}");
    // The log goes on as if nothing had been.
    store.revoke(&revocation("d")).await.unwrap();
    eventually("it is here", async || is_revoked(&replica, "d").await).await;
}

#[tokio::test]
async fn what_redis_took_back_is_written_again() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let (a, b) = (ready(&server).await, ready(&server).await);
    let store = store(&server);
    for id in ["one", "two"] {
        a.revoke(&revocation(id)).await.unwrap();
    }
    eventually("B follows", async || b.health().entries == 2).await;
    // An older state, as after a crash or a failover: the second is gone, and others came since.
    let mut eval = redis::cmd("EVAL");
    eval.arg(
        "local log, meta = KEYS[1], KEYS[2]
         local items = redis.call('XRANGE', log, '-', '+')
         local first, second = items[1], items[2]
         redis.call('XDEL', log, second[1])
         redis.call('HSET', meta, 'last', second[2][8])
         redis.call('HDEL', meta, second[2][2])
         return #items",
    );
    let prefix = "{tower-bearer}:revocation:";
    eval.arg(2).arg(format!("{prefix}log")).arg(format!("{prefix}entries"));
    let client = redis::Client::open(server.url()).unwrap();
    let _: i64 = eval.query(&mut client.get_connection().unwrap()).unwrap();
    eventually("B wrote it back", async || is_revoked(&store, "two").await).await;
    current(&b).await;
    assert!(is_revoked(&b, "two").await && is_revoked(&store, "one").await);
    eventually("it saw the loss", async || b.health().losses + a.health().losses > 0).await;
}

#[tokio::test]
async fn what_has_no_room_is_asked_for_and_fetched_when_there_is_room() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let clock = FakeClock::now_and_still();
    let replica = replica_of(&server).capacity(4).clock(clock.clone()).build().unwrap();
    replica.ready().await;
    let store = store(&server);
    for id in ["a", "b", "c", "d"] {
        store.revoke(&Revocation::token(id, in_secs(30))).await.unwrap();
    }
    store.revoke(&revocation("e")).await.unwrap();
    eventually("it is full", async || replica.health().full).await;
    for id in ["a", "b", "c", "d", "e"] {
        assert!(is_revoked(&replica, id).await);
    }
    assert!(!is_revoked(&replica, "f").await);
    let None = replica.known(&token("f")) else { panic!("it does not ask") };
    clock.advance(Duration::from_secs(31));
    eventually("there is room", async || replica.health().current).await;
    let Some(Ok(status)) = replica.known(&token("e")) else { panic!("it asks") };
    assert!(status.is_revoked());
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_task_and_its_connection() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let clients = || {
        let list: String = redis::from_redis_value(server.command("CLIENT LIST")).unwrap();
        list.lines().count()
    };
    let before = clients();
    let replica = ready(&server).await;
    let clone = replica.clone();
    drop(replica);
    assert!(!is_revoked(&clone, "a").await);
    assert!(clients() > before);
    drop(clone);
    eventually("all connections are closed", async || clients() == before).await;
}

/// A script that fails half-way must not leave an entry that replicas are never told of.
#[tokio::test]
async fn what_failed_half_way_is_told_when_it_is_tried_again() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let replica = ready(&server).await;
    let store = store(&server);
    server.command("ACL SETUSER default -xadd");
    assert!(store.revoke(&revocation("a")).await.is_err());
    server.command("ACL SETUSER default +xadd");
    store.revoke(&revocation("a")).await.unwrap();
    eventually("it is followed", async || is_revoked(&replica, "a").await).await;
    current(&replica).await;
}

/// What "expired" while it was ahead is in force again when it is set back.
#[tokio::test]
async fn a_clock_that_was_ahead_for_a_while_makes_it_forget_nothing() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let clock = FakeClock::now_and_still();
    let builder = replica_of(&server).on_stale(OnStale::FailClosed).clock(clock.clone());
    let replica = builder.build().unwrap();
    replica.ready().await;
    let store = store(&server);
    store.revoke(&revocation("before")).await.unwrap();
    eventually("it is followed", async || is_revoked(&replica, "before").await).await;
    let hour = Duration::from_secs(3600);
    clock.advance(hour);
    store.revoke(&revocation("meanwhile")).await.unwrap();
    eventually("all has expired", async || replica.health().entries == 0).await;
    current(&replica).await;
    clock.set(UnixTime::from_duration(clock.now().since_epoch() - hour));
    for id in ["before", "meanwhile"] {
        // never `Active`, not for a moment
        let known = async || match ask(&replica, id).await {
            Ok(status) => {
                assert!(status.is_revoked(), "{id} lives again");
                true
            }
            Err(_) => false,
        };
        eventually("it is known again", known).await;
    }
    assert_eq!(replica.health().losses, 0);
}

#[tokio::test]
async fn when_everything_has_expired_nothing_was_lost() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let replica = ready(&server).await;
    replica.revoke(&Revocation::token("short", in_secs(1))).await.unwrap();
    // In time Redis lets go of log and all; here at once.
    let expired = async || replica.health().entries == 0;
    eventually("the entry has expired", expired).await;
    let loads = replica.health().loads;
    server.command("FLUSHALL SYNC");
    eventually("it noticed", async || replica.health().loads > loads).await;
    assert_eq!(replica.health().losses, 0);
    replica.revoke(&revocation("next")).await.unwrap();
    current(&replica).await;
    assert!(is_revoked(&replica, "next").await);
}

#[tokio::test]
async fn extreme_settings_are_sound() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let store = RedisStore::builder(&server.url()).unwrap();
    let store = store.timeout(Duration::MAX).log_retention(Duration::MAX).build().unwrap();
    let replica = Replica::builder(store.clone()).max_staleness(Duration::MAX).build().unwrap();
    within(Duration::from_secs(20), replica.ready()).await;
    store.revoke(&revocation("a")).await.unwrap();
    eventually("it is followed", async || is_revoked(&replica, "a").await).await;
}

#[tokio::test]
async fn a_jump_of_the_clock_counts_as_age() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let clock = FakeClock::now_and_still();
    let long = Duration::from_secs(3600);
    let replica = replica_of(&server).max_staleness(long).clock(clock.clone()).build().unwrap();
    replica.ready().await;
    let Some(Ok(_)) = replica.known(&token("a")) else { panic!("it asks") };
    // The machine slept.
    clock.advance(long * 2);
    let None = replica.known(&token("a")) else { panic!("it does not ask") };
}
