//! Single-use tokens.

use std::time::Duration;

use tower_bearer::redis::RedisStore;
use tower_bearer::testing::single_use::conformance;

use super::*;

#[tokio::test]
async fn they_conform() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let store = RedisStore::builder(&server.url()).unwrap().timeout(Duration::from_secs(10));
    let store = store.build().unwrap();
    conformance(|| async { store.clone() }).await;
    let replica = Replica::builder(store).build().unwrap();
    conformance(|| async { replica.clone() }).await;
}
