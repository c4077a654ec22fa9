//! A store with a fault put in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tower_bearer::clock::UnixTime;
use tower_bearer::issuer::session::{
    BoxSessionStore, Commit, Committed, IndexKey, Page, SessionId, SessionStore, StoredSession,
};
use tower_bearer::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, RevocationTarget, StoreError,
    TokenIdentity,
};

use crate::plant::Plant;

/// Does what its store does, but for the fault.
#[derive(Clone)]
pub(super) struct Planted {
    pub(super) store: BoxSessionStore,
    pub(super) plant: Option<Plant>,
    /// For how long a process of the short lifetime remembers.
    pub(super) short_keep: Duration,
    pub(super) broken: Arc<AtomicBool>,
    /// Until when the revocation of a session is remembered.
    pub(super) kept: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Planted {
    fn has(&self, plant: Plant) -> bool {
        self.plant == Some(plant)
    }

    /// What an error becomes.
    fn opened<T>(&self, answer: Result<T, StoreError>, open: T) -> Result<T, StoreError> {
        match answer {
            Err(_) if self.has(Plant::FailOpen) => Ok(open),
            other => other,
        }
    }

    /// Notes until when the revocations of sessions are remembered.
    fn remember(&self, revocations: &[Revocation]) {
        if !self.has(Plant::ShortMemory) {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for revocation in revocations {
            if let RevocationTarget::Session { session_id } = revocation.target() {
                kept.insert(session_id.to_owned(), Instant::now() + self.short_keep);
            }
        }
    }

    /// Whether its session's revocation is forgotten.
    fn forgot(&self, token: &TokenIdentity<'_>) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let until = token.session_id().and_then(|session_id| kept.get(session_id));
        until.is_some_and(|until| Instant::now() > *until)
    }

    fn stuck(&self) -> Result<(), StoreError> {
        let broken = self.broken.load(Ordering::Relaxed);
        if self.has(Plant::Stuck) && broken {
            return Err(StoreError::unavailable("it is never asked again"));
        }
        Ok(())
    }

    fn noted<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if answer.is_err() {
            self.broken.store(true, Ordering::Relaxed);
        }
        answer
    }
}

impl SessionStore for Planted {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        self.stuck()?;
        let found = self.noted(self.store.load(id, now).await);
        if self.has(Plant::TwoWinners) {
            // so that they meet
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        found
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        self.stuck()?;
        let mut step = step.clone();
        match self.plant {
            Some(Plant::RefreshDeaf) => step.unless_revoked = None,
            Some(Plant::EpochDeaf) => {
                step.unless_revoked = step.unless_revoked.as_ref().map(session_alone);
            }
            Some(Plant::EndUndone) => {
                step.writes.retain(|write| !write.ends);
                let keep = step.now.saturating_add(Duration::from_secs(1));
                for revocation in &mut step.revocations {
                    *revocation = until(revocation, keep);
                }
            }
            _ => {}
        }
        self.remember(&step.revocations);
        match self.noted(self.store.commit(&step).await)? {
            Committed::Conflict if self.has(Plant::TwoWinners) => Ok(Committed::Done),
            other => Ok(other),
        }
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        self.stuck()?;
        self.noted(self.store.list(index, after, now).await)
    }
}

impl RevocationStore for Planted {
    fn required_identifiers(&self) -> Identifiers {
        self.store.required_identifiers()
    }

    fn known(&self, token: &TokenIdentity<'_>) -> Option<Result<RevocationStatus, StoreError>> {
        if self.forgot(token) {
            return Some(Ok(RevocationStatus::Active));
        }
        let known = self.store.known(token)?;
        Some(self.opened(known, RevocationStatus::Active))
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        self.stuck()?;
        let status = self.noted(self.store.status(token).await);
        self.opened(status, RevocationStatus::Active)
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.stuck()?;
        if self.has(Plant::Unsent) {
            return Ok(());
        }
        self.noted(self.store.revoke(revocation).await)
    }
}

/// The same, kept until then.
fn until(revocation: &Revocation, keep: UnixTime) -> Revocation {
    let again = match revocation.target() {
        RevocationTarget::Token { token_id } => Revocation::token(token_id, keep),
        RevocationTarget::Session { session_id } => Revocation::session(session_id, keep),
        RevocationTarget::Subject { subject, issued_before } => {
            Revocation::subject(subject, issued_before, keep)
        }
        RevocationTarget::Version { subject, minimum } => {
            Revocation::version(subject, minimum, keep)
        }
    };
    match revocation.scope() {
        Some(issuer) => again.issuer(issuer),
        None => again,
    }
}

fn session_alone(identity: &TokenIdentity<'static>) -> TokenIdentity<'static> {
    let mut alone = TokenIdentity::new();
    if let Some(issuer) = identity.issuer() {
        alone = alone.with_issuer(issuer);
    }
    if let Some(session_id) = identity.session_id() {
        alone = alone.with_session_id(session_id);
    }
    alone.into_owned()
}
