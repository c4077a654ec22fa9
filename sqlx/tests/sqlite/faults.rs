//! Processes that are killed, disks that are full, databases that are locked.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use tower_bearer::issuer::session::{NewSession, SessionErrorKind};
use tower_bearer::revocation::{Revocation, RevocationStore, StoreErrorKind, TokenIdentity};
use tower_bearer_sqlx::SqliteStore;

use super::open;
use super::support::{self, Folder, in_secs};

const FILE: &str = "TOWER_BEARER_TEST_FILE";

#[tokio::test]
#[ignore = "is started by the test below, to be killed"]
async fn works_until_killed() {
    let Some(file) = std::env::var_os(FILE) else { return };
    support::work_until_killed(&support::sessions(open(&PathBuf::from(file)).await)).await;
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_holds() {
    let folder = Folder::new();
    let path = folder.path("sessions.db");
    let mut said = Vec::new();
    for lines in [3, 20, 41, 60, 100] {
        let test = "faults::works_until_killed";
        said.extend(support::killed_after(test, &[(FILE, &path)], lines));
        let store = open(&path).await;
        support::what_was_said_holds(&said, store.clone()).await;
        let sound: String =
            sqlx::query_scalar("PRAGMA integrity_check").fetch_one(store.pool()).await.unwrap();
        assert_eq!(sound, "ok");
        // what was refreshed above has other tokens now
        said.retain(|line| line.starts_with("ended"));
    }
}

/// As large as the file may become, which is what a full disk is to SQLite.
#[tokio::test]
async fn a_full_disk_is_an_error_that_says_so_and_nothing_is_half_done() {
    let folder = Folder::new();
    let path = folder.path("sessions.db");
    let sessions = support::sessions(open(&path).await);
    let before = support::login(&sessions, "ada").await;
    let options = SqliteConnectOptions::new().filename(&path).journal_mode(SqliteJournalMode::Wal);
    let pool = SqlitePoolOptions::new().connect_lazy_with(options.pragma("max_page_count", "64"));
    let store = SqliteStore::with_pool(pool).build().unwrap();
    let full = support::sessions(store.clone());
    let mut begun = Vec::new();
    let error = loop {
        match full.begin(NewSession::new(format!("user{}", begun.len()), "web")).await {
            Ok(tokens) => begun.push(tokens),
            Err(error) => break error,
        }
        assert!(begun.len() < 10_000);
    };
    assert_eq!(error.kind(), SessionErrorKind::Unavailable, "{error:?}");
    assert!(format!("{error:?}").contains("store is full"), "{error:?}");
    assert!(begun.len() > 10, "{}", begun.len());
    let mut refused = None;
    for number in 0..10_000 {
        let revocation = Revocation::token(number.to_string(), in_secs(600));
        if let Err(error) = store.revoke(&revocation).await {
            refused = Some((number.to_string(), error));
            break;
        }
    }
    let (refused, error) = refused.expect("it never got full");
    assert_eq!(error.kind(), StoreErrorKind::Full, "{error:?}");
    let token = TokenIdentity::new().with_token_id(&*refused);
    assert!(!store.status(&token).await.unwrap().is_revoked(), "an error, and yet in force");
    // What is there is there.
    for tokens in [&before, &begun[0], begun.last().unwrap()] {
        let subject = tokens.session().subject.as_str();
        assert_eq!(full.sessions(subject).await.unwrap().len(), 1);
    }
    // And with room it goes on.
    let last = begun.last().unwrap();
    drop(support::refresh(&sessions, last.refresh_token().expose_secret()).await.unwrap());
    drop(support::login(&sessions, "eve").await);
}

#[tokio::test]
async fn a_locked_database_is_an_error_within_the_timeout_and_reads_go_on() {
    let folder = Folder::new();
    let path = folder.path("sessions.db");
    let store = SqliteStore::builder(&path).timeout(Duration::from_millis(300)).build().unwrap();
    store.migrate().await.unwrap();
    let sessions = support::sessions(store.clone());
    let tokens = support::login(&sessions, "ada").await;
    let other = open(&path).await;
    let lock = other.pool().begin_with("BEGIN EXCLUSIVE").await.unwrap();
    let begun = Instant::now();
    let error = store.revoke(&Revocation::token("t", in_secs(60))).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let kind = support::refresh(&sessions, tokens.refresh_token().expose_secret()).await;
    assert_eq!(kind.unwrap_err(), SessionErrorKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    let id = tokens.session().id.as_str();
    assert!(!store.status(&support::of_session(id)).await.unwrap().is_revoked());
    assert_eq!(sessions.sessions("ada").await.unwrap().len(), 1);
    lock.rollback().await.unwrap();
    support::eventually("it goes on", async || {
        support::refresh(&sessions, tokens.refresh_token().expose_secret()).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn an_exhausted_pool_is_an_error_within_the_timeout() {
    let folder = Folder::new();
    let path = folder.path("sessions.db");
    drop(open(&path).await);
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect_lazy_with(SqliteConnectOptions::new().filename(&path));
    let store = SqliteStore::with_pool(pool.clone()).timeout(Duration::from_millis(200));
    let store = store.build().unwrap();
    store.revoke(&Revocation::token("t", in_secs(60))).await.unwrap();
    let held = pool.acquire().await.unwrap();
    let token = TokenIdentity::new().with_token_id("t");
    let begun = Instant::now();
    assert_eq!(store.status(&token).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    let error = store.revoke(&Revocation::token("u", in_secs(60))).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    drop(held);
    assert!(store.status(&token).await.unwrap().is_revoked());
}

/// A caller that goes away in the middle of a step leaves no transaction open, and no turn taken.
#[tokio::test]
async fn a_call_that_is_dropped_leaves_nothing_behind() {
    let folder = Folder::new();
    let store = open(&folder.path("sessions.db")).await;
    for number in 0_u64..60 {
        let revocation = Revocation::token(number.to_string(), in_secs(60));
        let call = store.revoke(&revocation);
        let _ = tokio::time::timeout(Duration::from_micros(number * 40), call).await;
    }
    let sessions = support::sessions(store.clone());
    drop(support::login(&sessions, "ada").await);
    store.ping().await.unwrap();
}
