//! P4 and P5: one winner for each refresh token, and theft is told.

use super::index::Index;
use super::{Rule, Verdict};
use crate::history::{At, Call, Grace, Op, Outcome, RefreshIx, SessionIx};

/// How long a line may take from a node's pipe to the driver.
const PIPE: At = 2_000_000;

pub(super) fn check(index: &Index<'_>, verdict: &mut Verdict) {
    for (token, ops) in &index.presented {
        winners(index, verdict, *token, ops);
        thefts(index, verdict, *token, ops);
    }
    for told in &index.history.told {
        false_alarm(index, verdict, told.session, told.at);
    }
}

fn granted(op: &Op) -> Option<RefreshIx> {
    match op.outcome {
        Outcome::Granted { refresh, .. } => Some(refresh),
        _ => None,
    }
}

/// The first use that is known to have won with this token.
fn first_use<'a>(index: &Index<'a>, token: RefreshIx) -> Option<&'a Op> {
    let ops = index.presented.get(&token)?;
    ops.iter().filter(|op| granted(op).is_some()).min_by_key(|op| op.end).copied()
}

fn winners(index: &Index<'_>, verdict: &mut Verdict, token: RefreshIx, ops: &[&Op]) {
    let won: Vec<&Op> = ops.iter().filter(|op| granted(op).is_some()).copied().collect();
    let (Some(first), Some(last)) = (won.first(), won.iter().max_by_key(|op| op.end)) else {
        return;
    };
    if index.lost_between(first.start, last.end) {
        return;
    }
    if won.len() > index.history.bounds.winners {
        verdict.found(index.history, Rule::Winners, &won);
        return;
    }
    let generation = |op: &Op| granted(op).map(|token| index.history.refresh(token).generation);
    if won.iter().any(|op| generation(op) != generation(first)) {
        verdict.found(index.history, Rule::Generations, &won);
        return;
    }
    for early in &won {
        let Some(child) = granted(early).and_then(|child| first_use(index, child)) else {
            continue;
        };
        if let Some(late) = won.iter().find(|late| child.end < late.start) {
            if !index.lost_between(early.start, late.end) {
                verdict.found(index.history, Rule::Generations, &[early, child, late]);
            }
            let _ = token;
            return;
        }
    }
}

/// By which operation the token was certainly spent beyond any grace.
fn spent_by<'a>(index: &Index<'a>, token: RefreshIx, ops: &[&'a Op]) -> Option<&'a Op> {
    match index.history.bounds.grace {
        Grace::None => first_use(index, token),
        Grace::UntilUsed => {
            let children = ops.iter().filter_map(|op| granted(op));
            children.filter_map(|child| first_use(index, child)).min_by_key(|op| op.end)
        }
    }
}

fn thefts<'a>(index: &Index<'a>, verdict: &mut Verdict, token: RefreshIx, ops: &[&'a Op]) {
    let Some(spent) = spent_by(index, token, ops) else { return };
    let session = index.history.refresh(token).session;
    for op in ops {
        let refused = op.outcome == Outcome::Refused && op.start > spent.end;
        // also of a session that has ended in another way: somebody has a copy
        if !refused
            || index.lost_between(index.history.ops[spent_start(index, token)].start, op.end)
        {
            continue;
        }
        verdict.thefts += 1;
        let mut told = index.history.told.iter();
        if !told.any(|told| {
            told.session == session
                && told.at <= op.end.saturating_add(PIPE * index.history.bounds.strain)
        }) {
            verdict.found(index.history, Rule::Untold, &[spent, op]);
            return;
        }
    }
}

/// The operation that made the token.
fn spent_start(index: &Index<'_>, token: RefreshIx) -> usize {
    index.history.refresh(token).made_by as usize
}

fn false_alarm(index: &Index<'_>, verdict: &mut Verdict, session: SessionIx, at: At) {
    let login = &index.history.ops[index.history.session(session).login as usize];
    if index.maybe_stolen(session, at) || index.lost_between(login.start, at) {
        return;
    }
    let of_session = |op: &&Op| {
        matches!(op.call, Call::Refresh { token, .. }
        if index.history.refresh(token).session == session && op.start < at)
    };
    let ops: Vec<&Op> = index.history.ops.iter().filter(of_session).collect();
    verdict.found(index.history, Rule::FalseAlarm, &ops);
}
