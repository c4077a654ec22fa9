//! Conformance of stores of sessions: the rules of [`SessionStore`], and what must hold of sessions
//! and single-use tokens over it, as tests that any store can run: [all of them](conformance), or one by one.
//!
//! Each case uses ids and subjects that no other run uses, so the stores may well be handles on one
//! shared server. A broken rule panics and is named.
//!
//! ```
//! # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
//! # futures_util::future::FutureExt::now_or_never(async {
//! use tower_bearer::issuer::session::MemorySessionStore;
//! use tower_bearer::testing::session::{self, conformance};
//!
//! conformance(|| async { MemorySessionStore::new() }).await;
//! session::lists(MemorySessionStore::new()).await; // or one case
//! # }).unwrap();
//! ```
#![allow(clippy::panic, reason = "a test suite reports by panicking")]

mod case;
mod ending;
mod races;
mod records;
mod refresh;
mod revoked;
mod single_use;
#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests;

use crate::issuer::session::SessionStore;
use crate::revocation::RevocationStore;

macro_rules! cases {
    ($($(#[$doc:meta])* $case:ident in $module:ident,)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Panics
            /// If the store breaks a rule, or fails.
            pub async fn $case<S: SessionStore + RevocationStore>(store: S) {
                $module::$case(&case::Case::new(stringify!($case), store)).await;
            }
        )*

        /// Tests a store, in real time and without sleeping. Time passes in the calls' `now`, at
        /// most a day ahead of the system's clock.
        ///
        /// `make_store` is called once for each case. The store's revocations are asked as the layer
        /// would; a store of sessions alone is tested within
        /// [`Apart`](crate::issuer::session::Apart).
        ///
        /// # Panics
        /// If the store breaks a rule, or fails; the message names the case and the rule.
        pub async fn conformance<S, F, Fut>(make_store: F)
        where
            S: SessionStore + RevocationStore,
            F: Fn() -> Fut,
            Fut: Future<Output = S>,
        {
            $($case(make_store().await).await;)*
        }
    };
}

cases! {
    /// A record is inserted once, and comes back byte by byte.
    inserts in records,
    /// A record is replaced by who knows its version.
    replaces in records,
    /// A step is taken as a whole or not at all.
    all_or_nothing in records,
    /// Records are listed under their keys, in order, in pages.
    lists in records,
    /// A list has no more than its limit.
    limits in records,
    /// What has gone, or expired, can be written anew.
    comes_anew in records,
    /// What a step revokes is revoked with it, and what is revoked refuses a step.
    revocations in revoked,
    /// A revocation that comes alone outlives the sessions that it covers.
    lone_revocations in revoked,
    /// The store asks for the identifiers that sessions are revoked by.
    required in revoked,
    /// Of many that replace one record at once one does; a limit holds in a crowd.
    races in races,
    /// Of many that refresh with one token at once one wins.
    refresh_races in races,
    /// Logout against refresh, and against sign-in.
    ending_races in races,
    /// Tokens rotate, are retried, and are refused.
    refreshes in refresh,
    /// A spent token ends the session, and is told of, whatever gets lost.
    theft in refresh,
    /// Issuers over one store do not know each other's sessions.
    issuers in refresh,
    /// Sessions end by each way there is.
    ends in ending,
    /// All sessions of a subject end, or all but one.
    ends_all in ending,
    /// A session that was revoked by another way is over for good.
    revoked_elsewhere in ending,
    /// Who signs in and out again and again fills nothing.
    bounded in ending,
    /// Single-use tokens are redeemed once, replaced, revoked, and codes counted.
    single_use in single_use,
    /// What ends all that a subject has ends their single-use tokens too.
    single_use_of_subjects in single_use,
}
