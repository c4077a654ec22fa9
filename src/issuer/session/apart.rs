//! [`Apart`]: sessions in one store, revocations in another.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::id::{IndexKey, SessionId};
use super::store::{Commit, Committed, Page, SessionStore, StoredSession};
use crate::clock::{Clock, SystemClock, UnixTime};
use crate::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, RevocationTarget, TokenIdentity,
};
use crate::store::StoreError;

/// Sessions in one store and revocations in another, as one.
///
/// 1. The store of sessions is never given a revocation, nor asked for any: its `commit` can ignore
///    them.
/// 2. A session that ends is revoked **first**. A crash in between leaves one that is revoked and
///    can be ended again, never one that has ended while its access tokens live.
/// 3. Whether a session was revoked is asked right before each step, not in the same one. A refresh
///    that overlaps a revocation may therefore still be granted; its access token is dead, as is the
///    session at the next refresh.
/// 4. What is revoked through this handle, single tokens aside, is kept for longer by the time that
///    sessions can live. What is revoked in the other store without this handle has to be kept for
///    so long by whoever does it.
#[derive(Clone)]
pub struct Apart<S, R> {
    sessions: S,
    revocations: R,
    longest: Duration,
    clock: Arc<dyn Clock>,
}

impl<S: SessionStore, R: RevocationStore> Apart<S, R> {
    /// Sessions here and revocations there. `longest` is how long a session can live, whichever
    /// policy it has: its absolute lifetime.
    pub fn new(sessions: S, revocations: R, longest: Duration) -> Self {
        Self { sessions, revocations, longest, clock: Arc::new(SystemClock) }
    }

    /// Sets the clock that tells from when on a revocation that comes alone is kept for longer. The
    /// system's by default.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl<S: SessionStore, R> Apart<S, R> {
    /// Whether a step would conflict: then nothing should be revoked. What changes right after this
    /// is revoked all the same, and ends when the step is tried again.
    async fn is_as_it_was(&self, step: &Commit) -> Result<bool, StoreError> {
        for write in &step.writes {
            let found = self.sessions.load(&write.id, step.now).await?;
            if found.map(|found| found.version) != write.replaces {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl<S: SessionStore, R: RevocationStore> SessionStore for Apart<S, R> {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        self.sessions.load(id, now).await
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        if let Some(token) = &step.unless_revoked
            && self.revocations.status(token).await?.is_revoked()
        {
            return Ok(Committed::Revoked);
        }
        if !step.revocations.is_empty() && !self.is_as_it_was(step).await? {
            return Ok(Committed::Conflict);
        }
        let mut revoked = Ok(());
        for revocation in &step.revocations {
            // The session ends whether or not it can be revoked.
            revoked = revoked.and(self.revocations.revoke(revocation).await);
        }
        let mut step = step.clone();
        (step.unless_revoked, step.revocations) = (None, Vec::new());
        if revoked.is_err() {
            step.writes.retain(|write| write.ends);
        }
        let committed = self.sessions.commit(&step).await?;
        revoked.map(|()| committed)
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        self.sessions.list(index, after, now).await
    }
}

impl<S: SessionStore, R: RevocationStore> RevocationStore for Apart<S, R> {
    fn required_identifiers(&self) -> Identifiers {
        self.revocations.required_identifiers()
    }

    fn known(&self, token: &TokenIdentity<'_>) -> Option<Result<RevocationStatus, StoreError>> {
        self.revocations.known(token)
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        self.revocations.status(token).await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        if let RevocationTarget::Token { .. } = revocation.target() {
            return self.revocations.revoke(revocation).await;
        }
        // One whose time has passed counts as well, while there are sessions.
        let until = revocation.keep_until().max(self.clock.now()).saturating_add(self.longest);
        self.revocations.revoke(&revocation.clone().keep_at_least(until)).await
    }
}

impl<S: fmt::Debug, R: fmt::Debug> fmt::Debug for Apart<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Apart")
            .field("sessions", &self.sessions)
            .field("revocations", &self.revocations)
            .field("longest", &self.longest)
            .finish_non_exhaustive()
    }
}
