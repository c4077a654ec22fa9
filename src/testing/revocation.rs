//! Conformance of revocation stores: the rules of [`RevocationStore`], as tests that any store can
//! run.
//!
//! Each case makes a store of its own and uses identifiers that no other run uses, so the stores
//! may well be handles on one shared server. A broken rule panics and is named.
//!
//! 1. [`conformance`] is for every store that holds all kinds of revocations. A store of sessions has
//!    to, because "log out everywhere" revokes by subject.
//! 2. [`conformance_of`] is for one that holds only some, and says so.
//! 3. [`conformance_over_time`] is for those whose time a test can move.
//! 4. [`Case::run`] runs one case: a store in the making can be tested as it grows.
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
//!     fn required_identifiers(&self) -> Identifiers {
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

pub use self::cases::Kind;
use self::cases::Stage;
use crate::clock::{Clock, SystemClock, UnixTime};
use crate::revocation::RevocationStore;
#[cfg(doc)]
use crate::revocation::StoreErrorKind;

/// A rule, or a few that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Case {
    /// What was revoked is, and nothing else is.
    Revokes,
    /// Identifiers may be 16 KiB of anything.
    OddIdentifiers,
    /// Of concurrent revocations each takes effect.
    Concurrent,
    /// A revocation of one issuer leaves others alone.
    Issuers,
    /// Which moments an epoch covers.
    Epoch,
    /// An earlier epoch never replaces a later one.
    EpochStays,
    /// Which versions a minimum covers: any `u64`.
    Version,
    /// A lower minimum never replaces a higher one.
    VersionStays,
    /// The same text as another kind of identifier is another identifier.
    KindsApart,
    /// What a token must carry is something, and does not change.
    Required,
}

impl Case {
    /// Every case, in the order in which they are best mended.
    pub const ALL: [Self; 10] = [
        Self::Revokes,
        Self::OddIdentifiers,
        Self::Concurrent,
        Self::Issuers,
        Self::Epoch,
        Self::EpochStays,
        Self::Version,
        Self::VersionStays,
        Self::KindsApart,
        Self::Required,
    ];

    /// Runs this case, for the kinds of revocations among these that it is about.
    ///
    /// # Panics
    ///
    /// If the store breaks a rule, or fails; the message names the case, the rule and the token.
    pub async fn run<S, F, Fut>(self, kinds: &[Kind], make_store: F)
    where
        S: RevocationStore,
        F: Fn() -> Fut,
        Fut: Future<Output = S>,
    {
        let keep_until = SystemClock.now().saturating_add(Duration::from_secs(3600));
        let stage = |name| Stage::new(name, &make_store, keep_until);
        let subject = kinds.contains(&Kind::Subject);
        let version = kinds.contains(&Kind::Version);
        match self {
            Self::Epoch if subject => stage("subject epoch").await.epoch_boundary().await,
            Self::EpochStays if subject => stage("subject epoch").await.epoch_stays().await,
            Self::Version if version => stage("version").await.version_boundary().await,
            Self::VersionStays if version => stage("version").await.version_stays().await,
            Self::Epoch | Self::EpochStays | Self::Version | Self::VersionStays => {}
            Self::KindsApart => stage("kinds").await.kinds_are_apart(kinds).await,
            Self::Required => stage("required").await.required().await,
            Self::Revokes | Self::OddIdentifiers | Self::Concurrent | Self::Issuers => {
                for kind in kinds {
                    let stage = stage(kind.name()).await;
                    stage.must_support(*kind).await;
                    match self {
                        Self::OddIdentifiers => stage.odd_identifiers(*kind).await,
                        Self::Concurrent => stage.concurrent(*kind).await,
                        Self::Issuers => stage.scoped(*kind).await,
                        _ => stage.revokes(*kind).await,
                    }
                }
            }
        }
    }
}

/// Tests a store against the rules of [`RevocationStore`], in real time and without sleeping. It has
/// to hold every kind of revocation, of one issuer too.
///
/// `make_store` is called at least once for each case.
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
    for case in Case::ALL {
        case.run(&Kind::ALL, &make_store).await;
    }
}

/// Like [`conformance`], for a store that holds these kinds and refuses others as
/// [`Unsupported`](StoreErrorKind::Unsupported). It may refuse revocations of one issuer, too.
///
/// # Panics
///
/// If the store breaks a rule, or fails, or if no kind is given.
pub async fn conformance_of<S, F, Fut>(kinds: &[Kind], make_store: F)
where
    S: RevocationStore,
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
{
    if kinds.is_empty() {
        panic!("revocation store: supports no kind of revocation at all");
    }
    let keep_until = SystemClock.now().saturating_add(Duration::from_secs(3600));
    let mut scoped = true;
    for kind in kinds {
        let stage = Stage::new(kind.name(), &make_store, keep_until).await;
        scoped &= stage.supports_issuers(*kind).await;
    }
    for case in Case::ALL {
        if scoped || case != Case::Issuers {
            case.run(kinds, &make_store).await;
        }
    }
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
        let case = Stage::new("expiry", &make_store, at(base + 100)).await;
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
