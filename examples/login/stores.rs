//! Where sessions are kept, chosen at run time.

use std::time::Duration;

use tokio::time::timeout;
use tower_bearer::issuer::session::{BoxSessionStore, MemorySessionStore};
use tower_bearer::redis_store::RedisStore;
use tower_bearer::revocation::Identifiers;
use tower_bearer::revocation::replica::{Replica, RevocationLog};
use tower_bearer_sqlx::{PostgresStore, SqliteStore};

use super::config::Store;
use super::{BoxError, context};

pub(crate) async fn open(store: &Store) -> Result<BoxSessionStore, BoxError> {
    Ok(match store {
        Store::Memory => BoxSessionStore::new(MemorySessionStore::new()),
        Store::Sqlite(path) => {
            let store = SqliteStore::open(path).await;
            BoxSessionStore::new(store.map_err(|error| {
                context(&format!("sessions cannot be kept in {}", path.display()), error)
            })?)
        }
        Store::Postgres(url) => {
            let store = PostgresStore::connect(url).await.map_err(|error| {
                context("Postgres cannot be used; is it running, and reachable?", error)
            })?;
            BoxSessionStore::new(copied(store).await?)
        }
        Store::Redis(url) => {
            let store = RedisStore::builder(url)
                .map_err(|error| context("the store is not like redis://127.0.0.1:6379/", error))?
                .prefix("login-example")
                // A token that lacks one of these could not be taken back, and is rejected.
                .require(Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH)
                .build()?;
            store.ping().await.map_err(|error| {
                context("Redis cannot be used; is it running, and reachable?", error)
            })?;
            BoxSessionStore::new(copied(store).await?)
        }
    })
}

/// A copy of the revocations here: a request asks nobody, and what ends on one instance is rejected by
/// the others within milliseconds.
async fn copied<L: RevocationLog>(store: L) -> Result<Replica<L>, BoxError> {
    let replica = Replica::builder(store).build()?;
    // Not needed to be safe: until it is loaded, the store is asked on each request.
    timeout(Duration::from_secs(10), replica.ready())
        .await
        .map_err(|error| context("the revocations could not be loaded", error))?;
    Ok(replica)
}
