//! [`Verified<C>`]: a token that stood every check but revocation.

use std::fmt;
use std::sync::Arc;

use crate::claims::{RegisteredClaims, VerifiedToken};
use crate::clock::UnixTime;
use crate::credentials::TokenOrigin;

/// A token whose signature, or its issuer's word for it, and whose claims are right. Whether it was
/// revoked is not known yet, so there is no way from here to the application's claims: the next step
/// has to ask first.
///
/// Only a [`TokenVerifier`](super::TokenVerifier) of this crate makes one.
#[must_use = "a verified token is not yet known to be unrevoked"]
pub struct Verified<C> {
    pub(crate) token: Arc<VerifiedToken<C>>,
    pub(crate) at: UnixTime,
    /// Where this request had it; a cached token may first have come from elsewhere.
    pub(crate) origin: TokenOrigin,
}

impl<C> Verified<C> {
    /// The claims that every token may have.
    #[must_use]
    pub fn registered(&self) -> &RegisteredClaims {
        &self.token.registered
    }

    /// When the rules were applied, by the verifier's clock.
    #[must_use]
    pub fn verified_at(&self) -> UnixTime {
        self.at
    }
}

impl<C> fmt::Debug for Verified<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").field("registered", self.registered()).finish_non_exhaustive()
    }
}
