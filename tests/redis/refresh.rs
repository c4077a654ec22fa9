//! Sessions.

use std::time::Duration;

use tower_bearer::redis::{RedisStore, Replica};
use tower_bearer::testing::refresh::conformance;

use super::*;

fn patient(server: &RedisServer) -> RedisStore {
    let store = RedisStore::builder(&server.url()).unwrap().timeout(Duration::from_secs(10));
    store.prefix("con*for[m").build().unwrap()
}

#[tokio::test]
async fn the_store_conforms() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let store = patient(&server);
    for _ in 0..2 {
        conformance(|| async { store.clone() }).await;
    }
}

#[tokio::test]
async fn the_replica_conforms() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let replica = Replica::builder(patient(&server)).build().unwrap();
    replica.ready().await;
    conformance(|| async { replica.clone() }).await;
}
