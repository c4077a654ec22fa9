//! [`RefreshTokensBuilder`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::reuse::Reuse;
use super::tokens::{Inner, RefreshTokens};
use crate::issuer::error::{IssueError, IssueErrorKind};
use crate::issuer::token::Issuer;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const LONGEST_GRACE: Duration = Duration::from_secs(60);

pub(super) type ReuseHook = dyn Fn(&Reuse) + Send + Sync;

/// Sets up [`RefreshTokens`]: made with [`RefreshTokens::builder`].
#[must_use = "a builder does nothing until `build`"]
pub struct RefreshTokensBuilder<S> {
    issuer: Issuer,
    store: S,
    idle: Duration,
    absolute: Duration,
    grace: Duration,
    leeway: Duration,
    most_sessions: usize,
    on_reuse: Option<Box<ReuseHook>>,
}

impl<S> RefreshTokensBuilder<S> {
    pub(super) fn new(issuer: Issuer, store: S) -> Self {
        let (idle, absolute) = (DAY * 14, DAY * 90);
        let (grace, leeway) = (Duration::ZERO, Duration::from_secs(60 * 60));
        let most_sessions = 100;
        Self { issuer, store, idle, absolute, grace, leeway, most_sessions, on_reuse: None }
    }

    /// Sets after how long without use a session expires: 14 days by default.
    pub fn idle_lifetime(mut self, lifetime: Duration) -> Self {
        self.idle = lifetime;
        self
    }

    /// Sets after how long a session expires in any case: 90 days by default.
    pub fn absolute_lifetime(mut self, lifetime: Duration) -> Self {
        self.absolute = lifetime;
        self
    }

    /// Sets for how long after a rotation the spent token still yields a successor, for responses
    /// that got lost and for tabs that refresh at the same time: off by default, a minute at most.
    ///
    /// Within it a thief who has the token that was just spent is not noticed at once, but when
    /// either of the two next uses a token that the other has left behind. A few seconds are
    /// plenty.
    ///
    /// Recommended with every store behind a network: a step may have been taken although its answer
    /// was lost ([`Unavailable`](super::RefreshErrorKind::Unavailable)), and without grace a client
    /// that tries again then looks like a thief.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets how far beyond their `exp` verifiers accept tokens, and clocks may differ, taken
    /// together: an hour by default, the most that a verifier can be given. Revocations are kept for
    /// that much longer.
    pub fn verifier_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets how many sessions a subject can have at the same time: 100 by default. When one more
    /// begins, the one that was not used for longest ends first. Logins at the very same moment
    /// do not see each other: there may then be as many too many until the next one, and also while
    /// the store cannot list them.
    pub fn most_sessions(mut self, sessions: usize) -> Self {
        self.most_sessions = sessions;
        self
    }

    /// Is told of each reuse, on the task of the request that made it: it must not block.
    pub fn on_reuse(mut self, hook: impl Fn(&Reuse) + Send + Sync + 'static) -> Self {
        self.on_reuse = Some(Box::new(hook));
        self
    }

    /// The sessions.
    ///
    /// # Errors
    /// If a lifetime is shorter than an access token's, the idle lifetime is longer than the
    /// absolute one, the grace is above a minute, or no session is allowed.
    pub fn build(self) -> Result<RefreshTokens<S>, IssueError> {
        let wrong = |text| Err(IssueError::new(IssueErrorKind::Configuration, text));
        let Self { issuer, store, idle, absolute, grace, leeway, most_sessions, on_reuse } = self;
        if idle < issuer.lifetime() {
            return wrong("a session expires before its access token does");
        }
        if idle > absolute {
            return wrong("the idle lifetime is longer than the absolute one");
        }
        if grace > LONGEST_GRACE {
            return wrong("a grace above a minute would let theft go unnoticed");
        }
        if most_sessions == 0 {
            return wrong("a subject that can have no session cannot sign in");
        }
        let inner = Inner { issuer, store, idle, absolute, grace, leeway, most_sessions, on_reuse };
        Ok(RefreshTokens(Arc::new(inner)))
    }
}

impl<S> fmt::Debug for RefreshTokensBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshTokensBuilder").finish_non_exhaustive()
    }
}
