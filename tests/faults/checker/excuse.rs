//! What an asynchronous store that lost its last moments excuses, and for how long.

use super::index::Index;
use crate::history::{At, Fault, Life, NEVER, Op, Outcome};

/// How long after the end `end` the operation `op` may still not know of it.
pub(super) fn bound(index: &Index<'_>, end: &Op, op: &Op, base: At) -> At {
    let here = end.node == op.node && end.life.is_some() && end.life == op.life;
    let own = if here { 0 } else { base };
    let bounds = &index.history.bounds;
    let isolated = index.history.faults.iter().any(|fault| {
        fault.isolated >> op.node & 1 == 1
            && fault.from <= op.end
            && op.start <= fault.healed.saturating_add(bounds.staleness)
    });
    if isolated { base + bounds.isolation } else { own }
}

/// Whether the store has lost this end, and nobody who knew it can have written it back before `op`.
pub(super) fn excused(index: &Index<'_>, end: &Op, op: &Op, base: At) -> bool {
    index.history.faults.iter().any(|fault| excuses(index, fault, end, op, base))
}

fn excuses(index: &Index<'_>, fault: &Fault, end: &Op, op: &Op, base: At) -> bool {
    let Some(loss) = &fault.loss else { return false };
    let bounds = &index.history.bounds;
    let at_risk = end.end > loss.maybe_from
        && end.start < loss.until
        && loss.nodes >> end.node & 1 == 1
        && !(bounds.durable && loss.by_failover);
    if !at_risk || op.end < fault.from {
        return false;
    }
    let knowers = knowers(index, end, fault);
    if knowers.iter().any(|life| life.node == op.node && Some(life.life) == op.life) {
        return false;
    }
    // who died before it could give it back has not
    let told = knowers.iter().filter_map(|life| {
        let told = current_again(index, life, fault)?;
        (life.to > told.saturating_add(bounds.write_back)).then_some(told)
    });
    let told = told.min();
    told.is_none_or(|told| op.start <= told.saturating_add(bounds.write_back).saturating_add(base))
}

/// The lives of nodes that knew of the end before the store lost it, and outlived that.
pub(super) fn knowers<'a>(index: &Index<'a>, end: &Op, fault: &Fault) -> Vec<&'a Life> {
    let loss_at = fault.loss.as_ref().map_or(fault.healed, |loss| loss.until);
    let mut lives = vec![(end.node, end.life)];
    // where the store may have been asked, a refusal does not show that the node knows
    if !index.history.bounds.asks_store
        && let Some(session) = crate::history::session_of(index.history, &end.call)
    {
        let refused = index.refused_uses.get(&session).into_iter().flatten();
        let refused = refused.filter(|op| op.start > end.end && op.end < loss_at);
        lives.extend(refused.filter(|op| covers_use(index, end, op)).map(|op| (op.node, op.life)));
    }
    let found = index
        .history
        .lives
        .iter()
        .filter(|life| lives.contains(&(life.node, Some(life.life))) && life.to > fault.healed);
    found.collect()
}

fn covers_use(index: &Index<'_>, end: &Op, op: &Op) -> bool {
    let crate::history::Call::Use { token } = op.call else { return false };
    let expires = index.history.access(token).expires.saturating_mul(1000);
    let now_ms = index.history.epoch_ms + (op.end + index.history.bounds.skew) / 1000;
    let mut ends = index.covering_access(token);
    let only = ends.next().is_some_and(|only| std::ptr::eq(only, end)) && ends.next().is_none();
    only && now_ms < expires && !index.maybe_stolen(index.history.access(token).session, op.end)
}

/// When this life first called itself current after the fault.
pub(super) fn current_again(index: &Index<'_>, life: &Life, fault: &Fault) -> Option<At> {
    let healed = if fault.healed == NEVER { return None } else { fault.healed };
    let answers = index.health.get(&(life.node, life.life))?;
    let current = answers.iter().find(|op| {
        op.start > healed && matches!(op.outcome, Outcome::Health { current: true, .. })
    });
    current.map(|op| op.end)
}
