//! Nodes over the cloud, and what must be true of them at any time.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::Duration;

use futures_util::task::noop_waker_ref;

use super::cloud::{Cloud, Data, SimLog};
use super::ledger::{Acked, Look};
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

pub(super) const MAX_STALENESS: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(5);
const NODES: usize = 3;

type Task<T> = Pin<Box<dyn Future<Output = T>>>;

pub(super) struct Node {
    pub(super) shared: Arc<Shared<SimLog>>,
    feed: Task<()>,
    pub(super) born: Duration,
    /// By how many milliseconds its clock is ahead.
    ahead: Arc<AtomicU64>,
    /// What it had counted when it was last looked at.
    losses: u64,
}

/// A revocation under way.
struct Call {
    id: String,
    entry: LogEntry,
    node: usize,
    born: Duration,
    task: Task<Result<(), StoreError>>,
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
        let cloud = Arc::new(Mutex::new(Cloud::new(NODES)));
        let log = SimLog { cloud, time: Arc::clone(&time), node: 0 };
        let (nodes, calls) = (Vec::new(), Vec::new());
        let mut world = Self { seed, time, log, nodes, calls, acked: BTreeMap::new(), count: 0 };
        for at in 0..NODES {
            let node = world.node(at);
            world.nodes.push(node);
        }
        world
    }

    fn node(&self, at: usize) -> Node {
        let ahead = Arc::new(AtomicU64::new(self.time.below(500)));
        let hands = Hands { time: Arc::clone(&self.time), ahead: Arc::clone(&ahead) };
        let hands = Arc::new(hands);
        let pace = Pace::Simulated(Arc::clone(&self.time));
        let told = (MAX_STALENESS, OnStale::FailClosed);
        let log = SimLog { node: at, ..self.log.clone() };
        let shared = Shared::new(log, 1_000_000, told, (hands, pace.clone()));
        let shared = Arc::new(shared);
        let feed = Box::pin(Feed::new(Arc::clone(&shared), pace).run());
        Node { shared, feed, born: self.time.elapsed(), ahead, losses: 0 }
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
                    self.acked.insert(call.id, Acked::new(call.entry, now));
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

    /// Follows what the primary has, and looks at every node.
    fn check(&mut self) {
        let now = self.time.elapsed();
        let cloud = self.log.cloud();
        let nodes = self.nodes.iter().zip(&cloud.nodes).enumerate();
        let looks =
            nodes.map(|(at, (node, own))| Look { at, node, before: node.losses, cloud: own });
        let looks: Vec<_> = looks.collect();
        for (id, acked) in &mut self.acked {
            let checked = acked.check(&cloud, &looks, now);
            assert!(
                checked.is_ok(),
                "seed {}: {id} at {now:?}: {checked:?}: {}",
                self.seed,
                looks
                    .iter()
                    .map(|look| format!("\n{:?}", look.node.shared.health()))
                    .collect::<String>()
            );
        }
        drop(looks);
        for node in &mut self.nodes {
            node.losses = node.shared.health().losses;
        }
    }

    fn run(&mut self, faults: Faults) {
        let mut older = Data::default();
        for step in 0..4_000 {
            self.step();
            let struck = strike(&mut self.log.cloud(), &self.time, faults, &mut older);
            if struck && std::env::var_os("REPLICA_TRACE").is_some() {
                println!("{:?} {:?}", self.time.elapsed(), self.log.cloud());
                self.nodes.iter().for_each(|node| println!("    {:?}", node.shared.health()));
            }
            if self.time.once_in(40) && self.calls.len() < 10 {
                self.revoke_something();
            }
            if faults == Faults::All && self.time.once_in(2_000) {
                let at = self.time.below(NODES as u64) as usize;
                self.nodes[at] = self.node(at);
            }
            if struck || step % 5 == 0 {
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
        let mut mended = 0;
        for (id, acked) in &self.acked {
            let known = self.nodes.iter().filter(|node| acked.is_known_by(node)).count();
            mended += u64::from(acked.mended && known > 0);
            // What one of them knows all of them know, and the log.
            assert!(
                known == 0 || (known == NODES && acked.there.is_some()),
                "seed {seed}: {known} nodes know {id}: {healths:?}"
            );
        }
        let losses: u64 = healths.iter().map(|health| health.losses).sum();
        let written: u64 = healths.iter().map(|health| health.written_back).sum();
        if faults == Faults::Harmless {
            assert_eq!((losses, written), (0, 0), "seed {seed}: nothing was lost: {healths:?}");
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
    for seed in seeds(0..8) {
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

/// A clock that was ahead has let go what is in force. When it is set right everything has to be
/// loaded, also if that does not succeed at first.
#[test]
fn a_clock_that_is_set_back_is_not_forgotten_while_the_log_is_out_of_reach() {
    let mut world = World::new(1);
    world.log.cloud().calm = true;
    let steps = |world: &mut World, millis: u64| (0..millis / 5).for_each(|_| world.step());
    steps(&mut world, 500);
    world.revoke_something();
    steps(&mut world, 500);
    let (id, acked) = world.acked.pop_first().unwrap();
    assert_eq!(id, "t0");
    let ahead = Arc::clone(&world.nodes[0].ahead);
    ahead.fetch_add(7_200_000, Ordering::Relaxed);
    steps(&mut world, 20_000);
    assert!(!acked.is_known_by(&world.nodes[0]), "it has not expired");
    world.log.cloud().servers[0].frozen = true;
    ahead.fetch_sub(7_200_000, Ordering::Relaxed);
    steps(&mut world, 1_500);
    world.log.cloud().servers[0].frozen = false;
    for _ in 0..600 {
        steps(&mut world, 5);
        let node = &world.nodes[0];
        assert!(!node.shared.decides_alone() || acked.is_known_by(node));
    }
    assert!(acked.is_known_by(&world.nodes[0]));
}
