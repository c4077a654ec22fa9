//! [`Reuse`]: what the hook is told.

use super::family::Session;
use crate::clock::UnixTime;

/// A spent refresh token was used again: one of the two who used it is a thief. The session has
/// ended, and its access tokens are revoked, by the time this is told. No token is in it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reuse {
    /// The session as it was: family, subject, client, device, generation.
    pub session: Session,
    /// When it was noticed.
    pub detected_at: UnixTime,
}

/// For who has set no hook: the log tells of it too.
#[cfg(feature = "tracing")]
pub(super) fn log(Reuse { session, .. }: &Reuse) {
    let (session_id, generation) = (&session.id, session.generation);
    tracing::warn!(%session_id, generation, "a spent refresh token was used again: session ended");
}

#[cfg(not(feature = "tracing"))]
pub(super) fn log(_: &Reuse) {}
