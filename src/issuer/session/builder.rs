//! [`SessionsBuilder`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::boxed::BoxSessionStore;
use super::event::{Reuse, SessionEvent};
use super::id::IndexKey;
use super::policy::{Grace, LONGEST_GRACE, MOST_RETRIES, Policy};
use super::sessions::{Inner, Sessions};
use super::store::SessionStore;
use crate::clock::MOST_LEEWAY;
use crate::issuer::error::{IssueError, IssueErrorKind};
use crate::issuer::token::Issuer;
use crate::revocation::RevocationStore;

pub(super) type Observer = dyn Fn(&SessionEvent<'_>) + Send + Sync;
pub(super) type PolicyHook = dyn Fn(&str, Policy) -> Option<Policy> + Send + Sync;

/// Sets up [`Sessions`]: made with [`Sessions::builder`].
#[must_use = "a builder does nothing until `build`"]
pub struct SessionsBuilder {
    issuer: Issuer,
    store: BoxSessionStore,
    usual: Policy,
    policy: Option<Box<PolicyHook>>,
    leeway: Duration,
    most_sessions: usize,
    observers: Vec<Box<Observer>>,
}

impl SessionsBuilder {
    pub(super) fn new(issuer: Issuer, store: impl SessionStore + RevocationStore) -> Self {
        Self {
            issuer,
            store: BoxSessionStore::new(store),
            usual: Policy::new(),
            policy: None,
            leeway: MOST_LEEWAY,
            most_sessions: 100,
            observers: Vec::new(),
        }
    }

    /// Sets after how long without use a session expires: 14 days by default.
    pub fn idle_lifetime(mut self, lifetime: Duration) -> Self {
        self.usual = self.usual.idle_lifetime(lifetime);
        self
    }

    /// Sets after how long a session expires in any case: 90 days by default.
    pub fn absolute_lifetime(mut self, lifetime: Duration) -> Self {
        self.usual = self.usual.absolute_lifetime(lifetime);
        self
    }

    /// Sets what a token that was just spent is still good for: [`Grace::UntilUsed`] by default. A
    /// window, given as a [`Duration`] or a [`Grace`], is a minute at most.
    ///
    /// Without any grace a lost answer signs its user out, and over a network answers get lost.
    pub fn grace(mut self, grace: impl Into<Grace>) -> Self {
        self.usual = self.usual.grace(grace);
        self
    }

    /// Sets how often a token that was just spent may be used again: twice by default, see
    /// [`Policy::retries`].
    pub fn retries(mut self, retries: u32) -> Self {
        self.usual = self.usual.retries(retries);
        self
    }

    /// Sets the policy of each client, by its `client_id`. The usual one is given, to be changed;
    /// with `None` the client can have no session
    /// ([`UnauthorizedClient`](super::SessionErrorKind::UnauthorizedClient)), from now on.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_bearer::issuer::session::{Policy, SessionsBuilder};
    ///
    /// # fn example(builder: SessionsBuilder) -> SessionsBuilder {
    /// builder.policy(|client_id: &str, usual: Policy| match client_id {
    ///     "kiosk" => Some(usual.idle_lifetime(Duration::from_secs(15 * 60))),
    ///     "reports" => None, // a machine: it has credentials of its own
    ///     _ => Some(usual),
    /// })
    /// # }
    /// ```
    pub fn policy(
        mut self,
        policy: impl Fn(&str, Policy) -> Option<Policy> + Send + Sync + 'static,
    ) -> Self {
        self.policy = Some(Box::new(policy));
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
    /// begins, the one that was not used for longest ends in the same step.
    pub fn most_sessions(mut self, sessions: usize) -> Self {
        self.most_sessions = sessions;
        self
    }

    /// Is told of whatever happens to a session: see [`SessionEvent`]. It must not block. Several
    /// are told one after the other.
    pub fn observe(
        mut self,
        observer: impl for<'a> Fn(&SessionEvent<'a>) + Send + Sync + 'static,
    ) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Is told of each reuse of a spent token, at least once: [`observe`](Self::observe) for theft
    /// alone.
    pub fn on_reuse(self, hook: impl Fn(&Reuse) + Send + Sync + 'static) -> Self {
        self.observe(move |event| {
            if let SessionEvent::Reused(reuse) = event {
                hook(reuse);
            }
        })
    }

    /// The sessions.
    ///
    /// # Errors
    /// If a lifetime is shorter than an access token's, the idle lifetime is longer than the
    /// absolute one, a window of grace is above a minute, there are too many retries, or no session
    /// is allowed.
    pub fn build(self) -> Result<Sessions, IssueError> {
        let wrong = |text| Err(IssueError::new(IssueErrorKind::Configuration, text));
        let Self { issuer, store, usual, policy, leeway, most_sessions, observers } = self;
        if usual.idle < issuer.lifetime() {
            return wrong("a session expires before its access token does");
        }
        if usual.idle > usual.absolute {
            return wrong("the idle lifetime is longer than the absolute one");
        }
        if matches!(usual.grace, Grace::Within(window) if window > LONGEST_GRACE) {
            return wrong("a grace above a minute would let theft go unnoticed");
        }
        if usual.retries > MOST_RETRIES {
            return wrong("more than 16 retries would let theft go unnoticed");
        }
        if most_sessions == 0 {
            return wrong("a subject that can have no session cannot sign in");
        }
        let untold = IndexKey::of_untold(issuer.name())?;
        let inner =
            Inner { issuer, store, usual, policy, leeway, most_sessions, observers, untold };
        Ok(Sessions(Arc::new(inner)))
    }
}

impl fmt::Debug for SessionsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsBuilder").field("usual", &self.usual).finish_non_exhaustive()
    }
}
