//! Sessions over a [`Replica`]: its store keeps them, and what is revoked is revoked here at once.

use super::Replica;
use super::log::log_id;
use crate::clock::UnixTime;
use crate::issuer::session::{
    Commit, Committed, IndexKey, Page, SessionId, SessionStore, StoredSession,
};
use crate::revocation::replica::{LogEntry, LogId};
use crate::revocation::{RevocationStatus, RevocationStore};
use crate::store::StoreError;

/// Every step is the store's, and asks the store what is revoked: the copy may lag behind. But what
/// the copy knows to be revoked is not asked again, because Redis may have lost it. What a step
/// revoked is revoked here once the call has returned, and on other nodes within milliseconds.
impl SessionStore for Replica {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        self.store().load(id, now).await
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        // A Redis that went back to an older state does not know what this copy knows.
        let known = step.unless_revoked.as_ref().and_then(|token| self.known(token));
        if matches!(known, Some(Ok(RevocationStatus::Revoked))) {
            return Ok(Committed::Revoked);
        }
        let (committed, last) = self.store().take_step(step).await?;
        if committed == Committed::Done && !step.revocations.is_empty() {
            let entries: Vec<_> = step.revocations.iter().map(LogEntry::from).collect();
            self.acknowledged(&entries, log_id(&last).unwrap_or(LogId::START));
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
