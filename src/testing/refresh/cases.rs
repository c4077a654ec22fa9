//! The cases, one part of the table each.

use std::time::Duration;

use futures_util::future::{join, join_all};

use crate::issuer::TokenHash;
use crate::issuer::refresh::{
    MOST_SUCCESSORS, NewFamily, RefreshStore, Rotate, RotateOutcome, Session, SessionId, SubjectKey,
};
use crate::revocation::TokenIdentity;
use crate::testing::{unique, unique_hash};
use crate::time::{Clock, SystemClock, UnixTime};

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

impl<S: RefreshStore> Case<S> {
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

    /// A family that idles for 1000 seconds and lives for 5000.
    async fn make(&self, subject: &SubjectKey) -> Made {
        let (id, _) = SessionId::unique(subject).unwrap_or_else(|error| {
            self.fail("a session has an id", &error.to_string());
        });
        let session = Session {
            id,
            subject: subject.clone(),
            client_id: "web {client}:é".into(),
            scope: vec!["orders:read".into(), "orders:write".into()],
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

    pub(super) async fn creates(&self) {
        let ada = self.subject("ada");
        let rule = "a subject without sessions has none";
        self.expect_listed(rule, &ada, self.start, 0).await;
        let (one, two) = (self.make(&ada).await, self.make(&ada).await);
        let bob = self.make(&self.subject("bob")).await;
        let mut wanted = vec![one.session.clone(), two.session.clone()];
        wanted.sort_by(|one, other| one.id.cmp(&other.id));
        let listed = self.listed(&ada, self.at(1)).await;
        if listed != wanted {
            self.fail("sessions are listed as they were created", &format!("{listed:?}"));
        }
        self.expect_listed("others' are not", &bob.session.subject, self.at(1), 1).await;
        let again = NewFamily { session: one.session.clone(), first: unique_hash("again") };
        if self.store.create(&again, self.start).await.is_ok() {
            self.fail("an id is created once", "a second family of the id");
        }
        let rule = "a refused create leaves the family as it was";
        self.expect(rule, &one.rotate(one.first), "Rotated").await;
        self.expect_revoked("a session that was created is not revoked", one.id(), false).await;
    }

    pub(super) async fn rotates(&self) {
        let family = self.make(&self.subject("ada")).await;
        let mut presented = family.first;
        let mut session = family.session.clone();
        for generation in 1..=6 {
            let mut request = family.rotate(presented);
            request.now = self.at(generation * 900);
            request.idle_until = self.at(generation * 900 + 1000);
            if generation == 6 {
                let rule = "rotation does not extend the absolute lifetime";
                self.expect(rule, &request, "Expired").await;
                break;
            }
            session.generation = generation;
            session.last_used_at = request.now;
            session.idle_until = request.idle_until.min(session.expires_at);
            let wanted = RotateOutcome::Rotated(session.clone());
            let rule = "a current token is rotated, and the session says so";
            self.expect_session(rule, &request, &wanted).await;
            let listed = self.listed(&session.subject, request.now).await;
            if listed != [session.clone()] {
                self.fail("the list shows the rotation", &format!("{listed:?}"));
            }
            presented = request.successor;
        }
        let family = self.make(&self.subject("late clock")).await;
        let request = family.rotate(family.first);
        self.expect("a rotation", &request, "Rotated").await;
        let mut earlier = family.rotate(request.successor);
        earlier.now = self.at(5);
        earlier.idle_until = self.at(1005);
        let outcome = self.expect("a clock that lags", &earlier, "Rotated").await;
        if let Some(session) = outcome
            && (session.last_used_at != self.at(10) || session.idle_until != self.at(1010))
        {
            self.fail("a clock that lags takes nothing back", &format!("{session:?}"));
        }
    }

    pub(super) async fn reuse(&self) {
        for back in [1, 2, 3] {
            let family = self.make(&self.subject("ada")).await;
            let mut spent = vec![family.first];
            for _ in 0..back {
                let request = family.rotate(*spent.last().unwrap_or(&family.first));
                self.expect("a rotation", &request, "Rotated").await;
                spent.push(request.successor);
            }
            self.expect_revoked("a live session is not revoked", family.id(), false).await;
            let request = family.rotate(family.first);
            match self.expect("a spent token is noticed", &request, "Reused").await {
                Some(session) if session.generation == back => {}
                outcome => self.fail("reuse tells the generation", &format!("{outcome:?}")),
            }
            self.expect_revoked("reuse revokes the session", family.id(), true).await;
            let now = self.at(11);
            self.expect_listed("reuse ends the session", &family.session.subject, now, 0).await;
            for token in spent {
                let rule = "after reuse neither thief nor victim can refresh";
                self.expect(rule, &family.rotate(token), "Unknown").await;
            }
        }
        let family = self.make(&self.subject("ada")).await;
        let rule = "a hash that the family does not know is a spent one";
        self.expect(rule, &family.rotate(unique_hash("unknown")), "Reused").await;
        self.expect_revoked("reuse revokes the session", family.id(), true).await;
    }

    pub(super) async fn refusals(&self) {
        let subject = self.subject("ada");
        let family = self.make(&subject).await;
        let mut other_client = family.rotate(family.first);
        other_client.client_id = "web".into();
        self.expect("another client's token", &other_client, "WrongClient").await;
        for scope in ["orders", "orders:rea", "orders:read orders:write", "admin"] {
            let mut wider = family.rotate(family.first);
            wider.scope = vec!["orders:read".into(), scope.into()];
            self.expect("a scope that was not granted", &wider, "ScopeTooWide").await;
        }
        let listed = self.listed(&subject, self.at(11)).await;
        if listed != [family.session.clone()] {
            self.fail("a refusal changes nothing", &format!("{listed:?}"));
        }
        let mut narrower = family.rotate(family.first);
        narrower.scope = vec!["orders:write".into()];
        let outcome = self.expect("a narrower scope is granted", &narrower, "Rotated").await;
        if let Some(session) = outcome
            && session.scope != family.session.scope
        {
            self.fail("the session keeps its scope", &format!("{:?}", session.scope));
        }
        let mut spent = family.rotate(family.first);
        spent.client_id = "web".into();
        spent.scope = vec!["admin".into()];
        self.expect("reuse is noticed whoever asks for what", &spent, "Reused").await;
        let elsewhere = self.make(&subject).await;
        let mut request = family.rotate(elsewhere.first);
        request.family = family.session.id.clone();
        self.expect("a family that has ended", &request, "Unknown").await;
    }

    pub(super) async fn expiry(&self) {
        let idle = self.make(&self.subject("idle")).await;
        let mut request = idle.rotate(idle.first);
        let rule = "a session is live until it has idled";
        request.now = self.at(999);
        self.expect_listed(rule, &idle.session.subject, request.now, 1).await;
        let rule = "a session has expired when it has idled";
        request.now = self.at(1000);
        self.expect_listed(rule, &idle.session.subject, request.now, 0).await;
        self.expect(rule, &request, "Expired").await;
        let rule = "expiry is no reuse";
        self.expect_revoked(rule, idle.id(), false).await;

        let used = self.make(&self.subject("used")).await;
        let mut request = used.rotate(used.first);
        request.now = self.at(999);
        request.idle_until = self.at(1999);
        self.expect("a session is live until it has idled", &request, "Rotated").await;
        let mut next = used.rotate(request.successor);
        next.now = self.at(1998);
        next.idle_until = self.at(9000);
        let outcome = self.expect("use keeps a session live", &next, "Rotated").await;
        if let Some(session) = outcome
            && session.idle_until != self.at(5000)
        {
            self.fail("idling ends with the absolute lifetime", &format!("{session:?}"));
        }
        let mut last = used.rotate(next.successor);
        last.now = self.at(5000);
        self.expect("the absolute lifetime ends the session", &last, "Expired").await;
    }

    pub(super) async fn grace(&self) {
        let family = self.make(&self.subject("ada")).await;
        let with_grace = |presented, at| {
            let mut request = family.rotate(presented);
            request.grace = Duration::from_secs(20);
            request.now = self.at(at);
            request
        };
        let first = with_grace(family.first, 10);
        self.expect("a rotation", &first, "Rotated").await;
        let retry = with_grace(family.first, 12);
        let mut session = family.session.clone();
        session.generation = 1;
        session.last_used_at = self.at(12);
        session.idle_until = self.at(1010);
        let rule = "the spent token is retried in the window, and counts no generation";
        self.expect_session(rule, &retry, &RotateOutcome::Retried(session)).await;
        let mut wrong = with_grace(family.first, 12);
        wrong.client_id = "web".into();
        self.expect("a retry by another client", &wrong, "WrongClient").await;
        let mut wider = with_grace(family.first, 12);
        wider.scope = vec!["admin".into()];
        self.expect("a retry with a wider scope", &wider, "ScopeTooWide").await;
        // both tabs go on, one after the other
        let second = with_grace(first.successor, 100);
        self.expect("the first successor is rotated", &second, "Rotated").await;
        let other = with_grace(retry.successor, 101);
        self.expect("its sibling is a predecessor then", &other, "Retried").await;
        let rule = "two generations back is reuse, window or not";
        self.expect(rule, &with_grace(family.first, 102), "Reused").await;
        self.expect_revoked("reuse revokes the session", family.id(), true).await;
        let rule = "after reuse every tab is out";
        for token in [second.successor, other.successor] {
            self.expect(rule, &with_grace(token, 103), "Unknown").await;
        }
    }

    pub(super) async fn grace_window(&self) {
        for (at, wanted) in [(10, "Retried"), (29, "Retried"), (30, "Reused"), (31, "Reused")] {
            let family = self.make(&self.subject("ada")).await;
            let mut request = family.rotate(family.first);
            request.grace = Duration::from_secs(20);
            self.expect("a rotation", &request, "Rotated").await;
            let mut retry = family.rotate(family.first);
            retry.grace = Duration::from_secs(20);
            retry.now = self.at(at);
            self.expect("the window ends `grace` after the rotation", &retry, wanted).await;
            retry.successor = unique_hash("again");
            retry.now = self.at(30);
            let wanted = if wanted == "Retried" { "Reused" } else { "Unknown" };
            self.expect("the window does not move", &retry, wanted).await;
        }
        let family = self.make(&self.subject("ada")).await;
        let mut request = family.rotate(family.first);
        request.grace = Duration::from_secs(20);
        self.expect("a rotation", &request, "Rotated").await;
        let rule = "without grace in the request there is none";
        self.expect(rule, &family.rotate(family.first), "Reused").await;
    }

    pub(super) async fn crowd(&self) {
        let family = self.make(&self.subject("ada")).await;
        let mut last = family.first;
        for round in 0..=MOST_SUCCESSORS {
            let mut request = family.rotate(family.first);
            request.grace = Duration::from_secs(20);
            let wanted = match round {
                0 => "Rotated",
                MOST_SUCCESSORS => "Crowded",
                _ => "Retried",
            };
            self.expect("the number of successors is bounded", &request, wanted).await;
            if round < MOST_SUCCESSORS {
                last = request.successor;
            }
        }
        self.expect("a crowd harms nobody", &family.rotate(last), "Rotated").await;
    }

    pub(super) async fn end_family(&self) {
        let ada = self.subject("ada");
        let (one, two) = (self.make(&ada).await, self.make(&ada).await);
        let (now, until) = (self.at(20), self.at(7200));
        let end = |id, subject| async move {
            match self.store.end_family(id, subject, now, until).await {
                Ok(ended) => ended,
                Err(error) => self.fail("a family is ended", &format!("{error:?}")),
            }
        };
        let bob = self.subject("bob");
        if end(one.id(), Some(&bob)).await {
            self.fail("nobody ends the session of another", "it ended");
        }
        let rule = "a session that another tried to end lives on";
        self.expect_revoked(rule, one.id(), false).await;
        self.expect_listed(rule, &ada, now, 2).await;
        if !end(one.id(), Some(&ada)).await {
            self.fail("its subject ends a session", "it did not end");
        }
        self.expect_revoked("an ended session is revoked", one.id(), true).await;
        self.expect_revoked("and no other", two.id(), false).await;
        self.expect_listed("an ended session is not listed", &ada, now, 1).await;
        self.expect("an ended session", &one.rotate(one.first), "Unknown").await;
        if end(one.id(), Some(&ada)).await {
            self.fail("a session ends once", "it ended again");
        }
        let rotated = two.rotate(two.first);
        self.expect("the other session lives on", &rotated, "Rotated").await;
        if !end(two.id(), None).await {
            self.fail("a session is ended by its id", "it did not end");
        }
        self.expect_revoked("an ended session is revoked", two.id(), true).await;
        let gone = self.make(&ada).await;
        let mut late = gone.rotate(gone.first);
        late.now = self.at(1000);
        self.expect("an expired session", &late, "Expired").await;
        if end(gone.id(), None).await {
            self.fail("an expired session has ended before", "it ended");
        }
        let rule = "the id of an absent session is revoked all the same";
        self.expect_revoked(rule, gone.id(), true).await;
    }

    pub(super) async fn end_subject(&self) {
        let (ada, bob) = (self.subject("ada"), self.subject("bob"));
        let (one, two, three) =
            (self.make(&ada).await, self.make(&ada).await, self.make(&ada).await);
        let other = self.make(&bob).await;
        let (now, until) = (self.at(20), self.at(7200));
        let end = |subject, except| async move {
            match self.store.end_subject(subject, except, now, until).await {
                Ok(mut ended) => {
                    ended.sort();
                    ended
                }
                Err(error) => self.fail("families are ended", &format!("{error:?}")),
            }
        };
        let mut wanted = vec![one.id().clone(), three.id().clone()];
        wanted.sort();
        if end(&ada, Some(two.id())).await != wanted {
            self.fail("all sessions but one end, and are named", "others");
        }
        for (family, revoked) in [(&one, true), (&two, false), (&three, true), (&other, false)] {
            let rule = "those that ended are revoked, and no others";
            self.expect_revoked(rule, family.id(), revoked).await;
        }
        self.expect_listed("the excepted session lives on", &ada, now, 1).await;
        let request = two.rotate(two.first);
        self.expect("the excepted session lives on", &request, "Rotated").await;
        if end(&ada, None).await != [two.id().clone()] {
            self.fail("all sessions end, and are named", "others");
        }
        self.expect("an ended session", &two.rotate(request.successor), "Unknown").await;
        self.expect_revoked("an ended session is revoked", two.id(), true).await;
        if !end(&ada, None).await.is_empty() {
            self.fail("sessions end once", "again");
        }
        self.expect("others' sessions live on", &other.rotate(other.first), "Rotated").await;
    }

    pub(super) async fn race(&self) {
        let family = self.make(&self.subject("ada")).await;
        let requests: Vec<_> = (0..64).map(|_| family.rotate(family.first)).collect();
        let outcomes = join_all(requests.iter().map(|request| self.rotate(request))).await;
        let count = |name| outcomes.iter().filter(|one| outcome_name(one) == name).count();
        let (rotated, reused, unknown) = (count("Rotated"), count("Reused"), count("Unknown"));
        if (rotated, reused, unknown) != (1, 1, 62) {
            let found = format!("{rotated} rotated, {reused} reused, {unknown} unknown");
            self.fail("of 64 concurrent refreshes exactly one wins, once it is reuse", &found);
        }
        self.expect_revoked("reuse revokes the session", family.id(), true).await;
    }

    pub(super) async fn race_with_grace(&self) {
        let family = self.make(&self.subject("ada")).await;
        let with_grace = |presented| {
            let mut request = family.rotate(presented);
            request.grace = Duration::from_secs(20);
            request
        };
        let requests: Vec<_> = (0..64).map(|_| with_grace(family.first)).collect();
        let outcomes = join_all(requests.iter().map(|request| self.rotate(request))).await;
        let count = |name| outcomes.iter().filter(|one| outcome_name(one) == name).count();
        let found = (count("Rotated"), count("Retried"), count("Crowded"));
        if found != (1, MOST_SUCCESSORS - 1, 64 - MOST_SUCCESSORS) {
            let rule = "of 64 concurrent refreshes one wins, some retry, the others come later";
            self.fail(rule, &format!("{found:?}"));
        }
        let granted = requests.iter().zip(&outcomes);
        let granted = granted.filter(|(_, outcome)| {
            matches!(outcome, RotateOutcome::Rotated(_) | RotateOutcome::Retried(_))
        });
        for (round, (request, _)) in granted.enumerate() {
            let wanted = if round == 0 { "Rotated" } else { "Retried" };
            let rule = "every successor that was given out counts";
            self.expect(rule, &with_grace(request.successor), wanted).await;
        }
        self.expect_revoked("a lawful crowd ends nothing", family.id(), false).await;
    }

    pub(super) async fn race_with_logout(&self) {
        for round in 0..8 {
            let subject = self.subject("ada");
            let family = self.make(&subject).await;
            let request = family.rotate(family.first);
            let (now, until) = (request.now, request.revoke_until);
            let rotate = self.rotate(&request);
            let end = async {
                if round % 2 == 0 {
                    self.store
                        .end_subject(&subject, None, now, until)
                        .await
                        .map(|ended| ended.len())
                } else {
                    let ended = self.store.end_family(family.id(), None, now, until).await;
                    ended.map(usize::from)
                }
            };
            let (_either, ended) = join(rotate, end).await;
            if ended.as_ref().ok() != Some(&1) {
                self.fail("logout ends the session", &format!("{ended:?}"));
            }
            let rule = "whichever came first, the session has ended";
            self.expect(rule, &family.rotate(request.successor), "Unknown").await;
            self.expect_revoked(rule, family.id(), true).await;
            self.expect_listed(rule, &subject, now, 0).await;
        }
    }
}
