//! Conformance of stores for single-use tokens: the rules of [`SingleUseStore`], as tests that any
//! store can run.
//!
//! ```
//! # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
//! # futures_util::future::FutureExt::now_or_never(async {
//! use tower_bearer::issuer::single_use::MemorySingleUseStore;
//! use tower_bearer::testing::single_use::conformance;
//!
//! conformance(|| async { MemorySingleUseStore::new() }).await;
//! # }).unwrap();
//! ```
#![allow(clippy::panic, reason = "a test suite reports by panicking")]

use std::time::Duration;

use futures_util::future::join_all;

use super::unique_hash;
use crate::clock::{Clock, SystemClock};
use crate::issuer::single_use::SingleUseStore;
use crate::store::StoreError;

/// Tests a store against the rules of [`SingleUseStore`], in real time and without sleeping. Time
/// passes in the calls' `now`, at most an hour ahead of the system's clock.
///
/// `make_store` is called once for each case; the stores may be handles on one shared server.
///
/// # Panics
///
/// If the store breaks a rule, or fails; the message names the rule.
pub async fn conformance<S, F, Fut>(make_store: F)
where
    S: SingleUseStore,
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
{
    let now = SystemClock.now();
    let after = |secs| now.saturating_add(Duration::from_secs(secs));

    let store = make_store().await;
    let (id, other) = (unique_hash("one"), unique_hash("other"));
    let rule = "what nobody put is not found";
    expect(rule, store.take(&id, now).await, &None);
    let odd = "{\"a\":\"\\u0000 é \u{1F980}\"}\r\n";
    let large = "x".repeat(64 * 1024);
    for payload in ["", "\"ada\"", odd, &large] {
        let id = unique_hash("payload");
        expect("a payload is taken", store.put(&id, payload, after(60), now).await, &());
        let rule = "a payload comes back as it was put";
        expect(rule, store.take(&id, now).await, &Some(payload.to_owned()));
        let rule = "a payload is taken once";
        expect(rule, store.take(&id, now).await, &None);
    }
    let rule = "taking another id leaves this one";
    expect(rule, store.put(&id, "1", after(60), now).await, &());
    expect(rule, store.take(&other, now).await, &None);
    expect(rule, store.take(&id, after(59)).await, &Some("1".to_owned()));
    let rule = "from `until` on nothing is found";
    expect(rule, store.put(&other, "1", after(60), now).await, &());
    expect(rule, store.take(&other, after(60)).await, &None);

    let store = make_store().await;
    let id = unique_hash("race");
    expect("a payload is taken", store.put(&id, "1", after(60), now).await, &());
    let taken = join_all((0..64).map(|_| store.take(&id, now))).await;
    let winners = taken.into_iter().filter(|taken| matches!(taken, Ok(Some(_)))).count();
    expect("of 64 concurrent takers exactly one wins", Ok(winners), &1);
}

#[track_caller]
fn expect<T: PartialEq + std::fmt::Debug>(rule: &str, found: Result<T, StoreError>, wanted: &T) {
    match found {
        Ok(found) if found == *wanted => {}
        found => panic!("single-use store: {rule}: found {found:?}, wanted {wanted:?}"),
    }
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use futures_util::FutureExt;

    use super::*;
    use crate::clock::UnixTime;
    use crate::issuer::single_use::MemorySingleUseStore;
    use crate::key::TokenHash;
    use crate::store::{Once, OnceId};

    #[test]
    fn the_memory_store_conforms() {
        conformance(|| async { MemorySingleUseStore::new() }).now_or_never().unwrap();
        let shared = MemorySingleUseStore::new();
        for _ in 0..2 {
            conformance(|| async { shared.clone() }).now_or_never().unwrap();
        }
    }

    /// A store with one fault.
    struct Faulty(&'static str, MemorySingleUseStore);

    impl SingleUseStore for Faulty {
        async fn put(
            &self,
            id: &TokenHash,
            payload: &str,
            until: UnixTime,
            now: UnixTime,
        ) -> Result<(), StoreError> {
            let payload = if self.0 == "trims" { payload.trim() } else { payload };
            self.1.put(id, payload, until, now).await
        }

        async fn take(&self, id: &TokenHash, now: UnixTime) -> Result<Option<String>, StoreError> {
            let now = if self.0 == "takes late" { UnixTime::EPOCH } else { now };
            let taken = self.1.take(id, now).await?;
            if let ("takes twice", Some(payload)) = (self.0, &taken) {
                self.1.put(id, payload, UnixTime::MAX, now).await?;
            }
            Ok(taken)
        }
    }

    impl Once for Faulty {
        async fn claim(&self, _: &OnceId, _: UnixTime, _: UnixTime) -> Result<bool, StoreError> {
            Err(StoreError::unsupported())
        }
    }

    #[test]
    fn each_fault_is_found_and_named() {
        let faults = [
            ("trims", "comes back as it was put"),
            ("takes late", "nothing is found"),
            ("takes twice", "taken once"),
        ];
        for (fault, rule) in faults {
            let make = || async { Faulty(fault, MemorySingleUseStore::new()) };
            let run = || conformance(make).now_or_never();
            let panicked = catch_unwind(AssertUnwindSafe(run)).expect_err(fault);
            let message = panicked.downcast_ref::<String>().cloned().unwrap_or_default();
            assert!(message.contains(rule), "{fault}: {message}");
        }
        let sound = || async { Faulty("none", MemorySingleUseStore::new()) };
        conformance(sound).now_or_never().unwrap();
    }
}
