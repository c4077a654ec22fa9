//! Databases that are not as they should be: a clear error, never an acceptance.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tower_bearer::clock::{Clock, SystemClock};
use tower_bearer::revocation::{Revocation, RevocationStore, StoreErrorKind, TokenIdentity};
use tower_bearer::store::{Once, OnceId, StoreError};
use tower_bearer::testing::FakeClock;
use tower_bearer_sqlx::PostgresStore;

use super::support::{self, in_secs};
use super::{schema, shared, store_in};

#[track_caller]
fn says<T: std::fmt::Debug>(answer: Result<T, StoreError>, text: &str) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Configuration, "{error:?}");
    assert!(error.to_string().contains(text), "{error}");
}

async fn run(store: &PostgresStore, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(store.pool()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_migrate_at_once_and_ones_own_tool_does_as_well() {
    let Some(server) = shared() else { return };
    let schema = schema();
    let all: Vec<_> = (0..6)
        .map(|_| {
            let schema = schema.clone();
            tokio::spawn(async move { drop(store_in(server, &schema).await) })
        })
        .collect();
    for one in all {
        one.await.unwrap();
    }
    let store = store_in(server, &schema).await;
    store.ping().await.unwrap();
    let own = super::schema();
    for migration in PostgresStore::migrations(&own).unwrap() {
        assert_eq!(migration.version, 1);
        run(&store, migration.sql).await;
    }
    let store = PostgresStore::with_pool(store.pool().clone()).schema(&own).build().unwrap();
    store.ping().await.unwrap();
    drop(support::login(&support::sessions(store), "ada").await);
}

#[tokio::test]
async fn a_newer_schema_and_missing_tables_say_what_to_do() {
    let Some(server) = shared() else { return };
    let schema = schema();
    let store = PostgresStore::builder(&server.url()).unwrap().schema(&schema).build().unwrap();
    says(store.ping().await, "migrate()");
    says(store.revoke(&Revocation::token("t", in_secs(60))).await, "migrate()");
    says(store.status(&TokenIdentity::new().with_token_id("t")).await, "migrate()");
    store.migrate().await.unwrap();
    run(&store, format!("DROP TABLE {schema}.revocations")).await;
    says(store.revoke(&Revocation::token("t", in_secs(60))).await, "migrate()");
    says(store.status(&TokenIdentity::new().with_token_id("t")).await, "migrate()");
    run(&store, format!("INSERT INTO {schema}.schema_version VALUES (7)")).await;
    says(store.migrate().await, "version 7");
    for schema in ["", "a b", "x; DROP TABLE y", "A"] {
        says(PostgresStore::migrations(schema), "lower-case");
    }
    says(PostgresStore::builder("no url"), "postgres://");
    let nowhere = server.url().replace("/postgres?", "/none").replace("/postgres", "/none");
    says(PostgresStore::connect(&nowhere.replace("none://", "postgres://")).await, "none");
}

#[tokio::test]
async fn wrong_rights_are_told_at_the_start_and_by_each_call() {
    let Some(server) = shared() else { return };
    let schema = schema();
    let owner = store_in(server, &schema).await;
    let role = format!("{schema}_role");
    run(&owner, format!("CREATE ROLE {role} LOGIN")).await;
    let url = server.url().replace("app@", &format!("{role}@"));
    let store = PostgresStore::builder(&url).unwrap().schema(&schema).build().unwrap();
    let token = TokenIdentity::new().with_token_id("t");
    let revocation = Revocation::token("t", in_secs(60));
    says(store.ping().await, "permission denied");
    says(store.status(&token).await, "permission denied");
    run(&owner, format!("GRANT USAGE ON SCHEMA {schema} TO {role}")).await;
    run(&owner, format!("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}")).await;
    says(store.ping().await, "lacks");
    says(store.revoke(&revocation).await, "permission denied");
    let all = format!("SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema}");
    run(&owner, format!("GRANT {all} TO {role}")).await;
    store.ping().await.unwrap();
    store.revoke(&revocation).await.unwrap();
    assert!(store.status(&token).await.unwrap().is_revoked());
    drop(support::login(&support::sessions(store), "ada").await);
}

#[tokio::test]
async fn another_isolation_level_is_refused() {
    let Some(server) = shared() else { return };
    let schema = schema();
    store_in(server, &schema).await;
    let options: PgConnectOptions = server.url().parse().unwrap();
    let options = options.options([("default_transaction_isolation", "repeatable read")]);
    let pool = PgPoolOptions::new().connect_lazy_with(options);
    let store = PostgresStore::with_pool(pool).schema(&schema).build().unwrap();
    says(store.revoke(&Revocation::token("t", in_secs(60))).await, "read committed");
    let error = support::sessions(store)
        .begin(tower_bearer::issuer::session::NewSession::new("ada", "web"))
        .await
        .unwrap_err();
    assert!(format!("{error:?}").contains("read committed"), "{error:?}");
}

#[tokio::test]
async fn rows_that_were_edited_by_hand_are_never_accepted() {
    let Some(server) = shared() else { return };
    let schema = schema();
    let store = store_in(server, &schema).await;
    let sessions = support::sessions(store.clone());
    for edit in [
        "record = ''",
        "record = '\\x00'",
        "version = 5, record = '\\x7b7d'",
        "id = 'AAAAAAAAAAAAAAAAAAAAAA'",
        "id = '!!!!!!!!!!!!!!!!!!!!!!'",
    ] {
        let tokens = support::login(&sessions, "ada").await;
        run(&store, format!("UPDATE {schema}.sessions SET {edit}")).await;
        let refreshed = support::refresh(&sessions, tokens.refresh_token().expose_secret()).await;
        assert!(refreshed.is_err(), "{edit}");
        run(&store, format!("DELETE FROM {schema}.sessions")).await;
    }
    for edit in ["version = -1", "id = 'short'", "index_key = ''"] {
        drop(support::login(&sessions, "ada").await);
        let edit = format!("UPDATE {schema}.sessions SET {edit}");
        let done = sqlx::raw_sql(AssertSqlSafe(edit.clone())).execute(store.pool()).await;
        assert!(done.is_err(), "the table takes: {edit}");
    }
    // A name that is none is not left out of a copy, it is an error.
    let edit =
        format!("INSERT INTO {schema}.revocations VALUES ('xAAAAAAAAAAAAAAAA', 4294967295, 0)");
    run(&store, edit).await;
    use tower_bearer::revocation::replica::{LogReader, RevocationLog};
    let mut reader = store.open(Duration::from_secs(1)).await.unwrap();
    assert!(reader.page(None).await.is_err());
}

#[tokio::test]
async fn what_has_expired_goes_and_nothing_says_who() {
    let Some(server) = shared() else { return };
    let schema = schema();
    let clock = FakeClock::at(SystemClock.now());
    let store = PostgresStore::builder(&server.url()).unwrap().schema(&schema);
    let store = store.clean_up_every(None).clock(clock.clone()).build().unwrap();
    store.migrate().await.unwrap();
    let sessions = support::sessions_at(store.clone(), clock.clone());
    for number in 0..600 {
        drop(support::login(&sessions, &format!("user{number}")).await);
    }
    let (now, later) = (clock.now(), in_secs(10));
    let hash = [1; 32];
    assert!(store.claim(&OnceId::from_hash(hash), later, now).await.unwrap());
    let secret = Revocation::token("mallory@example.com", later).issuer("https://secret.test");
    store.revoke(&secret).await.unwrap();
    store.revoke(&Revocation::token("stays", in_secs(1_000_000_000))).await.unwrap();
    let text = format!("SELECT string_agg(found::text, ' ') FROM {schema}.log AS found");
    let text: String =
        sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(store.pool()).await.unwrap();
    assert!(!text.contains("mallory") && !text.contains("secret"), "{text}");
    assert_eq!(store.clean_up().await.unwrap().total(), 0);
    clock.advance(Duration::from_secs(3700));
    let cleaned = store.clean_up().await.unwrap();
    let found = (cleaned.sessions, cleaned.revocations, cleaned.once, cleaned.log);
    assert_eq!(found, (0, 1, 1, 2));
    clock.advance(Duration::from_secs(400 * 24 * 3600));
    let kept = support::login(&sessions, "ada").await;
    assert_eq!(store.clean_up().await.unwrap().sessions, 600);
    drop(support::refresh(&sessions, kept.refresh_token().expose_secret()).await.unwrap());
    let token = TokenIdentity::new().with_token_id("stays");
    assert!(store.status(&token).await.unwrap().is_revoked());
}
