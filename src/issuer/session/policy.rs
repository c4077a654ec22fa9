//! [`Policy`]: how long sessions live and how their tokens rotate; [`Grace`].

use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A longer window would let theft go unnoticed.
pub(super) const LONGEST_GRACE: Duration = Duration::from_secs(60);
/// How many retries there can be at most.
pub(super) const MOST_RETRIES: u32 = 16;

/// What a refresh token that was just spent is still good for.
///
/// A response can get lost after the token was spent, and tabs that share a token refresh at once.
/// Without any grace the honest client then looks like a thief and is signed out. In all modes only
/// the token that was spent **last** is meant; one that was spent before it ends the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grace {
    /// Nothing: whoever uses it ends the session.
    Never,
    /// For this long, a minute at most, it yields another successor. The window does not move.
    Within(Duration),
    /// Until a successor of it is first **used**, it yields another one: the default.
    ///
    /// A lost answer never signs anybody out, however long the lid stays closed, and there is no
    /// window to choose. Theft shows no later than with a window: as soon as two have gone on from
    /// the same token, the first use of either one's successor makes the other's a spent one.
    /// What it costs: a token that was copied when it was just spent is good until its owner's next
    /// refresh, where a window would have closed; then, at the latest, both are out.
    UntilUsed,
}

impl From<Duration> for Grace {
    /// A window of this length; none if it is zero.
    fn from(window: Duration) -> Self {
        if window.is_zero() { Self::Never } else { Self::Within(window) }
    }
}

/// How long sessions live and how their tokens rotate. What a builder is set to is the usual policy,
/// and [`SessionsBuilder::policy`](super::SessionsBuilder::policy) may change it for a client.
#[derive(Debug, Clone)]
#[must_use = "a policy does nothing until a client has it"]
pub struct Policy {
    pub(super) idle: Duration,
    pub(super) absolute: Duration,
    pub(super) grace: Grace,
    pub(super) retries: u32,
    pub(super) rotates: bool,
}

impl Policy {
    pub(super) fn new() -> Self {
        let (idle, absolute) = (DAY * 14, DAY * 90);
        Self { idle, absolute, grace: Grace::UntilUsed, retries: 2, rotates: true }
    }

    /// After how long without use a session expires: 14 days by default. Never longer than it lives
    /// at all.
    pub fn idle_lifetime(mut self, lifetime: Duration) -> Self {
        self.idle = lifetime;
        self
    }

    /// After how long a session expires in any case: 90 days by default. Those that have begun keep
    /// what they began with.
    pub fn absolute_lifetime(mut self, lifetime: Duration) -> Self {
        self.absolute = lifetime;
        self
    }

    /// What a token that was just spent is still good for: [`Grace::UntilUsed`] by default. A
    /// window, given as a [`Duration`] or a [`Grace`], is a minute at most.
    pub fn grace(mut self, grace: impl Into<Grace>) -> Self {
        self.grace = grace.into();
        self
    }

    /// How often a token that was just spent may be used again, where there is a grace: twice by
    /// default, 16 times at most. Whoever comes more often is told to come later for as long as the
    /// window is open, or for ten seconds with [`Grace::UntilUsed`]; then it is reuse.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Keeps the refresh token as it is, from login to logout, so that theft is never noticed. Only
    /// for clients that authenticate themselves with a secret or are bound to a key
    /// ([RFC 9700 §4.14.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2)).
    pub fn without_rotation(mut self) -> Self {
        self.rotates = false;
        self
    }

    /// What a hook may have set beyond the limits.
    pub(super) fn limited(mut self) -> Self {
        self.idle = self.idle.min(self.absolute);
        self.retries = self.retries.min(MOST_RETRIES);
        if let Grace::Within(window) = self.grace {
            self.grace = window.min(LONGEST_GRACE).into();
        }
        self
    }
}
