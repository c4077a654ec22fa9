//! [`IssuerBuilder`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Issuer;
use super::issuer::Inner;
use crate::clock::{Clock, SystemClock};
use crate::issuer::error::{IssueError, IssueErrorKind};
use crate::issuer::keys::SigningKeys;
use crate::verify::builder::{NeedsAudience, NeedsIssuer, NeedsKeys};

/// Default lifetime of access tokens.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Longer is not a short-lived token any more.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Sets up an [`Issuer`]: made with [`Issuer::builder`].
///
/// Keys, issuer and audience are decisions: `build` does not exist until all three were taken.
///
/// ```compile_fail,E0599
/// // no keys, no issuer, no audience: there is no `build`
/// let issuer = tower_bearer::issuer::Issuer::builder().build();
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct IssuerBuilder<K = NeedsKeys, I = NeedsIssuer, A = NeedsAudience> {
    keys: K,
    issuer: I,
    audiences: A,
    lifetime: Duration,
    clock: Arc<dyn Clock>,
}

impl IssuerBuilder {
    pub(super) fn new() -> Self {
        Self {
            keys: NeedsKeys,
            issuer: NeedsIssuer,
            audiences: NeedsAudience,
            lifetime: LIFETIME,
            clock: Arc::new(SystemClock),
        }
    }
}

impl<I, A> IssuerBuilder<NeedsKeys, I, A> {
    /// Signs with the current one of these keys.
    pub fn keys(self, keys: SigningKeys) -> IssuerBuilder<SigningKeys, I, A> {
        let Self { issuer, audiences, lifetime, clock, .. } = self;
        IssuerBuilder { keys, issuer, audiences, lifetime, clock }
    }
}

impl<K, A> IssuerBuilder<K, NeedsIssuer, A> {
    /// Issues in this name (`iss`), which should be an https URL.
    pub fn issuer(self, issuer: impl Into<Box<str>>) -> IssuerBuilder<K, Box<str>, A> {
        let Self { keys, audiences, lifetime, clock, .. } = self;
        IssuerBuilder { keys, issuer: issuer.into(), audiences, lifetime, clock }
    }
}

impl<K, I> IssuerBuilder<K, I, NeedsAudience> {
    /// The service that the access tokens are for (`aud`).
    pub fn audience(self, audience: impl Into<Box<str>>) -> IssuerBuilder<K, I, Vec<Box<str>>> {
        let Self { keys, issuer, lifetime, clock, .. } = self;
        IssuerBuilder { keys, issuer, audiences: vec![audience.into()], lifetime, clock }
    }
}

impl<K, I> IssuerBuilder<K, I, Vec<Box<str>>> {
    /// One more service that the access tokens are for.
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audiences.push(audience.into());
        self
    }
}

impl<K, I, A> IssuerBuilder<K, I, A> {
    /// Sets how long access tokens are valid, 15 minutes by default, in whole seconds; a single
    /// token may be given less. It is also how long a revocation has to be remembered.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Goes by this clock. The system's by default.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl IssuerBuilder<SigningKeys, Box<str>, Vec<Box<str>>> {
    /// The issuer.
    ///
    /// # Errors
    /// If a name is empty, or the lifetime is below a second or above a day.
    pub fn build(self) -> Result<Issuer, IssueError> {
        let wrong = |text| Err(IssueError::new(IssueErrorKind::Configuration, text));
        let lifetime = Duration::from_secs(self.lifetime.as_secs());
        if lifetime.is_zero() || lifetime > LONGEST {
            return wrong("an access token's lifetime lies between a second and a day");
        }
        if self.issuer.is_empty() || self.audiences.iter().any(|audience| audience.is_empty()) {
            return wrong("the issuer or an audience is empty, and would name nobody");
        }
        Ok(Issuer(Arc::new(Inner {
            keys: self.keys,
            issuer: self.issuer,
            audiences: self.audiences,
            lifetime,
            clock: self.clock,
        })))
    }
}

impl<K, I, A> fmt::Debug for IssuerBuilder<K, I, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerBuilder").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}
