//! Ends of sessions, and races.

use std::time::Duration;

use futures_util::future::{join, join_all};

use super::{Case, outcome_name};
use crate::issuer::session::{MOST_SUCCESSORS, SessionStore, RotateOutcome};

impl<S: SessionStore> Case<S> {
    pub(in crate::testing::refresh) async fn end_family(&self) {
        let ada = self.subject("ada");
        let (one, two) = (self.make(&ada).await, self.make(&ada).await);
        let (now, until) = (self.at(20), self.at(7200));
        let end_at = |id, subject, now| async move {
            match self.store.end_family(id, subject, now, until).await {
                Ok(ended) => ended,
                Err(error) => self.fail("a family is ended", &format!("{error:?}")),
            }
        };
        let end = |id, subject| end_at(id, subject, now);
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
        let rule = "an expired session has ended before, and is revoked all the same";
        match self.store.end_family(gone.id(), None, self.at(1000), until).await {
            // a store may have removed it
            Ok(false) => {}
            other => self.fail(rule, &format!("{other:?}")),
        }
        let gone = self.make(&ada).await;
        let mut late = gone.rotate(gone.first);
        late.now = self.at(1000);
        self.expect("an expired session", &late, "Expired").await;
        if end_at(gone.id(), None, late.now).await {
            self.fail("an expired session has ended before", "it ended");
        }
        let rule = "what nobody created cannot be ended";
        let made_up = self.unused(&ada);
        if end(&made_up, None).await || end(&made_up, Some(&ada)).await {
            self.fail(rule, "it ended");
        }
        self.expect_revoked("ids that were made up are not kept", &made_up, false).await;
    }

    pub(in crate::testing::refresh) async fn end_subject(&self) {
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

    pub(in crate::testing::refresh) async fn race(&self) {
        let family = self.make(&self.subject("ada")).await;
        let mut requests: Vec<_> = (0..64).map(|_| family.rotate(family.first)).collect();
        for (number, request) in (0..).zip(&mut requests) {
            // of different moments, and not in order
            request.now = self.at(10).saturating_add(Duration::from_millis(number * 37 % 64));
        }
        let outcomes = join_all(requests.iter().map(|request| self.rotate(request))).await;
        let count = |name| outcomes.iter().filter(|one| outcome_name(one) == name).count();
        let (rotated, reused, unknown) = (count("Rotated"), count("Reused"), count("Unknown"));
        if (rotated, reused, unknown) != (1, 1, 62) {
            let found = format!("{rotated} rotated, {reused} reused, {unknown} unknown");
            self.fail("of 64 concurrent refreshes exactly one wins, once it is reuse", &found);
        }
        self.expect_revoked("reuse revokes the session", family.id(), true).await;
    }

    pub(in crate::testing::refresh) async fn race_with_grace(&self) {
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
        self.expect_revoked("a lawful crowd ends nothing", family.id(), false).await;
        let retried = |outcome: &RotateOutcome| matches!(outcome, RotateOutcome::Retried(_));
        if let Some(request) = outcomes.iter().position(retried).and_then(|at| requests.get(at)) {
            let rule = "every successor that was given out counts";
            self.expect(rule, &with_grace(request.successor), "Rotated").await;
        }
    }

    pub(in crate::testing::refresh) async fn race_with_logout(&self) {
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
    pub(in crate::testing::refresh) async fn race_with_sign_in(&self) {
        let subject = self.subject("ada");
        let (now, until) = (self.at(10), self.at(7200));
        let end = || self.store.end_subject(&subject, None, now, until);
        let begin = join_all((0..16).map(|_| self.make(&subject)));
        let (begun, ended) = join(begin, join_all((0..4).map(|_| end()))).await;
        let mut all = Vec::new();
        for part in ended.into_iter().chain([end().await]) {
            match part {
                Ok(ids) => all.extend(ids),
                Err(error) => self.fail("families are ended", &format!("{error:?}")),
            }
        }
        let mut wanted: Vec<_> = begun.iter().map(|family| family.id().clone()).collect();
        wanted.sort();
        all.sort();
        let rule = "a session that begins while all end is ended once, then or the next time";
        if all != wanted {
            self.fail(rule, &format!("{} ended of {}", all.len(), wanted.len()));
        }
        for family in &begun {
            self.expect_revoked(rule, family.id(), true).await;
            self.expect(rule, &family.rotate(family.first), "Unknown").await;
        }
        self.expect_listed(rule, &subject, now, 0).await;
    }
}
