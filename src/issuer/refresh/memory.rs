//! [`MemoryRefreshStore`]: sessions in this process's memory.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::family::{Family, Session, SessionId, SubjectKey};
use super::store::RefreshStore;
use super::transition::{NewFamily, Rotate, RotateOutcome};
use crate::clock::{Clock, SystemClock, UnixTime};
use crate::revocation::{
    Identifiers, MemoryStore, Revocation, RevocationStatus, RevocationStore, StoreError,
    TokenIdentity,
};

/// Sessions in this process's memory, and the revocations of those that ended. A clone is a handle
/// on the same store.
///
/// 1. Each step holds one lock for a few microseconds, never while anything waits.
/// 2. The number of sessions is bounded. A full store refuses to begin another: it gives up none
///    that is live.
/// 3. Expired sessions go a few at a time as others begin, and all of them when the store is full.
/// 4. To the layer it is a revocation check that answers without a lock; tokens need a `sid`, a
///    `sub` and an `iat`, unless the [`MemoryStore`] that it was given says otherwise.
///
/// It goes by the system's clock, and so must the issuer. An issuer with another clock needs a store
/// [`with_clock`](Self::with_clock).
///
/// It forgets when the process ends: everyone is signed out then. Access tokens that were revoked
/// live on after a restart if their signing key does, for the rest of their lifetime.
#[derive(Clone)]
pub struct MemoryRefreshStore {
    inner: Arc<Inner>,
}

struct Inner {
    revocations: MemoryStore,
    capacity: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    families: HashMap<SessionId, Entry>,
    by_subject: HashMap<SubjectKey, Vec<SessionId>>,
    deadlines: BTreeSet<(UnixTime, SessionId)>,
}

struct Entry {
    family: Family,
    /// Was to end, and could not be revoked.
    ending: bool,
}

/// How many expired sessions go with each one that begins.
const SWEEP: usize = 4;

impl MemoryRefreshStore {
    /// A store for 100,000 sessions, with revocations of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// A store for 100,000 sessions that goes by this clock, with revocations of its own.
    #[must_use]
    pub fn with_clock(clock: impl Clock) -> Self {
        let required = Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH;
        let revocations = MemoryStore::builder().clock(clock).require(required).build();
        Self::with_revocations(revocations, 100_000)
    }

    /// A store for this many sessions that revokes in this store.
    #[must_use]
    pub fn with_revocations(revocations: MemoryStore, capacity: usize) -> Self {
        let table = Mutex::default();
        Self { inner: Arc::new(Inner { revocations, capacity, table }) }
    }

    /// Where the sessions that ended are revoked.
    #[must_use]
    pub fn revocations(&self) -> &MemoryStore {
        &self.inner.revocations
    }

    /// How many sessions are held, expired ones that have not gone yet among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table().families.len()
    }

    /// Whether no session is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.inner.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn revoke_session(&self, id: &SessionId, until: UnixTime) -> Result<(), StoreError> {
        if until <= self.inner.revocations.now() {
            return Err(StoreError::unavailable(
                "the store's clock is far ahead of the issuer's: see MemoryRefreshStore::with_clock",
            ));
        }
        self.inner.revocations.revoke_now(&Revocation::session(id.as_str(), until))
    }

    fn create_now(&self, new: &NewFamily, now: UnixTime) -> Result<(), StoreError> {
        let mut table = self.table();
        table.purge(now, SWEEP);
        if table.families.len() >= self.inner.capacity {
            table.purge(now, usize::MAX);
        }
        if table.families.len() >= self.inner.capacity {
            return Err(StoreError::full());
        }
        if table.families.contains_key(&new.session.id) {
            return Err(StoreError::unavailable("there is a session of this id"));
        }
        table.insert(new.clone().into());
        Ok(())
    }

    fn rotate_now(&self, request: &Rotate) -> Result<RotateOutcome, StoreError> {
        let mut table = self.table();
        let table = &mut *table;
        let Some(entry) = table.families.get_mut(&request.family) else {
            return Ok(RotateOutcome::Unknown);
        };
        let before = entry.family.session.idle_until;
        let outcome = if entry.ending {
            RotateOutcome::Reused(entry.family.session.clone())
        } else {
            entry.family.rotate(request)
        };
        let after = entry.family.session.idle_until;
        match &outcome {
            RotateOutcome::Reused(_) => {
                // from here on it can only end, whether or not it can be revoked now
                entry.ending = true;
                self.revoke_session(&request.family, request.revoke_until)?;
                table.remove(&request.family);
            }
            RotateOutcome::Expired => table.remove(&request.family),
            _ if before != after => {
                table.deadlines.remove(&(before, request.family.clone()));
                table.deadlines.insert((after, request.family.clone()));
            }
            _ => {}
        }
        Ok(outcome)
    }

    fn end_family_now(
        &self,
        id: &SessionId,
        subject: Option<&SubjectKey>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> Result<bool, StoreError> {
        let mut table = self.table();
        let Some(entry) = table.families.get(id) else {
            return Ok(false);
        };
        let live = entry.is_live(now);
        if subject.is_some_and(|subject| entry.family.session.subject != *subject) {
            return Ok(false);
        }
        self.revoke_session(id, revoke_until)?;
        table.remove(id);
        Ok(live)
    }

    fn end_subject_now(
        &self,
        subject: &SubjectKey,
        except: Option<&SessionId>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut table = self.table();
        let mut ids = table.by_subject.get(subject).cloned().unwrap_or_default();
        ids.retain(|id| Some(id) != except);
        for id in &ids {
            self.revoke_session(id, revoke_until)?;
        }
        ids.retain(|id| {
            let live = table.families.get(id).is_some_and(|entry| entry.is_live(now));
            table.remove(id);
            live
        });
        Ok(ids)
    }

    fn families_now(&self, subject: &SubjectKey, now: UnixTime) -> Vec<Session> {
        let table = self.table();
        let ids = table.by_subject.get(subject).into_iter().flatten();
        let entries = ids.filter_map(|id| table.families.get(id));
        entries
            .filter(|entry| entry.is_live(now))
            .map(|entry| entry.family.session.clone())
            .collect()
    }
}

impl Entry {
    fn is_live(&self, now: UnixTime) -> bool {
        !self.ending && !self.family.session.has_expired(now)
    }
}

impl Table {
    fn insert(&mut self, family: Family) {
        let Session { id, subject, idle_until, .. } = &family.session;
        self.by_subject.entry(subject.clone()).or_default().push(id.clone());
        self.deadlines.insert((*idle_until, id.clone()));
        self.families.insert(id.clone(), Entry { family, ending: false });
    }

    fn remove(&mut self, id: &SessionId) {
        let Some(Entry { family, .. }) = self.families.remove(id) else {
            return;
        };
        let Session { id, subject, idle_until, .. } = family.session;
        if let Some(ids) = self.by_subject.get_mut(&subject) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_subject.remove(&subject);
            }
        }
        self.deadlines.remove(&(idle_until, id));
    }

    fn purge(&mut self, now: UnixTime, most: usize) {
        for _ in 0..most {
            match self.deadlines.first() {
                Some((deadline, id)) if *deadline <= now => {
                    let id = id.clone();
                    self.remove(&id);
                }
                _ => break,
            }
        }
    }
}

impl RefreshStore for MemoryRefreshStore {
    async fn create(&self, family: &NewFamily, now: UnixTime) -> Result<(), StoreError> {
        self.create_now(family, now)
    }

    async fn rotate(&self, request: &Rotate) -> Result<RotateOutcome, StoreError> {
        self.rotate_now(request)
    }

    async fn end_family(
        &self,
        id: &SessionId,
        subject: Option<&SubjectKey>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> Result<bool, StoreError> {
        self.end_family_now(id, subject, now, revoke_until)
    }

    async fn end_subject(
        &self,
        subject: &SubjectKey,
        except: Option<&SessionId>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.end_subject_now(subject, except, now, revoke_until)
    }

    async fn families(
        &self,
        subject: &SubjectKey,
        now: UnixTime,
    ) -> Result<Vec<Session>, StoreError> {
        Ok(self.families_now(subject, now))
    }
}

impl RevocationStore for MemoryRefreshStore {
    fn required_identifiers(&self) -> Identifiers {
        self.inner.revocations.required_identifiers()
    }

    #[inline]
    fn known(&self, token: &TokenIdentity<'_>) -> Option<Result<RevocationStatus, StoreError>> {
        self.inner.revocations.known(token)
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        Ok(self.inner.revocations.status_now(token))
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.inner.revocations.revoke_now(revocation)
    }
}

impl Default for MemoryRefreshStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryRefreshStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRefreshStore")
            .field("len", &self.len())
            .field("capacity", &self.inner.capacity)
            .finish_non_exhaustive()
    }
}
