//! Conformance of stores that remember what was claimed: the rules of [`Once`], as tests that any
//! store can run, together ([`conformance`]) or one by one.
//!
//! ```
//! # futures_util::future::FutureExt::now_or_never(async {
//! use tower_bearer::store::MemoryOnce;
//! use tower_bearer::testing::once::conformance;
//!
//! conformance(|| async { MemoryOnce::new() }).await;
//! # }).unwrap();
//! ```
#![allow(clippy::panic, reason = "a test suite reports by panicking")]

use std::time::Duration;

use futures_util::future::join_all;

use super::unique_id;
use crate::clock::{Clock, SystemClock, UnixTime};
use crate::store::{Once, StoreError};

/// Tests a store against the rules of [`Once`], in real time and without sleeping. Time passes in
/// the calls' `now`, at most two minutes ahead of the system's clock.
///
/// `make_store` is called once for each case; the stores may be handles on one shared server.
///
/// # Panics
///
/// If the store breaks a rule, or fails; the message names the rule.
pub async fn conformance<S, F, Fut>(make_store: F)
where
    S: Once,
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
{
    an_id_is_claimed_once(&make_store().await).await;
    ids_are_apart(&make_store().await).await;
    of_many_one_wins(&make_store().await).await;
    nothing_is_claimed_from_its_end_on(&make_store().await).await;
}

/// An id is claimed once, and remembered to the last moment.
///
/// # Panics
/// If the store breaks the rule.
pub async fn an_id_is_claimed_once<S: Once>(store: &S) {
    let (rule, id, now) = ("an id is claimed once", unique_id("claim"), SystemClock.now());
    expect(rule, store.claim(&id, after(now, 60), now).await, true);
    expect(rule, store.claim(&id, after(now, 60), now).await, false);
    let rule = "an id is remembered until its last moment";
    let last = after(now, 60).saturating_sub(Duration::from_millis(1));
    expect(rule, store.claim(&id, after(now, 120), after(now, 58)).await, false);
    expect(rule, store.claim(&id, after(now, 120), last).await, false);
}

/// Claiming one id leaves all others, however little they differ.
///
/// # Panics
/// If the store breaks the rule.
pub async fn ids_are_apart<S: Once>(store: &S) {
    let (rule, now) = ("claiming one id leaves others", SystemClock.now());
    let id = unique_id("claim");
    expect(rule, store.claim(&id, after(now, 60), now).await, true);
    for byte in [0, 1, 15, 16, 31] {
        for bit in [1, 0x20, 0x80] {
            let mut hash = *id.as_bytes();
            hash[byte] ^= bit;
            let other = crate::store::OnceId::from_hash(hash);
            expect(rule, store.claim(&other, after(now, 60), now).await, true);
        }
    }
    expect(rule, store.claim(&id, after(now, 60), now).await, false);
}

/// Of many concurrent claims of one id exactly one succeeds.
///
/// # Panics
/// If the store breaks the rule.
pub async fn of_many_one_wins<S: Once>(store: &S) {
    let (rule, now) = ("of 64 concurrent claims exactly one wins", SystemClock.now());
    let id = unique_id("race");
    let claimed = join_all((0..64).map(|_| store.claim(&id, after(now, 60), now))).await;
    let mut winners = 0;
    for claimed in claimed {
        match claimed {
            Ok(won) => winners += u32::from(won),
            Err(error) => panic!("once: {rule}: {error:?}"),
        }
    }
    assert!(winners == 1, "once: {rule}: {winners} won");
}

/// A claim whose end has come is nobody's.
///
/// # Panics
/// If the store breaks the rule.
pub async fn nothing_is_claimed_from_its_end_on<S: Once>(store: &S) {
    let (rule, now) = ("from `until` on nothing is claimed", SystemClock.now());
    for late in [60, 61] {
        let id = unique_id("late");
        expect(rule, store.claim(&id, after(now, 60), after(now, late)).await, false);
    }
}

fn after(now: UnixTime, secs: u64) -> UnixTime {
    now.saturating_add(Duration::from_secs(secs))
}

#[track_caller]
fn expect(rule: &str, found: Result<bool, StoreError>, wanted: bool) {
    match found {
        Ok(found) if found == wanted => {}
        found => panic!("once: {rule}: found {found:?}, wanted {wanted}"),
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use futures_util::FutureExt;

    use super::*;
    use crate::store::{MemoryOnce, OnceId};

    #[test]
    fn the_memory_store_conforms() {
        conformance(|| async { MemoryOnce::new() }).now_or_never().unwrap();
        let shared = MemoryOnce::new();
        for _ in 0..2 {
            conformance(|| async { shared.clone() }).now_or_never().unwrap();
        }
    }

    /// A store with one fault.
    struct Faulty(&'static str, MemoryOnce);

    impl Once for Faulty {
        async fn claim(
            &self,
            id: &OnceId,
            until: UnixTime,
            now: UnixTime,
        ) -> Result<bool, StoreError> {
            let early = until.saturating_sub(Duration::from_secs(1));
            let mut hash = *id.as_bytes();
            match self.0 {
                "twice" => self.1.claim(id, until, now).await.map(|_| true),
                "late" => Ok(self.1.claim(id, until, now).await? || until <= now),
                "forgets early" => self.1.claim(id, early, now).await,
                "half of the id" => {
                    hash[16..].fill(0);
                    self.1.claim(&OnceId::from_hash(hash), until, now).await
                }
                _ => self.1.claim(id, until, now).await,
            }
        }
    }

    #[test]
    fn each_fault_is_found_and_named() {
        let faults = [
            ("twice", "claimed once"),
            ("late", "nothing is claimed"),
            ("forgets early", "last moment"),
            ("half of the id", "leaves others"),
        ];
        for (fault, rule) in faults {
            let make = || async { Faulty(fault, MemoryOnce::new()) };
            let run = || conformance(make).now_or_never();
            let panicked = catch_unwind(AssertUnwindSafe(run)).expect_err(fault);
            let message = panicked.downcast_ref::<String>().cloned().unwrap_or_default();
            assert!(message.contains(rule), "{fault}: {message}");
        }
        let sound = || async { Faulty("none", MemoryOnce::new()) };
        conformance(sound).now_or_never().unwrap();
    }
}
