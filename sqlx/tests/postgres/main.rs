//! The store over Postgres, in servers that the tests start and maltreat.

mod failover;
mod faults;
mod log;
mod misuse;
mod proxy;
mod replica;
mod server;
#[path = "../support.rs"]
mod support;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tower_bearer::testing::{once, revocation, session};
use tower_bearer_sqlx::PostgresStore;
use tower_bearer_sqlx::postgres::Replica;

use server::Postgres;

/// A server for all tests that do it no harm.
fn shared() -> Option<&'static Postgres> {
    static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
    SERVER.get_or_init(|| Postgres::start(&[])).as_ref()
}

/// A schema that no other test uses.
fn schema() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

async fn store_in(server: &Postgres, schema: &str) -> PostgresStore {
    let store = PostgresStore::builder(&server.url()).unwrap().schema(schema);
    let store = store.timeout(Duration::from_secs(20)).build().unwrap();
    store.migrate().await.unwrap();
    store
}

async fn within<T>(bound: Duration, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(bound, future).await.expect("it takes too long")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_as_a_store_of_sessions() {
    let Some(server) = shared() else { return };
    let store = store_in(server, &schema()).await;
    store.ping().await.unwrap();
    session::conformance(|| async { store.clone() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_conforms_as_every_other_store() {
    let Some(server) = shared() else { return };
    let store = store_in(server, &schema()).await;
    revocation::conformance(|| async { store.clone() }).await;
    once::conformance(|| async { store.clone() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_conforms_as_every_store() {
    let Some(server) = shared() else { return };
    let replica = Replica::builder(store_in(server, &schema()).await).build().unwrap();
    within(Duration::from_secs(20), replica.ready()).await;
    session::conformance(|| async { replica.clone() }).await;
    revocation::conformance(|| async { replica.clone() }).await;
    once::conformance(|| async { replica.clone() }).await;
}
