use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;

use super::*;
use crate::clock::UnixTime;
use crate::issuer::refresh::{
    MemoryRefreshStore, NewFamily, Rotate, RotateOutcome, Session, SessionId, SubjectKey,
};
use crate::revocation::{Identifiers, Revocation, RevocationStatus, RevocationStore, StoreError};
use crate::revocation::{RevocationTarget, TokenIdentity};

#[test]
fn the_memory_store_conforms() {
    conformance(|| async { MemoryRefreshStore::new() }).now_or_never().unwrap();
    let shared = MemoryRefreshStore::new();
    for _ in 0..2 {
        conformance(|| async { shared.clone() }).now_or_never().unwrap();
    }
}

/// A store with one fault, when its sessions were last refreshed, and whether its revocations are
/// lost.
struct Faulty(&'static str, MemoryRefreshStore, Mutex<HashMap<SessionId, UnixTime>>, AtomicBool);

fn faulty(fault: &'static str) -> Faulty {
    Faulty(fault, MemoryRefreshStore::new(), Mutex::default(), AtomicBool::default())
}

impl RevocationStore for Faulty {
    fn required_identifiers(&self) -> Identifiers {
        self.1.required_identifiers()
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        if self.3.load(Ordering::Relaxed) {
            return Ok(RevocationStatus::Active);
        }
        self.1.status(token).await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        assert!(!matches!(revocation.target(), RevocationTarget::Token { .. }));
        self.1.revoke(revocation).await
    }
}

impl RefreshStore for Faulty {
    async fn create(&self, family: &NewFamily, now: UnixTime) -> Result<(), StoreError> {
        let mut family = family.clone();
        match self.0 {
            "loses the device" => family.session.device = None,
            "whole seconds" => {
                family.session.created_at = UnixTime::from_secs(now.as_secs() - 1);
            }
            "lives for ever" => family.session.expires_at = UnixTime::MAX,
            "sorts scopes" => family.session.scope.sort(),
            "no empty device" if family.session.device.as_deref() == Some("") => {
                family.session.device = None;
            }
            "rounds up" => {
                let expires_at = family.session.expires_at;
                family.session.expires_at = UnixTime::from_secs(expires_at.as_secs() + 1);
            }
            "any scope" => family.session.scope.push("admin".into()),
            _ => {}
        }
        self.1.create(&family, now).await
    }

    async fn rotate(&self, request: &Rotate) -> Result<RotateOutcome, StoreError> {
        let mut request = request.clone();
        match self.0 {
            "no client" => request.client_id = "web {client}:é".into(),
            "no grace" => request.grace = std::time::Duration::ZERO,
            "longer grace" if !request.grace.is_zero() => {
                request.grace += std::time::Duration::from_secs(1);
            }
            "grace for laggards" if request.grace.is_zero() => {
                let mut last = self.2.lock().unwrap();
                let last = last.entry(request.family.clone()).or_insert(request.now);
                if request.now < *last {
                    request.grace = std::time::Duration::from_secs(5);
                }
                *last = request.now;
            }
            "own grace" => request.grace = std::time::Duration::from_secs(5),
            "does not revoke" => self.3.store(true, Ordering::Relaxed),
            "keeps idling" => request.idle_until = request.now,
            _ => {}
        }
        let outcome = self.1.rotate(&request).await?;
        Ok(match (self.0, outcome) {
            ("unknown is reuse", RotateOutcome::Unknown) => RotateOutcome::Expired,
            (_, outcome) => outcome,
        })
    }

    async fn end_family(
        &self,
        id: &SessionId,
        subject: Option<&SubjectKey>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> Result<bool, StoreError> {
        let subject = subject.filter(|_| self.0 != "any subject");
        self.1.end_family(id, subject, now, revoke_until).await
    }

    async fn end_subject(
        &self,
        subject: &SubjectKey,
        except: Option<&SessionId>,
        now: UnixTime,
        revoke_until: UnixTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let except = except.filter(|_| self.0 != "spares none");
        self.3.fetch_or(self.0 == "ends silently", Ordering::Relaxed);
        let mut ended = self.1.end_subject(subject, except, now, revoke_until).await?;
        if self.0 == "names some" && ended.len() > 8 {
            ended.truncate(8);
        }
        Ok(ended)
    }

    async fn families(
        &self,
        subject: &SubjectKey,
        now: UnixTime,
    ) -> Result<Vec<Session>, StoreError> {
        let now = if self.0 == "lists the expired" { UnixTime::EPOCH } else { now };
        self.1.families(subject, now).await
    }
}

#[test]
fn each_fault_is_found_and_named() {
    let faults = [
        ("loses the device", "listed as they were created"),
        ("whole seconds", "listed as they were created"),
        ("lives for ever", "listed as they were created"),
        ("any scope", "listed as they were created"),
        ("sorts scopes", "listed as they were created"),
        ("no empty device", "odd sessions are listed"),
        ("rounds up", "listed as they were created"),
        ("grace for laggards", "a clock that lags gives no grace"),
        ("no client", "another client's token"),
        ("no grace", "retried in the window"),
        ("longer grace", "the window does not move"),
        ("own grace", "a spent token is noticed"),
        ("does not revoke", "reuse revokes the session"),
        ("keeps idling", "the session says so"),
        ("unknown is reuse", "neither thief nor victim"),
        ("any subject", "nobody ends the session of another"),
        ("spares none", "all sessions but one end"),
        ("ends silently", "those that ended are revoked"),
        ("names some", "a session that begins while all end"),
        ("lists the expired", "a session has expired when it has idled"),
    ];
    for (fault, rule) in faults {
        let make = || async { faulty(fault) };
        let run = || conformance(make).now_or_never();
        let panicked = catch_unwind(AssertUnwindSafe(run)).expect_err(fault);
        let message = panicked.downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(message.contains(rule), "{fault}: {message}");
    }
    let sound = || async { faulty("none") };
    conformance(sound).now_or_never().unwrap();
}
