//! Processes that are killed, servers that crash or hang, pools that are exhausted.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPoolOptions;
use tower_bearer::revocation::{Revocation, RevocationStore, StoreErrorKind, TokenIdentity};
use tower_bearer_sqlx::PostgresStore;

use super::server::Postgres;
use super::support::{self, eventually, in_secs};
use super::{schema, shared, store_in};

const URL: &str = "TOWER_BEARER_TEST_URL";

#[tokio::test]
#[ignore = "is started by the test below, to be killed"]
async fn works_until_killed() {
    let Some(url) = std::env::var_os(URL) else { return };
    let store = PostgresStore::builder(url.to_str().unwrap()).unwrap().schema("killed");
    let store = store.build().unwrap();
    store.migrate().await.unwrap();
    support::work_until_killed(&support::sessions(store)).await;
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_holds() {
    let Some(server) = shared() else { return };
    let url = PathBuf::from(server.url());
    let mut said = Vec::new();
    for lines in [3, 20, 61] {
        let environment: &[(&str, &Path)] = &[(URL, &url)];
        said.extend(support::killed_after("faults::works_until_killed", environment, lines));
        support::what_was_said_holds(&said, store_in(server, "killed").await).await;
        said.retain(|line| line.starts_with("ended"));
    }
}

/// Even where the role does not wait for the disk.
#[tokio::test]
async fn what_was_acknowledged_before_the_server_crashed_holds() {
    let Some(server) = Postgres::start(&["wal_writer_delay = 10s"]) else { return };
    let store = store_in(&server, "app").await;
    let text = "ALTER ROLE app SET synchronous_commit = off";
    sqlx::raw_sql(AssertSqlSafe(text)).execute(store.pool()).await.unwrap();
    store.pool().close().await;
    for round in 0..3 {
        let store = store_in(&server, "app").await;
        let off: String =
            sqlx::query_scalar("SHOW synchronous_commit").fetch_one(store.pool()).await.unwrap();
        assert_eq!(off, "off");
        let sessions = support::sessions(store.clone());
        let tokens = support::login(&sessions, "ada").await;
        let id = tokens.session().id.as_str();
        let revocation = Revocation::token(format!("t{round}"), in_secs(600));
        store.revoke(&revocation).await.unwrap();
        assert!(sessions.end_session("ada", id).await.unwrap().was_live());
        server.kill();
        server.restart();
        let store = store_in(&server, "app").await;
        for earlier in 0..=round {
            let earlier = format!("t{earlier}");
            let token = TokenIdentity::new().with_token_id(&*earlier);
            assert!(store.status(&token).await.unwrap().is_revoked(), "{earlier} is lost");
        }
        assert!(store.status(&support::of_session(id)).await.unwrap().is_revoked());
        let sessions = support::sessions(store);
        let again = support::refresh(&sessions, tokens.refresh_token().expose_secret()).await;
        assert!(again.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_an_error_within_the_timeout() {
    let Some(server) = Postgres::start(&[]) else { return };
    store_in(&server, "app").await;
    let store = PostgresStore::builder(&server.url()).unwrap().schema("app");
    let store = store.timeout(Duration::from_millis(400)).build().unwrap();
    let token = TokenIdentity::new().with_token_id("t");
    assert!(!store.status(&token).await.unwrap().is_revoked());
    server.freeze();
    for _ in 0..12 {
        let begun = Instant::now();
        let error = store.status(&token).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        let error = store.revoke(&Revocation::token("t", in_secs(60))).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    }
    server.thaw();
    eventually("it goes on", async || store.status(&token).await.is_ok()).await;
    eventually("it takes revocations", async || {
        store.revoke(&Revocation::token("u", in_secs(60))).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn an_exhausted_pool_is_an_error_within_the_timeout() {
    let Some(server) = shared() else { return };
    let schema = schema();
    store_in(server, &schema).await;
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy(&server.url()).unwrap();
    let store = PostgresStore::with_pool(pool.clone()).schema(&schema);
    let store = store.timeout(Duration::from_millis(300)).build().unwrap();
    let token = TokenIdentity::new().with_token_id("t");
    eventually("it connects", async || store.status(&token).await.is_ok()).await;
    let held = eventually_acquired(&pool).await;
    let begun = Instant::now();
    assert_eq!(store.status(&token).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    drop(held);
    eventually("it goes on", async || store.status(&token).await.is_ok()).await;
}

async fn eventually_acquired(pool: &sqlx::PgPool) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
    pool.acquire().await.unwrap()
}

/// A step that waits for a lock is an error within the timeout, and its connection comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_held_is_an_error_within_the_timeout() {
    let Some(server) = shared() else { return };
    let schema = schema();
    let other = store_in(server, &schema).await;
    let store = PostgresStore::builder(&server.url()).unwrap().schema(&schema);
    let store = store.timeout(Duration::from_millis(400)).build().unwrap();
    let mut lock = other.pool().begin().await.unwrap();
    let text = format!("LOCK TABLE {schema}.head IN EXCLUSIVE MODE");
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *lock).await.unwrap();
    for _ in 0..3 {
        let error = store.revoke(&Revocation::token("t", in_secs(60))).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    }
    let token = TokenIdentity::new().with_token_id("u");
    assert!(!store.status(&token).await.unwrap().is_revoked(), "reads go on");
    lock.rollback().await.unwrap();
    eventually("it goes on", async || {
        store.revoke(&Revocation::token("u", in_secs(60))).await.is_ok()
    })
    .await;
    assert!(store.status(&token).await.unwrap().is_revoked());
}
