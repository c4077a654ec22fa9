use std::sync::atomic::AtomicUsize;

use futures_util::FutureExt;

use super::*;
use crate::revocation::{
    MemoryStore, Revocation, RevocationStore, StoreCheck, check_async_fn, check_fn,
};

#[derive(Clone, Default)]
struct Hands(Arc<AtomicU64>);

impl Clock for Hands {
    fn now(&self) -> UnixTime {
        UnixTime::from_duration(Duration::from_millis(self.0.load(Ordering::SeqCst)))
    }
}

impl Hands {
    fn set(&self, millis: u64) {
        self.0.store(millis, Ordering::SeqCst);
    }
}

fn ask(check: &impl RevocationCheck, token: &TokenIdentity<'_>) -> &'static str {
    let answer = match check.check(token) {
        Step::Now(answer) => answer,
        Step::Later(future) => future.now_or_never().unwrap(),
    };
    match answer {
        Ok(RevocationStatus::Active) => "active",
        Ok(RevocationStatus::Revoked) => "revoked",
        Err(_) => "error",
    }
}

/// A store that has to be asked.
struct Remote(MemoryStore);

impl RevocationStore for Remote {
    fn required_identifiers(&self) -> Identifiers {
        self.0.required_identifiers()
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        self.0.status(token).await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.0.revoke(revocation).await
    }
}

fn over_a_store(staleness: u64) -> (Cached<StoreCheck<Remote>>, MemoryStore, Hands) {
    let (store, clock) = (MemoryStore::new(), Hands::default());
    clock.set(10_000);
    let staleness = Duration::from_millis(staleness);
    let cached = Cached::new(Remote(store.clone()), staleness);
    (cached.clock(clock.clone()), store, clock)
}

fn is_now<R: RevocationCheck>(check: &R, token: &TokenIdentity<'_>) -> bool {
    matches!(check.check(token), Step::Now(_))
}

fn revoke(store: &MemoryStore, id: &str) {
    store.revoke_now(&Revocation::token(id, UnixTime::MAX)).unwrap();
}

#[test]
fn a_revocation_takes_effect_within_the_staleness() {
    let (check, store, clock) = over_a_store(5_000);
    let token = TokenIdentity::new().with_token_id("t");
    assert_eq!(ask(&check, &token), "active");
    revoke(&store, "t");
    clock.set(14_999);
    assert_eq!(ask(&check, &token), "active");
    assert!(is_now(&check.clone(), &token));
    clock.set(15_000);
    assert!(!is_now(&check, &token));
    assert_eq!(ask(&check, &token), "revoked");
    assert!(is_now(&check, &token));
}

#[test]
fn staleness_counts_from_the_question_not_the_answer() {
    let (check, store, clock) = over_a_store(5_000);
    let token = TokenIdentity::new().with_token_id("t");
    let Step::Later(answer) = check.check(&token) else {
        panic!("nothing is remembered yet");
    };
    clock.set(14_000);
    assert!(answer.now_or_never().unwrap().is_ok());
    revoke(&store, "t");
    clock.set(15_000);
    assert_eq!(ask(&check, &token), "revoked");
}

#[test]
fn zero_staleness_remembers_no_active_token() {
    let (check, store, _) = over_a_store(0);
    let token = TokenIdentity::new().with_token_id("t");
    assert_eq!(ask(&check, &token), "active");
    revoke(&store, "t");
    assert_eq!(ask(&check, &token), "revoked");
}

#[test]
fn a_clock_set_back_makes_a_miss() {
    let (check, store, clock) = over_a_store(5_000);
    let token = TokenIdentity::new().with_token_id("t");
    assert_eq!(ask(&check, &token), "active");
    revoke(&store, "t");
    clock.set(9_000);
    assert_eq!(ask(&check, &token), "revoked");
}

#[test]
fn revoked_is_remembered_until_expiry_and_no_longer_than_set() {
    let clock = Hands::default();
    clock.set(1_000);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let revoked = check_fn(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        RevocationStatus::Revoked
    });
    let check = Cached::new(revoked, Duration::ZERO)
        .clock(clock.clone())
        .revoked_for(Duration::from_secs(60));
    let short = TokenIdentity::new().with_expires_at(UnixTime::from_secs(10));
    let long = TokenIdentity::new().with_expires_at(UnixTime::from_secs(1_000));
    let endless = TokenIdentity::new();
    let mut expected = 0;
    for (token, last) in [(short, 9_999), (long, 60_999), (endless, 60_999)] {
        clock.set(1_000);
        assert_eq!(ask(&check, &token), "revoked");
        expected += 1;
        clock.set(last);
        assert_eq!(ask(&check, &token), "revoked");
        assert_eq!(asked.load(Ordering::SeqCst), expected);
        clock.set(last + 1);
        assert_eq!(ask(&check, &token), "revoked");
        expected += 1;
        assert_eq!(asked.load(Ordering::SeqCst), expected);
    }
}

#[test]
fn errors_are_never_remembered() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let flaky = check_async_fn(move |_| {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        std::future::ready(if first {
            Err(StoreError::unavailable("down"))
        } else {
            Ok(RevocationStatus::Active)
        })
    });
    let check = Cached::new(flaky, Duration::from_secs(5));
    let token = TokenIdentity::new().with_token_id("t");
    assert_eq!(ask(&check, &token), "error");
    assert_eq!(ask(&check, &token), "active");
    assert_eq!(ask(&check, &token), "active");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[test]
fn an_outage_shows_once_what_was_remembered_is_stale() {
    let clock = Hands::default();
    clock.set(1);
    let asked = AtomicUsize::new(0);
    let failing = check_async_fn(move |_| {
        let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        std::future::ready(if first {
            Ok(RevocationStatus::Active)
        } else {
            Err(StoreError::unavailable("down"))
        })
    });
    let check = Cached::new(failing, Duration::from_secs(5)).clock(clock.clone());
    let token = TokenIdentity::new().with_token_id("t");
    assert_eq!(ask(&check, &token), "active");
    clock.set(5_000);
    assert_eq!(ask(&check, &token), "active");
    clock.set(5_001);
    assert_eq!(ask(&check, &token), "error");
}

#[test]
fn clearing_forgets_answers_under_way_too() {
    let (check, store, _) = over_a_store(60_000);
    let (known, coming) =
        (TokenIdentity::new().with_token_id("known"), TokenIdentity::new().with_token_id("coming"));
    assert_eq!(ask(&check, &known), "active");
    let Step::Later(answer) = check.check(&coming) else {
        panic!("nothing is remembered yet");
    };
    assert_eq!(answer.now_or_never().unwrap().unwrap(), RevocationStatus::Active);
    let Step::Later(late) = check.check(&coming.clone().with_subject("other")) else {
        panic!("nothing is remembered yet");
    };
    for id in ["known", "coming"] {
        revoke(&store, id);
    }
    check.clear();
    drop(late.now_or_never());
    assert_eq!(ask(&check, &known), "revoked");
    assert_eq!(ask(&check, &coming), "revoked");
    assert_eq!(ask(&check, &coming.clone().with_subject("other")), "revoked");
}

#[test]
fn tokens_that_differ_anywhere_share_no_answer() {
    let check = check_fn(|token| RevocationStatus::revoked_if(token.token_version() == Some(1)));
    let check = Cached::new(check, Duration::from_secs(5));
    let token = TokenIdentity::new().with_token_id("t");
    assert_eq!(ask(&check, &token.clone().with_token_version(2)), "active");
    assert_eq!(ask(&check, &token.clone().with_token_version(1)), "revoked");
    assert_eq!(ask(&check, &token), "active");
}

#[test]
fn more_tokens_than_room_are_all_answered_right() {
    let check = check_fn(|token| {
        let number: u32 = token.token_id().unwrap().parse().unwrap();
        RevocationStatus::revoked_if(number.is_multiple_of(3))
    });
    let check = Cached::new(check, Duration::from_secs(5)).capacity(64);
    for _ in 0..3 {
        for number in 0..1_000 {
            let id = number.to_string();
            let expected = if number % 3 == 0 { "revoked" } else { "active" };
            assert_eq!(ask(&check, &TokenIdentity::new().with_token_id(&id)), expected);
        }
    }
}

#[test]
fn a_clock_set_back_that_catches_up_brings_no_answer_back() {
    let (check, store, clock) = over_a_store(5_000);
    let token = TokenIdentity::new().with_token_id("t");
    clock.set(10_000_000);
    assert_eq!(ask(&check, &token), "active");
    revoke(&store, "t");
    clock.set(6_000_000);
    assert_eq!(ask(&check, &TokenIdentity::new().with_token_id("another")), "active");
    clock.set(10_001_000);
    assert_eq!(ask(&check, &token), "revoked");
}
