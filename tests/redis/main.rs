//! Revocations and sessions in Redis, against servers that the tests start and maltreat.

mod cluster;
mod failover;
#[cfg(all(feature = "issuer", any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod issued;
mod limits;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod proofs;
mod replica;
mod store;
#[cfg(feature = "redis-tls")]
mod tls;

use std::time::{Duration, Instant};

use tower_bearer::clock::{Clock, SystemClock, UnixTime};
use tower_bearer::redis_store::{RedisStore, Replica, ReplicaBuilder};
use tower_bearer::revocation::{
    Revocation, RevocationStatus, RevocationStore, StoreError, TokenIdentity,
};
use tower_bearer_tests::redis_server::RedisServer;

/// What a call may take: the store's timeout and what a busy machine adds.
const BOUND: Duration = Duration::from_millis(1500);
const TIMEOUT: Duration = Duration::from_millis(300);
const MAX_STALENESS: Duration = Duration::from_millis(1000);

fn store(server: &RedisServer) -> RedisStore {
    RedisStore::builder(&server.url()).unwrap().timeout(TIMEOUT).build().unwrap()
}

fn replica_of(server: &RedisServer) -> ReplicaBuilder {
    Replica::builder(store(server)).max_staleness(MAX_STALENESS)
}

async fn ready(server: &RedisServer) -> Replica {
    let replica = replica_of(server).build().unwrap();
    within(Duration::from_secs(20), replica.ready()).await;
    replica
}

fn in_secs(secs: u64) -> UnixTime {
    SystemClock.now().saturating_add(Duration::from_secs(secs))
}

fn token(id: &str) -> TokenIdentity<'_> {
    TokenIdentity::new().with_token_id(id).with_issuer("https://id.example.com")
}

fn revocation(id: &str) -> Revocation {
    Revocation::token(id, in_secs(600))
}

async fn within<T>(bound: Duration, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(bound, future).await.expect("it takes too long")
}

/// The answer, which must not take longer than allowed.
async fn ask(store: &impl RevocationStore, id: &str) -> Result<RevocationStatus, StoreError> {
    within(BOUND, store.status(&token(id))).await
}

async fn is_revoked(store: &impl RevocationStore, id: &str) -> bool {
    ask(store, id).await.unwrap().is_revoked()
}

/// Tries until it is so; panics if it does not come to be.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < Duration::from_secs(20), "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    start.elapsed()
}

async fn current(replica: &Replica) {
    eventually("the replica is current", async || replica.health().current).await;
}
