//! The store over SQLite, in files that the tests make and maltreat.

#[path = "../support.rs"]
mod support;

mod faults;
mod misuse;
mod tables;

use std::path::Path;
use std::time::Duration;

use tower_bearer::testing::{once, revocation, session};
use tower_bearer_sqlx::SqliteStore;

use support::Folder;

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_as_a_store_of_sessions() {
    let folder = Folder::new();
    let store = open(&folder.path("sessions.db")).await;
    session::conformance(|| async { store.clone() }).await;
}

/// Two processes over one file have two pools, and wait for each other by the file's locks.
#[tokio::test(flavor = "multi_thread")]
async fn two_stores_over_one_file_have_one_winner() {
    let folder = Folder::new();
    let path = folder.path("sessions.db");
    let stores = [open(&path).await, open(&path).await];
    let next = std::sync::atomic::AtomicUsize::new(0);
    let make =
        || async { stores[next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 2].clone() };
    for store in &stores {
        session::races(store.clone()).await;
    }
    once::conformance(make).await;
    revocation::conformance(make).await;
    session::refresh_races(make().await).await;
    // one id, claimed through both at once
    use tower_bearer::store::{Once, OnceId};
    let (now, until) = (support::in_secs(0), support::in_secs(60));
    for number in 0..20 {
        let id = OnceId::from_hash([number; 32]);
        let (one, other) =
            tokio::join!(stores[0].claim(&id, until, now), stores[1].claim(&id, until, now));
        assert!(one.unwrap() != other.unwrap());
    }
}

#[tokio::test]
async fn it_conforms_as_every_other_store() {
    let folder = Folder::new();
    let store = SqliteStore::from_url(&format!("sqlite://{}", folder.path("a.db").display()))
        .unwrap()
        .prefix("other_")
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    store.migrate().await.unwrap();
    revocation::conformance(|| async { store.clone() }).await;
    once::conformance(|| async { store.clone() }).await;
}

#[tokio::test]
async fn a_file_outlives_the_process() {
    let folder = Folder::new();
    let path = folder.path("sessions.db");
    let sessions = support::sessions(open(&path).await);
    let (stays, ended) =
        (support::login(&sessions, "ada").await, support::login(&sessions, "ada").await);
    let id = ended.session().id.clone();
    assert!(sessions.end_session("ada", id.as_str()).await.unwrap().was_live());
    drop(sessions);

    let store = open(&path).await;
    let sessions = support::sessions(store.clone());
    assert_eq!(sessions.sessions("ada").await.unwrap().len(), 1);
    drop(support::refresh(&sessions, stays.refresh_token().expose_secret()).await.unwrap());
    assert!(support::refresh(&sessions, ended.refresh_token().expose_secret()).await.is_err());
    use tower_bearer::revocation::RevocationStore;
    assert!(store.status(&support::of_session(id.as_str())).await.unwrap().is_revoked());
}
