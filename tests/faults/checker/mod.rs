//! Decides from the history alone whether what was taken back stayed taken back.

mod excuse;
mod index;
mod refused;
mod revoked;
mod store;
mod tokens;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::index::Index;
use crate::history::{History, Op};

/// What is checked, each by the name that a planted fault is caught by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A covered token was accepted.
    Accepted,
    /// A covered session was refreshed.
    Refreshed,
    /// A covered session was in the list of the subject's live ones.
    Listed,
    /// More won with one refresh token than may.
    Winners,
    /// A spent token won although its successor had been used, or winners of several generations.
    Generations,
    /// A spent token was refused and nobody was told.
    Untold,
    /// Theft was told of a session whose tokens were all presented once.
    FalseAlarm,
    /// A node called itself current without a primary that keeps what it is given.
    Healthy,
    /// Somebody's living session or token was refused for good.
    RefusedLive,
    /// The end of a living session was answered with "there was none".
    EndedNothing,
    /// The store lost what was acknowledged, and a node that knew it has not counted that.
    Uncounted,
    /// A revocation was kept for less than the life of what it covers.
    Forgotten,
    /// One tenant reached another's sessions.
    Tenants,
    /// A node did not answer again after a fault.
    Dead,
    /// An answer that must never be given.
    Odd,
}

impl Rule {
    /// The promise that it is about, and what was seen.
    pub fn text(self) -> &'static str {
        match self {
            Self::Accepted => "P1: a token was accepted that had been taken back",
            Self::Refreshed => "P2: a session was refreshed that had ended",
            Self::Listed => "P3: a session that had ended was listed",
            Self::Winners => "P4: too many won with one refresh token",
            Self::Generations => "P4: winners that are not of one living generation",
            Self::Untold => "P5: a theft was not told",
            Self::FalseAlarm => "P5: a theft was told where nobody stole",
            Self::Healthy => "P6: a node without proof called itself current",
            Self::RefusedLive => "P6: what lived was refused for good",
            Self::EndedNothing => "P6: a logout of a living session ended nothing",
            Self::Uncounted => "P7: a loss was not counted by a node that knew better",
            Self::Forgotten => "P8: a revocation was forgotten before what it covers",
            Self::Tenants => "P9: a tenant reached another's sessions",
            Self::Dead => "a node did not answer again after a fault",
            Self::Odd => "an answer that must never be given",
        }
    }
}

#[derive(Debug)]
pub struct Violation {
    pub rule: Rule,
    /// The offending lines of the history, as they happened.
    pub lines: Vec<String>,
}

/// What was found, and how much was looked at.
#[derive(Debug, Default)]
pub struct Verdict {
    pub violations: Vec<Violation>,
    pub revocations: usize,
    /// Uses of covered tokens that were rightly refused.
    pub refused_uses: usize,
    /// Refreshes of covered sessions that were rightly refused.
    pub refused_refreshes: usize,
    /// Presentations of spent tokens that had to be told.
    pub thefts: usize,
    /// Covered tokens that were accepted after the store had lost the revocation and before
    /// anybody could write it back.
    pub excused: usize,
}

impl Verdict {
    pub fn by_rule(&self) -> BTreeMap<Rule, usize> {
        let mut counts = BTreeMap::new();
        for violation in &self.violations {
            *counts.entry(violation.rule).or_insert(0) += 1;
        }
        counts
    }

    fn found(&mut self, history: &History, rule: Rule, ops: &[&Op]) {
        let mut ops = ops.to_vec();
        ops.sort_by_key(|op| op.start);
        let lines = ops.into_iter().map(|op| history.line(op)).collect();
        self.violations.push(Violation { rule, lines });
    }

    fn found_text(&mut self, rule: Rule, lines: Vec<String>) {
        self.violations.push(Violation { rule, lines });
    }
}

pub fn check(history: &History) -> Verdict {
    let index = Index::new(history);
    let mut verdict = Verdict { revocations: index.acknowledged, ..Verdict::default() };
    revoked::check(&index, &mut verdict);
    tokens::check(&index, &mut verdict);
    refused::check(&index, &mut verdict);
    store::check(&index, &mut verdict);
    verdict
}
