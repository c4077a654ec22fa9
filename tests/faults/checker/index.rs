//! The history, sorted by what it is about; and what an end covers.

use std::collections::HashMap;

use crate::history::{
    AccessIx, At, Call, End, History, Loss, NEVER, Op, Outcome, RefreshIx, SessionIx,
};

pub(super) struct Index<'a> {
    pub(super) history: &'a History,
    /// Ends by the session that they name.
    of_session: HashMap<SessionIx, Vec<&'a Op>>,
    /// Ends by tenant and subject.
    of_subject: HashMap<(u8, u32), Vec<&'a Op>>,
    /// Ends by the access token that they name.
    of_access: HashMap<AccessIx, Vec<&'a Op>>,
    /// Refreshes at the right tenant, by what was presented, in the order of their starts.
    pub(super) presented: HashMap<RefreshIx, Vec<&'a Op>>,
    /// When, in each session, a token was presented again for the first time.
    doubled: HashMap<SessionIx, At>,
    /// What began and refreshed each session, or may have.
    touched: HashMap<SessionIx, Vec<&'a Op>>,
    /// Refused uses by session.
    pub(super) refused_uses: HashMap<SessionIx, Vec<&'a Op>>,
    /// Health answers by node and life.
    pub(super) health: HashMap<(u8, u32), Vec<&'a Op>>,
    pub(super) acknowledged: usize,
}

impl<'a> Index<'a> {
    pub(super) fn new(history: &'a History) -> Self {
        let mut index = Self {
            history,
            of_session: HashMap::new(),
            of_subject: HashMap::new(),
            of_access: HashMap::new(),
            presented: HashMap::new(),
            doubled: HashMap::new(),
            touched: HashMap::new(),
            refused_uses: HashMap::new(),
            health: HashMap::new(),
            acknowledged: 0,
        };
        let mut ops: Vec<_> = history.ops.iter().collect();
        ops.sort_by_key(|op| op.start);
        for op in ops {
            if op.outcome != Outcome::NotSent {
                index.take(op);
            }
        }
        index
    }

    fn take(&mut self, op: &'a Op) {
        match op.call {
            Call::End { tenant, end, .. } => {
                // what is refused for good has done nothing
                if op.outcome == Outcome::Refused {
                    return;
                }
                self.acknowledged += usize::from(acknowledged(op));
                self.take_end(op, tenant, end);
            }
            Call::Login { .. } => {
                if let Outcome::Granted { session, .. } = op.outcome {
                    self.touched.entry(session).or_default().push(op);
                }
            }
            Call::Refresh { tenant, token } => {
                let session = self.history.refresh(token).session;
                if self.history.session(session).tenant == tenant {
                    self.touched.entry(session).or_default().push(op);
                    let before = self.presented.entry(token).or_default();
                    if !before.is_empty() {
                        let doubled = self.doubled.entry(session).or_insert(NEVER);
                        *doubled = op.start.min(*doubled);
                    }
                    before.push(op);
                }
            }
            Call::Use { token } if op.outcome == Outcome::Refused => {
                let session = self.history.access(token).session;
                self.refused_uses.entry(session).or_default().push(op);
            }
            Call::Health => {
                if let Some(life) = op.life {
                    self.health.entry((op.node, life)).or_default().push(op);
                }
            }
            _ => {}
        }
    }

    fn take_end(&mut self, op: &'a Op, tenant: u8, end: End) {
        let session = match end {
            End::ByToken(token) => self.history.refresh(token).session,
            End::BySid(session) | End::OfSubject(session) | End::RevokeSession(session) => session,
            End::RevokeToken(token) => {
                let session = self.history.access(token).session;
                if self.history.session(session).tenant == tenant {
                    self.of_access.entry(token).or_default().push(op);
                }
                return;
            }
            End::AllBut(session) => {
                let session = self.history.session(session);
                if session.tenant == tenant {
                    self.of_subject.entry((tenant, session.subject)).or_default().push(op);
                }
                return;
            }
            End::All { tenant, subject }
            | End::RevokeSubject { tenant, subject }
            | End::RevokeVersion { tenant, subject, .. } => {
                self.of_subject.entry((tenant, subject)).or_default().push(op);
                return;
            }
        };
        // at another tenant's endpoint it must do nothing
        if self.history.session(session).tenant == tenant {
            self.of_session.entry(session).or_default().push(op);
        }
    }

    /// Every end that has to do with the session.
    fn ends(&self, session: SessionIx) -> impl Iterator<Item = &'a Op> {
        let s = self.history.session(session);
        let of_session = self.of_session.get(&session).into_iter().flatten();
        let of_subject = self.of_subject.get(&(s.tenant, s.subject)).into_iter().flatten();
        of_session.chain(of_subject).copied()
    }

    /// The acknowledged ends that surely cover the session.
    pub(super) fn covering(&self, session: SessionIx) -> impl Iterator<Item = &'a Op> {
        let history = self.history;
        let s = history.session(session);
        let begun = history.ops[s.login as usize].end;
        self.ends(session).filter(move |op| {
            let (Call::End { end, .. }, Outcome::Done { moment_ms, ended }) =
                (op.call, &op.outcome)
            else {
                return false;
            };
            match end {
                // "there is no such session" has taken nothing back
                End::OfSubject(_) | End::ByToken(_) => *ended != Some(false),
                End::All { .. } => begun <= op.start,
                End::AllBut(spared) => spared != session && begun <= op.start,
                End::RevokeSubject { .. } => {
                    s.created_ms < *moment_ms && !self.is_spared(session, op)
                }
                End::RevokeVersion { minimum, .. } => s.version < minimum,
                _ => true,
            }
        })
    }

    /// Whether the session was lifted over an epoch that may be the later one by the clocks.
    fn is_spared(&self, session: SessionIx, epoch: &Op) -> bool {
        let skew = self.history.bounds.skew + 2_000;
        self.ends(session).any(|op| {
            matches!(op.call, Call::End { end: End::AllBut(spared), .. } if spared == session)
                && op.start <= epoch.end.saturating_add(skew)
                && (epoch.start <= op.end.saturating_add(skew) || !acknowledged(op))
        })
    }

    /// The acknowledged ends that surely cover the access token.
    pub(super) fn covering_access(&self, token: AccessIx) -> impl Iterator<Item = &'a Op> {
        let access = self.history.access(token);
        let own = self.of_access.get(&token).into_iter().flatten().copied();
        let own = own.filter(|op| acknowledged(op));
        let by_session = self.covering(access.session).filter(|op| {
            let (Call::End { end, .. }, Outcome::Done { moment_ms, .. }) = (op.call, &op.outcome)
            else {
                return false;
            };
            match end {
                End::RevokeSubject { .. } => access.issued.saturating_mul(1000) < *moment_ms,
                End::RevokeVersion { minimum, .. } => access.version < minimum,
                _ => true,
            }
        });
        own.chain(by_session)
    }

    /// Whether anything may have taken the session back that began before `before`, other than
    /// `except`.
    pub(super) fn maybe_covered(
        &self,
        session: SessionIx,
        before: At,
        except: Option<&Op>,
    ) -> bool {
        let login = &self.history.ops[self.history.session(session).login as usize];
        let ends = self.ends(session).filter(|op| {
            let Call::End { end, .. } = op.call else { return false };
            end != End::AllBut(session)
        });
        self.maybe(ends, session, login.start, before, except)
    }

    pub(super) fn maybe_covered_access(&self, token: AccessIx, before: At) -> bool {
        let access = self.history.access(token);
        let own = self.of_access.get(&token).into_iter().flatten().copied();
        let made = self.history.ops[access.made_by as usize].start;
        self.maybe(own.chain(self.ends(access.session)), access.session, made, before, None)
    }

    fn maybe(
        &self,
        mut ends: impl Iterator<Item = &'a Op>,
        session: SessionIx,
        made: At,
        before: At,
        except: Option<&Op>,
    ) -> bool {
        let version = self.history.session(session).version;
        // an epoch also takes what is begun within its second, by whichever clock
        let second = 1_100_000 + self.history.bounds.skew;
        ends.any(|op| {
            if op.start >= before || except.is_some_and(|except| std::ptr::eq(except, op)) {
                return false;
            }
            // what was not answered may be done at any time
            let in_time = !acknowledged(op) || made <= op.end.saturating_add(second);
            match op.call {
                // the session that is spared gets new access tokens, the old ones end
                Call::End {
                    end: End::All { .. } | End::AllBut(_) | End::RevokeSubject { .. },
                    ..
                } => in_time,
                Call::End { end: End::RevokeVersion { minimum, .. }, .. } => version < minimum,
                _ => true,
            }
        })
    }

    /// Whether a call that began before `before` may have given the subject an epoch that is not
    /// earlier than this one, by whichever clock.
    pub(super) fn maybe_epoch(&self, tenant: u8, subject: u32, before: At, this: &Op) -> bool {
        let skew = self.history.bounds.skew + 2_000_000;
        let mut ends = self.of_subject.get(&(tenant, subject)).into_iter().flatten();
        ends.any(|op| {
            op.start < before
                && !std::ptr::eq(*op, this)
                && (!acknowledged(op) || op.end.saturating_add(skew) >= this.start)
        })
    }

    /// Whether a token of the session was presented twice, the second time before `before`.
    pub(super) fn maybe_stolen(&self, session: SessionIx, before: At) -> bool {
        self.doubled.get(&session).is_some_and(|at| *at < before)
    }

    /// Whether the store may have lost something between these two moments.
    pub(super) fn lost_between(&self, from: At, to: At) -> bool {
        self.losses(to).any(|loss| loss.until > from)
    }

    /// The losses that began before this moment.
    fn losses(&self, to: At) -> impl Iterator<Item = &'a Loss> {
        let durable = self.history.bounds.durable;
        let faults = self.history.faults.iter().filter(move |fault| fault.from < to);
        faults.filter_map(move |fault| {
            fault.loss.as_ref().filter(|loss| !(durable && loss.by_failover))
        })
    }

    /// Whether the store may have lost, before `to`, what anybody did with the session: its beginning
    /// or a refresh. A session that nobody touched meanwhile is as it was.
    pub(super) fn maybe_lost(&self, session: SessionIx, to: At) -> bool {
        let mut touched = self.touched.get(&session).into_iter().flatten();
        let lost = |op: &&Op| {
            self.losses(to).any(|loss| op.end > loss.maybe_from && op.start < loss.until)
        };
        touched.any(|op| op.start < to && lost(op))
    }
}

pub(super) fn acknowledged(op: &Op) -> bool {
    matches!(op.outcome, Outcome::Done { .. })
}
