//! Histories made by hand: each promise kept and broken.

use super::{Rule, Verdict, check};
use crate::history::{
    Access, AccessIx, At, Bounds, Call, End, Fault, Grace, History, Life, Loss, NEVER, Op, Outcome,
    Refresh, RefreshIx, Session, SessionIx, Told,
};

/// A millisecond.
const MS: At = 1_000;
const EPOCH_MS: u64 = 1_000_000_000;

/// Writes a history: calls take a millisecond each.
struct Pen(History);

fn pen() -> Pen {
    let bounds = Bounds {
        nodes: 2,
        staleness: 1_000 * MS,
        strain: 1,
        winners: 1,
        grace: Grace::None,
        skew: 0,
        write_back: 2_000 * MS,
        isolation: 3_000 * MS,
        inspection: 1_000 * MS,
        recovery: 20_000 * MS,
        short_keep: 8_000 * MS,
        durable: false,
        asks_store: false,
    };
    let mut history = History::new(bounds, EPOCH_MS);
    for node in 0..2 {
        history.lives.push(Life { node, life: 1, to: NEVER });
    }
    Pen(history)
}

impl Pen {
    fn op(&mut self, node: u8, at_ms: At, call: Call, outcome: Outcome) {
        let start = at_ms * MS;
        self.0.ops.push(Op { node, life: Some(1), call, start, end: start + MS, outcome });
        self.0.end = self.0.end.max(start + MS);
    }

    fn tokens(&mut self, session: SessionIx, at_ms: At, generation: u64) -> Outcome {
        let made_by = self.0.ops.len() as u32;
        let issued = (EPOCH_MS + at_ms) / 1000;
        let version = self.0.session(session).version;
        let expires = issued + 150;
        self.0.accesses.push(Access { session, issued, expires, version, made_by });
        self.0.refreshes.push(Refresh { session, made_by, generation });
        let (access, refresh) =
            (self.0.accesses.len() as u32 - 1, self.0.refreshes.len() as u32 - 1);
        Outcome::Granted { session, access, refresh }
    }

    /// A session of this tenant's subject 1.
    fn login(&mut self, at_ms: At, tenant: u8) -> (SessionIx, AccessIx, RefreshIx) {
        let login = self.0.ops.len() as u32;
        let created_ms = EPOCH_MS + at_ms;
        self.0.sessions.push(Session { tenant, subject: 1, version: 1, created_ms, login });
        let session = self.0.sessions.len() as u32 - 1;
        let granted = self.tokens(session, at_ms, 0);
        self.op(0, at_ms, Call::Login { tenant, subject: 1, version: 1 }, granted.clone());
        let Outcome::Granted { session, access, refresh } = granted else { unreachable!() };
        (session, access, refresh)
    }

    fn refresh(&mut self, node: u8, at_ms: At, token: RefreshIx) -> RefreshIx {
        let (session, generation) = {
            let refresh = self.0.refresh(token);
            (refresh.session, refresh.generation + 1)
        };
        let granted = self.tokens(session, at_ms, generation);
        let tenant = self.0.session(session).tenant;
        self.op(node, at_ms, Call::Refresh { tenant, token }, granted);
        self.0.refreshes.len() as u32 - 1
    }

    fn present(&mut self, at_ms: At, token: RefreshIx, outcome: Outcome) {
        let tenant = self.0.session(self.0.refresh(token).session).tenant;
        self.op(1, at_ms, Call::Refresh { tenant, token }, outcome);
    }

    fn use_at(&mut self, node: u8, at_ms: At, token: AccessIx, outcome: Outcome) {
        self.op(node, at_ms, Call::Use { token }, outcome);
    }

    /// By node 0, acknowledged.
    fn end(&mut self, at_ms: At, tenant: u8, end: End) {
        self.end_as(at_ms, tenant, end, None);
    }

    fn end_as(&mut self, at_ms: At, tenant: u8, end: End, ended: Option<bool>) {
        let outcome = Outcome::Done { ended, moment_ms: EPOCH_MS + at_ms };
        self.op(0, at_ms, Call::End { tenant, end, short: false }, outcome);
    }

    fn health(&mut self, node: u8, at_ms: At, current: bool, losses: u64) {
        self.op(node, at_ms, Call::Health, Outcome::Health { current, losses });
    }

    fn told(&mut self, at_ms: At, session: SessionIx) {
        self.0.told.push(Told { session, at: at_ms * MS });
    }

    fn fault(&mut self, from_ms: At, healed_ms: At) -> &mut Fault {
        let mut fault = Fault::begun("a fault", from_ms * MS);
        fault.healed = healed_ms * MS;
        fault.recovered = fault.healed;
        self.0.faults.push(fault);
        self.0.faults.last_mut().unwrap()
    }

    fn verdict(&self) -> Verdict {
        check(&self.0)
    }

    #[track_caller]
    fn good(&self) {
        let verdict = self.verdict();
        assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
    }

    #[track_caller]
    fn breaks(&self, rule: Rule) {
        let verdict = self.verdict();
        let rules: Vec<_> = verdict.violations.iter().map(|found| found.rule).collect();
        assert_eq!(rules, [rule], "{:#?}", verdict.violations);
    }
}

const ALL_OF_ONE: End = End::All { tenant: 0, subject: 1 };
const REVOKE_SUBJECT: End = End::RevokeSubject { tenant: 0, subject: 1 };

#[test]
fn ordinary_life_breaks_nothing() {
    let mut pen = pen();
    let (session, access, refresh) = pen.login(0, 0);
    pen.use_at(1, 10, access, Outcome::Accepted);
    let next = pen.refresh(1, 20, refresh);
    pen.end(30, 0, End::BySid(session));
    // the node that ended it knows at once, the other within the bound
    pen.use_at(0, 32, access, Outcome::Refused);
    pen.use_at(1, 1_030, access, Outcome::Accepted);
    pen.use_at(1, 1_040, access, Outcome::Refused);
    pen.present(40, next, Outcome::Refused);
    pen.good();
    let verdict = pen.verdict();
    assert_eq!((verdict.revocations, verdict.refused_uses, verdict.refused_refreshes), (1, 2, 1));
}

#[test]
fn every_way_to_end_covers_access_tokens() {
    for end in [
        End::ByToken(0),
        End::BySid(0),
        ALL_OF_ONE,
        End::RevokeToken(0),
        End::RevokeSession(0),
        REVOKE_SUBJECT,
        End::RevokeVersion { tenant: 0, subject: 1, minimum: 2 },
    ] {
        let mut pen = pen();
        let (_, access, _) = pen.login(0, 0);
        // whole seconds: an epoch covers what was issued in an earlier one
        pen.end(2_000, 0, end);
        pen.use_at(1, 3_002, access, Outcome::Accepted);
        pen.breaks(Rule::Accepted);
    }
}

#[test]
fn every_way_to_end_but_one_covers_the_session() {
    for end in [
        End::ByToken(0),
        End::BySid(0),
        ALL_OF_ONE,
        End::RevokeSession(0),
        REVOKE_SUBJECT,
        End::RevokeVersion { tenant: 0, subject: 1, minimum: 2 },
    ] {
        let mut pen = pen();
        let (_, _, refresh) = pen.login(0, 0);
        pen.end(2_000, 0, end);
        pen.refresh(1, 2_002, refresh);
        pen.breaks(Rule::Refreshed);
    }
    let mut pen = pen();
    let (_, access, refresh) = pen.login(0, 0);
    pen.end(2_000, 0, End::RevokeToken(access));
    pen.refresh(1, 2_002, refresh);
    pen.good();
}

#[test]
fn the_node_that_acknowledged_knows_at_once() {
    let mut pen = pen();
    let (session, access, _) = pen.login(0, 0);
    pen.end(10, 0, End::BySid(session));
    pen.use_at(0, 12, access, Outcome::Accepted);
    pen.breaks(Rule::Accepted);
}

#[test]
fn who_is_told_that_there_is_no_such_session_has_ended_nothing() {
    let mut pen = pen();
    let (_, access, refresh) = pen.login(0, 0);
    pen.end_as(10, 0, End::ByToken(refresh), Some(false));
    pen.use_at(1, 3_000, access, Outcome::Accepted);
    pen.breaks(Rule::EndedNothing);
}

#[test]
fn all_but_one_spares_one() {
    let mut pen = pen();
    let (first, access, refresh) = pen.login(0, 0);
    let (_, _, other) = pen.login(5, 0);
    pen.end(10, 0, End::AllBut(first));
    pen.refresh(1, 20, refresh);
    // the old access tokens of the one that is spared may end
    pen.use_at(1, 25, access, Outcome::Refused);
    pen.good();
    pen.refresh(1, 30, other);
    pen.breaks(Rule::Refreshed);
}

#[test]
fn a_spared_session_outlives_an_epoch_of_the_same_moment() {
    let mut pen = pen();
    pen.0.bounds.skew = 500 * MS;
    let (session, _, refresh) = pen.login(0, 0);
    pen.end(2_000, 0, End::AllBut(session));
    pen.end(2_400, 0, REVOKE_SUBJECT);
    pen.refresh(1, 2_500, refresh);
    pen.good();
    pen.end(3_000, 0, REVOKE_SUBJECT);
    pen.refresh(1, 3_100, refresh + 1);
    pen.breaks(Rule::Refreshed);
}

#[test]
fn what_is_begun_after_lives() {
    let mut pen = pen();
    pen.end(10, 0, ALL_OF_ONE);
    pen.end(11, 0, REVOKE_SUBJECT);
    let (_, access, refresh) = pen.login(2_000, 0);
    pen.use_at(1, 4_000, access, Outcome::Accepted);
    pen.refresh(1, 4_010, refresh);
    pen.good();
    // and is not to be refused
    let (_, access, _) = pen.login(4_100, 0);
    pen.use_at(1, 4_200, access, Outcome::Refused);
    pen.breaks(Rule::RefusedLive);
}

#[test]
fn an_end_without_an_answer_forbids_nothing_and_explains_all() {
    let mut pen = pen();
    let (session, access, refresh) = pen.login(0, 0);
    let call = Call::End { tenant: 0, end: End::BySid(session), short: false };
    pen.op(0, 10, call, Outcome::Unknown);
    pen.use_at(1, 3_000, access, Outcome::Accepted);
    pen.use_at(1, 3_010, access, Outcome::Refused);
    pen.present(3_020, refresh, Outcome::Refused);
    pen.good();
}

#[test]
fn a_dead_session_is_not_listed() {
    let mut pen = pen();
    let (session, ..) = pen.login(0, 0);
    let list = Call::List { tenant: 0, subject: 1 };
    pen.op(1, 5, list, Outcome::Listed(vec![session]));
    pen.end(10, 0, REVOKE_SUBJECT);
    pen.op(1, 20, list, Outcome::Listed(vec![]));
    pen.good();
    pen.op(1, 900, list, Outcome::Listed(vec![session]));
    pen.good();
    pen.op(1, 1_030, list, Outcome::Listed(vec![session]));
    pen.breaks(Rule::Listed);
}

#[test]
fn who_ended_a_session_finds_it_in_no_list() {
    let mut pen = pen();
    let (session, ..) = pen.login(0, 0);
    pen.end_as(10, 0, End::OfSubject(session), Some(true));
    pen.op(1, 20, Call::List { tenant: 0, subject: 1 }, Outcome::Listed(vec![session]));
    pen.breaks(Rule::Listed);
}

#[test]
fn one_token_has_one_winner() {
    let mut pen = pen();
    let (_, _, refresh) = pen.login(0, 0);
    pen.refresh(0, 10, refresh);
    pen.refresh(1, 10, refresh);
    pen.breaks(Rule::Winners);
}

#[test]
fn grace_ends_with_the_first_use_of_a_successor() {
    let mut pen = pen();
    (pen.0.bounds.grace, pen.0.bounds.winners) = (Grace::UntilUsed, 2);
    let (_, _, refresh) = pen.login(0, 0);
    let next = pen.refresh(0, 10, refresh);
    pen.refresh(1, 20, refresh);
    pen.good();
    pen.refresh(1, 30, next);
    pen.good();
    pen.0.bounds.winners = 3;
    pen.refresh(1, 40, refresh);
    pen.breaks(Rule::Generations);
}

#[test]
fn grace_has_a_number() {
    let mut pen = pen();
    (pen.0.bounds.grace, pen.0.bounds.winners) = (Grace::UntilUsed, 2);
    let (_, _, refresh) = pen.login(0, 0);
    for at in [10, 20, 30] {
        pen.refresh(1, at, refresh);
    }
    pen.breaks(Rule::Winners);
}

#[test]
fn winners_are_of_one_generation() {
    let mut pen = pen();
    (pen.0.bounds.grace, pen.0.bounds.winners) = (Grace::UntilUsed, 2);
    let (_, _, refresh) = pen.login(0, 0);
    pen.refresh(1, 10, refresh);
    let late = pen.refresh(1, 20, refresh);
    pen.0.refreshes[late as usize].generation += 1;
    pen.breaks(Rule::Generations);
}

#[test]
fn theft_is_told() {
    let mut pen = pen();
    let (session, _, refresh) = pen.login(0, 0);
    pen.refresh(1, 10, refresh);
    pen.present(20, refresh, Outcome::Refused);
    pen.breaks(Rule::Untold);
    pen.told(21, session);
    pen.good();
    assert_eq!(pen.verdict().thefts, 1);
}

#[test]
fn a_theft_that_got_no_answer_need_not_be_told_yet() {
    let mut pen = pen();
    let (_, _, refresh) = pen.login(0, 0);
    pen.refresh(1, 10, refresh);
    pen.present(20, refresh, Outcome::Unavailable);
    pen.good();
    // but at the next try, however the first one ended
    pen.present(500, refresh, Outcome::Refused);
    pen.breaks(Rule::Untold);
}

#[test]
fn theft_is_told_of_a_dead_session_too() {
    let mut pen = pen();
    let (session, _, refresh) = pen.login(0, 0);
    pen.refresh(1, 10, refresh);
    pen.end(15, 0, End::BySid(session));
    pen.present(20, refresh, Outcome::Refused);
    pen.breaks(Rule::Untold);
    pen.told(21, session);
    pen.good();
}

#[test]
fn theft_is_not_told_of_the_honest() {
    let mut pen = pen();
    let (session, _, refresh) = pen.login(0, 0);
    let next = pen.refresh(1, 10, refresh);
    pen.refresh(1, 20, next);
    pen.told(30, session);
    pen.breaks(Rule::FalseAlarm);
}

#[test]
fn who_has_no_primary_is_not_current() {
    let mut pen = pen();
    pen.fault(1_000, 5_000).blind = Some((0b10, 1_000 * MS, 5_000 * MS));
    pen.health(1, 1_500, true, 0);
    pen.health(0, 3_000, true, 0);
    pen.health(1, 3_000, false, 0);
    pen.health(1, 5_001, true, 0);
    pen.good();
    pen.health(1, 2_500, true, 0);
    pen.breaks(Rule::Healthy);
}

#[test]
fn nobody_is_current_over_a_store_that_evicts() {
    let mut pen = pen();
    pen.fault(1_000, 5_000).evicting = true;
    pen.health(1, 2_500, true, 0);
    pen.good();
    pen.health(1, 3_500, true, 0);
    pen.breaks(Rule::Healthy);
}

#[test]
fn what_lives_is_not_refused() {
    let mut pen = pen();
    let (_, _, refresh) = pen.login(0, 0);
    pen.present(10, refresh, Outcome::Refused);
    pen.breaks(Rule::RefusedLive);
}

#[test]
fn what_has_expired_may_be_refused() {
    let mut pen = pen();
    let (_, access, _) = pen.login(0, 0);
    pen.use_at(1, 151_000, access, Outcome::Refused);
    pen.good();
}

#[test]
fn a_logout_ends_what_lives() {
    let mut pen = pen();
    let (session, ..) = pen.login(0, 0);
    pen.end_as(10, 0, End::BySid(session), Some(false));
    pen.breaks(Rule::EndedNothing);
}

/// The store lost what was acknowledged from 1 s to 2 s, and was there again at 3 s.
fn lossy(pen: &mut Pen) {
    let fault = pen.fault(1_000, 3_000);
    fault.loss = Some(Loss::of(1_000 * MS, 1_000 * MS, 2_000 * MS));
}

#[test]
fn a_loss_excuses_until_it_can_be_written_back() {
    let mut pen = pen();
    let (session, access, refresh) = pen.login(0, 0);
    pen.end(1_500, 0, End::BySid(session));
    lossy(&mut pen);
    // node 0 knew it and is current again at 4 s: 2 s to write back, 1 s of staleness
    pen.health(0, 500, true, 0);
    pen.health(0, 4_000, true, 1);
    pen.health(0, 6_000, true, 1);
    pen.use_at(1, 6_900, access, Outcome::Accepted);
    pen.refresh(1, 5_900, refresh);
    pen.good();
    assert_eq!(pen.verdict().excused, 2);
    pen.use_at(1, 7_100, access, Outcome::Accepted);
    pen.breaks(Rule::Accepted);
}

#[test]
fn who_dies_at_once_gives_nothing_back() {
    let mut pen = pen();
    let (session, access, _) = pen.login(0, 0);
    pen.end(1_500, 0, End::BySid(session));
    lossy(&mut pen);
    pen.health(0, 4_000, true, 1);
    pen.0.lives[0].to = 5_000 * MS;
    pen.use_at(1, 60_000, access, Outcome::Accepted);
    pen.good();
    pen.0.lives[0].to = 6_100 * MS;
    pen.breaks(Rule::Accepted);
}

#[test]
fn a_loss_excuses_no_refusal_of_what_nobody_touched() {
    let mut pen = pen();
    let (_, access, refresh) = pen.login(0, 0);
    lossy(&mut pen);
    pen.use_at(1, 3_500, access, Outcome::Refused);
    pen.breaks(Rule::RefusedLive);
    pen.0.ops.pop();
    pen.present(1_400, refresh, Outcome::Unknown);
    pen.use_at(1, 3_500, access, Outcome::Refused);
    pen.good();
    pen.0.bounds.durable = true;
    pen.0.faults[0].loss.as_mut().unwrap().by_failover = true;
    pen.breaks(Rule::RefusedLive);
}

#[test]
fn who_knew_does_not_forget_with_the_store() {
    let mut pen = pen();
    let (session, access, _) = pen.login(0, 0);
    pen.end(1_500, 0, End::BySid(session));
    lossy(&mut pen);
    pen.use_at(0, 3_500, access, Outcome::Accepted);
    pen.breaks(Rule::Accepted);
}

#[test]
fn a_node_that_refused_before_the_loss_knew() {
    let mut pen = pen();
    let (session, access, _) = pen.login(0, 0);
    pen.end(1_500, 0, End::BySid(session));
    pen.use_at(1, 1_600, access, Outcome::Refused);
    lossy(&mut pen);
    pen.use_at(1, 3_500, access, Outcome::Accepted);
    pen.breaks(Rule::Accepted);
}

#[test]
fn what_was_not_lost_is_not_excused() {
    let mut pen = pen();
    let (session, access, _) = pen.login(0, 0);
    pen.end(500, 0, End::BySid(session));
    lossy(&mut pen);
    pen.use_at(1, 3_500, access, Outcome::Accepted);
    pen.breaks(Rule::Accepted);
}

#[test]
fn a_loss_that_nobody_outlived_is_excused_unless_it_was_promised() {
    let mut pen = pen();
    let (session, access, _) = pen.login(0, 0);
    pen.end(1_500, 0, End::BySid(session));
    lossy(&mut pen);
    pen.0.lives[0].to = 2_500 * MS;
    pen.use_at(1, 60_000, access, Outcome::Accepted);
    pen.good();
    pen.0.bounds.durable = true;
    pen.good();
    pen.0.faults[0].loss.as_mut().unwrap().by_failover = true;
    pen.breaks(Rule::Accepted);
}

#[test]
fn a_loss_is_counted_by_who_knew_better() {
    let mut pen = pen();
    let (session, ..) = pen.login(0, 0);
    pen.health(0, 500, true, 3);
    pen.end(1_500, 0, End::RevokeSession(session));
    lossy(&mut pen);
    pen.health(0, 5_500, true, 4);
    pen.good();
    pen.0.ops.last_mut().unwrap().outcome = Outcome::Health { current: true, losses: 3 };
    pen.breaks(Rule::Uncounted);
}

#[test]
fn what_was_there_before_is_not_lost() {
    for (tried, lost) in [(900, false), (1_100, true)] {
        let mut pen = pen();
        let (session, ..) = pen.login(0, 0);
        pen.health(0, 500, true, 3);
        let call = Call::End { tenant: 0, end: End::RevokeSession(session), short: false };
        pen.op(1, tried, call, Outcome::Unavailable);
        pen.end(1_500, 0, End::RevokeSession(session));
        lossy(&mut pen);
        pen.health(0, 5_500, true, 3);
        if lost { pen.breaks(Rule::Uncounted) } else { pen.good() }
    }
    let mut pen = pen();
    pen.login(0, 0);
    pen.health(0, 500, true, 3);
    pen.end(900, 0, ALL_OF_ONE);
    pen.end(1_500, 0, REVOKE_SUBJECT);
    lossy(&mut pen);
    pen.health(0, 5_500, true, 3);
    // The clock of whoever gave the first epoch may have been ahead.
    pen.good();
}

#[test]
fn an_isolated_primary_has_a_bound_too() {
    let mut pen = pen();
    let (session, access, _) = pen.login(0, 0);
    pen.end(1_500, 0, End::BySid(session));
    let fault = pen.fault(1_000, 20_000);
    (fault.isolated, fault.blind) = (0b10, Some((0b10, 1_000 * MS, 20_000 * MS)));
    fault.loss = Some(Loss { nodes: 0b10, ..Loss::of(1_000 * MS, NEVER, 20_000 * MS) });
    pen.use_at(1, 5_400, access, Outcome::Accepted);
    pen.health(1, 4_900, true, 0);
    pen.good();
    pen.use_at(1, 5_600, access, Outcome::Accepted);
    pen.breaks(Rule::Accepted);
}

#[test]
fn a_revocation_lives_as_long_as_what_it_covers() {
    let mut pen = pen();
    let (session, access, _) = pen.login(0, 0);
    let end = Call::End { tenant: 0, end: End::BySid(session), short: true };
    pen.op(0, 10, end, Outcome::Done { ended: Some(true), moment_ms: 0 });
    pen.use_at(1, 9_000, access, Outcome::Accepted);
    pen.breaks(Rule::Forgotten);
}

#[test]
fn tenants_do_not_meet() {
    let mut pen = pen();
    let (session, _, refresh) = pen.login(0, 0);
    let foreign = Call::Refresh { tenant: 1, token: refresh };
    pen.op(1, 10, foreign, Outcome::Refused);
    pen.op(1, 11, Call::List { tenant: 1, subject: 1 }, Outcome::Listed(vec![]));
    pen.end_as(12, 1, End::BySid(session), Some(false));
    pen.end(13, 1, End::All { tenant: 1, subject: 1 });
    // and it lives on at home
    pen.refresh(1, 20, refresh);
    pen.good();

    let granted = pen.tokens(session, 30, 2);
    pen.op(1, 30, foreign, granted);
    pen.breaks(Rule::Tenants);
}

#[test]
fn a_foreign_logout_that_ends_a_session_is_seen_at_home() {
    let mut pen = pen();
    let (session, access, _) = pen.login(0, 0);
    pen.end_as(12, 1, End::BySid(session), Some(false));
    pen.use_at(1, 20, access, Outcome::Refused);
    pen.breaks(Rule::RefusedLive);
}

#[test]
fn a_list_has_no_strangers() {
    let mut pen = pen();
    let (session, ..) = pen.login(0, 0);
    pen.op(1, 11, Call::List { tenant: 1, subject: 1 }, Outcome::Listed(vec![session]));
    pen.breaks(Rule::Tenants);
}

#[test]
fn nodes_come_back_and_answer_nothing_odd() {
    let mut one = pen();
    one.fault(1_000, 2_000).recovered = NEVER;
    one.breaks(Rule::Dead);
    let mut two = pen();
    let (_, access, _) = two.login(0, 0);
    two.use_at(0, 10, access, Outcome::Odd(500));
    two.breaks(Rule::Odd);
}
