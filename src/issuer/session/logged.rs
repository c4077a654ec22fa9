//! [`SessionLog`]: sessions over a [`Replica`], whose log keeps them.

use super::id::{IndexKey, SessionId};
use super::store::{Commit, Committed, Page, SessionStore, StoredSession};
use crate::clock::UnixTime;
use crate::revocation::replica::{LogEntry, LogId, Replica, RevocationLog};
use crate::revocation::{RevocationStatus, RevocationStore};
use crate::store::StoreError;

/// A store of sessions whose revocations are in an ordered log, too: a [`Replica`] of it is a store
/// of sessions, and knows what a step revoked as soon as the step was taken.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say where its log stands after a step",
    note = "a `Replica` is a store of sessions if its log implements `SessionLog`"
)]
pub trait SessionLog: SessionStore + RevocationLog {
    /// [`commit`](SessionStore::commit), and a place in the log by which the step's revocations are
    /// in force; [`LogId::START`] if it was not taken or revoked nothing.
    ///
    /// # Errors
    ///
    /// As for [`commit`](SessionStore::commit).
    fn commit_logged(
        &self,
        step: &Commit,
    ) -> impl Future<Output = Result<(Committed, LogId), StoreError>> + Send;
}

/// Every step is the store's, and asks the store what is revoked: the copy may lag behind. But what
/// the copy knows to be revoked is not asked again, because the store may have lost it. What a step
/// revoked is revoked here once the call has returned, and on other nodes within milliseconds.
impl<L: SessionLog> SessionStore for Replica<L> {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        self.store().load(id, now).await
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        // A store that went back to an older state does not know what this copy knows.
        let known = step.unless_revoked.as_ref().and_then(|token| self.known(token));
        if matches!(known, Some(Ok(RevocationStatus::Revoked))) {
            return Ok(Committed::Revoked);
        }
        let (committed, position) = self.store().commit_logged(step).await?;
        if committed == Committed::Done && !step.revocations.is_empty() {
            let entries: Vec<_> = step.revocations.iter().map(LogEntry::from).collect();
            self.acknowledged(&entries, position);
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
