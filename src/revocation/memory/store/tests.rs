use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::clock::UnixTime;
use crate::revocation::StoreErrorKind;

#[derive(Clone, Default)]
struct Hands(Arc<AtomicU64>);

impl Clock for Hands {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::Relaxed))
    }
}

impl Hands {
    fn set(&self, secs: u64) {
        self.0.store(secs, Ordering::Relaxed);
    }
}

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(secs)
}

fn revoke(store: &MemoryStore, revocation: Revocation) {
    store.revoke_now(&revocation).unwrap();
}

fn token(id: &str) -> TokenIdentity<'_> {
    TokenIdentity::new().with_token_id(id)
}

fn small(capacity: usize) -> (MemoryStore, Hands) {
    let clock = Hands::default();
    let builder = MemoryStore::builder().clock(clock.clone());
    (builder.capacity(capacity).build(), clock)
}

#[test]
fn look_ups_agree_with_the_definition() {
    let texts = ["", "a", "a:b", "b", "\0"];
    let mut all = Vec::new();
    for id in texts {
        all.push(Revocation::token(id, UnixTime::MAX));
        all.push(Revocation::session(id, UnixTime::MAX));
        all.push(Revocation::subject(id, at(50), UnixTime::MAX));
        all.push(Revocation::version(id, 5, UnixTime::MAX));
    }
    let scoped = all.clone().into_iter().map(|one| one.issuer("a"));
    all = all.iter().cloned().chain(scoped).collect();
    let mut tokens = vec![TokenIdentity::new()];
    for id in texts {
        let subject = TokenIdentity::new().with_subject(id);
        tokens.extend([
            token(id),
            TokenIdentity::new().with_session_id(id),
            subject.clone(),
            subject.clone().with_issued_at(at(49)).with_token_version(5),
            subject.clone().with_issued_at(at(50)).with_token_version(4),
            subject.with_issued_at(at(50)).with_token_version(5),
        ]);
    }
    for issuer in ["a", "a:b"] {
        tokens.extend(tokens.clone().iter().map(|one| one.clone().with_issuer(issuer)));
    }
    for revocation in &all {
        let store = MemoryStore::new();
        store.revoke_now(revocation).unwrap();
        for token in &tokens {
            let expected = RevocationStatus::revoked_if(revocation.applies_to(token));
            assert_eq!(store.status_now(token), expected, "{revocation:?} {token:?}");
        }
    }
}

#[test]
fn an_epoch_past_what_can_be_counted_covers_every_token() {
    let store = MemoryStore::new();
    revoke(&store, Revocation::subject("ada", UnixTime::MAX, UnixTime::MAX));
    let ada = TokenIdentity::new().with_subject("ada");
    for issued_at in [UnixTime::EPOCH, at(u64::MAX), UnixTime::MAX] {
        assert!(store.status_now(&ada.clone().with_issued_at(issued_at)).is_revoked());
    }
    let store = MemoryStore::new();
    revoke(&store, Revocation::version("ada", u64::MAX, UnixTime::MAX));
    assert!(store.status_now(&ada.clone().with_token_version(u64::MAX - 1)).is_revoked());
    assert!(!store.status_now(&ada.clone().with_token_version(u64::MAX)).is_revoked());
}

#[test]
fn revoking_again_keeps_the_stronger() {
    let (store, clock) = small(10);
    let ada = TokenIdentity::new().with_subject("ada");
    for (epoch, minimum, keep) in [(100, 7, 1000), (50, 3, 500)] {
        revoke(&store, Revocation::subject("ada", at(epoch), at(keep)));
        revoke(&store, Revocation::version("ada", minimum, at(keep)));
    }
    assert_eq!(store.len(), 2);
    clock.set(999);
    store.purge_expired();
    let token = ada.clone().with_issued_at(at(99)).with_token_version(7);
    assert!(store.status_now(&token).is_revoked());
    let token = ada.clone().with_issued_at(at(100)).with_token_version(6);
    assert!(store.status_now(&token).is_revoked());
    let token = ada.clone().with_issued_at(at(100)).with_token_version(7);
    assert!(!store.status_now(&token).is_revoked());
}

#[test]
fn a_full_store_refuses_and_forgets_nothing() {
    let (store, clock) = small(3);
    for id in ["a", "b", "c"] {
        revoke(&store, Revocation::token(id, at(100)));
    }
    for _ in 0..3 {
        let error = store.revoke_now(&Revocation::token("d", at(300))).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Full);
    }
    assert!(!store.status_now(&token("d")).is_revoked());
    // One that is there can still be prolonged.
    revoke(&store, Revocation::token("a", at(200)));
    clock.set(99);
    assert!(store.revoke_now(&Revocation::token("d", at(300))).is_err());
    clock.set(100);
    revoke(&store, Revocation::token("d", at(300)));
    assert_eq!(store.len(), 2);
    for id in ["a", "d"] {
        assert!(store.status_now(&token(id)).is_revoked(), "{id}");
    }
    let (none, _) = small(0);
    assert!(none.revoke_now(&Revocation::token("a", at(1))).is_err());
}

#[test]
fn expiry_counts_in_seconds_rounded_up() {
    let (store, clock) = small(10);
    let keep_until = UnixTime::from_duration(Duration::from_millis(10_001));
    revoke(&store, Revocation::token("a", keep_until));
    clock.set(10);
    store.purge_expired();
    assert!(store.status_now(&token("a")).is_revoked());
    clock.set(11);
    store.purge_expired();
    assert!(store.is_empty());
    assert!(!store.status_now(&token("a")).is_revoked());
}

#[test]
fn what_has_expired_already_takes_no_room() {
    let (store, clock) = small(10);
    clock.set(100);
    revoke(&store, Revocation::token("a", at(100)));
    assert!(store.is_empty());
}

#[test]
fn what_never_expires_stays() {
    let (store, clock) = small(10);
    revoke(&store, Revocation::token("a", UnixTime::MAX));
    clock.set(u64::MAX);
    store.purge_expired();
    assert!(store.status_now(&token("a")).is_revoked());
}

#[test]
fn a_steady_flow_stays_small_without_purging() {
    let (store, clock) = small(1_000_000);
    let mut most = 0;
    for second in 0..300 {
        clock.set(second);
        for number in 0..100 {
            let id = format!("{second}-{number}");
            revoke(&store, Revocation::token(id, at(second + 20)));
        }
        most = most.max(store.len());
    }
    // 2,000 are in force at any time.
    assert!(most < 4_000, "{most}");
}

#[test]
fn a_million_entries_are_all_found_and_no_other() {
    const MANY: u32 = 1_000_000;
    let (store, _) = small(MANY as usize);
    let started = Instant::now();
    for id in 0..MANY {
        revoke(&store, Revocation::token(id.to_string(), at(10)));
    }
    assert_eq!(store.len(), MANY as usize);
    for id in 0..MANY {
        let known = id.to_string();
        assert!(store.status_now(&token(&known)).is_revoked());
        let unknown = format!("x{id}");
        assert!(!store.status_now(&token(&unknown)).is_revoked());
    }
    assert!(started.elapsed() < Duration::from_secs(120));
    let error = store.revoke_now(&Revocation::token("one more", at(10)));
    assert_eq!(error.unwrap_err().kind(), StoreErrorKind::Full);
}

#[test]
fn readers_never_miss_a_revocation_that_returned() {
    const MANY: usize = 60_000;
    let (store, clock) = small(MANY);
    let returned = AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for reader in 0..3 {
            let (store, returned, done) = (&store, &returned, &done);
            scope.spawn(move || {
                let mut at = reader * 31;
                while !done.load(Ordering::Relaxed) {
                    let known = returned.load(Ordering::Acquire);
                    // The last ones most: tables are growing under them.
                    for id in [known.wrapping_sub(1), known / 2, at % known.max(1)] {
                        if id < known && id % 2 == 0 {
                            let id = id.to_string();
                            assert!(store.status_now(&token(&id)).is_revoked(), "{id}");
                        }
                    }
                    at += 7;
                }
            });
        }
        // Every odd one expires soon, so slots are freed and used again meanwhile.
        for id in 0..MANY {
            clock.set(id as u64 / 100);
            let keep_until = if id % 2 == 0 { at(u64::MAX) } else { at(id as u64 / 100 + 2) };
            revoke(&store, Revocation::token(id.to_string(), keep_until));
            returned.store(id + 1, Ordering::Release);
        }
        done.store(true, Ordering::Relaxed);
    });
    for id in (0..MANY).step_by(2) {
        assert!(store.status_now(&token(&id.to_string())).is_revoked());
    }
}

#[test]
fn concurrent_revocations_all_take_effect_and_stay_within_capacity() {
    let (store, _) = small(8_000);
    let refused = AtomicUsize::new(0);
    thread::scope(|scope| {
        for writer in 0..4 {
            let (store, refused) = (&store, &refused);
            scope.spawn(move || {
                for number in 0..2_500 {
                    let id = format!("{writer}-{number}");
                    let stored = store.revoke_now(&Revocation::token(&*id, at(9))).is_ok();
                    assert_eq!(store.status_now(&token(&id)).is_revoked(), stored);
                    refused.fetch_add(usize::from(!stored), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(store.len(), 8_000);
    assert_eq!(refused.into_inner(), 2_000);
}

#[test]
fn debug_shows_numbers_only() {
    let store = MemoryStore::new();
    revoke(&store, Revocation::token("secret-id", UnixTime::MAX));
    let text = format!("{store:?} {:?}", MemoryStore::builder());
    assert!(text.contains("len: 1") && !text.contains("secret"), "{text}");
}
