//! Conformance of stores for refresh tokens: the table and the rules of [`SessionStore`], as tests
//! that any store can run.
//!
//! Each case uses subjects and families that no other run uses, so the stores may well be handles
//! on one shared server. A broken rule panics and is named.
//!
//! ```
//! # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
//! # futures_util::future::FutureExt::now_or_never(async {
//! use tower_bearer::issuer::session::MemorySessionStore;
//! use tower_bearer::testing::refresh::conformance;
//!
//! conformance(|| async { MemorySessionStore::new() }).await;
//! # }).unwrap();
//! ```
#![allow(clippy::panic, reason = "a test suite reports by panicking")]

mod cases;
#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests;

use self::cases::Case;
use crate::issuer::session::SessionStore;

/// Tests a store against the state machine and the rules of [`SessionStore`], in real time and
/// without sleeping. Time passes in the calls' `now`, at most a day ahead of the system's clock.
///
/// `make_store` is called once for each case. The store's revocations are asked as the layer would.
///
/// # Panics
///
/// If the store breaks a rule, or fails; the message names the case and the rule.
pub async fn conformance<S, F, Fut>(make_store: F)
where
    S: SessionStore,
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
{
    let case = |name| Case::new(name, &make_store);
    case("create").await.creates().await;
    case("rotate").await.rotates().await;
    case("reuse").await.reuse().await;
    case("refusals").await.refusals().await;
    case("expiry").await.expiry().await;
    case("grace").await.grace().await;
    case("grace window").await.grace_window().await;
    case("grace, too many").await.crowd().await;
    case("grace, left behind").await.left_behind().await;
    case("clocks that differ").await.overtaken().await;
    case("end of a family").await.end_family().await;
    case("end of a subject's families").await.end_subject().await;
    case("concurrent refreshes").await.race().await;
    case("concurrent refreshes with grace").await.race_with_grace().await;
    case("refresh against logout").await.race_with_logout().await;
    case("sign-in against logout").await.race_with_sign_in().await;
}
