//! The replica over Postgres.

use std::time::{Duration, Instant};

use sqlx::AssertSqlSafe;
use tower_bearer::revocation::{Revocation, RevocationStore, TokenIdentity};
use tower_bearer_sqlx::PostgresStore;
use tower_bearer_sqlx::postgres::Replica;

use super::server::Postgres;
use super::support::{self, eventually, in_secs};
use super::{schema, shared, store_in, within};

pub(super) async fn replica_of(store: PostgresStore) -> Replica {
    let replica = Replica::builder(store).max_staleness(Duration::from_secs(1)).build().unwrap();
    within(Duration::from_secs(30), replica.ready()).await;
    eventually("it is current", async || replica.health().current).await;
    replica
}

/// What is in the copy, without asking the store.
pub(super) fn knows(replica: &Replica, token: &TokenIdentity<'_>) -> bool {
    replica.known(token).is_some_and(|known| known.is_ok_and(|status| status.is_revoked()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_everywhere_within_milliseconds() {
    let Some(server) = shared() else { return };
    let schema = schema();
    let here = replica_of(store_in(server, &schema).await).await;
    let there = replica_of(store_in(server, &schema).await).await;
    let mut took = Vec::new();
    for number in 0..30 {
        let id = number.to_string();
        let token = TokenIdentity::new().with_token_id(&*id);
        assert!(!knows(&there, &token));
        let begun = Instant::now();
        here.revoke(&Revocation::token(&*id, in_secs(600))).await.unwrap();
        assert!(knows(&here, &token), "at once where it was revoked");
        while !knows(&there, &token) {
            assert!(begun.elapsed() < Duration::from_secs(10));
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        took.push(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    took.sort();
    println!("from a revocation to the other node: p50 {:?}, max {:?}", took[15], took[29]);
    assert!(took[15] < Duration::from_millis(200), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_on_one_node_is_over_on_the_other() {
    let Some(server) = shared() else { return };
    let schema = schema();
    let here = replica_of(store_in(server, &schema).await).await;
    let there = replica_of(store_in(server, &schema).await).await;
    let (one, other) = (support::sessions(here.clone()), support::sessions(there.clone()));
    let tokens = support::login(&one, "ada").await;
    let tokens = support::refresh(&other, tokens.refresh_token().expose_secret()).await.unwrap();
    let id = tokens.session().id.as_str();
    assert!(one.end_session("ada", id).await.unwrap().was_live());
    assert!(knows(&here, &support::of_session(id)), "at once where it ended");
    eventually("the other knows", async || knows(&there, &support::of_session(id))).await;
    assert!(support::refresh(&other, tokens.refresh_token().expose_secret()).await.is_err());
}

/// As behind a pooler, which lets no notification through.
#[tokio::test(flavor = "multi_thread")]
async fn without_notifications_it_looks_by_itself() {
    let Some(server) = shared() else { return };
    let schema = schema();
    let store = store_in(server, &schema).await;
    let text = format!("SELECT pg_get_functiondef('{schema}.revoke'::regproc)");
    let text: String =
        sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(store.pool()).await.unwrap();
    let mute = text.replace("PERFORM pg_notify(", "PERFORM concat(");
    assert_ne!(mute, text);
    sqlx::raw_sql(AssertSqlSafe(mute)).execute(store.pool()).await.unwrap();
    let there = replica_of(store_in(server, &schema).await).await;
    let token = TokenIdentity::new().with_token_id("t");
    store.revoke(&Revocation::token("t", in_secs(600))).await.unwrap();
    let took = eventually("it looks", async || knows(&there, &token)).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_cut_off_is_loaded_anew() {
    let Some(server) = shared() else { return };
    let schema = schema();
    let store = store_in(server, &schema).await;
    let replica = replica_of(store.clone()).await;
    for number in 0..5 {
        store.revoke(&Revocation::token(number.to_string(), in_secs(600))).await.unwrap();
    }
    let text = format!(
        "BEGIN; LOCK {schema}.head; UPDATE {schema}.head SET position = position + 5;
         DELETE FROM {schema}.log; COMMIT"
    );
    sqlx::raw_sql(AssertSqlSafe(text)).execute(store.pool()).await.unwrap();
    let loads = replica.health().loads;
    eventually("it loads anew", async || replica.health().loads > loads).await;
    for number in 0..5 {
        let id = number.to_string();
        let token = TokenIdentity::new().with_token_id(&*id);
        eventually("all is there", async || knows(&replica, &token)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_server_is_lived_through() {
    let Some(server) = Postgres::start(&[]) else { return };
    let store = store_in(&server, "app").await;
    let replica = replica_of(store.clone()).await;
    let kept = TokenIdentity::new().with_token_id("kept");
    replica.revoke(&Revocation::token("kept", in_secs(600))).await.unwrap();
    server.kill();
    assert!(knows(&replica, &kept), "what it knows stays");
    eventually("it notices", async || !replica.health().current).await;
    let unknown = TokenIdentity::new().with_token_id("unknown");
    assert!(replica.status(&unknown).await.is_err());
    assert!(replica.revoke(&Revocation::token("lost", in_secs(600))).await.is_err());
    server.restart();
    eventually("it is current again", async || replica.health().current).await;
    assert!(!replica.status(&unknown).await.unwrap().is_revoked());
    eventually("it takes revocations", async || {
        replica.revoke(&Revocation::token("later", in_secs(600))).await.is_ok()
    })
    .await;
    eventually("the store, too", async || {
        store.status(&kept).await.is_ok_and(|status| status.is_revoked())
    })
    .await;
    assert_eq!(replica.health().losses, 0);
}
