//! The figures.

use std::collections::{BTreeMap, HashSet};

use crate::checker::{Rule, Verdict};
use crate::history::{At, Call, History, NEVER, Op, Outcome};

/// Of all rounds together.
#[derive(Default)]
pub struct Report {
    rounds: usize,
    strain: u64,
    seconds: f64,
    operations: usize,
    answered: usize,
    logins: usize,
    refreshes: usize,
    uses: usize,
    revocations: usize,
    refused_uses: usize,
    refused_refreshes: usize,
    thefts: usize,
    excused: usize,
    violations: BTreeMap<Rule, usize>,
    revived: usize,
    effects: Vec<At>,
    /// By kind: how often, and how long the longest silence of a node was.
    faults: BTreeMap<&'static str, Vec<At>>,
}

impl Report {
    pub fn add(&mut self, history: &History, verdict: &Verdict, effects: &[At]) {
        self.rounds += 1;
        self.strain = self.strain.max(history.bounds.strain);
        self.seconds += history.end as f64 / 1e6;
        self.operations += history.ops.len();
        for op in &history.ops {
            self.answered += usize::from(!matches!(
                op.outcome,
                Outcome::Unknown | Outcome::NotSent | Outcome::Unavailable
            ));
            match (&op.call, &op.outcome) {
                (Call::Login { .. }, Outcome::Granted { .. }) => self.logins += 1,
                (Call::Refresh { .. }, Outcome::Granted { .. }) => self.refreshes += 1,
                (Call::Use { .. }, Outcome::Accepted) => self.uses += 1,
                _ => {}
            }
        }
        self.revocations += verdict.revocations;
        self.refused_uses += verdict.refused_uses;
        self.refused_refreshes += verdict.refused_refreshes;
        self.thefts += verdict.thefts;
        self.excused += verdict.excused;
        for (rule, count) in verdict.by_rule() {
            *self.violations.entry(rule).or_default() += count;
        }
        let revived = verdict.violations.iter().filter(|found| found.rule == Rule::Refreshed);
        let revived: HashSet<_> = revived.filter_map(|found| found.lines.last()).collect();
        self.revived += revived.len();
        self.effects.extend(effects);
        for fault in &history.faults {
            let to = if fault.recovered == NEVER { history.end } else { fault.recovered };
            let silence =
                (0..history.bounds.nodes).map(|node| silence(history, node, fault.from, to));
            let longest = silence.max().unwrap_or_default();
            self.faults.entry(fault.kind).or_default().push(longest);
        }
    }

    pub fn is_good(&self) -> bool {
        self.violations.is_empty()
    }

    pub fn found(&self, rule: Rule) -> usize {
        self.violations.get(&rule).copied().unwrap_or_default()
    }

    pub fn print(&self) {
        let count = |rule| self.found(rule);
        println!("rounds                                       {}", self.rounds);
        println!("minutes                                      {:.1}", self.seconds / 60.0);
        println!("load of the machine, by processor            {} at most", self.strain);
        println!("operations                                   {}", self.operations);
        println!("  answered                                   {}", self.answered);
        println!(
            "  logins, refreshes, uses                    {}, {}, {}",
            self.logins, self.refreshes, self.uses
        );
        let faults: usize = self.faults.values().map(Vec::len).sum();
        println!("faults                                       {faults}");
        println!("revocations acknowledged                     {}", self.revocations);
        println!("  covered tokens used and refused            {}", self.refused_uses);
        println!("  covered sessions presented and refused     {}", self.refused_refreshes);
        println!("  accepted by who could not know of a loss   {}", self.excused);
        println!("thefts that had to be told                   {}", self.thefts);
        println!(
            "covered tokens accepted                      {}",
            count(Rule::Accepted) + count(Rule::Forgotten)
        );
        println!("sessions revived                             {}", self.revived);
        println!("thefts not told                              {}", count(Rule::Untold));
        let mut effects = self.effects.clone();
        println!("revocation to effect at another node         {}", spread(&mut effects));
        println!();
        println!("time without a good answer at some node, by fault");
        for (kind, silences) in &self.faults {
            println!("  {kind:<26} {:>4} times  {}", silences.len(), spread(&mut silences.clone()));
        }
        if !self.violations.is_empty() {
            println!();
            println!("broken promises");
            for (rule, count) in &self.violations {
                println!("  {count:>6}  {}", rule.text());
            }
        }
    }
}

fn spread(values: &mut [At]) -> String {
    values.sort_unstable();
    let at = |part: f64| {
        let last = values.len().saturating_sub(1) as f64;
        values.get((last * part).round() as usize).copied().unwrap_or_default() as f64 / 1e3
    };
    let n = values.len();
    format!("p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms (of {n})", at(0.5), at(0.99), at(1.0))
}

/// The longest time in which no call to this node was answered as it should be.
fn silence(history: &History, node: u8, from: At, to: At) -> At {
    let good = |op: &&Op| {
        op.node == node
            && op.end >= from
            && op.end <= to
            && matches!(
                op.outcome,
                Outcome::Granted { .. } | Outcome::Accepted | Outcome::Done { .. }
            )
    };
    let (mut last, mut longest) = (from, 0);
    let mut ends: Vec<_> = history.ops.iter().filter(good).map(|op| op.end).collect();
    ends.sort_unstable();
    for end in ends.into_iter().chain([to]) {
        longest = longest.max(end.saturating_sub(last));
        last = end;
    }
    longest
}
