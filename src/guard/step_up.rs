//! Step-up authentication, [RFC 9470](https://www.rfc-editor.org/rfc/rfc9470).

use std::borrow::Cow;
use std::time::Duration;

use super::traits::Guard;
use crate::claims::Principal;
use crate::clock::UnixTime;
use crate::rejection::{Rejection, RejectionKind};

#[derive(Clone, Copy)]
struct AuthenticatedWithin(Duration);

/// How far the issuer's clock may be ahead.
const AHEAD: Duration = Duration::from_secs(60);

/// Passes users who proved who they are (`auth_time`) no longer ago than this. A token without
/// `auth_time`, or with one more than a minute ahead, does not pass. The client is told `max_age`, in whole seconds.
#[must_use]
pub fn authenticated_within(max_age: Duration) -> impl Guard + Copy {
    AuthenticatedWithin(max_age)
}

impl Guard for AuthenticatedWithin {
    fn check(&self, principal: &Principal) -> Result<(), Rejection> {
        let now = principal.authenticated_at();
        let fresh = |auth_time: UnixTime| {
            now <= auth_time.saturating_add(self.0) && auth_time <= now.saturating_add(AHEAD)
        };
        if principal.registered().auth_time().is_some_and(fresh) {
            return Ok(());
        }
        let reason = "the user's authentication is too old for the operation";
        let rejection = Rejection::new(RejectionKind::InsufficientAuthentication, reason);
        Err(rejection.with_max_age(self.0))
    }
}

#[derive(Clone)]
struct AcrAnyOf(Cow<'static, str>);

/// Passes users who were authenticated in one of these ways (`acr`, authentication context class
/// reference), given separated by spaces. The client is told `acr_values`.
#[must_use]
pub fn acr_any_of(acr_values: impl Into<Cow<'static, str>>) -> impl Guard + Clone {
    AcrAnyOf(acr_values.into())
}

impl Guard for AcrAnyOf {
    fn check(&self, principal: &Principal) -> Result<(), Rejection> {
        let strong = |acr: &str| !acr.is_empty() && self.0.split(' ').any(|value| value == acr);
        if principal.registered().acr().is_some_and(strong) {
            return Ok(());
        }
        let reason = "the user's authentication is too weak for the operation";
        let rejection = Rejection::new(RejectionKind::InsufficientAuthentication, reason);
        Err(rejection.with_acr_values(&*self.0))
    }
}
