//! [`RefreshTokens`]: sessions, from login to logout.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;

use super::builder::{RefreshTokensBuilder, ReuseHook};
use super::error::{RefreshError, RefreshErrorKind};
use super::family::{Session, SessionId, SubjectKey};
use super::form;
use super::grant::Grant;
use super::request::{NewSession, RefreshRequest};
use super::reuse::{self, Reuse};
use super::store::RefreshStore;
use super::transition::{NewFamily, Rotate, RotateOutcome};
use crate::clock::UnixTime;
use crate::issuer::scope;
use crate::issuer::token::Issuer;
use crate::revocation::{Revocation, TokenIdentity};

/// The longest subject and client id, in bytes.
const LONGEST_NAME: usize = 1024;

/// Sessions kept alive by refresh tokens. A clone is a handle on the same.
///
/// See the [module](super) for the rules and an example.
#[doc(alias("session", "login", "logout", "rotation"))]
pub struct RefreshTokens<S>(pub(super) Arc<Inner<S>>);

pub(super) struct Inner<S> {
    pub(super) issuer: Issuer,
    pub(super) store: S,
    pub(super) idle: Duration,
    pub(super) absolute: Duration,
    pub(super) grace: Duration,
    pub(super) leeway: Duration,
    pub(super) most_sessions: usize,
    pub(super) on_reuse: Option<Box<ReuseHook>>,
}

/// All sessions of a subject have ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
#[must_use = "tokens issued within the same second need its `issue_from`"]
pub struct EndedAll {
    /// Those that were live.
    pub sessions: Vec<SessionId>,
    /// For tokens that are issued from now on: see
    /// [`TokenRequest::issued_from`](crate::issuer::TokenRequest::issued_from).
    pub issue_from: UnixTime,
}

impl<S: RefreshStore> RefreshTokens<S> {
    /// Sets up sessions whose access tokens come from this issuer and that are kept in this store.
    /// The layer that verifies them has to ask the same store for revocations.
    pub fn builder(issuer: Issuer, store: S) -> RefreshTokensBuilder<S> {
        RefreshTokensBuilder::new(issuer, store)
    }

    /// Begins a session. If the subject would have [too
    /// many](super::RefreshTokensBuilder::most_sessions), those that were not used for longest end.
    ///
    /// # Errors
    /// [`InvalidRequest`](RefreshErrorKind::InvalidRequest) if subject or client is empty or longer
    /// than 1024 bytes,
    /// [`InvalidScope`](RefreshErrorKind::InvalidScope) if a scope is not what RFC 6749 §3.3 allows,
    /// [`Unavailable`](RefreshErrorKind::Unavailable) if the store did not take it.
    pub async fn begin(&self, new: NewSession) -> Result<Grant, RefreshError> {
        let inner = &*self.0;
        if ![&new.subject, &new.client_id]
            .iter()
            .all(|name| (1..=LONGEST_NAME).contains(&name.len()))
        {
            let reason = "a session needs a subject and a client, of at most 1024 bytes each";
            return Err(RefreshError::new(RefreshErrorKind::InvalidRequest, reason));
        }
        let scope = parse_scope(&new.scope)?;
        let subject = SubjectKey::new(new.subject)?;
        let (id, refresh, first) = form::new_family(&subject)?;
        let now = self.now();
        let expires_at = now.saturating_add(inner.absolute);
        let session = Session {
            id,
            subject,
            client_id: new.client_id,
            scope: scope.clone(),
            device: new.device,
            created_at: now,
            last_used_at: now,
            idle_until: now.saturating_add(inner.idle).min(expires_at),
            expires_at,
            generation: 0,
        };
        let family = NewFamily { session, first };
        self.make_room(&family.session).await?;
        inner.store.create(&family, now).await?;
        let session = family.session;
        let refresh = refresh.with_expiry(session.idle_until);
        Ok(Grant { issuer: inner.issuer.clone(), session, scope, refresh, now })
    }

    /// Ends what the subject would have too many of. Before the new session begins, so that a failure
    /// leaves none that nobody has the token of.
    async fn make_room(&self, new: &Session) -> Result<(), RefreshError> {
        let Inner { store, most_sessions, .. } = &*self.0;
        let (subject, now) = (&new.subject, new.created_at);
        // Sessions that cannot be told, of another layout say, must not keep their owner out.
        let Ok(mut old) = store.families(subject, now).await else {
            return Ok(());
        };
        newest_first(&mut old);
        let until = self.revoke_until(now);
        let too_many = old.iter().skip(most_sessions.saturating_sub(1));
        let end = |old: &Session| {
            let id = old.id.clone();
            async move { store.end_family(&id, Some(subject), now, until).await }
        };
        try_join_all(too_many.map(end)).await?;
        Ok(())
    }

    /// Whether somebody revoked the session by its id and left it at that.
    async fn is_revoked(&self, id: &SessionId) -> Result<bool, RefreshError> {
        let Inner { store, issuer, .. } = &*self.0;
        let token = TokenIdentity::new().with_session_id(id.as_str()).with_issuer(issuer.name());
        Ok(store.status(&token).await?.is_revoked())
    }

    /// Spends a refresh token and yields the next one. If it was spent before, the session ends and
    /// the hook is told. Before that the store is asked whether the session was revoked by its id:
    /// then it ends too.
    ///
    /// # Errors
    /// [`InvalidGrant`](RefreshErrorKind::InvalidGrant) if the text is no refresh token, or the
    /// token is spent, expired, of another client or of a session that has ended;
    /// [`InvalidScope`](RefreshErrorKind::InvalidScope) if a scope was not granted;
    /// [`Unavailable`](RefreshErrorKind::Unavailable) if it cannot be decided.
    pub async fn refresh(&self, request: RefreshRequest<'_>) -> Result<Grant, RefreshError> {
        let inner = &*self.0;
        let refused = |reason| Err(RefreshError::new(RefreshErrorKind::InvalidGrant, reason));
        let Some(presented) = form::parse(request.token)? else {
            return refused("the text is no refresh token");
        };
        let scope = parse_scope(request.scope)?;
        let (refresh, successor) = presented.successor()?;
        let now = self.now();
        if self.is_revoked(&presented.family).await? {
            self.end(&presented.family, None).await?;
            return refused("the session was revoked");
        }
        let rotate = Rotate {
            presented: presented.hash,
            family: presented.family,
            successor,
            client_id: request.client_id.into(),
            scope: scope.clone(),
            now,
            idle_until: now.saturating_add(inner.idle),
            grace: inner.grace,
            revoke_until: self.revoke_until(now),
        };
        match inner.store.rotate(&rotate).await? {
            RotateOutcome::Rotated(session) | RotateOutcome::Retried(session) => {
                let scope = if scope.is_empty() { session.scope.clone() } else { scope };
                let refresh = refresh.with_expiry(session.idle_until);
                Ok(Grant { issuer: inner.issuer.clone(), session, scope, refresh, now })
            }
            RotateOutcome::Crowded => {
                let reason = "the token was spent a moment ago, and too many have followed it";
                Err(RefreshError::new(RefreshErrorKind::Unavailable, reason))
            }
            RotateOutcome::Reused(session) => {
                let reuse = Reuse { session, detected_at: now };
                reuse::log(&reuse);
                if let Some(hook) = &inner.on_reuse {
                    hook(&reuse);
                }
                refused("the token was spent before: its session has ended")
            }
            RotateOutcome::Expired => refused("the session has expired"),
            RotateOutcome::Unknown => refused("there is no such session, or no longer"),
            RotateOutcome::WrongClient => refused("the token belongs to another client"),
            RotateOutcome::ScopeTooWide => {
                let reason = "a scope was asked for that was not granted";
                Err(RefreshError::new(RefreshErrorKind::InvalidScope, reason))
            }
        }
    }

    /// Logout by refresh token: ends its session, if it has not ended, and revokes the session's
    /// access tokens. A spent token will do. Whether a live session ended: a text that is no refresh
    /// token ends none, which is no error
    /// ([RFC 7009 §2.2](https://www.rfc-editor.org/rfc/rfc7009#section-2.2)).
    ///
    /// # Errors
    /// [`Unavailable`](RefreshErrorKind::Unavailable) if the session may live on.
    pub async fn end_by_token(&self, token: &str) -> Result<bool, RefreshError> {
        let Some(presented) = form::parse(token)? else {
            return Ok(false);
        };
        self.end(&presented.family, None).await
    }

    /// Ends a session by the `sid` of an access token **that was verified**, and revokes the
    /// session's access tokens, be there such a session or not. Whether a live session ended.
    ///
    /// For an id that a user picks from a list, take [`end_session_of`](Self::end_session_of).
    ///
    /// # Errors
    /// [`InvalidRequest`](RefreshErrorKind::InvalidRequest) if the text is no session id,
    /// [`Unavailable`](RefreshErrorKind::Unavailable) if the session may live on.
    pub async fn end_session(&self, session_id: &str) -> Result<bool, RefreshError> {
        let id = parse_id(session_id)?;
        let ended = self.end(&id, None).await?;
        if !ended {
            // a store that lost the session must not let its access token live
            let until = self.revoke_until(self.now());
            self.0.store.revoke(&Revocation::session(id.as_str(), until)).await?;
        }
        Ok(ended)
    }

    /// Ends a session if it is this subject's. Whether it was, and was live.
    ///
    /// # Errors
    /// As for [`end_session`](Self::end_session).
    pub async fn end_session_of(
        &self,
        subject: &str,
        session_id: &str,
    ) -> Result<bool, RefreshError> {
        let subject = SubjectKey::new(subject)?;
        self.end(&parse_id(session_id)?, Some(&subject)).await
    }

    async fn end(
        &self,
        id: &SessionId,
        subject: Option<&SubjectKey>,
    ) -> Result<bool, RefreshError> {
        let now = self.now();
        Ok(self.0.store.end_family(id, subject, now, self.revoke_until(now)).await?)
    }

    /// Ends all sessions of a subject and revokes **every** token that the issuer gave it until now,
    /// with a session or without: "log out everywhere", or the password has changed.
    ///
    /// "Now" is by this machine's clock: a token without a session from a machine whose clock is
    /// ahead lives on if its `iat` is later.
    ///
    /// # Errors
    /// [`Unavailable`](RefreshErrorKind::Unavailable) if anything may live on.
    pub async fn end_all(&self, subject: &str) -> Result<EndedAll, RefreshError> {
        let inner = &*self.0;
        let key = SubjectKey::new(subject)?;
        let now = self.now();
        let until = self.revoke_until(now);
        let exactly = inner.issuer.now();
        let epoch = Revocation::subject(subject, exactly, until).issuer(inner.issuer.name());
        // a store without room for the epoch may have room for what ends: as much as can die does
        let revoked = inner.store.revoke(&epoch).await;
        let sessions = inner.store.end_subject(&key, None, now, until).await?;
        revoked?;
        Ok(EndedAll { sessions, issue_from: epoch.reissue_from().unwrap_or(now) })
    }

    /// Ends all sessions of a subject but this one, and revokes their access tokens. Tokens that
    /// belong to no session live on. Those that ended.
    ///
    /// # Errors
    /// [`InvalidRequest`](RefreshErrorKind::InvalidRequest) if the text is no session id,
    /// [`Unavailable`](RefreshErrorKind::Unavailable) if any of them may live on.
    pub async fn end_all_but(
        &self,
        subject: &str,
        session_id: &str,
    ) -> Result<Vec<SessionId>, RefreshError> {
        let except = parse_id(session_id)?;
        let key = SubjectKey::new(subject)?;
        let now = self.now();
        let until = self.revoke_until(now);
        Ok(self.0.store.end_subject(&key, Some(&except), now, until).await?)
    }

    /// The sessions of a subject, the last used first.
    ///
    /// # Errors
    /// [`Unavailable`](RefreshErrorKind::Unavailable) if they cannot be told.
    pub async fn sessions(&self, subject: &str) -> Result<Vec<Session>, RefreshError> {
        let key = SubjectKey::new(subject)?;
        let mut sessions = self.0.store.families(&key, self.now()).await?;
        newest_first(&mut sessions);
        Ok(sessions)
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.0.store
    }

    /// The time in whole milliseconds, so that every store keeps the same.
    fn now(&self) -> UnixTime {
        let now = self.0.issuer.now().since_epoch();
        let rest = Duration::from_nanos(u64::from(now.subsec_nanos() % 1_000_000));
        UnixTime::from_duration(now.saturating_sub(rest))
    }

    /// When the last access token of a session that ends now has expired everywhere.
    fn revoke_until(&self, now: UnixTime) -> UnixTime {
        now.saturating_add(self.0.issuer.lifetime()).saturating_add(self.0.leeway)
    }
}

fn newest_first(sessions: &mut [Session]) {
    sessions.sort_by(|one, other| {
        other.last_used_at.cmp(&one.last_used_at).then_with(|| one.id.cmp(&other.id))
    });
}

fn parse_scope(text: &str) -> Result<Vec<Box<str>>, RefreshError> {
    scope::parse(text).ok_or_else(|| {
        let reason = "a scope is not what RFC 6749 §3.3 allows, or there are too many";
        RefreshError::new(RefreshErrorKind::InvalidScope, reason)
    })
}

fn parse_id(text: &str) -> Result<SessionId, RefreshError> {
    SessionId::parse(text).ok_or_else(|| {
        RefreshError::new(RefreshErrorKind::InvalidRequest, "the text is no session id")
    })
}

impl<S> Clone for RefreshTokens<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for RefreshTokens<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshTokens")
            .field("idle", &self.0.idle)
            .field("absolute", &self.0.absolute)
            .field("grace", &self.0.grace)
            .finish_non_exhaustive()
    }
}
