//! [`scope`]: the token must have a scope.

use std::borrow::Cow;

use super::condition::forbidden;
use super::traits::Guard;
use crate::claims::Principal;
use crate::rejection::{Rejection, RejectionKind};

#[derive(Clone)]
struct Scope(Cow<'static, str>);

/// Passes tokens that have this scope, or each of these if several are given, separated by spaces.
///
/// Scopes are opaque here: `orders` does not imply `orders:read`. An empty string passes nobody.
#[must_use]
#[doc(alias("permission", "authority"))]
pub fn scope(scope: impl Into<Cow<'static, str>>) -> impl Guard + Clone {
    Scope(scope.into())
}

impl Scope {
    fn each(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|scope| !scope.is_empty())
    }
}

impl Guard for Scope {
    fn check(&self, principal: &Principal) -> Result<(), Rejection> {
        let held = principal.registered().scopes();
        if self.each().next().is_none() {
            // no scope that a client could ask for opens this
            return Err(forbidden());
        }
        if self.each().all(|scope| held.contains(scope)) {
            return Ok(());
        }
        let reason = "the token lacks a scope that the operation needs";
        Err(Rejection::new(RejectionKind::InsufficientScope, reason).with_scope(&*self.0))
    }

    fn needed_scopes(&self, _: &Principal, scopes: &mut Vec<String>) {
        for scope in self.each() {
            if !scopes.iter().any(|needed| needed == scope) {
                scopes.push(scope.to_owned());
            }
        }
    }
}
