//! A record on its way from the store and back: [`Held`].

use super::error::{SessionError, SessionErrorKind};
use super::event::{Reuse, SessionEvent};
use super::id::{IndexKey, SessionId};
use super::record::Record;
use super::sessions::Sessions;
use super::store::{Commit, SessionStore, StoredSession, Write};
use super::view::{EndedBy, Session};
use crate::clock::UnixTime;
use crate::key::crypto::random;
use crate::revocation::Revocation;
use crate::store::StoreError;

/// How often a step is tried while others change the same session. Each time at least one of them
/// gets on, and a token lets few.
pub(super) const TRIES: usize = 32;

/// A record, and what it replaces in the store.
pub(super) struct Held {
    pub(super) id: SessionId,
    pub(super) record: Record,
    replaces: Option<u64>,
    version: u64,
    was_under: Option<IndexKey>,
}

impl Held {
    /// A record that the store does not have yet.
    pub(super) fn new(id: SessionId, record: Record) -> Self {
        Self { id, record, replaces: None, version: 0, was_under: None }
    }

    fn read(stored: StoredSession) -> Result<Self, SessionError> {
        let record = Record::decode(&stored.record)?;
        let was_under = record.index()?;
        let replaces = Some(stored.version);
        Ok(Self { id: stored.id, record, replaces, version: 0, was_under })
    }

    /// What to write for the record to be as it is here.
    pub(super) fn write(&mut self) -> Result<Write, SessionError> {
        self.version = u64::from_be_bytes(random()?) >> 1;
        Ok(Write {
            id: self.id.clone(),
            replaces: self.replaces,
            version: self.version,
            record: self.record.encode()?,
            was_under: self.was_under.clone(),
            under: self.record.index()?,
            remove_at: self.record.remove_at(),
            ends: self.record.ended.is_some(),
        })
    }

    /// What was to be written has been.
    pub(super) fn kept(&mut self) {
        self.replaces = Some(self.version);
        self.was_under = self.record.index().unwrap_or_default();
    }

    pub(super) fn view(&self) -> Session {
        self.record.view(&self.id)
    }
}

impl Sessions {
    /// A step that does nothing yet.
    pub(super) fn step(&self, now: UnixTime) -> Commit {
        Commit {
            unless_revoked: None,
            writes: Vec::new(),
            limit: None,
            revocations: Vec::new(),
            now,
        }
    }

    /// The session of this id, if it is one of this issuer's.
    pub(super) async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<Held>, SessionError> {
        let Some(stored) = self.0.store.load(id, now).await? else {
            return Ok(None);
        };
        if stored.id != *id {
            return Err(nonsense());
        }
        let held = Held::read(stored)?;
        Ok(Some(held).filter(|held| *held.record.issuer == *self.0.issuer.name()))
    }

    /// All sessions under a key.
    pub(super) async fn listed(
        &self,
        index: &IndexKey,
        now: UnixTime,
    ) -> Result<Vec<Held>, SessionError> {
        let mut all: Vec<Held> = Vec::new();
        let mut after = None;
        loop {
            let page = self.0.store.list(index, after.as_ref(), now).await?;
            for stored in page.sessions {
                let held = Held::read(stored)?;
                // A list need not be of one moment: what has left meanwhile is passed over.
                if held.was_under.as_ref() == Some(index) {
                    all.push(held);
                }
            }
            // A page that leads nowhere new would be asked for without end.
            match page.next {
                Some(next) if after.as_ref().is_none_or(|after| *after < next) => {
                    after = Some(next);
                }
                Some(_) => return Err(nonsense()),
                None => return Ok(all),
            }
        }
    }

    /// For as long as the longest-lived of its access tokens is accepted anywhere.
    pub(super) fn revocation(&self, held: &Held, now: UnixTime) -> Revocation {
        let until = self.access_until(now).max(held.record.access_until);
        Revocation::session(held.id.as_str(), until.saturating_add(self.0.leeway))
    }

    /// When the last access token that this process issues by now expires.
    pub(super) fn access_until(&self, now: UnixTime) -> UnixTime {
        now.saturating_add(self.0.issuer.lifetime())
    }

    pub(super) fn ended(&self, held: &Held, by: EndedBy) {
        self.tell(&SessionEvent::Ended { session: &held.view(), by });
    }

    /// Revokes a session that ended before: perhaps there was no room for that then.
    pub(super) async fn revoke_again(
        &self,
        held: &Held,
        now: UnixTime,
    ) -> Result<(), SessionError> {
        let mut step = self.step(now);
        step.revocations.push(self.revocation(held, now));
        // Without conditions there is nothing to be refused.
        self.0.store.commit(&step).await.map(drop)?;
        Ok(())
    }

    /// Tells of a theft that stands in the store, and notes that it was told if its revocation is in
    /// force. If one of these fails it is told once more, by whoever comes next.
    pub(super) async fn tell_theft(&self, mut held: Held, now: UnixTime, revoked: bool) {
        let Some(theft) = held.record.theft.clone() else {
            return;
        };
        let ended_before = held.record.ended.as_ref().map(|end| end.by);
        let reuse = Reuse {
            session: held.view(),
            detected_at: theft.at,
            ended_before: ended_before.filter(|by| *by != EndedBy::Theft),
        };
        self.tell(&SessionEvent::Reused(&reuse));
        if !revoked {
            return;
        }
        held.record.theft = Some(super::record::Theft { told: true, ..theft });
        let Ok(write) = held.write() else {
            return;
        };
        let mut step = self.step(now);
        step.writes.push(write);
        let _ = self.0.store.commit(&step).await;
    }

    pub(super) fn contended(&self) -> SessionError {
        let reason = "too many change the same session at once";
        SessionError::new(SessionErrorKind::Unavailable, reason)
    }
}

fn nonsense() -> SessionError {
    StoreError::unavailable("the store answered with a session that was not asked for").into()
}
