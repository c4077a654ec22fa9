//! Steps of single-use tokens: loaded, decided, swapped, as those of sessions are.

use super::error::{SingleUseError, SingleUseErrorKind};
use super::records::{Group, Head, Member, Token, Tried, millis, moment, other_format};
use crate::clock::{Clock, UnixTime};
use crate::issuer::session::{BoxSessionStore, Commit, Committed, SessionId, SessionStore, Write};
use crate::key::crypto::random;
use crate::store::StoreError;

/// How often a step is tried while others change the same group: each time at least one gets on.
const TRIES: usize = 32;

/// Where the records are.
pub(super) struct Kept<'a> {
    pub(super) store: &'a BoxSessionStore,
    pub(super) issuer: &'a str,
    pub(super) clock: &'a dyn Clock,
}

/// A token to be kept.
pub(super) struct New<'a> {
    pub(super) id: SessionId,
    /// Its group, its slot there, and of how many in it it is one.
    pub(super) place: Option<(SessionId, String, u32)>,
    pub(super) subject: Option<(&'a str, Option<u64>)>,
    pub(super) payload: Vec<u8>,
    pub(super) until: UnixTime,
}

/// A record that was loaded, or is to be made.
struct Held<T> {
    id: SessionId,
    version: Option<u64>,
    value: T,
}

impl Kept<'_> {
    /// In whole milliseconds, as records keep it.
    fn now(&self) -> UnixTime {
        moment(millis(self.clock.now()))
    }

    async fn token(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<Held<Token>>, StoreError> {
        let Some(stored) = self.store.load(id, now).await? else { return Ok(None) };
        let value = Token::decode(&stored.record)?;
        let held = Held { id: id.clone(), version: Some(stored.version), value };
        Ok(Some(held).filter(|held| now < moment(held.value.head.until)))
    }

    async fn group(&self, id: &SessionId, now: UnixTime) -> Result<Held<Group>, StoreError> {
        let stored = self.store.load(id, now).await?;
        let version = stored.as_ref().map(|stored| stored.version);
        let value = stored.map(|stored| Group::decode(&stored.record)).transpose()?;
        Ok(Held { id: id.clone(), version, value: value.unwrap_or_default() })
    }

    /// Keeps a token, and removes those that it replaces.
    pub(super) async fn put(&self, new: &New<'_>) -> Result<(), SingleUseError> {
        let now = self.now();
        let head = Head {
            group: new.place.as_ref().map(|(group, ..)| group.to_string()),
            until: millis(new.until),
            minted: millis(now),
            subject: new.subject.map(|(subject, _)| subject.to_owned()),
            version: new.subject.and_then(|(_, version)| version),
        };
        let token = Token { head, payload: new.payload.clone() };
        for tried in 0..TRIES {
            let mut step = step(now);
            step.unless_revoked = token.identity(self.issuer);
            let version = version()?;
            // A code of six digits may have been another's, and a store may still have that.
            let old = if tried > 0 { self.store.load(&new.id, now).await? } else { None };
            step.writes.push(Write {
                id: new.id.clone(),
                replaces: old.map(|old| old.version),
                version,
                record: token.encode()?,
                was_under: None,
                under: None,
                remove_at: moment(token.head.until),
                ends: false,
            });
            if let Some((group, slot, most)) = &new.place {
                let mut group = self.group(group, now).await?;
                let (id, until) = (new.id.to_string(), token.head.until);
                let member = Member { id, version, slot: slot.clone(), until };
                let mut gone = group.value.put(member, *most, now);
                gone.retain(|member| member.id != new.id.as_str());
                step.writes.push(swap(&group, now)?);
                self.remove(&mut step, gone, tried > 0).await?;
            }
            match self.store.commit(&step).await? {
                Committed::Done => return Ok(()),
                // All of the subject's ended within this very millisecond, or it is of an old version.
                Committed::Revoked => {
                    let reason = "what the subject is given at this moment is revoked";
                    return Err(StoreError::unavailable(reason).into());
                }
                Committed::Full(_) => return Err(StoreError::full().into()),
                Committed::Conflict | Committed::Crowded => {}
            }
        }
        Err(contended())
    }

    /// Yields the payload of the token with this id, once.
    pub(super) async fn take(&self, id: &SessionId) -> Result<Vec<u8>, SingleUseError> {
        for _ in 0..TRIES {
            let now = self.now();
            let Some(token) = self.token(id, now).await? else {
                return Err(SingleUseError::rejected());
            };
            let mut step = step(now);
            if let Some(group) = &token.value.head.group {
                let group = SessionId::parse(group).ok_or_else(other_format)?;
                let mut group = self.group(&group, now).await?;
                if group.value.take(id, now).is_none() {
                    return Err(SingleUseError::rejected());
                }
                step.writes.push(swap(&group, now)?);
            }
            if let Some(payload) = self.finish(step, token).await? {
                return Ok(payload);
            }
        }
        Err(contended())
    }

    /// As [`take`](Self::take), for an id that could be guessed: a wrong one is counted.
    pub(super) async fn attempt(
        &self,
        id: &SessionId,
        (group, slot): (&SessionId, &str),
        most: u32,
    ) -> Result<Vec<u8>, SingleUseError> {
        for tried in 0..TRIES {
            let now = self.now();
            let mut group = self.group(group, now).await?;
            let mut step = step(now);
            match group.value.attempt(id, slot, most, now) {
                Tried::Nothing => return Err(SingleUseError::rejected()),
                Tried::Right(member) => {
                    let id = SessionId::parse(&member.id).ok_or_else(other_format)?;
                    let Some(token) = self.token(&id, now).await? else {
                        return Err(SingleUseError::rejected());
                    };
                    step.writes.push(swap(&group, now)?);
                    if let Some(payload) = self.finish(step, token).await? {
                        return Ok(payload);
                    }
                }
                Tried::Wrong(gone) => {
                    step.writes.push(swap(&group, now)?);
                    self.remove(&mut step, gone, tried > 0).await?;
                    if self.store.commit(&step).await? == Committed::Done {
                        return Err(SingleUseError::rejected());
                    }
                }
            }
        }
        Err(contended())
    }

    /// Takes the last step of a token, unless it is revoked with all that its subject has. `None` if
    /// somebody else was faster at something.
    async fn finish(
        &self,
        mut step: Commit,
        token: Held<Token>,
    ) -> Result<Option<Vec<u8>>, SingleUseError> {
        step.unless_revoked = token.value.identity(self.issuer);
        step.writes.push(gone(&token.id, token.version, step.now)?);
        match self.store.commit(&step).await? {
            Committed::Done => Ok(Some(token.value.payload)),
            Committed::Revoked => Err(SingleUseError::rejected()),
            Committed::Conflict | Committed::Crowded | Committed::Full(_) => Ok(None),
        }
    }

    /// Removes all tokens of a group.
    pub(super) async fn revoke_group(&self, id: &SessionId) -> Result<(), SingleUseError> {
        for tried in 0..TRIES {
            let now = self.now();
            let mut group = self.group(id, now).await?;
            if group.version.is_none() {
                return Ok(());
            }
            let mut step = step(now);
            let all = std::mem::take(&mut group.value.members);
            step.writes.push(swap(&group, now)?);
            self.remove(&mut step, all, tried > 0).await?;
            if self.store.commit(&step).await? == Committed::Done {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// Adds to a step that these are removed. `look` says whether to find out first which of them
    /// there are: a store that has lost one must not keep its group as it is.
    async fn remove(
        &self,
        step: &mut Commit,
        members: Vec<Member>,
        look: bool,
    ) -> Result<(), SingleUseError> {
        for member in members {
            let id = SessionId::parse(&member.id).ok_or_else(other_format)?;
            let there = !look || self.store.load(&id, step.now).await?.is_some();
            if there {
                step.writes.push(gone(&id, Some(member.version), step.now)?);
            }
        }
        Ok(())
    }
}

fn step(now: UnixTime) -> Commit {
    let (unless_revoked, limit) = (None, None);
    Commit { unless_revoked, writes: Vec::new(), limit, revocations: Vec::new(), now }
}

fn version() -> Result<u64, SingleUseError> {
    Ok(u64::from_be_bytes(random()?) >> 1)
}

/// The group as it is now. One without tokens need not be kept.
fn swap(group: &Held<Group>, now: UnixTime) -> Result<Write, SingleUseError> {
    let until = group.value.until();
    if until <= now && group.version.is_some() {
        return gone(&group.id, group.version, now);
    }
    Ok(Write {
        id: group.id.clone(),
        replaces: group.version,
        version: version()?,
        record: group.value.encode()?,
        was_under: None,
        under: None,
        remove_at: until,
        ends: false,
    })
}

fn gone(id: &SessionId, replaces: Option<u64>, now: UnixTime) -> Result<Write, SingleUseError> {
    Ok(Write {
        id: id.clone(),
        replaces,
        version: version()?,
        record: Vec::new(),
        was_under: None,
        under: None,
        remove_at: now,
        ends: true,
    })
}

fn contended() -> SingleUseError {
    let reason = "too many change the tokens of one group at once";
    SingleUseError::of(SingleUseErrorKind::Unavailable).with_source(StoreError::unavailable(reason))
}
