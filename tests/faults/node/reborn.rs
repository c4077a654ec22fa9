//! A replica that begins anew, and empty, whenever it has lost its connection: a fault to plant.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tower_bearer::clock::UnixTime;
use tower_bearer::issuer::session::{
    Commit, Committed, IndexKey, Page, SessionId, SessionStore, StoredSession,
};
use tower_bearer::redis_store::Replica;
use tower_bearer::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, StoreError, TokenIdentity,
};

#[derive(Clone)]
pub(super) struct Reborn(Arc<RwLock<Replica>>);

impl Reborn {
    pub(super) fn start(build: impl Fn() -> Option<Replica> + Send + 'static) -> Option<Self> {
        let this = Self(Arc::new(RwLock::new(build()?)));
        let watched = this.clone();
        tokio::spawn(async move {
            let mut had = false;
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let connected = watched.now().health().connected;
                if had
                    && !connected
                    && let Some(new) = build()
                {
                    *watched.0.write().unwrap_or_else(PoisonError::into_inner) = new;
                }
                had = connected;
            }
        });
        Some(this)
    }

    pub(super) fn now(&self) -> Replica {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl SessionStore for Reborn {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        self.now().load(id, now).await
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        self.now().commit(step).await
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        self.now().list(index, after, now).await
    }
}

impl RevocationStore for Reborn {
    fn required_identifiers(&self) -> Identifiers {
        self.now().required_identifiers()
    }

    fn known(&self, token: &TokenIdentity<'_>) -> Option<Result<RevocationStatus, StoreError>> {
        self.now().known(token)
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        self.now().status(token).await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.now().revoke(revocation).await
    }
}
