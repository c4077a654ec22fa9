//! What each guard lets through, and what it says to the rest.

use std::sync::Arc;
use std::time::Duration;

use http::Extensions;
use serde_json::{Value, json};

use super::*;
use crate::claims::Principal;
use crate::rejection::{Rejection, RejectionKind};
use crate::testing::inject_with;

struct User {
    tenant: &'static str,
}

fn principal(registered: &Value) -> Principal {
    let mut extensions = Extensions::new();
    inject_with(&mut extensions, User { tenant: "acme" }, registered);
    Principal::from_extensions(&extensions).unwrap().clone()
}

/// Has the scopes `a b` and the role `clerk`.
fn alice() -> Principal {
    principal(&json!({"sub": "alice", "scope": "a b", "roles": ["clerk"]}))
}

fn denied(guard: impl Guard) -> Rejection {
    guard.check(&alice()).unwrap_err()
}

fn kind(guard: impl Guard) -> RejectionKind {
    denied(guard).kind()
}

fn passes(guard: impl Guard) -> bool {
    guard.check(&alice()).is_ok()
}

/// Of another claims type than the layer yields.
fn erring() -> impl Guard {
    claims(|_: &String| true)
}

#[test]
fn rfc6750_s3_1_a_scope_is_held_or_named() {
    for held in ["a", "b", "a b", "b a", " a ", "a  b", "a a"] {
        assert!(passes(scope(held)), "{held}");
    }
    for missing in ["c", "A", "a c", "c a", "ab", "a,b", "a\tb"] {
        let rejection = denied(scope(missing));
        assert_eq!(rejection.kind(), RejectionKind::InsufficientScope, "{missing}");
        assert_eq!(rejection.scope(), Some(missing));
    }
    let scp = principal(&json!({"scp": ["c", "d", "x y"]}));
    assert!(scope("c d").check(&scp).is_ok());
    assert!(scope("x").check(&scp).is_err(), "what stands in a list is not split");
    assert!(scope("a").check(&scp).is_err());
}

#[test]
fn an_empty_scope_passes_nobody_and_asks_for_nothing() {
    for empty in ["", " ", "   "] {
        let rejection = denied(scope(empty));
        assert_eq!(rejection.kind(), RejectionKind::Forbidden, "{empty:?}");
        assert_eq!(rejection.scope(), None);
        // such a token could not have been minted for it
        let nobody = principal(&json!({"scope": empty}));
        assert!(scope(empty).check(&nobody).is_err());
    }
}

#[test]
fn a_role_is_compared_exactly() {
    assert!(passes(role("clerk")));
    for missing in ["", "Clerk", "cler", "clerk ", "admin", "a"] {
        let rejection = denied(role(missing));
        assert_eq!(rejection.kind(), RejectionKind::Forbidden, "{missing}");
        assert_eq!(rejection.scope(), None);
    }
}

#[test]
fn conditions_see_claims_and_principal() {
    assert!(passes(claims(|user: &User| user.tenant == "acme")));
    assert_eq!(kind(claims(|user: &User| user.tenant == "other")), RejectionKind::Forbidden);
    assert!(passes(guard_fn(|p| p.registered().subject() == Some("alice"))));
    assert_eq!(kind(guard_fn(|_| false)), RejectionKind::Forbidden);
    assert!(passes(authenticated()));
    assert!(passes(Arc::new(role("clerk"))));
    assert!(passes(Box::new(role("clerk")) as Box<dyn Guard>));
}

#[test]
fn claims_of_another_type_are_an_error_that_names_the_type() {
    let rejection = denied(erring());
    assert_eq!(rejection.kind(), RejectionKind::Misconfigured);
    let source = std::error::Error::source(&rejection).unwrap().to_string();
    assert!(source.contains("String"), "{source}");
}

#[test]
fn rfc6750_s3_1_all_names_all_scopes_held_ones_too_and_each_once() {
    let scopes = |guard: &dyn Guard| guard.check(&alice()).unwrap_err().scope().map(str::to_owned);
    assert_eq!(scopes(&all((scope("a"), scope("c")))).as_deref(), Some("a c"));
    assert_eq!(scopes(&all((scope("c"), scope("a")))).as_deref(), Some("c a"));
    assert_eq!(scopes(&all((scope("a c"), scope("c a"), scope("c")))).as_deref(), Some("a c"));
    let nested = all((scope("a"), all((scope("b c"), role("clerk"))), scope("d")));
    assert_eq!(scopes(&nested).as_deref(), Some("a b c d"));
    assert_eq!(scopes(&all([scope(" c  d ")])).as_deref(), Some("c d"));
    assert_eq!(scopes(&all((scope("c"), not(scope("d"))))).as_deref(), Some("c"));
    // of ways that are all closed, the one that is named
    let ways = all((any((scope("c"), scope("d"))), scope("a")));
    assert_eq!(scopes(&ways).as_deref(), Some("c a"));
    let only_the_second_is_open = any((all((role("admin"), scope("c"))), scope("d")));
    assert_eq!(scopes(&all((only_the_second_is_open, scope("a")))).as_deref(), Some("d a"));
}

#[test]
fn all_keeps_the_scope_that_a_guard_of_ones_own_names() {
    struct Own;
    impl Guard for Own {
        fn check(&self, _: &Principal) -> Result<(), Rejection> {
            Err(Rejection::from(RejectionKind::InsufficientScope).with_scope("own:scope"))
        }
    }
    assert_eq!(denied(Own).scope(), Some("own:scope"));
    assert_eq!(denied(all((Own,))).scope(), Some("own:scope"));
    assert_eq!(denied(all((scope("a"), Own, Own, scope("c")))).scope(), Some("a own:scope c"));
}

#[test]
fn all_answers_what_no_new_token_can_mend() {
    use RejectionKind::{Forbidden, InsufficientAuthentication, InsufficientScope, Misconfigured};
    assert!(passes(all((scope("a"), role("clerk")))));
    assert_eq!(kind(all((scope("c"), role("clerk")))), InsufficientScope);
    assert_eq!(kind(all((scope("c"), acr_any_of("strong")))), InsufficientAuthentication);
    assert_eq!(kind(all((acr_any_of("strong"), scope("c")))), InsufficientAuthentication);
    assert_eq!(kind(all((scope("c"), acr_any_of("strong"), role("admin")))), Forbidden);
    assert_eq!(kind(all((role("admin"), scope("c")))), Forbidden);
    assert_eq!(denied(all((role("admin"), scope("c")))).scope(), None);
    assert_eq!(kind(all((role("admin"), scope("c"), erring()))), Misconfigured);
    assert_eq!(kind(all((erring(), role("admin")))), Misconfigured);
}

#[test]
fn any_answers_the_way_that_is_open() {
    use RejectionKind::{Forbidden, InsufficientAuthentication, InsufficientScope};
    assert!(passes(any((scope("c"), role("clerk")))));
    assert!(passes(any((role("clerk"), scope("c")))));
    assert_eq!(kind(any((role("admin"), scope("c")))), InsufficientScope);
    assert_eq!(denied(any((role("admin"), scope("c"), scope("d")))).scope(), Some("c"));
    assert_eq!(denied(any((all((scope("a"), scope("c"))), scope("d")))).scope(), Some("a c"));
    assert_eq!(kind(any((role("admin"), acr_any_of("x")))), InsufficientAuthentication);
    assert_eq!(kind(any((acr_any_of("x"), scope("c"), role("admin")))), InsufficientScope);
    assert_eq!(kind(any((role("admin"), role("owner")))), Forbidden);
}

#[test]
fn any_passes_beside_an_error_but_does_not_deny_over_one() {
    assert!(passes(any((erring(), role("clerk")))));
    assert!(passes(any((role("clerk"), erring()))));
    assert_eq!(kind(any((role("admin"), erring()))), RejectionKind::Misconfigured);
    assert_eq!(kind(any((erring(), scope("c")))), RejectionKind::Misconfigured);
}

#[test]
fn not_turns_denials_and_leaves_errors() {
    use RejectionKind::{Forbidden, Misconfigured};
    assert!(passes(not(role("admin"))));
    assert!(passes(not(scope("c"))));
    assert!(passes(not(acr_any_of("x"))));
    assert_eq!(kind(not(role("clerk"))), Forbidden);
    assert_eq!(kind(not(scope("a"))), Forbidden);
    assert_eq!(denied(not(scope("a"))).scope(), None);
    assert_eq!(kind(not(not(scope("c")))), Forbidden);
    assert_eq!(kind(not(erring())), Misconfigured);
    assert_eq!(kind(not(not(erring()))), Misconfigured);
    assert_eq!(kind(not(all((role("admin"), erring())))), Misconfigured);
    assert_eq!(kind(not(any((role("admin"), erring())))), Misconfigured);

    struct Unreachable;
    impl Guard for Unreachable {
        fn check(&self, _: &Principal) -> Result<(), Rejection> {
            Err(RejectionKind::RevocationUnavailable.into())
        }
    }
    assert_eq!(kind(not(Unreachable)), RejectionKind::RevocationUnavailable);
    struct Anonymous;
    impl Guard for Anonymous {
        fn check(&self, _: &Principal) -> Result<(), Rejection> {
            Err(RejectionKind::MissingToken.into())
        }
    }
    assert_eq!(kind(not(Anonymous)), RejectionKind::MissingToken);
}

#[test]
fn no_guards_at_all_pass_nobody() {
    let none = Vec::<Box<dyn Guard>>::new;
    assert_eq!(kind(all(none())), RejectionKind::Forbidden);
    assert_eq!(kind(any(none())), RejectionKind::Forbidden);
    assert_eq!(kind(all([] as [Box<dyn Guard>; 0])), RejectionKind::Forbidden);
    assert_eq!(kind(all((role("clerk"), any(none())))), RejectionKind::Forbidden);
    assert!(passes(any((role("clerk"), all(none())))));
}

#[test]
fn guards_come_in_arrays_vectors_and_tuples_of_eight() {
    assert!(passes(all([scope("a"), scope("b")])));
    assert!(passes(any(vec![role("admin"), role("clerk")])));
    let (yes, no) = (|| role("clerk"), || role("admin"));
    assert!(passes(all((yes(), yes(), yes(), yes(), yes(), yes(), yes(), yes()))));
    assert!(!passes(all((yes(), yes(), yes(), yes(), yes(), yes(), yes(), no()))));
    assert!(passes(any((no(), no(), no(), no(), no(), no(), no(), yes()))));
}

#[test]
fn implied_roles_are_passed_on_downwards_only() {
    let roles = RoleHierarchy::new()
        .implies("admin", "editor")
        .implies("editor", "clerk")
        .implies("clerk", "viewer");
    assert!(passes(roles.role("viewer")));
    assert!(passes(roles.role("clerk")));
    for above in ["editor", "admin", "unknown", ""] {
        assert_eq!(kind(roles.role(above)), RejectionKind::Forbidden, "{above}");
    }
    let admin = principal(&json!({"roles": "admin"}));
    assert!(
        ["viewer", "clerk", "editor", "admin"].map(|r| roles.role(r).check(&admin).is_ok())
            == [true; 4]
    );
    let nobody = principal(&json!({"roles": []}));
    assert!(roles.role("viewer").check(&nobody).is_err());
}

#[test]
fn circles_make_roles_equal_and_diamonds_meet() {
    let circle = RoleHierarchy::new()
        .implies("clerk", "b")
        .implies("b", "c")
        .implies("c", "clerk")
        .implies("self", "self");
    for equal in ["clerk", "b", "c"] {
        assert!(passes(circle.role(equal)), "{equal}");
        let holder = principal(&json!({"roles": [equal]}));
        assert!(circle.role("clerk").check(&holder).is_ok(), "{equal}");
    }
    assert!(!passes(circle.role("self")));

    let diamond = RoleHierarchy::new()
        .implies("clerk", "left")
        .implies("clerk", "right")
        .implies("left", "bottom")
        .implies("right", "bottom");
    for below in ["left", "right", "bottom"] {
        assert!(passes(diamond.role(below)), "{below}");
    }
    let left = principal(&json!({"roles": ["left"]}));
    assert!(diamond.role("bottom").check(&left).is_ok());
    assert!(diamond.role("right").check(&left).is_err());
}

#[test]
fn a_wide_and_deep_hierarchy_is_worked_out_once_per_role() {
    // each role implies both of the next rank: paths double with every rank
    let mut roles = RoleHierarchy::new().implies("clerk", "0a").implies("clerk", "0b");
    for rank in 0..40 {
        for (from, to) in [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")] {
            roles = roles.implies(format!("{rank}{from}"), format!("{}{to}", rank + 1));
        }
    }
    assert!(passes(roles.role("40b")));
}

#[test]
fn rfc9470_authentication_counts_up_to_its_last_moment() {
    let age = Duration::from_secs(300);
    let at = |auth_time: Value| principal(&json!({"auth_time": auth_time}));
    let now = at(json!(0)).authenticated_at().as_secs();
    assert!(authenticated_within(age).check(&at(json!(now))).is_ok());
    assert!(authenticated_within(age).check(&at(json!(now - 298))).is_ok());
    assert!(authenticated_within(age).check(&at(json!(now + 59))).is_ok());
    for odd in [json!(now - 301), json!(0), json!(0.5), json!(now + 120), json!(u64::MAX)] {
        let rejection = authenticated_within(age).check(&at(odd)).unwrap_err();
        assert_eq!(rejection.kind(), RejectionKind::InsufficientAuthentication);
        assert_eq!(rejection.max_age(), Some(age));
        assert_eq!(rejection.scope(), None);
    }
    // the exact boundary, to the nanosecond
    let subject = at(json!(1000));
    let elapsed = subject.authenticated_at().since_epoch() - Duration::from_secs(1000);
    assert!(authenticated_within(elapsed).check(&subject).is_ok());
    assert!(authenticated_within(elapsed - Duration::from_nanos(1)).check(&subject).is_err());
    assert!(authenticated_within(Duration::MAX).check(&at(json!(0))).is_ok());
    assert!(authenticated_within(Duration::ZERO).check(&at(json!(now - 1))).is_err());
    let rejection = authenticated_within(Duration::MAX).check(&alice()).unwrap_err();
    assert_eq!(rejection.kind(), RejectionKind::InsufficientAuthentication, "no auth_time");
}

#[test]
fn rfc9470_one_of_the_authentication_classes_is_enough() {
    let strong = principal(&json!({"acr": "urn:b"}));
    for enough in ["urn:b", "urn:a urn:b", "urn:b urn:a", " urn:b "] {
        assert!(acr_any_of(enough).check(&strong).is_ok(), "{enough}");
    }
    for weak in ["urn:a", "", " ", "urn:", "URN:B", "urn:bb"] {
        let rejection = acr_any_of(weak).check(&strong).unwrap_err();
        assert_eq!(rejection.kind(), RejectionKind::InsufficientAuthentication, "{weak}");
        assert_eq!(rejection.acr_values(), Some(weak));
    }
    // no acr, an empty one, and one that looks like two
    for acr in [json!({}), json!({"acr": ""}), json!({"acr": "urn:a urn:b"})] {
        for values in ["urn:a urn:b", "", " "] {
            assert!(acr_any_of(values).check(&principal(&acr)).is_err(), "{acr} {values:?}");
        }
    }
}
