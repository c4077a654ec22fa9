use super::*;
use crate::revocation::{
    Identifiers, MemoryStore, Revocation, RevocationStatus, RevocationTarget, StoreError,
    TokenIdentity,
};
use futures_util::FutureExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn the_memory_store_conforms() {
    conformance(|| async { MemoryStore::new() }).now_or_never().unwrap();
    // As handles on one store, too.
    let store = Arc::new(MemoryStore::new());
    for _ in 0..2 {
        conformance(|| async { Arc::clone(&store) }).now_or_never().unwrap();
    }
}

#[test]
fn the_memory_store_conforms_over_time() {
    #[derive(Clone, Default)]
    struct Hands(Arc<AtomicU64>);
    impl Clock for Hands {
        fn now(&self) -> UnixTime {
            UnixTime::from_secs(self.0.load(Ordering::Relaxed))
        }
    }
    let clock = Hands::default();
    let make = || async { MemoryStore::builder().clock(clock.clone()).build() };
    let set = |time: UnixTime| clock.0.store(time.as_secs(), Ordering::Relaxed);
    conformance_over_time(make, set).now_or_never().unwrap();
}

/// A store with one fault.
struct Faulty(&'static str, MemoryStore);

impl RevocationStore for Faulty {
    fn required_identifiers(&self) -> Identifiers {
        if self.0 == "requires nothing" { Identifiers::NONE } else { Identifiers::TOKEN_ID }
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        let mut token = token.clone();
        let joined = format!(
            "{}:{}",
            token.issuer().unwrap_or_default(),
            token.token_id().unwrap_or_default()
        );
        match self.0 {
            "whole seconds" => {
                if let Some(issued_at) = token.issued_at() {
                    let up = issued_at.saturating_add(Duration::from_millis(999));
                    token = token.with_issued_at(UnixTime::from_secs(up.as_secs()));
                }
            }
            "joins" if token.token_id().is_some() => {
                token = TokenIdentity::new().with_token_id(&joined);
            }
            "fails" => return Err(StoreError::unavailable("down")),
            _ => {}
        }
        Ok(self.1.status_now(&token))
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        let until = revocation.keep_until();
        let replaced = match (self.0, revocation.target()) {
            ("unscoped", target) => match target {
                RevocationTarget::Token { token_id } => Revocation::token(token_id, until),
                _ => return Err(StoreError::unsupported()),
            },
            ("cuts", RevocationTarget::Token { token_id }) => {
                let cut = token_id.get(..1000).unwrap_or(token_id);
                Revocation::token(cut, until)
            }
            ("joins", RevocationTarget::Token { token_id }) => {
                let issuer = revocation.scope().unwrap_or_default();
                Revocation::token(format!("{issuer}:{token_id}"), until)
            }
            ("off by one", RevocationTarget::Version { subject, minimum }) => {
                Revocation::version(subject, minimum - 1, until)
            }
            ("supports nothing", _) => return Err(StoreError::unsupported()),
            ("sessions only", target) if !matches!(target, RevocationTarget::Session { .. }) => {
                return Err(StoreError::unsupported());
            }
            _ => revocation.clone(),
        };
        self.1.revoke_now(&replaced)
    }
}

#[test]
fn each_fault_is_found_and_named() {
    let faults = [
        ("fails", "what nobody revoked is active"),
        ("cuts", "16 KiB"),
        ("joins", "holds for every issuer"),
        ("off by one", "what was revoked is revoked"),
        ("whole seconds", "in the same second too"),
        ("supports nothing", "has to be held"),
        ("sessions only", "has to be held"),
        ("requires nothing", "something is required"),
    ];
    for (fault, rule) in faults {
        let make = || async { Faulty(fault, MemoryStore::new()) };
        let run = || conformance(make).now_or_never();
        let panicked = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
        let message = panicked.downcast_ref::<String>().cloned();
        let message = message.unwrap_or_else(|| {
            let fixed = panicked.downcast_ref::<&str>();
            fixed.copied().unwrap_or_default().to_owned()
        });
        assert!(message.contains(rule), "{fault}: {message}");
    }
    let sound = || async { Faulty("none", MemoryStore::new()) };
    conformance(sound).now_or_never().unwrap();
    let sessions = || async { Faulty("sessions only", MemoryStore::new()) };
    conformance_of(&[Kind::Session], sessions).now_or_never().unwrap();
    let unscoped = || async { Faulty("unscoped", MemoryStore::new()) };
    let run = || conformance_of(&[Kind::Token], unscoped).now_or_never();
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err(), "it forgets the issuer");
}
