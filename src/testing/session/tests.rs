use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use futures_util::FutureExt;

use super::*;
use crate::clock::UnixTime;
use crate::issuer::session::{
    Apart, BoxSessionStore, Commit, Committed, IndexKey, MemorySessionStore, Page, SessionId,
    StoredSession,
};
use crate::revocation::{
    Identifiers, MemoryStore, Revocation, RevocationStatus, RevocationTarget, TokenIdentity,
};
use crate::store::StoreError;

#[test]
fn the_memory_store_conforms() {
    conformance(|| async { MemorySessionStore::new() }).now_or_never().unwrap();
    let shared = MemorySessionStore::new();
    for _ in 0..2 {
        conformance(|| async { shared.clone() }).now_or_never().unwrap();
    }
}

#[test]
fn it_conforms_behind_a_box_and_apart_from_its_revocations() {
    let boxed = || async { BoxSessionStore::new(MemorySessionStore::new()) };
    conformance(boxed).now_or_never().unwrap();
    let apart = || async {
        let revocations = MemoryStore::builder().require(Identifiers::SESSION_ID).build();
        let longest = std::time::Duration::from_secs(90 * 86_400);
        Apart::new(MemorySessionStore::new(), revocations, longest)
    };
    conformance(apart).now_or_never().unwrap();
}

/// A store with one fault.
struct Faulty(&'static str, MemorySessionStore, Mutex<BTreeSet<SessionId>>);

impl SessionStore for Faulty {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        let mut found = self.1.load(id, now).await?;
        if let Some(found) = &mut found {
            match self.0 {
                "loses a byte" => drop(found.record.pop()),
                "forgets versions" => found.version = 1,
                _ => {}
            }
        }
        Ok(found)
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        let mut step = step.clone();
        match self.0 {
            "no revocations in a step" => step.revocations.clear(),
            "never refuses what is revoked" => step.unless_revoked = None,
            "no limit" => step.limit = None,
            "limits one too many" => step.limit.iter_mut().for_each(|limit| limit.most += 1),
            "replaces whatever is there" => {
                for write in &mut step.writes {
                    let found = self.1.load(&write.id, step.now).await?;
                    write.replaces = write.replaces.and(found.map(|found| found.version));
                }
            }
            "inserts over what is there" => {
                for write in step.writes.iter_mut().filter(|write| write.replaces.is_none()) {
                    let found = self.1.load(&write.id, step.now).await?;
                    write.replaces = found.map(|found| found.version);
                }
            }
            "half a step" if step.writes.len() > 1 => {
                let mut first = step.clone();
                first.writes.truncate(1);
                let _ = self.1.commit(&first).await?;
                step.writes.remove(0);
            }
            "conflict comes first" => {
                for write in &step.writes {
                    let found = self.1.load(&write.id, step.now).await?;
                    if found.map(|found| found.version) != write.replaces {
                        return Ok(Committed::Conflict);
                    }
                }
            }
            "what has gone is in the way" => {
                let mut fresh = step.writes.iter().filter(|write| write.replaces.is_none());
                if fresh.any(|write| self.2.lock().unwrap().contains(&write.id)) {
                    return Ok(Committed::Conflict);
                }
            }
            "forgets who ended" => step.writes.retain(|write| !write.ends),
            "never leaves a list" => {
                for write in &mut step.writes {
                    write.under = write.under.take().or_else(|| write.was_under.clone());
                }
            }
            _ => {}
        }
        let committed = self.1.commit(&step).await?;
        if committed == Committed::Done {
            self.2.lock().unwrap().extend(step.writes.iter().map(|write| write.id.clone()));
        }
        Ok(committed)
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        let mut page = self.1.list(index, after, now).await?;
        match self.0 {
            "one page only" => page.next = None,
            "out of order" => page.sessions.reverse(),
            _ => {}
        }
        Ok(page)
    }
}

impl RevocationStore for Faulty {
    fn required_identifiers(&self) -> Identifiers {
        match self.0 {
            "requires nothing" => Identifiers::NONE,
            _ => self.1.required_identifiers(),
        }
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        self.1.status(token).await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        match (self.0, revocation.target()) {
            ("sessions only", RevocationTarget::Session { .. }) => {}
            ("sessions only", _) => return Err(StoreError::unsupported()),
            ("forgets at keep_until", _) => {
                return self.1.revocations().revoke_now(revocation);
            }
            _ => {}
        }
        self.1.revoke(revocation).await
    }
}

#[test]
fn each_fault_is_found_and_named() {
    let faults = [
        ("loses a byte", "what was written comes back"),
        ("forgets versions", "what was written comes back"),
        ("inserts over what is there", "an id is inserted once"),
        ("replaces whatever is there", "a record is replaced by nobody else"),
        ("half a step", "of a step that conflicts nothing is done"),
        ("no revocations in a step", "of a step that is taken everything is done"),
        ("one page only", "all are listed once"),
        ("out of order", "all are listed once"),
        ("never leaves a list", "of a step that is taken everything is done"),
        ("no limit", "one too many is refused"),
        ("limits one too many", "one too many is refused"),
        ("never refuses what is revoked", "a step for what is revoked"),
        ("conflict comes first", "a step for what is revoked"),
        ("forgets at keep_until", "outlives the sessions that it covers"),
        ("sessions only", "a revocation that comes alone"),
        ("requires nothing", "`required` has SESSION_ID"),
        ("forgets who ended", "of a step that is taken everything is done"),
        ("what has gone is in the way", "what `load` finds is what `commit` compares"),
    ];
    for (fault, rule) in faults {
        let make = || async { Faulty(fault, MemorySessionStore::new(), Mutex::default()) };
        let run = || conformance(make).now_or_never();
        let panicked = catch_unwind(AssertUnwindSafe(run)).expect_err(fault);
        let message = panicked.downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(message.contains(rule), "{fault}: {message}");
    }
    let sound = || async { Faulty("none", MemorySessionStore::new(), Mutex::default()) };
    conformance(sound).now_or_never().unwrap();
}
