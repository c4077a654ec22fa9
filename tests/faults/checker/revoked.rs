//! P1, P2, P3 and P8: what was taken back is not accepted, refreshed or listed.

use super::excuse::{bound, excused};
use super::index::Index;
use super::{Rule, Verdict};
use crate::history::{Call, Op, Outcome};

pub(super) fn check(index: &Index<'_>, verdict: &mut Verdict) {
    for op in &index.history.ops {
        match (&op.call, &op.outcome) {
            (Call::Use { token }, Outcome::Accepted) => {
                let ends = index.covering_access(*token);
                let staleness = index.history.bounds.staleness;
                look(index, verdict, op, ends, staleness, Rule::Accepted);
            }
            (Call::Use { token }, Outcome::Refused) => {
                let covered = index.covering_access(*token).any(|end| end.end < op.start);
                verdict.refused_uses += usize::from(covered);
            }
            (Call::Refresh { tenant, token }, Outcome::Granted { .. }) => {
                let session = index.history.refresh(*token).session;
                if index.history.session(session).tenant != *tenant {
                    verdict.found(index.history, Rule::Tenants, &[op]);
                    continue;
                }
                look(index, verdict, op, index.covering(session), 0, Rule::Refreshed);
            }
            (Call::Refresh { token, .. }, Outcome::Refused) => {
                let session = index.history.refresh(*token).session;
                let covered = index.covering(session).any(|end| end.end < op.start);
                verdict.refused_refreshes += usize::from(covered);
            }
            (Call::List { tenant, .. }, Outcome::Listed(sessions)) => {
                // what was revoked alone is left out by what the node knows, and a session that was
                // ended by the store itself
                let staleness = index.history.bounds.staleness;
                for session in sessions {
                    if index.history.session(*session).tenant == *tenant {
                        let ends = || index.covering(*session);
                        let (own, alone) =
                            (ends().filter(ends_it), ends().filter(|op| !ends_it(op)));
                        look(index, verdict, op, own, 0, Rule::Listed);
                        look(index, verdict, op, alone, staleness, Rule::Listed);
                    } else {
                        verdict.found(index.history, Rule::Tenants, &[op]);
                    }
                }
            }
            (_, Outcome::Odd(_)) => verdict.found(index.history, Rule::Odd, &[op]),
            _ => {}
        }
    }
}

/// Whether it was told that it has ended a session that lived.
fn ends_it(op: &&Op) -> bool {
    matches!(op.outcome, Outcome::Done { ended: Some(true), .. })
}

/// Finds the first end that forbids what was done.
fn look<'a>(
    index: &Index<'_>,
    verdict: &mut Verdict,
    op: &Op,
    ends: impl Iterator<Item = &'a Op>,
    base: u64,
    rule: Rule,
) {
    let mut forgiven = false;
    for end in ends {
        if end.end.saturating_add(bound(index, end, op, base)) >= op.start {
            continue;
        }
        if excused(index, end, op, base) {
            forgiven = true;
            continue;
        }
        let short = matches!(end.call, Call::End { short: true, .. });
        let kept_until = end.end.saturating_add(index.history.bounds.short_keep);
        let forgotten = short && rule == Rule::Accepted && op.start > kept_until;
        let rule = if forgotten { Rule::Forgotten } else { rule };
        return verdict.found(index.history, rule, &[end, op]);
    }
    verdict.excused += usize::from(forgiven);
}
