//! [`Guard`]: lets a principal pass, or says why not.

use std::sync::Arc;

use crate::claims::Principal;
use crate::rejection::Rejection;

/// A condition on who sent a request.
///
/// Closures become guards through [`guard_fn`](super::guard_fn) and [`claims`](super::claims()).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a guard",
    note = "use `scope(..)`, `role(..)`, `claims(|c: &YourClaims| ..)`, `guard_fn(|p| ..)`, and combine them with `all((..))`, `any((..))` and `not(..)`",
    note = "a `Policy` is for `Granted<P, C>` in a handler's signature; its guard is `P::guard()`"
)]
#[doc(alias("permission", "authorize"))]
pub trait Guard: Send + Sync + 'static {
    /// Whether the principal passes.
    ///
    /// # Errors
    /// Of kind `InsufficientScope`, `Forbidden` or `InsufficientAuthentication` if it does not. Any
    /// other kind says that it could not be decided: it is never turned into a pass.
    fn check(&self, principal: &Principal) -> Result<(), Rejection>;

    /// Adds the scopes this guard needs of this principal to `scopes`, held or not, for the challenge
    /// that names all of them. Only guards about scopes have any.
    fn needed_scopes(&self, principal: &Principal, scopes: &mut Vec<String>) {
        let _ = (principal, scopes);
    }

    /// The guard without its type, where several of different types meet, as in the arms of a
    /// `match`, or where it is needed in several places: a clone shares it.
    fn shared(self) -> Arc<dyn Guard>
    where
        Self: Sized,
    {
        Arc::new(self)
    }
}

impl<G: Guard + ?Sized> Guard for Box<G> {
    fn check(&self, principal: &Principal) -> Result<(), Rejection> {
        (**self).check(principal)
    }

    fn needed_scopes(&self, principal: &Principal, scopes: &mut Vec<String>) {
        (**self).needed_scopes(principal, scopes);
    }
}

impl<G: Guard + ?Sized> Guard for Arc<G> {
    fn check(&self, principal: &Principal) -> Result<(), Rejection> {
        (**self).check(principal)
    }

    fn needed_scopes(&self, principal: &Principal, scopes: &mut Vec<String>) {
        (**self).needed_scopes(principal, scopes);
    }
}
