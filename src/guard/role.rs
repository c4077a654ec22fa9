//! [`role`]: the token must have a role.

use std::borrow::Cow;

use super::traits::Guard;
use crate::claims::Principal;
use crate::rejection::{Rejection, RejectionKind};

#[derive(Clone)]
struct Role(Cow<'static, str>);

/// Passes tokens that have exactly this role. Where roles imply each other, see
/// [`RoleHierarchy`](super::RoleHierarchy).
#[must_use]
#[doc(alias("rbac", "admin", "permission"))]
pub fn role(role: impl Into<Cow<'static, str>>) -> impl Guard + Clone {
    Role(role.into())
}

impl Guard for Role {
    fn check(&self, principal: &Principal) -> Result<(), Rejection> {
        if principal.registered().roles().contains(&self.0) { Ok(()) } else { Err(denied()) }
    }
}

pub(super) fn denied() -> Rejection {
    Rejection::new(RejectionKind::Forbidden, "the token lacks a role that the operation needs")
}
