//! Guards made of closures.

use std::any::type_name;
use std::marker::PhantomData;

use super::traits::Guard;
use crate::claims::Principal;
use crate::rejection::{Rejection, RejectionKind};

struct ClaimsGuard<C, F> {
    condition: F,
    claims: PhantomData<fn(&C)>,
}

/// Passes principals whose claims meet the condition.
///
/// The layer must yield claims of this type: with others, requests are answered 500 and the log
/// says so.
#[must_use]
pub fn claims<C, F>(condition: F) -> impl Guard
where
    C: 'static,
    F: Fn(&C) -> bool + Send + Sync + 'static,
{
    ClaimsGuard { condition, claims: PhantomData }
}

impl<C, F> Guard for ClaimsGuard<C, F>
where
    C: 'static,
    F: Fn(&C) -> bool + Send + Sync + 'static,
{
    fn check(&self, principal: &Principal) -> Result<(), Rejection> {
        match principal.claims::<C>() {
            Some(claims) if (self.condition)(claims) => Ok(()),
            Some(_) => Err(forbidden()),
            None => {
                let reason = "a guard looks at claims of another type than the AuthLayer yields";
                let rejection = Rejection::new(RejectionKind::Misconfigured, reason);
                Err(rejection.with_source(format!("the guard expects {}", type_name::<C>())))
            }
        }
    }
}

#[derive(Clone, Copy)]
struct GuardFn<F>(F);

/// Passes principals for which the closure says `true`.
#[must_use]
pub fn guard_fn<F>(condition: F) -> impl Guard
where
    F: Fn(&Principal) -> bool + Send + Sync + 'static,
{
    GuardFn(condition)
}

impl<F> Guard for GuardFn<F>
where
    F: Fn(&Principal) -> bool + Send + Sync + 'static,
{
    fn check(&self, principal: &Principal) -> Result<(), Rejection> {
        if (self.0)(principal) { Ok(()) } else { Err(forbidden()) }
    }
}

/// Passes whoever is authenticated: the guard for routes behind a layer in
/// [`Optional`](crate::authenticate::Mode::Optional) or `Inspect` mode that need a user.
#[must_use]
pub fn authenticated() -> impl Guard + Copy {
    GuardFn(|_: &Principal| true)
}

pub(super) fn forbidden() -> Rejection {
    Rejection::new(RejectionKind::Forbidden, "a guard denied the request")
}
