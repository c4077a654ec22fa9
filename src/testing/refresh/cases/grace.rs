//! The grace window.

use std::time::Duration;

use super::Case;
use crate::issuer::session::{MOST_SUCCESSORS, SessionStore, RotateOutcome};
use crate::testing::unique_hash;

impl<S: SessionStore> Case<S> {
    pub(in crate::testing::refresh) async fn grace(&self) {
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
        let rule = "every successor that was given out counts until one is used";
        let second = with_grace(retry.successor, 100);
        self.expect(rule, &second, "Rotated").await;
        let again = with_grace(retry.successor, 101);
        self.expect("the window opens anew with each rotation", &again, "Retried").await;
        let rule = "two generations back is reuse, window or not";
        self.expect(rule, &with_grace(family.first, 102), "Reused").await;
        self.expect_revoked("reuse revokes the session", family.id(), true).await;
        let rule = "after reuse every tab is out";
        for token in [second.successor, again.successor] {
            self.expect(rule, &with_grace(token, 103), "Unknown").await;
        }
    }

    pub(in crate::testing::refresh) async fn left_behind(&self) {
        let family = self.make(&self.subject("ada")).await;
        let with_grace = |presented| {
            let mut request = family.rotate(presented);
            request.grace = Duration::from_secs(20);
            request
        };
        let first = with_grace(family.first);
        self.expect("a rotation", &first, "Rotated").await;
        let retry = with_grace(family.first);
        self.expect("a retry", &retry, "Retried").await;
        self.expect("a successor is rotated", &with_grace(first.successor), "Rotated").await;
        let rule = "a successor that was left behind is reuse, window or not: \
                    else a thief who keeps in step is never noticed";
        self.expect(rule, &with_grace(retry.successor), "Reused").await;
        self.expect_revoked(rule, family.id(), true).await;
    }

    /// A request may be decided after one that came later, and clocks differ.
    pub(in crate::testing::refresh) async fn overtaken(&self) {
        for (grace, at, wanted) in
            [(0, 10, "Reused"), (0, 9, "Reused"), (5, 9, "Retried"), (5, 5, "Reused")]
        {
            let family = self.make(&self.subject("ada")).await;
            self.expect("a rotation", &family.rotate(family.first), "Rotated").await;
            let mut late = family.rotate(family.first);
            late.grace = Duration::from_secs(grace);
            late.now = self.at(at);
            let rule = "the window is no wider before the rotation than after it";
            self.expect(rule, &late, wanted).await;
        }
    }

    pub(in crate::testing::refresh) async fn grace_window(&self) {
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
        let family = self.make(&self.subject("ada")).await;
        let request = family.rotate(family.first);
        self.expect("a rotation", &request, "Rotated").await;
        let mut lagging = family.rotate(family.first);
        lagging.now = self.at(9);
        let rule = "a clock that lags gives no grace where there is none";
        self.expect(rule, &lagging, "Reused").await;
        let family = self.make(&self.subject("ada")).await;
        let mut request = family.rotate(family.first);
        request.grace = Duration::from_secs(20);
        self.expect("a rotation", &request, "Rotated").await;
        let mut lagging = family.rotate(family.first);
        lagging.grace = Duration::from_secs(20);
        lagging.now = self.at(9);
        self.expect("a clock that lags is inside the window", &lagging, "Retried").await;
    }

    pub(in crate::testing::refresh) async fn crowd(&self) {
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
}
