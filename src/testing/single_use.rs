//! Conformance of stores for single-use tokens: the rules of [`SingleUseStore`], as tests that any
//! store can run, together ([`conformance`]) or one by one. Those of [`Once`](crate::store::Once) are
//! in [`once`](super::once).
//!
//! ```
//! # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
//! # futures_util::future::FutureExt::now_or_never(async {
//! use tower_bearer::issuer::single_use::MemorySingleUseStore;
//! use tower_bearer::testing::{once, single_use};
//!
//! single_use::conformance(|| async { MemorySingleUseStore::new() }).await;
//! once::conformance(|| async { MemorySingleUseStore::new() }).await;
//! # }).unwrap();
//! ```
#![allow(clippy::panic, reason = "a test suite reports by panicking")]

use std::time::Duration;

use futures_util::future::join_all;

use super::unique_hash;
use crate::clock::{Clock, SystemClock, UnixTime};
use crate::issuer::single_use::{Attempt, MOST_IN_GROUP, NewToken, SingleUseStore};
use crate::key::TokenHash;
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
    a_token_is_taken_once(&make_store().await).await;
    of_many_one_takes(&make_store().await).await;
    nothing_is_found_from_its_end_on(&make_store().await).await;
    a_newer_token_replaces_the_oldest(&make_store().await).await;
    a_group_is_bounded(&make_store().await).await;
    a_group_is_revoked(&make_store().await).await;
    wrong_tries_are_counted(&make_store().await).await;
}

/// What was put comes back as it was, once.
///
/// # Panics
/// If the store breaks the rule.
pub async fn a_token_is_taken_once<S: SingleUseStore>(store: &S) {
    let now = SystemClock.now();
    let (id, other) = (unique_hash("one"), unique_hash("other"));
    let rule = "what nobody put is not found";
    expect(rule, store.take(&id, now).await, &None);
    let odd = "{\"a\":\"\\u0000 é \u{1F980}\"}\r\n";
    let large = "x".repeat(64 * 1024);
    for payload in ["", "\"ada\"", odd, &large] {
        let token = Token { payload, ..Token::new() };
        expect("a token is put", token.put(store, now).await, &());
        let rule = "a payload comes back as it was put";
        expect(rule, store.take(&token.id, now).await, &Some(payload.to_owned()));
        let rule = "a payload is taken once";
        expect(rule, store.take(&token.id, now).await, &None);
    }
    let rule = "taking another id leaves this one";
    let token = Token { id, ..Token::new() };
    expect(rule, token.put(store, now).await, &());
    expect(rule, store.take(&other, now).await, &None);
    expect(rule, store.take(&id, after(now, 59)).await, &Some("1".to_owned()));
}

/// Of many that take one id exactly one succeeds.
///
/// # Panics
/// If the store breaks the rule.
pub async fn of_many_one_takes<S: SingleUseStore>(store: &S) {
    let (now, token) = (SystemClock.now(), Token::new());
    expect("a token is put", token.put(store, now).await, &());
    let taken = join_all((0..64).map(|_| store.take(&token.id, now))).await;
    let winners = taken.into_iter().filter(|taken| matches!(taken, Ok(Some(_)))).count();
    expect("of 64 concurrent takers exactly one wins", Ok(winners), &1);
    expect("a token is put", token.put(store, now).await, &());
    let taken = join_all((0..64).map(|_| token.attempt(store, &token.id, 100, now))).await;
    let winners = taken.into_iter().filter(|taken| matches!(taken, Ok(Some(_)))).count();
    expect("of 64 concurrent attempts exactly one wins", Ok(winners), &1);
}

/// From its end on a token is not there.
///
/// # Panics
/// If the store breaks the rule.
pub async fn nothing_is_found_from_its_end_on<S: SingleUseStore>(store: &S) {
    let (rule, now) = ("from `until` on nothing is found", SystemClock.now());
    for late in [60, 61] {
        let token = Token::new();
        expect(rule, token.put(store, now).await, &());
        expect(rule, store.take(&token.id, after(now, late)).await, &None);
        let token = Token::new();
        expect(rule, token.put(store, now).await, &());
        expect(rule, token.attempt(store, &token.id, 5, after(now, late)).await, &None);
    }
}

/// Of a slot the newest are left, as many as the last one allows; other slots are let alone.
///
/// # Panics
/// If the store breaks the rule.
pub async fn a_newer_token_replaces_the_oldest<S: SingleUseStore>(store: &S) {
    let now = SystemClock.now();
    let (first, apart) = (Token::new(), Token::new());
    let apart = Token { group: first.group, ..apart };
    let stranger = Token { slot: first.slot, ..Token::new() };
    for token in [&first, &apart, &stranger] {
        expect("a token is put", token.put(store, now).await, &());
    }
    let second = Token { id: unique_hash("second"), ..first };
    let third = Token { id: unique_hash("third"), most: 2, ..first };
    let fourth = Token { id: unique_hash("fourth"), most: 2, ..first };
    let rule = "a newer token of the slot replaces the older";
    expect(rule, second.put(store, after(now, 1)).await, &());
    expect(rule, store.take(&first.id, after(now, 2)).await, &None);
    let rule = "as many of the slot are left as the newest allows";
    expect(rule, third.put(store, after(now, 3)).await, &());
    expect(rule, fourth.put(store, after(now, 4)).await, &());
    expect(rule, store.take(&second.id, after(now, 5)).await, &None);
    let there = &Some("1".to_owned());
    expect(rule, store.take(&third.id, after(now, 5)).await, there);
    expect(rule, store.take(&fourth.id, after(now, 5)).await, there);
    let rule = "other slots and other groups are let alone";
    expect(rule, store.take(&apart.id, after(now, 5)).await, there);
    expect(rule, store.take(&stranger.id, after(now, 5)).await, there);
}

/// No group holds more than [`MOST_IN_GROUP`], in however many slots: the oldest go.
///
/// # Panics
/// If the store breaks the rule.
pub async fn a_group_is_bounded<S: SingleUseStore>(store: &S) {
    let (rule, now) = ("a group holds no more than it may: the oldest go", SystemClock.now());
    let first = Token::new();
    let more = (0..MOST_IN_GROUP + 4).map(|_| Token { group: first.group, ..Token::new() });
    let all: Vec<_> = std::iter::once(first).chain(more).collect();
    for (second, token) in (0..).zip(&all) {
        expect(rule, token.put(store, after(now, second)).await, &());
    }
    let mut left = 0;
    for (place, token) in all.iter().enumerate() {
        let newest = place >= all.len() - MOST_IN_GROUP as usize;
        match store.take(&token.id, after(now, 30)).await {
            Ok(found) if found.is_some() == newest => left += u32::from(newest),
            found => panic!("single-use store: {rule}: found {found:?} at {place}"),
        }
    }
    expect(rule, Ok(left), &MOST_IN_GROUP);
}

/// Revoking a group removes all of it and nothing else.
///
/// # Panics
/// If the store breaks the rule.
pub async fn a_group_is_revoked<S: SingleUseStore>(store: &S) {
    let now = SystemClock.now();
    let (one, stranger) = (Token::new(), Token::new());
    let two = Token { group: one.group, ..Token::new() };
    for token in [&one, &two, &stranger] {
        expect("a token is put", token.put(store, now).await, &());
    }
    let rule = "nothing of a revoked group is found";
    expect(rule, store.revoke_group(&one.group, now).await, &());
    expect(rule, store.take(&one.id, now).await, &None);
    expect(rule, two.attempt(store, &two.id, 5, now).await, &None);
    let rule = "another group is not revoked";
    expect(rule, store.take(&stranger.id, now).await, &Some("1".to_owned()));
    let rule = "a group can be used after it was revoked";
    expect(rule, one.put(store, now).await, &());
    expect(rule, store.take(&one.id, now).await, &Some("1".to_owned()));
    let rule = "a group that is empty can be revoked";
    expect(rule, store.revoke_group(&unique_hash("empty"), now).await, &());
}

/// As many wrong tries as allowed, and the slot's tokens are gone.
///
/// # Panics
/// If the store breaks the rule.
pub async fn wrong_tries_are_counted<S: SingleUseStore>(store: &S) {
    let now = SystemClock.now();
    let there = &Some("1".to_owned());
    let token = Token::new();
    let apart = Token { group: token.group, ..Token::new() };
    expect("a token is put", token.put(store, now).await, &());
    expect("a token is put", apart.put(store, now).await, &());
    let rule = "a wrong try takes nothing";
    for number in 0..4 {
        let wrong = unique_hash("wrong");
        expect(rule, token.attempt(store, &wrong, 5, after(now, number)).await, &None);
    }
    let rule = "before the last wrong try the right id is taken";
    expect(rule, token.attempt(store, &token.id, 5, after(now, 5)).await, there);
    let rule = "a new token starts to count anew";
    expect(rule, token.put(store, after(now, 6)).await, &());
    for number in 7..11 {
        let wrong = unique_hash("wrong");
        expect(rule, token.attempt(store, &wrong, 5, after(now, number)).await, &None);
    }
    let again = Token { id: unique_hash("again"), ..token };
    expect(rule, again.put(store, after(now, 11)).await, &());
    let rule = "with the last wrong try the slot is empty";
    for number in 12..17 {
        let wrong = unique_hash("wrong");
        expect(rule, token.attempt(store, &wrong, 5, after(now, number)).await, &None);
    }
    expect(rule, again.attempt(store, &again.id, 5, after(now, 17)).await, &None);
    expect(rule, store.take(&again.id, after(now, 17)).await, &None);
    let rule = "wrong tries count against their own slot";
    expect(rule, apart.attempt(store, &apart.id, 5, after(now, 18)).await, there);
    let rule = "an id of another slot is a wrong try";
    expect(rule, token.put(store, after(now, 19)).await, &());
    expect(rule, apart.attempt(store, &token.id, 5, after(now, 20)).await, &None);
    expect(rule, token.attempt(store, &token.id, 5, after(now, 21)).await, there);
}

/// A token of its own group and slot, unless told otherwise, good for a minute.
#[derive(Clone, Copy)]
struct Token<'a> {
    id: TokenHash,
    group: TokenHash,
    slot: TokenHash,
    most: u32,
    payload: &'a str,
}

impl Token<'_> {
    fn new() -> Self {
        let (id, group, slot) = (unique_hash("id"), unique_hash("group"), unique_hash("slot"));
        Self { id, group, slot, most: 1, payload: "1" }
    }

    async fn put<S: SingleUseStore>(&self, store: &S, now: UnixTime) -> Result<(), StoreError> {
        let Self { id, group, slot, most, payload } = self;
        let until = after(now, 60);
        store.put(&NewToken { id, group, slot, most: *most, payload, until }, now).await
    }

    async fn attempt<S: SingleUseStore>(
        &self,
        store: &S,
        id: &TokenHash,
        most: u32,
        now: UnixTime,
    ) -> Result<Option<String>, StoreError> {
        let Self { group, slot, .. } = self;
        store.attempt(&Attempt { group, slot, id, most }, now).await
    }
}

fn after(now: UnixTime, secs: u64) -> UnixTime {
    now.saturating_add(Duration::from_secs(secs))
}

#[track_caller]
fn expect<T: PartialEq + std::fmt::Debug>(rule: &str, found: Result<T, StoreError>, wanted: &T) {
    match found {
        Ok(found) if found == *wanted => {}
        found => panic!("single-use store: {rule}: found {found:?}, wanted {wanted:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use futures_util::FutureExt;

    use super::*;
    use crate::issuer::single_use::MemorySingleUseStore;
    use crate::store::{Once, OnceId};

    #[test]
    fn the_memory_store_conforms() {
        conformance(|| async { MemorySingleUseStore::new() }).now_or_never().unwrap();
        let shared = MemorySingleUseStore::new();
        for _ in 0..2 {
            conformance(|| async { shared.clone() }).now_or_never().unwrap();
            super::super::once::conformance(|| async { shared.clone() }).now_or_never().unwrap();
        }
    }

    /// A store with one fault.
    struct Faulty(&'static str, MemorySingleUseStore);

    impl SingleUseStore for Faulty {
        async fn put(&self, token: &NewToken<'_>, now: UnixTime) -> Result<(), StoreError> {
            let mut token = *token;
            let own = TokenHash::from_bytes(*token.id.as_bytes());
            match self.0 {
                "trims" => token.payload = token.payload.trim(),
                "replaces nothing" => token.most = MOST_IN_GROUP,
                "replaces all" => token.most = 1,
                "no groups" => token.group = &own,
                "no slots" => token.slot = token.group,
                _ => {}
            }
            self.1.put(&token, now).await
        }

        async fn take(&self, id: &TokenHash, now: UnixTime) -> Result<Option<String>, StoreError> {
            let at = if self.0 == "takes late" { UnixTime::EPOCH } else { now };
            let taken = self.1.take(id, at).await?;
            if let ("takes twice", Some(payload)) = (self.0, &taken) {
                let until = UnixTime::MAX;
                let token = NewToken { id, group: id, slot: id, most: 1, payload, until };
                self.1.put(&token, now).await?;
            }
            Ok(taken)
        }

        async fn attempt(
            &self,
            attempt: &Attempt<'_>,
            now: UnixTime,
        ) -> Result<Option<String>, StoreError> {
            let mut attempt = *attempt;
            match self.0 {
                "counts nothing" => attempt.most = u32::MAX,
                "counts one too many" => attempt.most += 1,
                "counts one too few" => attempt.most -= 1,
                _ => {}
            }
            self.1.attempt(&attempt, now).await
        }

        async fn revoke_group(&self, group: &TokenHash, now: UnixTime) -> Result<(), StoreError> {
            if self.0 == "revokes nothing" { Ok(()) } else { self.1.revoke_group(group, now).await }
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
            ("replaces nothing", "replaces the older"),
            ("replaces all", "as many of the slot"),
            ("no groups", "exactly one wins"),
            ("no slots", "exactly one wins"),
            ("counts nothing", "with the last wrong try"),
            ("counts one too many", "with the last wrong try"),
            ("counts one too few", "before the last wrong try"),
            ("revokes nothing", "of a revoked group"),
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
