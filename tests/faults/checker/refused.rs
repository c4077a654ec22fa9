//! P6: whoever has not been taken back is not refused for good, and a logout ends what lives.

use super::index::Index;
use super::{Rule, Verdict};
use crate::history::{Call, End, Op, Outcome, SessionIx};

pub(super) fn check(index: &Index<'_>, verdict: &mut Verdict) {
    let history = index.history;
    for op in &history.ops {
        match (&op.call, &op.outcome) {
            (Call::Refresh { tenant, token }, Outcome::Refused) => {
                let session = history.refresh(*token).session;
                if history.session(session).tenant == *tenant && lives(index, session, op) {
                    verdict.found(history, Rule::RefusedLive, &[op]);
                }
            }
            (Call::Use { token }, Outcome::Refused) => {
                let access = history.access(*token);
                let now_ms = history.epoch_ms + (op.end + history.bounds.skew) / 1000;
                let expired = now_ms >= access.expires.saturating_mul(1000);
                // a store that lost a refresh takes the next one for theft
                let may = index.maybe_covered_access(*token, op.end)
                    || index.maybe_stolen(access.session, op.end)
                    || index.maybe_lost(access.session, op.end);
                if !expired && !may {
                    verdict.found(history, Rule::RefusedLive, &[op]);
                }
            }
            (Call::End { tenant, end, .. }, Outcome::Done { ended: Some(false), .. }) => {
                let session = match *end {
                    End::ByToken(token) => history.refresh(token).session,
                    End::BySid(session) | End::OfSubject(session) => session,
                    _ => continue,
                };
                if history.session(session).tenant == *tenant && lives(index, session, op) {
                    verdict.found(history, Rule::EndedNothing, &[op]);
                }
            }
            _ => {}
        }
    }
}

/// Whether the session certainly lived until the operation ended.
fn lives(index: &Index<'_>, session: SessionIx, op: &Op) -> bool {
    !index.maybe_covered(session, op.end, Some(op))
        && !index.maybe_stolen(session, op.end)
        && !index.maybe_lost(session, op.end)
}
