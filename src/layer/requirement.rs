//! [`Requirement`]: one guard for all requests, or one for each by its head.

use std::fmt;
use std::marker::PhantomData;

use crate::claims::Principal;
use crate::guard::Guard;
use crate::head::RequestHead;
use crate::rejection::Rejection;

/// What a [`RequireLayer`](super::RequireLayer) requires: a [`Guard`], or what
/// [`RequireLayer::by`](super::RequireLayer::by) made.
pub trait Requirement: Send + Sync + 'static {
    /// Whether this principal may do what the request asks.
    ///
    /// # Errors
    /// As [`Guard::check`].
    fn check_request(&self, principal: &Principal, head: &RequestHead<'_>)
    -> Result<(), Rejection>;
}

impl<G: Guard> Requirement for G {
    fn check_request(&self, principal: &Principal, _: &RequestHead<'_>) -> Result<(), Rejection> {
        self.check(principal)
    }
}

/// What [`RequireLayer::by`](super::RequireLayer::by) makes of a closure.
pub struct ByHead<F, G> {
    guard: F,
    made: PhantomData<fn() -> G>,
}

impl<F, G> ByHead<F, G> {
    pub(super) fn new(guard: F) -> Self {
        Self { guard, made: PhantomData }
    }
}

impl<F, G> Requirement for ByHead<F, G>
where
    F: Fn(&RequestHead<'_>) -> G + Send + Sync + 'static,
    G: Guard,
{
    fn check_request(
        &self,
        principal: &Principal,
        head: &RequestHead<'_>,
    ) -> Result<(), Rejection> {
        (self.guard)(head).check(principal)
    }
}

impl<F, G> fmt::Debug for ByHead<F, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByHead").finish_non_exhaustive()
    }
}
