//! What was acknowledged, what became of it, and what each node owes for that.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cloud::{Cloud, OfNode};
use super::world::{MAX_STALENESS, Node};
use crate::revocation::replica::{LogEntry, LogId};

/// How long after it knows of a loss a node may take to give back what is lost, if nothing is
/// refused.
const GIVE_BACK: Duration = Duration::from_millis(1500);

/// A node's life: its number, and when it was born.
type Life = (usize, Duration);

/// A revocation that was acknowledged.
pub(super) struct Acked {
    entry: LogEntry,
    name: String,
    at: Duration,
    /// Since when the primary has had it without a break.
    pub(super) there: Option<Duration>,
    /// Which item made it what it is, when the primary last had it.
    seen: Option<LogId>,
    /// And when it was lost.
    made: Option<LogId>,
    /// Since when it has been lost.
    lost: Option<Duration>,
    /// Since when it is there again, as another item.
    again: Option<Duration>,
    /// Who knew it when it was lost, and what it had counted before.
    owed: BTreeMap<Life, Debt>,
    /// Whether it was lost and given back.
    pub(super) mended: bool,
}

struct Debt {
    losses: u64,
    /// When the node was seen to know what is lost.
    known: Duration,
    /// Since when the node knows that it is lost, or nothing that it gave back was refused.
    since: Option<Duration>,
}

/// What the others see of a node.
pub(super) struct Look<'a> {
    pub(super) at: usize,
    pub(super) node: &'a Node,
    /// Its losses when it was last looked at.
    pub(super) before: u64,
    pub(super) cloud: &'a OfNode,
}

impl Look<'_> {
    fn life(&self) -> Life {
        (self.at, self.node.born)
    }

    fn knows(&self, entry: &LogEntry) -> bool {
        self.node.shared.table.holds(entry)
    }

    fn losses(&self) -> u64 {
        self.node.shared.health().losses
    }

    /// The moment up to which a primary has vouched for its copy, if it is later than what an
    /// isolated one told.
    fn proven(&self, now: Duration) -> Option<Duration> {
        let proven = now.checked_sub(self.node.shared.freshness.age()?)?;
        (proven > self.cloud.deceived).then_some(proven)
    }
}

impl Acked {
    pub(super) fn new(entry: LogEntry, at: Duration) -> Self {
        Self {
            entry,
            name: entry.name().to_string(),
            at,
            there: None,
            seen: None,
            made: None,
            lost: None,
            again: None,
            owed: BTreeMap::new(),
            mended: false,
        }
    }

    pub(super) fn is_known_by(&self, node: &Node) -> bool {
        node.shared.table.holds(&self.entry)
    }

    /// Looks at the primary and at every node. What is broken is told.
    pub(super) fn check(
        &mut self,
        cloud: &Cloud,
        nodes: &[Look<'_>],
        now: Duration,
    ) -> Result<(), String> {
        let primary = cloud.primary().and_then(|at| cloud.servers.get(at));
        let made = primary.and_then(|server| server.data.made.get(&self.name)).copied();
        match made {
            Some(made) => {
                self.there.get_or_insert(now);
                if self.lost.is_some() && self.made != Some(made) {
                    self.mended = true;
                    self.again.get_or_insert(now);
                } else {
                    // It came back with a server that had it all the time: nobody need have noticed.
                    (self.lost, self.again) = (None, None);
                    self.owed.clear();
                }
                self.seen = Some(made);
            }
            None => {
                self.there = None;
                if self.again.take().is_some() || self.lost.is_none() {
                    (self.lost, self.made) = (Some(now), self.seen);
                    self.owed.clear();
                }
            }
        }
        if made.is_none() {
            for look in nodes.iter().filter(|look| look.knows(&self.entry)) {
                let losses = look.before;
                let debt = Debt { losses, known: now, since: None };
                self.owed.entry(look.life()).or_insert(debt);
            }
        }
        nodes.iter().try_for_each(|look| self.check_node(cloud, look, now))
    }

    fn check_node(&mut self, cloud: &Cloud, look: &Look<'_>, now: Duration) -> Result<(), String> {
        let known = look.knows(&self.entry);
        if let Some(there) = self.there
            && now > there.max(self.at).max(look.cloud.deceived) + MAX_STALENESS
            && look.node.shared.decides_alone()
            && !known
        {
            return Err(format!("it lets pass what is there since {there:?}"));
        }
        let (Some(lost), Some(proven)) = (self.lost, look.proven(now)) else { return Ok(()) };
        let Some(debt) = self.owed.get_mut(&look.life()) else { return Ok(()) };
        if !look.node.shared.decides_alone() {
            debt.since = None;
            return Ok(());
        }
        match self.again {
            None if proven > lost.max(debt.known) => {
                if look.losses() <= debt.losses {
                    return Err(format!("it has not counted what was lost at {lost:?}"));
                }
                let since = debt.since.get_or_insert(proven);
                *since = (*since).max(look.cloud.refused);
                if proven > *since + GIVE_BACK {
                    return Err(format!("it has not given back what was lost at {lost:?}"));
                }
            }
            // If the log was cut off since, nobody can tell.
            Some(again) if proven > again && cloud.cut < lost && look.losses() <= debt.losses => {
                return Err(format!(
                    "it has not counted what was lost at {lost:?} and given back at {again:?}"
                ));
            }
            _ => {}
        }
        Ok(())
    }
}
