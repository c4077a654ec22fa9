//! Databases that are not as they should be: a clear error, never an acceptance.

use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tower_bearer::issuer::session::SessionErrorKind;
use tower_bearer::revocation::{Revocation, RevocationStore, StoreErrorKind, TokenIdentity};
use tower_bearer::store::StoreError;
use tower_bearer_sqlx::SqliteStore;

use super::open;
use super::support::{self, Folder, in_secs};

#[track_caller]
fn says<T: std::fmt::Debug>(answer: Result<T, StoreError>, text: &str) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Configuration, "{error:?}");
    assert!(error.to_string().contains(text), "{error}");
}

async fn run(store: &SqliteStore, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(store.pool()).await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_at_the_start() {
    let folder = Folder::new();
    let path = folder.path("sessions.db");
    let store = open(&path).await;
    run(&store, "INSERT INTO tower_bearer_schema (version) VALUES (7)").await;
    says(store.ping().await, "version 7");
    says(store.migrate().await, "newer release");
    says(SqliteStore::open(&path).await, "newer release");
    run(&store, "DELETE FROM tower_bearer_schema").await;
    says(store.ping().await, "migrate()");
}

#[tokio::test]
async fn missing_tables_say_what_to_call() {
    let folder = Folder::new();
    let store = SqliteStore::builder(folder.path("empty.db")).build().unwrap();
    says(store.ping().await, "migrate()");
    let token = TokenIdentity::new().with_token_id("t");
    says(store.status(&token).await, "migrate()");
    says(store.revoke(&Revocation::token("t", in_secs(60))).await, "migrate()");
    let sessions = support::sessions(store.clone());
    let error = support::refresh(&sessions, &"x".repeat(10)).await.unwrap_err();
    assert_ne!(error, SessionErrorKind::Unavailable, "what is no token is not asked for");
    store.migrate().await.unwrap();
    let tokens = support::login(&sessions, "ada").await;
    run(&store, "DROP TABLE tower_bearer_revocations").await;
    let id = tokens.session().id.as_str();
    says(store.status(&support::of_session(id)).await, "no such table");
    assert!(sessions.end_session("ada", id).await.is_err());
    assert!(support::refresh(&sessions, tokens.refresh_token().expose_secret()).await.is_err());
}

#[tokio::test]
async fn a_file_that_cannot_be_used_says_why() {
    let folder = Folder::new();
    let text = folder.path("text.db");
    std::fs::write(&text, "this is no database, and long enough to be looked at".repeat(50))
        .unwrap();
    says(SqliteStore::open(&text).await, "no SQLite database");
    says(SqliteStore::open(folder.path("no/such/folder/a.db")).await, "folder");
    let path = folder.path("sessions.db");
    drop(open(&path).await);
    let url = format!("sqlite://{}?mode=ro", path.display());
    let store = SqliteStore::from_url(&url).unwrap().build().unwrap();
    says(store.ping().await, "cannot be written");
    says(store.revoke(&Revocation::token("t", in_secs(60))).await, "cannot be written");
    for url in ["sqlite::memory:", "sqlite://?mode=memory", "postgres://a/b", "sqlite://a?mode=odd"]
    {
        let error = SqliteStore::from_url(url).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Configuration, "{url}");
    }
    for prefix in ["", "a b", "x; DROP TABLE y", "A"] {
        says(SqliteStore::builder(&path).prefix(prefix).build(), "lower-case");
        says(SqliteStore::migrations(prefix), "lower-case");
    }
}

#[tokio::test]
async fn rows_that_were_edited_by_hand_are_never_accepted() {
    let folder = Folder::new();
    let store = open(&folder.path("sessions.db")).await;
    let sessions = support::sessions(store.clone());
    // What would let somebody in, or what the columns cannot be.
    for edit in [
        "UPDATE tower_bearer_sessions SET record = x'00'",
        "UPDATE tower_bearer_sessions SET record = x''",
        "UPDATE tower_bearer_sessions SET record = zeroblob(40000)",
        "UPDATE tower_bearer_sessions SET version = 5, record = x'7b7d'",
        "UPDATE tower_bearer_sessions SET id = 'AAAAAAAAAAAAAAAAAAAAAA'",
        "UPDATE tower_bearer_sessions SET id = '!!!!!!!!!!!!!!!!!!!!!!'",
    ] {
        let tokens = support::login(&sessions, "ada").await;
        run(&store, edit).await;
        let refreshed = support::refresh(&sessions, tokens.refresh_token().expose_secret()).await;
        assert!(refreshed.is_err(), "{edit}");
        run(&store, "DELETE FROM tower_bearer_sessions").await;
    }
    // A record under somebody else's id or key is not theirs.
    let (ada, eve) =
        (support::login(&sessions, "ada").await, support::login(&sessions, "eve").await);
    let edit = format!(
        "UPDATE tower_bearer_sessions SET record =
            (SELECT record FROM tower_bearer_sessions WHERE id = '{}') WHERE id = '{}'",
        ada.session().id,
        eve.session().id
    );
    run(&store, &edit).await;
    assert!(support::refresh(&sessions, eve.refresh_token().expose_secret()).await.is_err());
    for edit in [
        "UPDATE tower_bearer_sessions SET version = -1",
        "UPDATE tower_bearer_sessions SET version = 'x'",
        "UPDATE tower_bearer_sessions SET id = 'short'",
        "INSERT INTO tower_bearer_revocations VALUES ('odd', 1, 1)",
        "INSERT INTO tower_bearer_revocations VALUES ('tAAAAAAAAAAAAAAAA', -1, 1)",
    ] {
        let done = sqlx::raw_sql(AssertSqlSafe(edit)).execute(store.pool()).await;
        assert!(done.is_err(), "the table takes: {edit}");
    }
}

/// What the user's own pool leaves weaker, a step does not.
#[tokio::test]
async fn a_step_is_synced_whatever_the_pool_says() {
    let folder = Folder::new();
    let path = folder.path("sessions.db");
    drop(open(&path).await);
    let options = SqliteConnectOptions::new().filename(&path).pragma("synchronous", "OFF");
    let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
    let store = SqliteStore::with_pool(pool).build().unwrap();
    let level = async || -> i64 {
        sqlx::query_scalar("PRAGMA synchronous").fetch_one(store.pool()).await.unwrap()
    };
    assert_eq!(level().await, 0);
    store.revoke(&Revocation::token("t", in_secs(60))).await.unwrap();
    assert_eq!(level().await, 2);
}
