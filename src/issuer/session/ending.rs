//! Ends of sessions, lists of them, and thefts that nobody was told of.

use std::time::Duration;

use futures_util::future::join_all;

use super::error::{SessionError, SessionErrorKind};
use super::id::{IndexKey, SessionId};
use super::record::millis_up;
use super::refresh_token;
use super::sessions::{Sessions, parse_id};
use super::step::{Held, TRIES};
use super::store::{Committed, SessionStore};
use super::view::{EndedBy, Session};
use crate::clock::UnixTime;
use crate::revocation::{Revocation, RevocationStore, TokenIdentity};

/// How many sessions are ended in one step.
const AT_ONCE: usize = 128;

/// What became of a session that was to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a session that is unknown has not ended here: it may have been lost"]
pub enum Ending {
    /// It was live, and has ended. Its access tokens are revoked.
    Ended,
    /// It had ended or expired before. Its access tokens are revoked.
    Before,
    /// The store has no such session, or it is not whose it was to be: the id was made up, the
    /// session expired long ago, or the store has lost it. Nothing has ended. Of a token that was
    /// verified the session id is revoked all the same
    /// ([`end_verified`](Sessions::end_verified)).
    Unknown,
}

impl Ending {
    /// Whether a live session ended.
    #[must_use]
    pub const fn was_live(self) -> bool {
        matches!(self, Self::Ended)
    }

    /// Whether the session is over, now or since before.
    #[must_use]
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::Unknown)
    }
}

/// Sessions of a subject have ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
#[must_use = "tokens issued within the same second need its `issue_from`"]
pub struct EndedAll {
    /// Those that were live and ended.
    pub sessions: Vec<SessionId>,
    /// Of [`end_all_but`](Sessions::end_all_but): the one that goes on, if it was live and the
    /// subject's.
    pub kept: Option<Session>,
    /// For tokens that are issued from now on without a session that was kept: see
    /// [`AccessTokenBuilder::issued_from`](crate::issuer::AccessTokenBuilder::issued_from).
    pub issue_from: UnixTime,
}

impl Sessions {
    /// Ends a session of a subject, by the id that they chose from the list of theirs: the id may
    /// be whatever a client says, and other people's sessions are [`Ending::Unknown`].
    ///
    /// # Errors
    /// [`InvalidRequest`](SessionErrorKind::InvalidRequest) if the text is no session id,
    /// [`Unavailable`](SessionErrorKind::Unavailable) if the session may live on.
    pub async fn end_session(
        &self,
        subject: &str,
        session_id: &str,
    ) -> Result<Ending, SessionError> {
        let id = parse_id(session_id)?;
        self.end(&id, Some(subject), EndedBy::Subject).await
    }

    /// Logout by access token: ends the session of a token that **was verified**
    /// (`TokenIdentity::from(claims.registered())`), and revokes its session id even if the store
    /// has no such session, because it has lost it, say.
    ///
    /// # Errors
    /// [`InvalidRequest`](SessionErrorKind::InvalidRequest) if the token is of another issuer or has
    /// no session id of this crate's, [`Unavailable`](SessionErrorKind::Unavailable) if the session
    /// or the token may live on.
    pub async fn end_verified(&self, token: &TokenIdentity<'_>) -> Result<Ending, SessionError> {
        if token.issuer() != Some(self.0.issuer.name()) {
            let reason = "the token is of another issuer, or it is not known of which";
            return Err(SessionError::new(SessionErrorKind::InvalidRequest, reason));
        }
        let id = parse_id(token.session_id().unwrap_or_default())?;
        let ending = self.end(&id, None, EndedBy::AccessToken).await;
        if !matches!(ending, Ok(ending) if ending.is_over()) {
            // A store that lost the session, or cannot read it, must not let its tokens live.
            let until = self.access_until(self.now()).max(token.expires_at().unwrap_or_default());
            let until = until.saturating_add(self.0.leeway);
            // Of this issuer's alone: nobody knows whose session it is.
            let revocation = Revocation::session(id.as_str(), until);
            self.0.store.revoke(&revocation.issuer(self.0.issuer.name())).await?;
        }
        ending
    }

    /// Logout by refresh token: ends its session. A spent token will do. A text that is no refresh
    /// token is [`Ending::Unknown`], which is no error
    /// ([RFC 7009 §2.2](https://www.rfc-editor.org/rfc/rfc7009#section-2.2)).
    ///
    /// Anyone can make up a token, so an unknown one leaves nothing behind. Where the client also
    /// sends an access token, [`end_verified`](Self::end_verified) ends what the store has lost, too.
    ///
    /// # Errors
    /// [`Unavailable`](SessionErrorKind::Unavailable) if the session may live on.
    pub async fn end_by_token(&self, token: &str) -> Result<Ending, SessionError> {
        match refresh_token::parse(self.0.issuer.name(), token)? {
            Some(presented) => self.end(&presented.session, None, EndedBy::RefreshToken).await,
            None => Ok(Ending::Unknown),
        }
    }

    pub(super) async fn end(
        &self,
        id: &SessionId,
        subject: Option<&str>,
        by: EndedBy,
    ) -> Result<Ending, SessionError> {
        let own = |held: &Held| subject.is_none_or(|subject| *held.record.subject == *subject);
        self.end_if(id, own, by).await
    }

    /// Ends a session for as long as this holds of it.
    pub(super) async fn end_if(
        &self,
        id: &SessionId,
        holds: impl Fn(&Held) -> bool,
        by: EndedBy,
    ) -> Result<Ending, SessionError> {
        let now = self.now();
        for _ in 0..TRIES {
            let held = self.load(id, now).await?;
            let Some(mut held) = held.filter(&holds) else {
                return Ok(Ending::Unknown);
            };
            let live = held.record.is_live(now);
            let mut step = self.step(now);
            // Once more if it has ended: perhaps it ended without room for its revocation.
            step.revocations.push(self.revocation(&held, now));
            if held.record.ended.is_none() {
                held.record.end(by, now);
                step.writes.push(held.write()?);
                step.limit = Some(self.limit_of_ended(&held.record.subject)?);
            }
            let mut committed = self.0.store.commit(&step).await?;
            if committed == Committed::Crowded {
                step.writes.extend(self.forget_oldest(&held.record.subject, 1, now).await?);
                committed = self.0.store.commit(&step).await?;
            }
            if committed == Committed::Done {
                if !live {
                    return Ok(Ending::Before);
                }
                self.ended(&held, by);
                return Ok(Ending::Ended);
            }
        }
        Err(self.contended())
    }

    /// Ends all sessions of a subject and revokes **every** token that the issuer gave it until now,
    /// with a session or without: "log out everywhere", or the password has changed. A session
    /// whose user was authenticated before cannot begin any more.
    ///
    /// "Now" is by this machine's clock: a token without a session from a machine whose clock is
    /// ahead lives on if its `iat` is later.
    ///
    /// # Errors
    /// [`Unavailable`](SessionErrorKind::Unavailable) if anything may live on,
    /// [`Unsupported`](SessionErrorKind::Unsupported) if the store holds no revocations by subject.
    pub async fn end_all(&self, subject: &str) -> Result<EndedAll, SessionError> {
        let epoch = millis_up(self.0.issuer.now());
        // A store without room for the epoch may have room for what ends: as much as can die does.
        let revoked = self.revoke_all(subject, epoch).await;
        let sessions = self.end_listed(subject, None, EndedBy::All).await?;
        Ok(EndedAll { sessions, kept: None, issue_from: revoked? })
    }

    /// Ends all sessions of a subject but this one, and revokes every token that the issuer gave it
    /// until now: the password was changed in this session. **That includes the access tokens of
    /// the session that is kept**: its client gets a new one by its refresh token, as it does when
    /// one has expired.
    ///
    /// If the session is not live, or not the subject's, none is kept.
    ///
    /// # Errors
    /// As for [`end_all`](Self::end_all); and [`InvalidRequest`](SessionErrorKind::InvalidRequest) if
    /// the text is no session id.
    pub async fn end_all_but(
        &self,
        subject: &str,
        session_id: &str,
    ) -> Result<EndedAll, SessionError> {
        let id = parse_id(session_id)?;
        let epoch = millis_up(self.0.issuer.now());
        // First, or a refresh that comes right after the epoch would end it.
        let kept = self.outlive(subject, &id, epoch).await?;
        let revoked = self.revoke_all(subject, epoch).await;
        let except = kept.is_some().then_some(&id);
        let sessions = self.end_listed(subject, except, EndedBy::AllButOne).await?;
        Ok(EndedAll { sessions, kept, issue_from: revoked? })
    }

    async fn revoke_all(&self, subject: &str, epoch: UnixTime) -> Result<UnixTime, SessionError> {
        let until = self.access_until(epoch).saturating_add(self.0.leeway);
        let epoch = Revocation::subject(subject, epoch, until).issuer(self.0.issuer.name());
        self.0.store.revoke(&epoch).await?;
        Ok(epoch.reissue_from().unwrap_or_default())
    }

    /// Lifts a live session over an epoch that is to come.
    async fn outlive(
        &self,
        subject: &str,
        id: &SessionId,
        epoch: UnixTime,
    ) -> Result<Option<Session>, SessionError> {
        let now = self.now();
        for _ in 0..TRIES {
            let held = self.load(id, now).await?;
            let own = |held: &Held| *held.record.subject == *subject && held.record.is_live(now);
            let Some(mut held) = held.filter(own) else {
                return Ok(None);
            };
            let mut step = self.step(now);
            let read = held.record.valid_from;
            step.unless_revoked = Some(held.record.identity(id));
            // Later than the beginning, so that it shows.
            let shown = held.record.created_at.saturating_add(Duration::from_millis(1));
            held.record.valid_from = held.record.valid_from.max(epoch).max(shown);
            step.writes.push(held.write()?);
            match self.0.store.commit(&step).await? {
                Committed::Done => return Ok(Some(held.view())),
                // Another call may have lifted it over the epoch that it put.
                Committed::Revoked if !self.was_lifted(id, read, now).await? => return Ok(None),
                _ => {}
            }
        }
        Err(self.contended())
    }

    /// Ends what the store lists of a subject, until it lists nothing more.
    async fn end_listed(
        &self,
        subject: &str,
        except: Option<&SessionId>,
        by: EndedBy,
    ) -> Result<Vec<SessionId>, SessionError> {
        let index = IndexKey::of_subject(self.0.issuer.name(), subject)?;
        let now = self.now();
        let mut ended = Vec::new();
        for _ in 0..TRIES {
            let mut all = self.listed(&index, now).await?;
            all.retain(|held| Some(&held.id) != except);
            if all.is_empty() {
                return Ok(ended);
            }
            let mut again = false;
            for part in all.chunks_mut(AT_ONCE) {
                let mut step = self.step(now);
                step.limit = Some(self.limit_of_ended(subject)?);
                let mut live = Vec::new();
                for held in part {
                    if held.record.is_live(now) {
                        live.push(held.id.clone());
                    }
                    held.record.end(by, now);
                    step.writes.push(held.write()?);
                    step.revocations.push(self.revocation(held, now));
                }
                let mut committed = self.0.store.commit(&step).await?;
                if committed == Committed::Crowded {
                    let coming = step.writes.len();
                    step.writes.extend(self.forget_oldest(subject, coming, now).await?);
                    committed = self.0.store.commit(&step).await?;
                }
                match committed {
                    Committed::Done => ended.append(&mut live),
                    _ => again = true,
                }
            }
            for held in all.iter().filter(|held| ended.contains(&held.id)) {
                self.ended(held, by);
            }
            if !again {
                return Ok(ended);
            }
        }
        Err(self.contended())
    }

    /// The live sessions of a subject, the last used first.
    ///
    /// # Errors
    /// [`Unavailable`](SessionErrorKind::Unavailable) if they cannot be told.
    #[doc(alias = "list")]
    pub async fn sessions(&self, subject: &str) -> Result<Vec<Session>, SessionError> {
        let index = IndexKey::of_subject(self.0.issuer.name(), subject)?;
        let now = self.now();
        let mut held = self.listed(&index, now).await?;
        held.retain(|held| held.record.is_live(now));
        let mut live = Vec::new();
        for part in held.chunks(AT_ONCE) {
            let questions = part.iter().map(async |held| {
                let identity = held.record.identity(&held.id);
                self.0.store.status(&identity).await
            });
            for (held, status) in part.iter().zip(join_all(questions).await) {
                let read = held.record.valid_from;
                if !status?.is_revoked() || self.was_lifted(&held.id, read, now).await? {
                    live.push(held.view());
                }
            }
        }
        live.sort_by(|one, other| {
            other.last_used_at.cmp(&one.last_used_at).then_with(|| one.id.cmp(&other.id))
        });
        Ok(live)
    }

    /// Tells the observers of thefts that were noticed and of which nobody was told: the process
    /// died, or an answer of the store was lost. How many were told of. Several processes that ask
    /// at once may each tell.
    ///
    /// Call it when the process starts and every few minutes. Without it such a theft is told when
    /// somebody next presents a token of that session.
    ///
    /// # Errors
    /// [`Unavailable`](SessionErrorKind::Unavailable) if they cannot be listed, or one was told of
    /// whose session could not be revoked: it is told of again.
    pub async fn tell_pending(&self) -> Result<usize, SessionError> {
        let now = self.now();
        let (mut told, mut failed) = (0, Ok(()));
        for Held { id, .. } in self.listed(&self.0.untold, now).await? {
            // Anew: perhaps another process has told by now.
            if let Some(held) = self.load(&id, now).await?
                && held.record.is_untold()
            {
                let revoked = self.revoke_again(&held, now).await;
                self.tell_theft(held, now, revoked.is_ok()).await;
                told += 1;
                failed = failed.and(revoked);
            }
        }
        failed.map(|()| told)
    }
}
