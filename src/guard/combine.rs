//! [`all`], [`any`] and [`not`].

use super::condition::forbidden;
use super::traits::Guard;
use crate::claims::Principal;
use crate::rejection::{Rejection, RejectionKind};

/// Several guards: a tuple of up to eight, an array or a `Vec`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not several guards",
    note = "put them into a tuple, with a second pair of parentheses: `all((scope(\"a\"), role(\"b\")))`",
    note = "a closure is made a guard by `claims(|c: &YourClaims| ..)` or `guard_fn(|principal| ..)`"
)]
pub trait Guards: Send + Sync + 'static + sealed::Each {}

mod sealed {
    use super::Guard;

    pub trait Each {
        fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn Guard));
    }
}
use sealed::Each;

struct All<G>(G);

/// Passes whoever passes every one of these guards. None at all pass nobody.
///
/// If several deny, the answer is the one that no new token can mend; if only scopes are missing,
/// it names the scopes of all guards, those that the token has included.
#[must_use]
pub fn all<G: Guards>(guards: G) -> impl Guard {
    All(guards)
}

struct Any<G>(G);

/// Passes whoever passes at least one of these guards. None at all pass nobody.
///
/// If all deny, the answer is the one that a client can do most about: the first missing scope, then
/// a stronger authentication, then a plain denial.
#[must_use]
pub fn any<G: Guards>(guards: G) -> impl Guard {
    Any(guards)
}

struct Not<G>(G);

/// Passes whoever is authenticated and does not pass this guard. An error stays an error.
#[must_use]
pub fn not<G: Guard>(guard: G) -> impl Guard {
    Not(guard)
}

/// How little a client can do about a rejection; `None` where it is no denial but an error.
fn weight(rejection: &Rejection) -> Option<u8> {
    match rejection.kind() {
        RejectionKind::InsufficientScope => Some(0),
        RejectionKind::InsufficientAuthentication => Some(1),
        RejectionKind::Forbidden => Some(2),
        _ => None,
    }
}

impl<G: Guards> All<G> {
    /// What denials name themselves, and what the guards that passed need.
    fn scopes_in_this_case(
        &self,
        principal: &Principal,
        denials: &[(usize, Rejection)],
    ) -> Vec<String> {
        let mut scopes: Vec<String> = Vec::new();
        let mut place = 0;
        self.0.each(&mut |guard| {
            let denial = denials.iter().find(|(denied, _)| *denied == place);
            let mut own = Vec::new();
            match denial.and_then(|(_, rejection)| rejection.scope()) {
                Some(named) => own.extend(named.split(' ').map(str::to_owned)),
                None => guard.needed_scopes(principal, &mut own),
            }
            for scope in own {
                if !scope.is_empty() && !scopes.contains(&scope) {
                    scopes.push(scope);
                }
            }
            place += 1;
        });
        scopes
    }
}

impl<G: Guards> Guard for All<G> {
    fn check(&self, principal: &Principal) -> Result<(), Rejection> {
        let mut count = 0;
        let mut denials: Vec<(usize, Rejection)> = Vec::new();
        self.0.each(&mut |guard| {
            if let Err(rejection) = guard.check(principal) {
                denials.push((count, rejection));
            }
            count += 1;
        });
        let rank = |rejection: &Rejection| weight(rejection).unwrap_or(u8::MAX);
        // the first of the heaviest
        let heaviest = denials.iter().rev().max_by_key(|(_, rejection)| rank(rejection));
        match heaviest {
            None if count == 0 => Err(forbidden()),
            None => Ok(()),
            Some((_, rejection)) if rejection.kind() == RejectionKind::InsufficientScope => {
                let scopes = self.scopes_in_this_case(principal, &denials);
                Err(rejection.clone().with_scope(scopes.join(" ")))
            }
            Some((_, rejection)) => Err(rejection.clone()),
        }
    }

    fn needed_scopes(&self, principal: &Principal, scopes: &mut Vec<String>) {
        self.0.each(&mut |guard| guard.needed_scopes(principal, scopes));
    }
}

impl<G: Guards> Guard for Any<G> {
    fn check(&self, principal: &Principal) -> Result<(), Rejection> {
        let mut passed = false;
        let mut lightest: Option<Rejection> = None;
        self.0.each(&mut |guard| {
            if passed {
                return;
            }
            match guard.check(principal) {
                Ok(()) => passed = true,
                Err(rejection) => {
                    // An error outweighs every denial: what could not be decided is not denied.
                    let rank =
                        |rejection: &Rejection| weight(rejection).map_or(0, |weight| weight + 1);
                    if lightest.as_ref().is_none_or(|lightest| rank(&rejection) < rank(lightest)) {
                        lightest = Some(rejection);
                    }
                }
            }
        });
        if passed { Ok(()) } else { Err(lightest.unwrap_or_else(forbidden)) }
    }

    /// Of the way that is open to the principal, or else of the first: the others are not needed.
    fn needed_scopes(&self, principal: &Principal, scopes: &mut Vec<String>) {
        let mut chosen: Option<(bool, Vec<String>)> = None;
        self.0.each(&mut |guard| {
            let open = guard.check(principal).is_ok();
            let better = chosen
                .as_ref()
                .is_none_or(|(chosen_open, chosen)| !chosen_open && (open || chosen.is_empty()));
            if better {
                let mut own = Vec::new();
                guard.needed_scopes(principal, &mut own);
                chosen = Some((open, own));
            }
        });
        for scope in chosen.map(|(_, own)| own).unwrap_or_default() {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
    }
}

impl<G: Guard> Guard for Not<G> {
    fn check(&self, principal: &Principal) -> Result<(), Rejection> {
        match self.0.check(principal) {
            Ok(()) => Err(forbidden()),
            Err(rejection) if weight(&rejection).is_some() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl<G: Guard, const N: usize> Each for [G; N] {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn Guard)) {
        self.iter().for_each(|guard| visit(guard));
    }
}
impl<G: Guard, const N: usize> Guards for [G; N] {}

impl<G: Guard> Each for Vec<G> {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn Guard)) {
        self.iter().for_each(|guard| visit(guard));
    }
}
impl<G: Guard> Guards for Vec<G> {}

macro_rules! tuples {
    ($(($($guard:ident),+))+) => {$(
        impl<$($guard: Guard),+> Each for ($($guard,)+) {
            fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a dyn Guard)) {
                #[allow(non_snake_case, reason = "the variable goes by its type's name")]
                let ($($guard,)+) = self;
                $(visit($guard);)+
            }
        }
        impl<$($guard: Guard),+> Guards for ($($guard,)+) {}
    )+};
}

tuples! {
    (A)
    (A, B)
    (A, B, C)
    (A, B, C, D)
    (A, B, C, D, E)
    (A, B, C, D, E, F)
    (A, B, C, D, E, F, G)
    (A, B, C, D, E, F, G, H)
}
