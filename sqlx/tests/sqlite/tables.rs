//! Tables: who makes them, what is in them, what goes.

use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tower_bearer::clock::{Clock, SystemClock, UnixTime};
use tower_bearer::revocation::{Revocation, RevocationStore, TokenIdentity};
use tower_bearer::store::{Once, OnceId};
use tower_bearer::testing::FakeClock;
use tower_bearer_sqlx::SqliteStore;

use super::open;
use super::support::{self, Folder, in_secs};

#[tokio::test]
async fn many_processes_migrate_one_new_file_at_once() {
    let folder = Folder::new();
    let path = folder.path("new.db");
    let opened = (0..8).map(|_| {
        let path = path.clone();
        tokio::spawn(async move { SqliteStore::open(path).await.map(drop) })
    });
    for opened in opened.collect::<Vec<_>>() {
        opened.await.unwrap().unwrap();
    }
    open(&path).await.ping().await.unwrap();
}

#[tokio::test]
async fn ones_own_migration_tool_does_as_well() {
    let folder = Folder::new();
    let options = SqliteConnectOptions::new().filename(folder.path("app.db"));
    let pool = SqlitePoolOptions::new().connect_with(options.create_if_missing(true)).await;
    let pool = pool.unwrap();
    for migration in SqliteStore::migrations("app_auth_").unwrap() {
        assert_eq!(migration.version, 1);
        assert!(migration.sql.contains("CREATE TABLE app_auth_sessions"));
        sqlx::raw_sql(sqlx::AssertSqlSafe(migration.sql)).execute(&pool).await.unwrap();
    }
    let store = SqliteStore::with_pool(pool.clone()).prefix("app_auth_").build().unwrap();
    store.ping().await.unwrap();
    store.migrate().await.unwrap();
    let sessions = support::sessions(store);
    drop(support::login(&sessions, "ada").await);
    // of two prefixes neither sees the other's
    let other = SqliteStore::with_pool(pool).prefix("b_").build().unwrap();
    other.migrate().await.unwrap();
    assert!(support::sessions(other).sessions("ada").await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_says_who_was_revoked() {
    let folder = Folder::new();
    let path = folder.path("sessions.db");
    let store = open(&path).await;
    let until = in_secs(600);
    for revocation in [
        Revocation::token("mallory@example.com", until),
        Revocation::subject("mallory@example.com", in_secs(0), until).issuer("https://secret.test"),
    ] {
        store.revoke(&revocation).await.unwrap();
    }
    let tokens = support::login(&support::sessions(store.clone()), "ada").await;
    store.pool().close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend(std::fs::read(path.with_extension("db-wal")).unwrap_or_default());
    let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds(tokens.session().id.as_str()), "the file was read");
    assert!(!holds("mallory") && !holds("secret.test"));
    assert!(!holds(tokens.refresh_token().expose_secret()));
}

#[tokio::test]
async fn what_has_expired_goes_and_nothing_else() {
    let folder = Folder::new();
    let clock = FakeClock::at(SystemClock.now());
    let store = SqliteStore::builder(folder.path("sessions.db")).clean_up_every(None);
    let store = store.clock(clock.clone()).build().unwrap();
    store.migrate().await.unwrap();
    let sessions = support::sessions_at(store.clone(), clock.clone());
    for number in 0..1100 {
        drop(support::login(&sessions, &format!("user{number}")).await);
    }
    let now = clock.now();
    let later = |secs| now.saturating_add(Duration::from_secs(secs));
    for (number, secs) in [(1_u8, 10), (2, 1_000_000_000)] {
        assert!(store.claim(&OnceId::from_hash([number; 32]), later(secs), now).await.unwrap());
        let id = number.to_string();
        store.revoke(&Revocation::token(id, later(secs))).await.unwrap();
    }
    store.revoke(&Revocation::token("for ever", UnixTime::MAX)).await.unwrap();
    assert_eq!(store.clean_up().await.unwrap().total(), 0);

    clock.advance(Duration::from_secs(71));
    let cleaned = store.clean_up().await.unwrap();
    assert_eq!((cleaned.sessions, cleaned.revocations, cleaned.once), (0, 1, 1));
    clock.advance(Duration::from_secs(400 * 24 * 3600));
    let kept = support::login(&sessions, "ada").await;
    let cleaned = store.clean_up().await.unwrap();
    assert_eq!((cleaned.sessions, cleaned.revocations, cleaned.once), (1100, 0, 0));
    assert_eq!(sessions.sessions("ada").await.unwrap().len(), 1);
    drop(support::refresh(&sessions, kept.refresh_token().expose_secret()).await.unwrap());
    for id in ["2", "for ever"] {
        let token = TokenIdentity::new().with_token_id(id);
        assert!(store.status(&token).await.unwrap().is_revoked(), "{id}");
    }
    assert!(!store.claim(&OnceId::from_hash([2; 32]), later(1 << 30), clock.now()).await.unwrap());
}

#[tokio::test]
async fn a_task_cleans_up_by_itself_and_ends_with_the_store() {
    let folder = Folder::new();
    let clock = FakeClock::at(SystemClock.now());
    let store = SqliteStore::builder(folder.path("sessions.db"));
    let store = store.clean_up_every(Some(Duration::from_millis(20))).clock(clock.clone());
    let store = store.build().unwrap();
    store.migrate().await.unwrap();
    store.revoke(&Revocation::token("t", in_secs(60))).await.unwrap();
    clock.advance(Duration::from_secs(200));
    let token = TokenIdentity::new().with_token_id("t");
    support::eventually("it goes", async || !store.status(&token).await.unwrap().is_revoked())
        .await;
    let pool = store.pool().clone();
    drop(store);
    tokio::time::sleep(Duration::from_millis(100)).await;
    pool.close().await;
}
