//! Nodes over the cloud, and what must be true of them at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::Duration;

use futures_util::task::noop_waker_ref;

use super::cloud::{Cloud, Data, SimLog};
use super::nemesis::{Faults, heal, strike};
use super::{Hands, START, Time};
use crate::clock::UnixTime;
use crate::revocation::Revocation;
use crate::revocation::replica::LogEntry;
use crate::revocation::replica::builder::OnStale;
use crate::revocation::replica::feed::Feed;
use crate::revocation::replica::pace::Pace;
use crate::revocation::replica::state::Shared;
use crate::store::StoreError;

const MAX_STALENESS: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(5);
const NODES: usize = 3;

type Task<T> = Pin<Box<dyn Future<Output = T>>>;

struct Node {
    shared: Arc<Shared<SimLog>>,
    feed: Task<()>,
    born: Duration,
}

/// A revocation under way.
struct Call {
    id: String,
    entry: LogEntry,
    node: usize,
    born: Duration,
    task: Task<Result<(), StoreError>>,
}

/// A revocation that was acknowledged.
struct Acked {
    entry: LogEntry,
    name: String,
    at: Duration,
    /// Since when the primary has had it without a break.
    there: Option<Duration>,
    /// Since when it has been lost, and whether that was for long: a server that comes back soon
    /// may bring it along, and then nobody had to notice.
    lost: Option<Duration>,
    for_long: bool,
    /// Nodes, and when they were born, that knew it when it was lost.
    knew_the_loss: BTreeSet<(usize, Duration)>,
}

struct World {
    seed: u64,
    time: Arc<Time>,
    log: SimLog,
    nodes: Vec<Node>,
    calls: Vec<Call>,
    acked: BTreeMap<String, Acked>,
    count: usize,
}

fn revocation(id: &str) -> Revocation {
    Revocation::token(id, UnixTime::from_secs(START + 3600))
}

impl World {
    fn new(seed: u64) -> Self {
        let time = Time::of_seed(seed);
        let log = SimLog { cloud: Arc::new(Mutex::new(Cloud::new())), time: Arc::clone(&time) };
        let (nodes, calls) = (Vec::new(), Vec::new());
        let mut world = Self { seed, time, log, nodes, calls, acked: BTreeMap::new(), count: 0 };
        for _ in 0..NODES {
            let node = world.node();
            world.nodes.push(node);
        }
        world
    }

    fn node(&self) -> Node {
        let ahead = Duration::from_millis(self.time.below(500));
        let hands = Arc::new(Hands { time: Arc::clone(&self.time), ahead });
        let pace = Pace::Simulated(Arc::clone(&self.time));
        let told = (MAX_STALENESS, OnStale::FailClosed);
        let shared = Shared::new(self.log.clone(), 1_000_000, told, (hands, pace.clone()));
        let shared = Arc::new(shared);
        let feed = Box::pin(Feed::new(Arc::clone(&shared), pace).run());
        Node { shared, feed, born: self.time.elapsed() }
    }

    fn step(&mut self) {
        self.time.advance(STEP);
        let mut context = Context::from_waker(noop_waker_ref());
        for node in &mut self.nodes {
            for _ in 0..6 {
                assert!(node.feed.as_mut().poll(&mut context).is_pending());
            }
        }
        let now = self.time.elapsed();
        let calls = std::mem::take(&mut self.calls);
        for mut call in calls {
            match call.task.as_mut().poll(&mut context) {
                std::task::Poll::Pending => self.calls.push(call),
                std::task::Poll::Ready(Ok(())) if self.nodes[call.node].born == call.born => {
                    let name = call.entry.name().to_string();
                    let acked = Acked {
                        entry: call.entry,
                        name,
                        at: now,
                        there: None,
                        lost: None,
                        for_long: false,
                        knew_the_loss: BTreeSet::new(),
                    };
                    self.acked.insert(call.id, acked);
                }
                // Nobody was told, or whoever was is gone.
                std::task::Poll::Ready(_) => {}
            }
        }
    }

    fn revoke_something(&mut self) {
        let node = self.time.below(NODES as u64) as usize;
        let (shared, born) = (Arc::clone(&self.nodes[node].shared), self.nodes[node].born);
        let id = format!("t{}", self.count);
        self.count += 1;
        let revoked = revocation(&id);
        let entry = LogEntry::from(&revoked);
        let task = Box::pin(async move { shared.revoke(&revoked).await });
        self.calls.push(Call { id, entry, node, born, task });
    }

    fn knows(node: &Node, entry: &LogEntry) -> bool {
        node.shared.table.holds(entry)
    }

    /// Follows what the primary has, and looks at every node.
    fn check(&mut self) {
        let now = self.time.elapsed();
        let cloud = self.log.cloud();
        let primary = cloud.primary().map(|primary| &cloud.servers[primary].data);
        for (id, acked) in &mut self.acked {
            let there = primary.is_some_and(|data| data.entries.contains_key(&acked.name));
            if there {
                acked.there.get_or_insert(now);
                let lost = acked.lost.take();
                acked.for_long |= lost.is_some_and(|since| now > since + MAX_STALENESS * 5);
            } else if acked.there.take().is_some() || acked.at + STEP * 5 > now {
                let knew = self
                    .nodes
                    .iter()
                    .enumerate()
                    .filter(|(_, node)| Self::knows(node, &acked.entry));
                acked.knew_the_loss.extend(knew.map(|(at, node)| (at, node.born)));
            }
            let Some(there) = acked.there else {
                acked.lost.get_or_insert(now);
                continue;
            };
            if now <= there.max(acked.at) + MAX_STALENESS {
                continue;
            }
            for (at, node) in self.nodes.iter().enumerate() {
                assert!(
                    !node.shared.decides_alone() || Self::knows(node, &acked.entry),
                    "seed {}: node {at} lets {id} pass at {now:?}, acknowledged at {:?}, there \
                     since {there:?}: {:?}",
                    self.seed,
                    acked.at,
                    node.shared.health()
                );
            }
        }
    }

    fn run(&mut self, faults: Faults) {
        let mut older = Data::default();
        for step in 0..4_000 {
            self.step();
            strike(&mut self.log.cloud(), &self.time, faults, &mut older);
            if self.time.once_in(40) && self.calls.len() < 10 {
                self.revoke_something();
            }
            if faults == Faults::All && self.time.once_in(2_000) {
                let at = self.time.below(NODES as u64) as usize;
                self.nodes[at] = self.node();
            }
            if step % 5 == 0 {
                self.check();
            }
        }
        heal(&mut self.log.cloud());
        for step in 0..2_500 {
            self.step();
            if step % 5 == 0 {
                self.check();
            }
        }
    }

    /// What must be true once all has been well for a while. Yields how many losses were mended.
    fn settled(&self, faults: Faults) -> u64 {
        let seed = self.seed;
        let healths: Vec<_> = self.nodes.iter().map(|node| node.shared.health()).collect();
        for health in &healths {
            assert!(health.current && health.connected, "seed {seed}: {health:?}");
        }
        let alive: BTreeSet<_> =
            self.nodes.iter().enumerate().map(|(at, node)| (at, node.born)).collect();
        let mut mended = 0;
        for (id, acked) in &self.acked {
            let known = self.nodes.iter().filter(|node| Self::knows(node, &acked.entry)).count();
            let told = acked.knew_the_loss.intersection(&alive).count();
            mended += u64::from(told > 0 && acked.for_long);
            assert!(
                known == NODES || (known == 0 && told == 0),
                "seed {seed}: {known} nodes know {id}, of which {told} saw it lost: {healths:?}"
            );
            assert!(known == 0 || acked.there.is_some(), "seed {seed}: {id} was not written back");
        }
        let losses: u64 = healths.iter().map(|health| health.losses).sum();
        let written: u64 = healths.iter().map(|health| health.written_back).sum();
        match faults {
            Faults::Harmless => {
                assert_eq!((losses, written), (0, 0), "seed {seed}: nothing was lost: {healths:?}");
            }
            Faults::All => {
                assert!(mended == 0 || losses > 0, "seed {seed}: nobody noticed: {healths:?}");
            }
        }
        mended
    }
}

fn seeds(usual: std::ops::Range<u64>) -> std::ops::Range<u64> {
    let told = std::env::var("REPLICA_SEEDS").ok();
    let told = told.and_then(|told| {
        let (from, to) = told.split_once("..")?;
        Some(from.parse().ok()?..to.parse().ok()?)
    });
    told.unwrap_or(usual)
}

#[test]
fn whatever_befalls_the_log_no_node_lets_pass_what_it_should_know() {
    let (mut runs, mut revoked, mut mended) = (0, 0, 0);
    for seed in seeds(0..4) {
        let mut world = World::new(seed);
        world.run(Faults::All);
        mended += world.settled(Faults::All);
        runs += 1;
        revoked += world.acked.len();
    }
    println!("{runs} runs, {revoked} acknowledged, {mended} lost and written back");
    assert!(mended > 0, "nothing was ever lost: the simulation tests nothing");
}

#[test]
fn where_nothing_is_lost_nothing_is_written_back() {
    let mut revoked = 0;
    for seed in seeds(0..3) {
        let mut world = World::new(seed);
        world.run(Faults::Harmless);
        world.settled(Faults::Harmless);
        revoked += world.acked.len();
    }
    assert!(revoked > 20, "hardly anything was revoked");
}
