//! The cases, one part of the table each.

mod ending;
mod grace;
mod transitions;

use std::time::Duration;

use crate::clock::{Clock, SystemClock, UnixTime};
use crate::issuer::TokenHash;
use crate::issuer::session::{
    NewFamily, SessionStore, Rotate, RotateOutcome, Session, SessionId, SubjectKey,
};
use crate::revocation::TokenIdentity;
use crate::testing::{unique, unique_hash};

pub(super) struct Case<S> {
    name: &'static str,
    store: S,
    start: UnixTime,
}

/// A family that was created, and how to ask for its rotation.
pub(super) struct Made {
    session: Session,
    first: TokenHash,
}

impl Made {
    fn id(&self) -> &SessionId {
        &self.session.id
    }

    /// A rotation 10 seconds after the start, without grace.
    fn rotate(&self, presented: TokenHash) -> Rotate {
        let now = self.session.created_at.saturating_add(Duration::from_secs(10));
        Rotate {
            family: self.session.id.clone(),
            presented,
            successor: unique_hash("successor"),
            client_id: self.session.client_id.clone(),
            scope: Vec::new(),
            now,
            idle_until: now.saturating_add(Duration::from_secs(1000)),
            grace: Duration::ZERO,
            revoke_until: now.saturating_add(Duration::from_secs(7200)),
        }
    }
}

fn outcome_name(outcome: &RotateOutcome) -> &'static str {
    match outcome {
        RotateOutcome::Rotated(_) => "Rotated",
        RotateOutcome::Retried(_) => "Retried",
        RotateOutcome::Crowded => "Crowded",
        RotateOutcome::Reused(_) => "Reused",
        RotateOutcome::Expired => "Expired",
        RotateOutcome::Unknown => "Unknown",
        RotateOutcome::WrongClient => "WrongClient",
        RotateOutcome::ScopeTooWide => "ScopeTooWide",
    }
}

impl<S: SessionStore> Case<S> {
    pub(super) async fn new<F, Fut>(name: &'static str, make_store: &F) -> Self
    where
        F: Fn() -> Fut,
        Fut: Future<Output = S>,
    {
        // whole milliseconds, which every store can keep
        let now = SystemClock.now().since_epoch().as_millis();
        let now = Duration::from_millis(u64::try_from(now).unwrap_or_default());
        Self { name, store: make_store().await, start: UnixTime::from_duration(now) }
    }

    fn at(&self, secs: u64) -> UnixTime {
        self.start.saturating_add(Duration::from_secs(secs))
    }

    fn fail(&self, rule: &str, found: &str) -> ! {
        panic!("refresh store: {}: {rule}: found {found}", self.name)
    }

    fn subject(&self, name: &str) -> SubjectKey {
        match SubjectKey::new(unique(name)) {
            Ok(subject) => subject,
            Err(error) => self.fail("a subject has a partition", &error.to_string()),
        }
    }

    /// An id of the subject that no family has.
    fn unused(&self, subject: &SubjectKey) -> SessionId {
        match SessionId::unique(subject) {
            Ok((id, _)) => id,
            Err(error) => self.fail("a session has an id", &error.to_string()),
        }
    }

    /// A family that idles for 1000 seconds and lives for 5000.
    async fn make(&self, subject: &SubjectKey) -> Made {
        let id = self.unused(subject);
        let session = Session {
            id,
            subject: subject.clone(),
            client_id: "web {client}:é".into(),
            scope: vec!["orders:write".into(), "orders:read".into()],
            device: Some("Firefox \"on\" Linux\n\u{1F980}".into()),
            created_at: self.start,
            last_used_at: self.start,
            idle_until: self.at(1000),
            expires_at: self.at(5000),
            generation: 0,
        };
        let first = unique_hash("first");
        self.create(&session, first).await;
        Made { session, first }
    }

    async fn create(&self, session: &Session, first: TokenHash) {
        let family = NewFamily { session: session.clone(), first };
        if let Err(error) = self.store.create(&family, self.start).await {
            self.fail("a family is created", &format!("{error:?}"));
        }
    }

    async fn rotate(&self, request: &Rotate) -> RotateOutcome {
        match self.store.rotate(request).await {
            Ok(outcome) => outcome,
            Err(error) => self.fail("a rotation is decided", &format!("{error:?}")),
        }
    }

    /// The session that the outcome tells of, if it is the right one.
    async fn expect(&self, rule: &str, request: &Rotate, wanted: &str) -> Option<Session> {
        let outcome = self.rotate(request).await;
        if outcome_name(&outcome) != wanted {
            self.fail(rule, &format!("{} and not {wanted}", outcome_name(&outcome)));
        }
        match outcome {
            RotateOutcome::Rotated(session)
            | RotateOutcome::Retried(session)
            | RotateOutcome::Reused(session) => Some(session),
            _ => None,
        }
    }

    async fn expect_session(&self, rule: &str, request: &Rotate, wanted: &RotateOutcome) {
        let outcome = self.rotate(request).await;
        if outcome != *wanted {
            self.fail(rule, &format!("{outcome:?} and not {wanted:?}"));
        }
    }

    async fn expect_revoked(&self, rule: &str, id: &SessionId, revoked: bool) {
        let token = TokenIdentity::new()
            .with_token_id("conformance")
            .with_session_id(id.as_str())
            .with_subject("conformance")
            .with_issued_at(self.start);
        match self.store.status(&token).await {
            Ok(status) if status.is_revoked() == revoked => {}
            Ok(status) => self.fail(rule, &format!("{status:?}")),
            Err(error) => self.fail(rule, &format!("{error:?}")),
        }
    }

    async fn listed(&self, subject: &SubjectKey, now: UnixTime) -> Vec<Session> {
        match self.store.families(subject, now).await {
            Ok(mut sessions) => {
                sessions.sort_by(|one, other| one.id.cmp(&other.id));
                sessions
            }
            Err(error) => self.fail("families are listed", &format!("{error:?}")),
        }
    }

    async fn expect_listed(&self, rule: &str, subject: &SubjectKey, now: UnixTime, count: usize) {
        let listed = self.listed(subject, now).await;
        if listed.len() != count {
            self.fail(rule, &format!("{} sessions and not {count}", listed.len()));
        }
    }
}
