//! A record on its way from the store and back: [`Held`].

use super::error::{SessionError, SessionErrorKind};
use super::event::{Reuse, SessionEvent};
use super::id::{IndexKey, SessionId};
use super::record::Record;
use super::sessions::Sessions;
use super::store::{Commit, Committed, Limit, SessionStore, StoredSession, Write};
use super::view::{EndedBy, Session};
use crate::clock::UnixTime;
use crate::key::crypto::random;
use crate::revocation::Revocation;
use crate::store::StoreError;

/// How often a step is tried while others change the same session. Each time at least one of them
/// gets on, and a token lets few.
pub(super) const TRIES: usize = 32;

/// How many sessions of a subject that have ended are remembered, at most: more than end in one step.
/// Who signs in and out again and again must not fill the store.
pub(super) const MOST_ENDED: usize = 256;

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

    /// What to write for nothing to be left of it.
    fn forgotten(&self, now: UnixTime) -> Result<Write, SessionError> {
        Ok(Write {
            id: self.id.clone(),
            replaces: self.replaces,
            version: u64::from_be_bytes(random()?) >> 1,
            record: Vec::new(),
            was_under: self.was_under.clone(),
            under: None,
            remove_at: now,
            ends: true,
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

    /// That no more sessions of a subject are remembered after they ended than may be.
    pub(super) fn limit_of_ended(&self, subject: &str) -> Result<Limit, SessionError> {
        let index = IndexKey::of_ended(self.0.issuer.name(), subject)?;
        Ok(Limit { index, most: MOST_ENDED })
    }

    /// Makes room for so many more of those that have ended: forgets the ones that ended longest ago.
    /// They stay dead, because nothing is left that could be refreshed.
    pub(super) async fn forget_oldest(
        &self,
        subject: &str,
        coming: usize,
        now: UnixTime,
    ) -> Result<Vec<Write>, SessionError> {
        let Limit { index, most } = self.limit_of_ended(subject)?;
        let mut all = self.listed(&index, now).await?;
        all.sort_by_key(|held| held.record.ended.as_ref().map(|end| end.at));
        all.truncate((all.len() + coming).saturating_sub(most));
        all.iter().map(|held| held.forgotten(now)).collect()
    }

    /// Whether a session that a step was refused for is not covered any more: it was lifted over the
    /// revocation since it was read ([`end_all_but`](Self::end_all_but)).
    pub(super) async fn was_lifted(
        &self,
        id: &SessionId,
        read: UnixTime,
        now: UnixTime,
    ) -> Result<bool, SessionError> {
        let held = self.load(id, now).await?;
        Ok(held.is_some_and(|held| held.record.valid_from != read))
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
        // Whatever fails here, somebody is told once more.
        let _ = self.note_told(held, now).await;
    }

    async fn note_told(&self, mut held: Held, now: UnixTime) -> Result<(), SessionError> {
        let mut step = self.step(now);
        step.limit = Some(self.limit_of_ended(&held.record.subject)?);
        step.writes.push(held.write()?);
        if self.0.store.commit(&step).await? == Committed::Crowded {
            step.writes.extend(self.forget_oldest(&held.record.subject, 1, now).await?);
            let _ = self.0.store.commit(&step).await?;
        }
        Ok(())
    }

    pub(super) fn contended(&self) -> SessionError {
        let reason = "too many change the same session at once";
        SessionError::new(SessionErrorKind::Unavailable, reason)
    }
}

fn nonsense() -> SessionError {
    StoreError::unavailable("the store answered with a session that was not asked for").into()
}
