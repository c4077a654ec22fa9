//! [`Sessions`]: from login to refresh.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::boxed::BoxSessionStore;
use super::builder::{Observer, PolicyHook, SessionsBuilder};
use super::error::{SessionError, SessionErrorKind};
use super::event::{self, SessionEvent};
use super::id::{BoundKey, IndexKey, SessionId};
use super::machine::{Answer, Ask};
use super::policy::Policy;
use super::record::{LAST, Record, millis_down};
use super::refresh_token;
use super::request::{LONGEST_NAME, NewSession, RefreshRequest, check_methods};
use super::step::{Held, TRIES};
use super::store::{Commit, Committed, Limit, SessionStore};
use super::tokens::SessionTokens;
use super::view::{EndedBy, Session};
use crate::clock::UnixTime;
use crate::issuer::scope;
use crate::issuer::token::Issuer;
use crate::revocation::RevocationStore;
use crate::store::StoreError;

/// Sessions kept alive by refresh tokens. A clone is a handle on the same.
///
/// See the [module](super) for the rules and an example. It is of one type whatever the store: an
/// application chooses that at run time ([`BoxSessionStore`](super::BoxSessionStore)).
#[doc(alias("session", "login", "logout", "rotation"))]
#[derive(Clone)]
pub struct Sessions(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) issuer: Issuer,
    pub(super) store: BoxSessionStore,
    pub(super) usual: Policy,
    pub(super) policy: Option<Box<PolicyHook>>,
    pub(super) leeway: Duration,
    pub(super) most_sessions: usize,
    pub(super) observers: Vec<Box<Observer>>,
    /// Where thefts are listed that nobody has been told of.
    pub(super) untold: IndexKey,
}

impl Sessions {
    /// Sets up sessions whose access tokens come from this issuer and that are kept in this store.
    /// The layer that verifies them has to ask the same store for revocations.
    pub fn builder(issuer: Issuer, store: impl SessionStore + RevocationStore) -> SessionsBuilder {
        SessionsBuilder::new(issuer, store)
    }

    /// Begins a session. If the subject would have [too
    /// many](SessionsBuilder::most_sessions), those that were not used for longest end in the same
    /// step.
    ///
    /// # Errors
    /// [`InvalidRequest`](SessionErrorKind::InvalidRequest) if a part is empty or too long, see
    /// [`NewSession`];
    /// [`InvalidScope`](SessionErrorKind::InvalidScope) if a scope is not what RFC 6749 §3.3 allows;
    /// [`UnauthorizedClient`](SessionErrorKind::UnauthorizedClient) if the client can have none;
    /// [`InvalidGrant`](SessionErrorKind::InvalidGrant) if the user was authenticated before all
    /// sessions of theirs were ended;
    /// [`Unavailable`](SessionErrorKind::Unavailable) if the store did not take it.
    pub async fn begin(&self, new: NewSession) -> Result<SessionTokens, SessionError> {
        let inner = &*self.0;
        new.check()?;
        let scope = parse_scope(&new.scope)?;
        let policy = self.policy(&new.client_id)?;
        let index = IndexKey::of_subject(inner.issuer.name(), &new.subject)?;
        let limit = Limit { index, most: inner.most_sessions };
        let now = self.now();
        let record = self.new_record(new, &scope, &policy, now);
        for _ in 0..TRIES {
            let (id, refresh, first) = refresh_token::new_session(inner.issuer.name())?;
            let mut begun = Held::new(id, Record { current: vec![first], ..record.clone() });
            let mut step = self.step(now);
            step.unless_revoked = Some(begun.record.identity(&begun.id));
            step.limit = Some(limit.clone());
            step.writes.push(begun.write()?);
            let mut committed = inner.store.commit(&step).await?;
            let mut evicted = Vec::new();
            let crowd = match &committed {
                Committed::Crowded => Some((&limit.index, limit.most)),
                // The store has no room: whoever has most gives some.
                Committed::Full(index) => Some((index, usize::MAX)),
                _ => None,
            };
            if let Some((index, most)) = crowd {
                evicted = self.oldest(index, most, now).await?;
                self.evict(&mut step, &mut evicted, now).await?;
                committed = inner.store.commit(&step).await?;
            }
            match committed {
                Committed::Done => {
                    for held in &evicted {
                        self.ended(held, EndedBy::Limit);
                    }
                    let session = begun.view();
                    self.tell(&SessionEvent::Begun(&session));
                    return Ok(self.granted(&begun, session, scope, refresh, now));
                }
                Committed::Revoked => {
                    let reason = "the user was authenticated before all of their sessions ended";
                    return Err(SessionError::new(SessionErrorKind::InvalidGrant, reason));
                }
                Committed::Conflict | Committed::Crowded | Committed::Full(_) => {}
            }
        }
        Err(self.contended())
    }

    /// Has these end in a step, for another to begin in it.
    async fn evict(
        &self,
        step: &mut Commit,
        evicted: &mut [Held],
        now: UnixTime,
    ) -> Result<(), SessionError> {
        for held in &mut *evicted {
            held.record.end(EndedBy::Limit, now);
            step.writes.push(held.write()?);
            step.revocations.push(self.revocation(held, now));
        }
        if let Some(Held { record, .. }) = evicted.first() {
            let forgotten = self.forget_oldest(&record.subject, evicted.len(), now).await?;
            step.writes.extend(forgotten);
        }
        Ok(())
    }

    fn new_record(
        &self,
        new: NewSession,
        scope: &[Box<str>],
        policy: &Policy,
        now: UnixTime,
    ) -> Record {
        let inner = &*self.0;
        let authenticated_at = new.authenticated_at.map_or(now, millis_down).min(now);
        let expires_at = now.saturating_add(policy.absolute).min(LAST);
        Record {
            issuer: inner.issuer.name().into(),
            subject: new.subject,
            client_id: new.client_id,
            scope: scope.to_vec(),
            device: new.device,
            created_at: now,
            authenticated_at,
            acr: new.acr,
            amr: new.amr,
            bound_to: new.bound_to.map(|key| key.text().into()),
            valid_from: authenticated_at,
            version: new.version,
            last_used_at: now,
            idle_until: now.saturating_add(policy.idle).min(expires_at),
            expires_at,
            access_until: now.saturating_add(inner.issuer.lifetime()).min(expires_at),
            generation: 0,
            current: Vec::new(),
            predecessor: Vec::new(),
            rotated_at: now,
            retried: 0,
            ended: None,
            theft: None,
        }
    }

    /// The sessions under a key that have to end for one more to begin.
    async fn oldest(
        &self,
        index: &IndexKey,
        most: usize,
        now: UnixTime,
    ) -> Result<Vec<Held>, SessionError> {
        let mut all = self.listed(index, now).await?;
        // Another issuer over the same store keeps its own.
        if all.iter().any(|held| *held.record.issuer != *self.0.issuer.name()) {
            return Err(StoreError::full().into());
        }
        all.sort_by(|one, other| {
            let (one, other) = (&one.record, &other.record);
            one.last_used_at.cmp(&other.last_used_at).then(one.created_at.cmp(&other.created_at))
        });
        let too_many = (all.len() + 1).saturating_sub(most).max(1);
        all.truncate(too_many);
        Ok(all)
    }

    /// Spends a refresh token and yields the next one. What the token does to the session is the
    /// table of the [module](super). Whatever revocation covers the session has ended it, by
    /// whichever API it was put.
    ///
    /// # Errors
    /// [`InvalidGrant`](SessionErrorKind::InvalidGrant) if the text is no refresh token, or the
    /// token is spent, expired, of another client or key, or of a session that has ended;
    /// [`InvalidScope`](SessionErrorKind::InvalidScope) if a scope was not granted;
    /// [`UnauthorizedClient`](SessionErrorKind::UnauthorizedClient) if the client can have no
    /// sessions any more;
    /// [`Unavailable`](SessionErrorKind::Unavailable) if it cannot be decided.
    pub async fn refresh(
        &self,
        request: RefreshRequest<'_>,
    ) -> Result<SessionTokens, SessionError> {
        let inner = &*self.0;
        let refused = |reason| Err(SessionError::new(SessionErrorKind::InvalidGrant, reason));
        if request.client_id.len() > LONGEST_NAME {
            return refused("no client has so long an id");
        }
        let Some(presented) = refresh_token::parse(inner.issuer.name(), request.token)? else {
            return refused("the text is no refresh token");
        };
        let scope = parse_scope(request.scope)?;
        let policy = self.policy(request.client_id)?;
        let (refresh, successor) = presented.successor()?;
        let now = self.now();
        let ask = Ask {
            presented: presented.hash,
            successor,
            client_id: request.client_id,
            key: request.key.map(BoundKey::text),
            scope: &scope,
            now,
            access: inner.issuer.lifetime(),
            policy: &policy,
        };
        for _ in 0..TRIES {
            let Some(mut held) = self.load(&presented.session, now).await? else {
                return refused("there is no such session, or no longer");
            };
            let identity = held.record.identity(&held.id);
            let known = held.record.is_untold();
            let answer = held.record.refresh(&ask);
            if answer.changes() && !known {
                let mut step = self.step(now);
                step.writes.push(held.write()?);
                if answer == Answer::Reused {
                    step.revocations.push(self.revocation(&held, now));
                } else {
                    step.unless_revoked = Some(identity);
                }
                match inner.store.commit(&step).await? {
                    Committed::Done => held.kept(),
                    Committed::Revoked => {
                        let read = held.record.valid_from;
                        let as_it_was = |held: &Held| held.record.valid_from == read;
                        let by = EndedBy::Revocation;
                        if self.end_if(&presented.session, as_it_was, by).await?.is_over() {
                            return refused("the session was revoked");
                        }
                        // It was lifted over the revocation meanwhile, and goes on: nothing of
                        // this step was taken, so it is decided anew.
                        continue;
                    }
                    Committed::Conflict | Committed::Crowded | Committed::Full(_) => continue,
                }
            }
            let session = held.view();
            match answer {
                Answer::Rotated | Answer::Retried | Answer::Kept => {
                    self.tell(&match answer {
                        Answer::Retried => SessionEvent::Retried(&session),
                        _ => SessionEvent::Refreshed(&session),
                    });
                    let scope = if scope.is_empty() { session.scope.clone() } else { scope };
                    let refresh = if answer == Answer::Kept { presented.again() } else { refresh };
                    return Ok(self.granted(&held, session, scope, refresh, now));
                }
                Answer::Reused => {
                    // Told before anything can go wrong, and once more if its revocation is still owed.
                    let revoked = if known { self.revoke_again(&held, now).await } else { Ok(()) };
                    self.tell_theft(held, now, revoked.is_ok()).await;
                    revoked?;
                    return refused("the token was spent before: its session has ended");
                }
                Answer::Crowded => {
                    let reason = "the token was spent a moment ago, and too many have followed it";
                    return Err(SessionError::new(SessionErrorKind::Unavailable, reason));
                }
                Answer::Ended => return refused("the session has ended"),
                Answer::Expired => {
                    self.tell(&SessionEvent::Expired(&session));
                    return refused("the session has expired");
                }
                Answer::WrongClient => {
                    let client_id = request.client_id;
                    self.tell(&SessionEvent::WrongClient { session: &session, client_id });
                    return refused("the token belongs to another client");
                }
                Answer::WrongKey => {
                    self.tell(&SessionEvent::WrongKey(&session));
                    return refused("the token is bound to a key that was not proven");
                }
                Answer::ScopeTooWide => {
                    let reason = "a scope was asked for that was not granted";
                    return Err(SessionError::new(SessionErrorKind::InvalidScope, reason));
                }
            }
        }
        Err(self.contended())
    }

    /// Notes that the user of a live session has just shown once more who they are: step-up. Its
    /// next access tokens carry the new `auth_time`, `acr` and `amr`; `acr` and `amr` replace what
    /// was there. The session as it is then; `None` if it is not live, or not this subject's.
    ///
    /// # Errors
    /// [`InvalidRequest`](SessionErrorKind::InvalidRequest) if the id is none, or a part is too long;
    /// [`Unavailable`](SessionErrorKind::Unavailable) if it may not have been noted.
    pub async fn reauthenticated(
        &self,
        subject: &str,
        session_id: &str,
        acr: Option<&str>,
        amr: &[&str],
    ) -> Result<Option<Session>, SessionError> {
        let id = parse_id(session_id)?;
        let amr: Vec<Box<str>> = amr.iter().map(|&one| one.into()).collect();
        check_methods(acr, &amr)?;
        let now = self.now();
        for _ in 0..TRIES {
            let held = self.load(&id, now).await?;
            let own = |held: &Held| *held.record.subject == *subject && held.record.is_live(now);
            let Some(mut held) = held.filter(own) else {
                return Ok(None);
            };
            let mut step = self.step(now);
            let read = held.record.valid_from;
            step.unless_revoked = Some(held.record.identity(&id));
            held.record.authenticated_at = held.record.authenticated_at.max(now);
            (held.record.acr, held.record.amr) = (acr.map(Box::from), amr.clone());
            step.writes.push(held.write()?);
            match self.0.store.commit(&step).await? {
                Committed::Done => {
                    let session = held.view();
                    self.tell(&SessionEvent::Reauthenticated(&session));
                    return Ok(Some(session));
                }
                Committed::Revoked if !self.was_lifted(&id, read, now).await? => return Ok(None),
                _ => {}
            }
        }
        Err(self.contended())
    }

    /// The store: for the layer that verifies the access tokens, and to revoke in.
    #[must_use]
    pub fn store(&self) -> &BoxSessionStore {
        &self.0.store
    }

    fn granted(
        &self,
        held: &Held,
        session: Session,
        scope: Vec<Box<str>>,
        refresh: refresh_token::RefreshToken,
        now: UnixTime,
    ) -> SessionTokens {
        let Record { valid_from, created_at, .. } = held.record;
        SessionTokens {
            issuer: self.0.issuer.clone(),
            refresh: refresh.with_expiry(session.idle_until),
            session,
            scope,
            issue_from: if valid_from > created_at { valid_from } else { UnixTime::EPOCH },
            now,
        }
    }

    fn policy(&self, client_id: &str) -> Result<Policy, SessionError> {
        let Inner { usual, policy, .. } = &*self.0;
        let chosen = match policy {
            Some(choose) => choose(client_id, usual.clone()),
            None => Some(usual.clone()),
        };
        chosen.map(Policy::limited).ok_or_else(|| {
            let reason = "the policy allows this client no sessions";
            SessionError::new(SessionErrorKind::UnauthorizedClient, reason)
        })
    }

    pub(super) fn tell(&self, event: &SessionEvent<'_>) {
        event::log(event);
        for observer in &self.0.observers {
            observer(event);
        }
    }

    /// The time in whole milliseconds, so that every store keeps the same.
    pub(super) fn now(&self) -> UnixTime {
        millis_down(self.0.issuer.now())
    }
}

fn parse_scope(text: &str) -> Result<Vec<Box<str>>, SessionError> {
    scope::parse(text).ok_or_else(|| {
        let reason = "a scope is not what RFC 6749 §3.3 allows, or there are too many";
        SessionError::new(SessionErrorKind::InvalidScope, reason)
    })
}

pub(super) fn parse_id(text: &str) -> Result<SessionId, SessionError> {
    SessionId::parse(text).ok_or_else(|| {
        SessionError::new(SessionErrorKind::InvalidRequest, "the text is no session id")
    })
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("usual", &self.0.usual).finish_non_exhaustive()
    }
}
