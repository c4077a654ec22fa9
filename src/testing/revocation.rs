//! Conformance of revocation stores: the rules of [`RevocationStore`], as tests that any store can
//! run.
//!
//! Each case makes a store of its own and uses identifiers that no other run uses, so the stores
//! may well be handles on one shared server. A broken rule panics and is named.
//!
//! 1. [`conformance`] is for every store.
//! 2. [`conformance_over_time`] is for those whose time a test can move.
//! 3. Kinds of revocation that a store refuses as
//!    [`Unsupported`](StoreErrorKind::Unsupported) are left out; one kind has to be left.
//!
//! ```
//! use tower_bearer::revocation::MemoryStore;
//! use tower_bearer::testing::revocation::conformance;
//!
//! # futures_util::future::FutureExt::now_or_never(
//! // in a #[tokio::test], or on any other executor, with `.await`:
//! conformance(|| async { MemoryStore::new() })
//! # ).unwrap();
//! ```
//!
//! A store that breaks a rule:
//!
//! ```should_panic
//! use tower_bearer::revocation::{
//!     Identifiers, Revocation, RevocationStatus, RevocationStore, StoreError, TokenIdentity,
//! };
//! use tower_bearer::testing::revocation::conformance;
//!
//! struct Forgetful;
//!
//! impl RevocationStore for Forgetful {
//!     fn required(&self) -> Identifiers {
//!         Identifiers::TOKEN_ID
//!     }
//!     async fn status(&self, _: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
//!         Ok(RevocationStatus::Active)
//!     }
//!     async fn revoke(&self, _: &Revocation) -> Result<(), StoreError> {
//!         Ok(())
//!     }
//! }
//!
//! # futures_util::future::FutureExt::now_or_never(
//! conformance(|| async { Forgetful })
//! # ).unwrap();
//! ```
#![allow(clippy::panic, reason = "a test suite reports by panicking")]

mod cases;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::cases::{Case, Kind};
use crate::clock::{Clock, SystemClock, UnixTime};
use crate::revocation::RevocationStore;
#[cfg(doc)]
use crate::revocation::StoreErrorKind;

/// Tests a store against the rules of [`RevocationStore`], in real time and without sleeping.
///
/// `make_store` is called once for each case.
///
/// # Panics
///
/// If the store breaks a rule, or fails; the message names the case, the rule and the token.
pub async fn conformance<S, F, Fut>(make_store: F)
where
    S: RevocationStore,
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
{
    let keep_until = SystemClock.now().saturating_add(Duration::from_secs(3600));
    let case = |name| Case::new(name, &make_store, keep_until);
    let mut supported = 0;
    for kind in Kind::ALL {
        if !case(kind.name()).await.supports(kind).await {
            continue;
        }
        supported += 1;
        case(kind.name()).await.revokes(kind).await;
        case(kind.name()).await.odd_identifiers(kind).await;
        case(kind.name()).await.concurrent(kind).await;
        if case(kind.name()).await.supports_issuers(kind).await {
            case(kind.name()).await.scoped(kind).await;
        }
    }
    if supported == 0 {
        panic!("revocation store: supports no kind of revocation at all");
    }
    if case("subject").await.supports(Kind::Subject).await {
        case("subject epoch").await.epoch_boundary().await;
        case("subject epoch").await.epoch_stays().await;
    }
    if case("version").await.supports(Kind::Version).await {
        case("version").await.version_boundary().await;
        case("version").await.version_stays().await;
    }
    case("kinds").await.kinds_are_apart().await;
    case("required").await.required().await;
}

/// Tests what a store does as time passes. `set_time` moves the clock that the store goes by,
/// always forwards.
///
/// # Panics
///
/// If the store breaks a rule, or fails.
pub async fn conformance_over_time<S, F, Fut>(make_store: F, set_time: impl Fn(UnixTime))
where
    S: RevocationStore,
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
{
    let start = SystemClock.now().as_secs();
    let at = |secs| UnixTime::from_secs(start + secs);
    set_time(at(0));
    for (round, kind) in (0..).zip(Kind::ALL) {
        let base = round * 1000;
        set_time(at(base));
        let case = Case::new("expiry", &make_store, at(base + 100)).await;
        if !case.supports(kind).await {
            continue;
        }
        let (short, long) = (case.id("short"), case.id("long"));
        case.revoke(kind.revocation(&short, at(base + 100))).await;
        case.revoke(kind.revocation(&long, at(base + 300))).await;
        case.revoke(kind.revocation(&long, at(base + 200))).await;
        set_time(at(base + 99));
        let rule = "a revocation holds until its keep_until";
        case.expect(rule, kind.token(&short), true).await;
        set_time(at(base + 299));
        let rule = "revoking again with an earlier keep_until shortens nothing";
        case.expect(rule, kind.token(&long), true).await;
        let rule = "what was forgotten can be revoked again";
        case.revoke(kind.revocation(&short, at(base + 400))).await;
        set_time(at(base + 399));
        case.expect(rule, kind.token(&short), true).await;
    }
}
