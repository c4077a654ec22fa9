//! [`Checks`]: rules of the application's own for its claims.

use std::error::Error;
use std::fmt;

use crate::claims::RegisteredClaims;
use crate::rejection::{Rejection, RejectionKind};

type BoxError = Box<dyn Error + Send + Sync>;
type Check<C> = Box<dyn Fn(&C, &RegisteredClaims) -> Result<(), BoxError> + Send + Sync>;

/// Applied to every token that all other rules let pass, each time it is used.
pub(super) struct Checks<C>(Vec<Check<C>>);

impl<C> Checks<C> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn add<E: Into<BoxError>>(
        &mut self,
        check: impl Fn(&C, &RegisteredClaims) -> Result<(), E> + Send + Sync + 'static,
    ) {
        self.0.push(Box::new(move |custom, registered| {
            check(custom, registered).map_err(Into::into)
        }));
    }

    #[inline]
    pub(super) fn apply(&self, custom: &C, registered: &RegisteredClaims) -> Result<(), Rejection> {
        self.0.iter().try_for_each(|check| check(custom, registered)).map_err(|why| {
            let reason = "a check of the application's own refuses the claims";
            Rejection::new(RejectionKind::InvalidClaims, reason).with_source(why)
        })
    }
}

impl<C> fmt::Debug for Checks<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checks({})", self.0.len())
    }
}
