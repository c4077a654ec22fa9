//! Sessions and single-use tokens over a [`Replica`]: its store keeps them, and what is revoked is
//! revoked here at once.

use super::Replica;
use crate::clock::UnixTime;
use crate::issuer::TokenHash;
use crate::issuer::session::{
    Commit, Committed, IndexKey, Page, SessionId, SessionStore, StoredSession,
};
use crate::issuer::single_use::SingleUseStore;
use crate::store::StoreError;

/// Every step is the store's, and asks the store what is revoked: the copy may lag behind. What a
/// step revoked is revoked here once the call has returned, and on other nodes within milliseconds.
impl SessionStore for Replica {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        self.store().load(id, now).await
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        let committed = SessionStore::commit(self.store(), step).await?;
        if committed == Committed::Done {
            for revocation in &step.revocations {
                self.insert(revocation);
            }
        }
        Ok(committed)
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        self.store().list(index, after, now).await
    }
}

impl SingleUseStore for Replica {
    async fn put(
        &self,
        id: &TokenHash,
        payload: &str,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        self.store().put(id, payload, until, now).await
    }

    async fn take(&self, id: &TokenHash, now: UnixTime) -> Result<Option<String>, StoreError> {
        self.store().take(id, now).await
    }
}
