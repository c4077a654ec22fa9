//! Guards asked by hand: [`Claims::require`] and [`Principal::require`].

use super::traits::Guard;
use crate::claims::{Claims, Principal};
use crate::rejection::Rejection;

impl<C: Send + Sync + 'static> Claims<C> {
    /// Whether the guard lets this user pass, for what only a handler knows.
    ///
    /// ```
    /// use tower_bearer::guard::{any, guard_fn, role};
    /// use tower_bearer::{Claims, Rejection, StandardClaims};
    ///
    /// struct Order { owner: String }
    ///
    /// /// The owner, or an administrator.
    /// fn may_cancel(user: &Claims<StandardClaims>, order: Order) -> Result<(), Rejection> {
    ///     let owns = guard_fn(move |user| user.registered().subject() == Some(&order.owner));
    ///     user.require(any((owns, role("admin"))))
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`Guard::check`]; an axum handler may return it as it is.
    pub fn require(&self, guard: impl Guard) -> Result<(), Rejection> {
        guard.check(&self.principal())
    }
}

impl Principal {
    /// Whether the guard lets this user pass.
    ///
    /// # Errors
    /// As [`Guard::check`].
    pub fn require(&self, guard: impl Guard) -> Result<(), Rejection> {
        guard.check(self)
    }
}
