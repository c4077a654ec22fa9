//! A standby that takes over: with synchronous commit, and without.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use tower_bearer::revocation::{Revocation, RevocationStore, StoreErrorKind, TokenIdentity};
use tower_bearer_sqlx::PostgresStore;

use super::proxy::Proxy;
use super::replica::{knows, replica_of};
use super::server::Postgres;
use super::store_in;
use super::support::{self, eventually, in_secs};

fn store_at(url: &str) -> PostgresStore {
    let store = PostgresStore::builder(url).unwrap().schema("app");
    store.timeout(Duration::from_secs(3)).build().unwrap()
}

async fn standby_follows(store: &PostgresStore) {
    eventually("the standby follows", async || {
        let text = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
        sqlx::query_scalar::<_, i64>(text).fetch_one(store.pool()).await.is_ok_and(|all| all == 1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_never_believed() {
    let Some(primary) = Postgres::start(&[]) else { return };
    let store = store_in(&primary, "app").await;
    let sessions = support::sessions(store.clone());
    let tokens = support::login(&sessions, "ada").await;
    let standby = primary.standby("standby");
    let old = store_at(&standby.url());
    let token = TokenIdentity::new().with_token_id("t");
    for error in [
        old.ping().await.unwrap_err(),
        old.status(&token).await.unwrap_err(),
        old.revoke(&Revocation::token("t", in_secs(60))).await.unwrap_err(),
        old.migrate().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
    }
    let old_sessions = support::sessions(old.clone());
    let refreshed = support::refresh(&old_sessions, tokens.refresh_token().expose_secret()).await;
    let unavailable = tower_bearer::issuer::session::SessionErrorKind::Unavailable;
    assert_eq!(refreshed.unwrap_err(), unavailable);
    assert_eq!(old_sessions.sessions("ada").await.unwrap_err().kind(), unavailable);
    use tower_bearer::revocation::replica::RevocationLog;
    assert!(old.open(Duration::from_secs(1)).await.is_err());
}

/// Nothing that was acknowledged is lost.
#[tokio::test(flavor = "multi_thread")]
async fn with_synchronous_commit_a_failover_loses_nothing() {
    let Some(primary) = Postgres::start(&[]) else { return };
    let direct = store_in(&primary, "app").await;
    let standby = primary.standby("standby");
    for text in
        ["ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()"]
    {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(direct.pool()).await.unwrap();
    }
    standby_follows(&direct).await;
    let proxy = Proxy::to(primary.port()).await;
    let store = store_at(&proxy.url());
    let replica = replica_of(store.clone()).await;
    let sessions = support::sessions(replica.clone());
    let (stays, ends) =
        (support::login(&sessions, "ada").await, support::login(&sessions, "ada").await);
    let ended = sessions.end_session("ada", ends.session().id.as_str()).await.unwrap();
    assert!(ended.was_live());

    // Without its standby nothing is acknowledged: not a heartbeat either.
    standby.freeze();
    let error = store.revoke(&Revocation::token("waits", in_secs(600))).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    eventually("nobody is current", async || !replica.health().current).await;
    // What waits goes on waiting in the server. It does not become more and more.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(direct.pool()).await.unwrap();
    assert!((1..8).contains(&waiting), "{waiting} commits wait");
    primary.kill();
    standby.thaw();
    standby.promote();
    proxy.lead_to(standby.port());
    // What was synchronous for the old one is not for this one, which has no standby.
    let new = store_at(&standby.url());
    for text in ["ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()"] {
        eventually("it takes settings", async || {
            sqlx::raw_sql(AssertSqlSafe(text)).execute(new.pool()).await.is_ok()
        })
        .await;
    }
    eventually("it is current again", async || replica.health().current).await;
    let id = ends.session().id.as_str();
    assert!(new.status(&support::of_session(id)).await.unwrap().is_revoked());
    let after = support::sessions(new.clone());
    assert!(support::refresh(&after, ends.refresh_token().expose_secret()).await.is_err());
    support::refresh(&after, stays.refresh_token().expose_secret()).await.map(drop).unwrap();
    assert_eq!(replica.health().losses, 0);
}

/// What the standby had not got is noticed by the node that knew it, and written back.
#[tokio::test(flavor = "multi_thread")]
async fn without_it_what_was_lost_is_written_back() {
    let Some(primary) = Postgres::start(&[]) else { return };
    let direct = store_in(&primary, "app").await;
    let standby = primary.standby("standby");
    standby_follows(&direct).await;
    let proxy = Proxy::to(primary.port()).await;
    let replica = replica_of(store_at(&proxy.url())).await;
    let token = |id: &'static str| TokenIdentity::new().with_token_id(id);
    replica.revoke(&Revocation::token("kept", in_secs(600))).await.unwrap();
    let at = "SELECT pg_current_wal_lsn()::text";
    let at: String = sqlx::query_scalar(at).fetch_one(direct.pool()).await.unwrap();
    eventually("the standby has it", async || {
        let text = "SELECT bool_and(replay_lsn >= $1::pg_lsn) FROM pg_stat_replication";
        let has = sqlx::query_scalar::<_, Option<bool>>(text).bind(&at).fetch_one(direct.pool());
        has.await.is_ok_and(|has| has == Some(true))
    })
    .await;
    // Frozen, it would still find the last moments in its socket.
    standby.kill();
    for id in ["lost", "lost too"] {
        replica.revoke(&Revocation::token(id, in_secs(600))).await.unwrap();
    }
    primary.kill();
    standby.restart();
    standby.promote();
    let new = store_at(&standby.url());
    eventually("it answers", async || new.ping().await.is_ok()).await;
    assert!(new.status(&token("kept")).await.unwrap().is_revoked());
    assert!(!new.status(&token("lost")).await.unwrap().is_revoked(), "it was not lost");
    proxy.lead_to(standby.port());
    for id in ["lost", "lost too"] {
        assert!(knows(&replica, &token(id)), "the node knows it all the time");
        eventually("it is written back", async || {
            new.status(&token(id)).await.is_ok_and(|status| status.is_revoked())
        })
        .await;
    }
    eventually("it is counted", async || replica.health().losses == 1).await;
}
