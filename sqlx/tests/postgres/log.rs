//! The order of the log: what is seen is never followed by something before it.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgPool, Row};
use tower_bearer::clock::UnixTime;
use tower_bearer::revocation::replica::{LogEntry, LogId, LogReader, RevocationLog};
use tower_bearer::revocation::{Revocation, RevocationStore};

use super::support::in_secs;
use super::{schema, shared, store_in};

fn entry(id: &str) -> LogEntry {
    LogEntry::from(&Revocation::token(id, UnixTime::from_secs(4_000_000_000)))
}

/// Revokes within a transaction that is left open.
async fn revoke_in(
    pool: &PgPool,
    schema: &str,
    id: &str,
) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut transaction = pool.begin().await.unwrap();
    let text = format!("SELECT o_position FROM {schema}.revoke($1, $2, $3, $4, true)");
    sqlx::query(AssertSqlSafe(text))
        .bind(vec![entry(id).name().to_string()])
        .bind(vec![i64::from(entry(id).keep_until())])
        .bind(vec![i64::MIN])
        .bind(7_i64)
        .fetch_one(&mut *transaction)
        .await
        .unwrap();
    transaction
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_would_commit_out_of_order_wait_for_each_other() {
    let Some(server) = shared() else { return };
    let schema = schema();
    let store = store_in(server, &schema).await;
    let mut reader = store.open(Duration::from_secs(5)).await.unwrap();
    let start = store.append(&[entry("first")]).await.unwrap().position;
    assert_eq!(start.major(), 1);

    // The one that began first has not ended: nobody gets a place after its own.
    let slow = revoke_in(store.pool(), &schema, "slow").await;
    let fast = {
        let store = store.clone();
        tokio::spawn(async move { store.append(&[entry("fast")]).await.unwrap().position })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!fast.is_finished(), "it overtook one that may still come");
    assert!(reader.items(start, 10, Duration::ZERO).await.unwrap().is_empty());
    slow.commit().await.unwrap();
    let last = fast.await.unwrap();
    let items = reader.items(start, 10, Duration::from_secs(5)).await.unwrap();
    let found: Vec<_> = items.iter().map(|item| (item.id.major(), item.entry.name())).collect();
    assert_eq!(found, [(2, entry("slow").name()), (3, entry("fast").name())]);
    assert_eq!((items[0].previous, items[1].previous), (start, items[0].id));
    assert_eq!(items[1].id, last);

    // One that is rolled back leaves no gap, and what waited has its place.
    let gone = revoke_in(store.pool(), &schema, "gone").await;
    let after = {
        let store = store.clone();
        tokio::spawn(async move { store.append(&[entry("after")]).await.unwrap().position })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    gone.rollback().await.unwrap();
    assert_eq!(after.await.unwrap().major(), 4);
    let items = reader.items(last, 10, Duration::from_secs(5)).await.unwrap();
    assert_eq!((items.len(), items[0].previous), (1, last));
}

/// A reader that goes by the last place it saw misses nothing, however many write.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_one_unbroken_chain_while_many_write() {
    let Some(server) = shared() else { return };
    let store = store_in(server, &schema()).await;
    let mut reader = store.open(Duration::from_secs(5)).await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in 0..40 {
                    store.append(&[entry(&format!("{writer}-{number}"))]).await.unwrap();
                }
            })
        })
        .collect();
    let (mut last, mut seen) = (LogId::START, 0);
    while seen < 320 {
        let items = reader.items(last, 7, Duration::from_secs(10)).await.unwrap();
        assert!(!items.is_empty(), "after {seen}");
        for item in items {
            assert_eq!((item.previous, item.id.major()), (last, last.major() + 1));
            last = item.id;
            seen += 1;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let head = reader.head().await.unwrap();
    assert_eq!(head.last, last);
    // Revoking again changes nothing.
    let again = store.append(&[entry("0-0")]).await.unwrap();
    assert_eq!((again.position, again.changed), (last, 0));
}

#[tokio::test]
async fn pages_have_everything_and_a_heartbeat_goes_through() {
    let Some(server) = shared() else { return };
    let schema = schema();
    let store = store_in(server, &schema).await;
    let all: Vec<_> = (0..2500).map(|number| entry(&number.to_string())).collect();
    store.append(&all).await.unwrap();
    let mut reader = store.open(Duration::from_secs(5)).await.unwrap();
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let page = reader.page(from.as_deref()).await.unwrap();
        found.extend(page.entries);
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    found.sort_by_key(|entry| entry.name().to_string());
    let mut wanted = all;
    wanted.sort_by_key(|entry| entry.name().to_string());
    assert_eq!(found, wanted);
    let head = reader.head().await.unwrap();
    reader.beat(&head).await.unwrap();
    let after = reader.head().await.unwrap();
    assert!(after.beat != head.beat && after.last == head.last && after.epoch == head.epoch);
    // another node was faster
    reader.beat(&head).await.unwrap();
    assert_eq!(reader.head().await.unwrap().beat, after.beat);
    assert!(reader.others_vouch());
}

#[tokio::test]
async fn a_revocation_that_comes_alone_outlasts_sessions_that_begin_meanwhile() {
    let Some(server) = shared() else { return };
    let schema = schema();
    let store = store_in(server, &schema).await;
    let sessions = super::support::sessions(store.clone());
    drop(super::support::login(&sessions, "ada").await);
    store.revoke(&Revocation::subject("ada", in_secs(0), in_secs(1))).await.unwrap();
    let text = format!(
        "SELECT (SELECT max(remove_at) / 1000 FROM {schema}.sessions), sessions_until,
            (SELECT max(keep_until) FROM {schema}.revocations) FROM {schema}.head"
    );
    let row = sqlx::query(AssertSqlSafe(text)).fetch_one(store.pool()).await.unwrap();
    let [last, until, kept] = [0, 1, 2].map(|column| row.get::<i64, _>(column));
    assert!(last < until && until == kept, "{last} {until} {kept}");
    // A login that would live for longer than what is known waits for who revokes, and then sees it.
    let text = format!("UPDATE {schema}.head SET sessions_until = 0");
    sqlx::query(AssertSqlSafe(text)).execute(store.pool()).await.unwrap();
    let open = revoke_in(store.pool(), &schema, "other").await;
    let login = tokio::spawn(async move { drop(super::support::login(&sessions, "eve").await) });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!login.is_finished());
    open.commit().await.unwrap();
    login.await.unwrap();
}
