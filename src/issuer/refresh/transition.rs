//! The state machine of a family as code: [`Family::rotate`], what goes in and what comes out.

use std::time::Duration;

use super::family::{Family, Session, SessionId};
use crate::clock::UnixTime;
use crate::key::crypto::TokenHash;

/// How many tokens of one generation there can be: the first successor, and those given out for
/// retries in the grace window. A retry beyond that is told to come later.
pub const MOST_SUCCESSORS: usize = 8;

/// A family to be kept.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewFamily {
    /// The session, of generation 0.
    pub session: Session,
    /// The hash of its first token.
    pub first: TokenHash,
}

impl From<NewFamily> for Family {
    fn from(new: NewFamily) -> Self {
        Self {
            rotated_at: new.session.created_at,
            session: new.session,
            current: vec![new.first],
            predecessor: None,
        }
    }
}

/// An order to spend a token and to put another in its place.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rotate {
    /// The family of the presented token.
    pub family: SessionId,
    /// The hash of the presented token.
    pub presented: TokenHash,
    /// The hash of the token that is to follow it.
    pub successor: TokenHash,
    /// The client that presents it.
    pub client_id: Box<str>,
    /// The scopes that are asked for, each of which must have been granted; empty for all.
    pub scope: Vec<Box<str>>,
    /// The time of this step.
    pub now: UnixTime,
    /// The new [`Session::idle_until`]. The store limits it to [`Session::expires_at`].
    pub idle_until: UnixTime,
    /// For how long after a rotation the token that was spent still yields a successor, whichever
    /// way the clocks of two machines differ. Zero for never.
    pub grace: Duration,
    /// How long the session id stays revoked if the family ends.
    pub revoke_until: UnixTime,
}

/// What became of a [`Rotate`].
///
/// Not `non_exhaustive`: a caller that skips an outcome it does not know could take reuse for
/// something else.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an outcome that nobody looks at hides a theft"]
pub enum RotateOutcome {
    /// The token was spent; its successor is in force. The session as it is now.
    Rotated(Session),
    /// The token had been spent in the grace window; the new token is in force beside the one that
    /// was given out then. The session as it is now.
    Retried(Session),
    /// The token had been spent in the grace window, and [`MOST_SUCCESSORS`] are in force already.
    Crowded,
    /// The token had been spent, so one of the two who used it is a thief. The family has ended and
    /// its session id is revoked. The session as it was.
    Reused(Session),
    /// The family has expired.
    Expired,
    /// There is no such family, or no longer.
    Unknown,
    /// The token belongs to another client. Nothing has changed.
    WrongClient,
    /// A scope was asked for that was not granted. Nothing has changed.
    ScopeTooWide,
}

impl Family {
    /// Takes one step of the [state machine](super::RefreshStore#the-state-machine), for stores
    /// that hold the family exclusively meanwhile. On [`RotateOutcome::Reused`] nothing is changed
    /// here: the store has to revoke the session and remove the family.
    pub fn rotate(&mut self, request: &Rotate) -> RotateOutcome {
        let session = &self.session;
        if session.has_expired(request.now) {
            return RotateOutcome::Expired;
        }
        // every hash is looked at, whichever it is
        let among = |hashes: &[TokenHash]| {
            hashes.iter().fold(false, |found, hash| found | (*hash == request.presented))
        };
        let (is_current, is_predecessor) =
            (among(&self.current), among(self.predecessor.as_slice()));
        // A request may be older than the rotation that overtook it: no window is open before it
        // for longer than after it, and without grace there is none.
        let (now, then) = (request.now, self.rotated_at);
        let apart = now.saturating_since(then).max(then.saturating_since(now));
        let is_retry = is_predecessor && apart < request.grace;
        if !is_current && !is_retry {
            return RotateOutcome::Reused(session.clone());
        }
        if *session.client_id != *request.client_id {
            return RotateOutcome::WrongClient;
        }
        if !request.scope.iter().all(|scope| session.scope.contains(scope)) {
            return RotateOutcome::ScopeTooWide;
        }
        if !is_current && self.current.len() >= MOST_SUCCESSORS {
            return RotateOutcome::Crowded;
        }
        let session = &mut self.session;
        session.last_used_at = session.last_used_at.max(request.now);
        session.idle_until = session.idle_until.max(request.idle_until).min(session.expires_at);
        if is_current {
            session.generation = session.generation.saturating_add(1);
            self.current = vec![request.successor];
            self.predecessor = Some(request.presented);
            self.rotated_at = request.now;
            RotateOutcome::Rotated(session.clone())
        } else {
            self.current.push(request.successor);
            RotateOutcome::Retried(session.clone())
        }
    }
}
