//! [`SessionEvent`]: what an observer is told; [`Reuse`].

use super::view::{EndedBy, Session};
use crate::clock::UnixTime;

/// Something that happened to a session, for audit logs, metrics and alarms.
///
/// Told on the task of the request, after it happened and before its answer is sent: **an observer
/// must not block**. Hand what takes time to a channel. No token is in an event; the subject is in
/// the session, and `Debug` does not show it.
///
/// [`Reused`](Self::Reused) is told at least once, whatever becomes of the process: see
/// [`tell_pending`](super::Sessions::tell_pending). It counts as told when the observers have
/// returned: one that puts it into a queue in memory loses it with the process. All others are told at
/// most once.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum SessionEvent<'a> {
    /// The user signed in.
    Begun(&'a Session),
    /// A refresh token was spent for the next one.
    Refreshed(&'a Session),
    /// The refresh token that was spent last came again and was let pass by the
    /// [`Grace`](super::Grace).
    Retried(&'a Session),
    /// A token that counts came from another client, which is as good a sign of theft as reuse. The
    /// session goes on: what it means is for the application to say.
    WrongClient {
        /// The session.
        session: &'a Session,
        /// Who presented the token.
        client_id: &'a str,
    },
    /// A token that counts came without proof of the key that it is bound to.
    WrongKey(&'a Session),
    /// A spent refresh token came again: one of the two who used it is a thief. The session has
    /// ended, its access tokens are revoked.
    Reused(&'a Reuse),
    /// The session ended. Of [`EndedBy::Theft`] only [`Reused`](Self::Reused) tells.
    Ended {
        /// The session as it was.
        session: &'a Session,
        /// How, or by whom.
        by: EndedBy,
    },
    /// A token came of a session that has expired.
    Expired(&'a Session),
    /// The user showed once more who they are.
    Reauthenticated(&'a Session),
}

impl SessionEvent<'_> {
    /// The name of the event, for a metric's label.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Begun(_) => "begun",
            Self::Refreshed(_) => "refreshed",
            Self::Retried(_) => "retried",
            Self::WrongClient { .. } => "wrong_client",
            Self::WrongKey(_) => "wrong_key",
            Self::Reused(_) => "reused",
            Self::Ended { .. } => "ended",
            Self::Expired(_) => "expired",
            Self::Reauthenticated(_) => "reauthenticated",
        }
    }

    /// The session that it happened to.
    #[must_use]
    pub const fn session(&self) -> &Session {
        match self {
            Self::Begun(session)
            | Self::Refreshed(session)
            | Self::Retried(session)
            | Self::WrongClient { session, .. }
            | Self::WrongKey(session)
            | Self::Ended { session, .. }
            | Self::Expired(session)
            | Self::Reauthenticated(session) => session,
            Self::Reused(reuse) => &reuse.session,
        }
    }
}

/// A spent refresh token was used again: one of the two who used it is a thief. The session has
/// ended by the time this is told, and its access tokens are revoked. Where the store had no room to
/// revoke them, this is told once more until they are. No token is in it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reuse {
    /// The session as it was: id, subject, client, device, generation.
    pub session: Session,
    /// When it was noticed.
    pub detected_at: UnixTime,
    /// How the session ended, if it had ended before: a token was stolen that nobody needs any
    /// more.
    pub ended_before: Option<EndedBy>,
}

/// For who observes nothing: the log tells of the worst too.
#[cfg(feature = "tracing")]
pub(super) fn log(event: &SessionEvent<'_>) {
    let session_id = &event.session().id;
    match event {
        SessionEvent::Reused(Reuse { session, .. }) => {
            let generation = session.generation;
            tracing::warn!(%session_id, generation, "a spent refresh token was used again: session ended");
        }
        SessionEvent::WrongClient { .. } | SessionEvent::WrongKey(_) => {
            let event = event.as_str();
            tracing::warn!(%session_id, event, "a refresh token is in the wrong hands");
        }
        _ => {}
    }
}

#[cfg(not(feature = "tracing"))]
pub(super) fn log(_: &SessionEvent<'_>) {}
