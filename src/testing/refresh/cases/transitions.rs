//! Creation, rotation, reuse, refusals, expiry.

use std::time::Duration;

use super::Case;
use crate::clock::UnixTime;
use crate::issuer::session::{NewFamily, SessionStore, RotateOutcome, Session};
use crate::testing::unique_hash;

impl<S: SessionStore> Case<S> {
    pub(in crate::testing::refresh) async fn creates(&self) {
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
        self.creates_odd_ones().await;
        self.expect_listed("others' are not", &bob.session.subject, self.at(1), 1).await;
        let again = NewFamily { session: one.session.clone(), first: unique_hash("again") };
        if self.store.create(&again, self.start).await.is_ok() {
            self.fail("an id is created once", "a second family of the id");
        }
        let rule = "a refused create leaves the family as it was";
        self.expect(rule, &one.rotate(one.first), "Rotated").await;
        self.expect_revoked("a session that was created is not revoked", one.id(), false).await;
    }

    /// What is easily taken for something else: an empty device and none, no scope, and moments
    /// that a float or a timestamp of seconds does not hold.
    async fn creates_odd_ones(&self) {
        let devices = [None, Some(""), Some("null"), Some("\0'\"\\%00{}[]")];
        for (millis, device) in [1, 499, 500, 999].into_iter().zip(devices) {
            let subject = self.subject("' OR \"1\"=\"1 \0\n\u{1F980}");
            let whole = UnixTime::from_secs(self.start.as_secs());
            let at = |secs| {
                whole.saturating_add(Duration::from_secs(secs) + Duration::from_millis(millis))
            };
            let session = Session {
                id: self.unused(&subject),
                subject: subject.clone(),
                client_id: "1".into(),
                scope: if millis == 1 { Vec::new() } else { vec!["b".into(), "B".into()] },
                device: device.map(Into::into),
                created_at: at(0),
                last_used_at: at(1),
                idle_until: at(1000),
                expires_at: at(1 << 33),
                generation: 0,
            };
            self.create(&session, unique_hash("first")).await;
            let listed = self.listed(&subject, self.start).await;
            if listed != [session] {
                self.fail("odd sessions are listed as they were created", &format!("{listed:?}"));
            }
        }
    }

    pub(in crate::testing::refresh) async fn rotates(&self) {
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

    pub(in crate::testing::refresh) async fn reuse(&self) {
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

    pub(in crate::testing::refresh) async fn refusals(&self) {
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

    pub(in crate::testing::refresh) async fn expiry(&self) {
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
}
