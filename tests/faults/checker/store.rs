//! P6 and P7: who is current has proof, and losses are counted. And all nodes come back.

use super::excuse::knowers;
use super::index::{Index, acknowledged};
use super::{Rule, Verdict};
use crate::history::{Call, End, Fault, NEVER, Op, Outcome};

pub(super) fn check(index: &Index<'_>, verdict: &mut Verdict) {
    for fault in &index.history.faults {
        if fault.recovered == NEVER {
            verdict.found_text(Rule::Dead, vec![fault.to_string()]);
        }
        healthy(index, verdict, fault);
        counted(index, verdict, fault);
    }
}

/// Only the first offence of each node in each fault: one is enough, hundreds would follow.
fn healthy(index: &Index<'_>, verdict: &mut Verdict, fault: &Fault) {
    let bounds = &index.history.bounds;
    let all = (1 << bounds.nodes) - 1;
    let blind = if fault.evicting { Some((all, fault.from, fault.healed)) } else { fault.blind };
    let Some((nodes, from, to)) = blind else { return };
    // whether it evicts is asked when everything is loaded, and then now and again
    let seldom = if fault.evicting { bounds.inspection } else { 0 };
    let isolation = if fault.isolated == 0 { 0 } else { bounds.isolation };
    let from = from.saturating_add(bounds.staleness).saturating_add(isolation + seldom);
    for ((node, _), answers) in &index.health {
        if nodes >> node & 1 == 0 {
            continue;
        }
        let bad = answers.iter().find(|op| {
            op.start > from
                && op.end < to
                && matches!(op.outcome, Outcome::Health { current: true, .. })
        });
        if let Some(op) = bad {
            verdict.found_text(Rule::Healthy, vec![fault.to_string(), index.history.line(op)]);
        }
    }
}

fn losses(op: &Op) -> Option<u64> {
    match op.outcome {
        Outcome::Health { losses, .. } => Some(losses),
        _ => None,
    }
}

/// A node that knew a revocation which is surely lost has counted the loss once it is current.
fn counted(index: &Index<'_>, verdict: &mut Verdict, fault: &Fault) {
    let Some(loss) = &fault.loss else { return };
    let history = index.history;
    for end in &history.ops {
        let surely = end.start > loss.surely_from
            && end.end < loss.until
            && acknowledged(end)
            && matches!(
                end.call,
                Call::End {
                    end: End::RevokeSession(_) | End::RevokeSubject { .. },
                    short: false,
                    ..
                }
            );
        // what was there before is not lost
        let again = match end.call {
            Call::End { end: End::RevokeSession(session), .. } => {
                index.maybe_covered(session, loss.surely_from, Some(end))
                    || index.maybe_stolen(session, loss.surely_from)
            }
            Call::End { end: End::RevokeSubject { tenant, subject }, .. } => {
                index.maybe_epoch(tenant, subject, loss.surely_from, end)
            }
            _ => false,
        };
        if !surely || again {
            continue;
        }
        for life in knowers(index, end, fault) {
            let Some(answers) = index.health.get(&(life.node, life.life)) else { continue };
            let before = answers.iter().rev().find(|op| op.end < fault.from);
            let before = before.and_then(|op| losses(op)).unwrap_or_default();
            let late = fault.healed.saturating_add(history.bounds.write_back);
            let after = answers.iter().find(|op| {
                op.start > late && matches!(op.outcome, Outcome::Health { current: true, .. })
            });
            if let Some(op) = after.filter(|op| losses(op) <= Some(before)) {
                let lines = vec![fault.to_string(), history.line(end), history.line(op)];
                verdict.found_text(Rule::Uncounted, lines);
                return;
            }
        }
    }
}
