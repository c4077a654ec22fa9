//! The nemesis: picks faults by the seed, mends them, and waits until all nodes work again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::http::Caller;
use super::proxy::Mode;
use crate::history::{At, Call, End, Fault, Loss, NEVER, NodeSet, Outcome};
use crate::rng::Rng;
use crate::store::{Driver, EVERY};

/// Those that every store has.
const OF_NODES: [&str; 3] = ["node killed", "node frozen", "clocks jump"];
/// Those that every store behind a network has.
const OF_NETWORK: [&str; 4] = ["node cut off", "network hangs", "network slow", "all cut off"];

pub struct Nemesis {
    pub caller: Caller,
    pub store: Box<dyn Driver>,
    pub rng: Rng,
    /// Only these, if there are any.
    pub only: Vec<String>,
    pub verbose: bool,
}

impl Nemesis {
    /// Goes on until it is told to stop. What it cannot do is an error: a run without its faults
    /// would prove nothing.
    pub async fn run(&mut self, stop: &Arc<AtomicBool>) -> Result<(), String> {
        let mut planned: Vec<&'static str> = Vec::new();
        let write_back = self.caller.shared.world().history.bounds.write_back;
        while !stop.load(Ordering::Relaxed) {
            if planned.is_empty() {
                planned = self.plan();
            }
            let Some(name) = planned.pop() else {
                self.caller.shared.sleep(100_000).await;
                continue;
            };
            if self.verbose {
                eprintln!("{:>9.3} {name}", self.caller.now() as f64 / 1e6);
            }
            let mut fault = self.inflict(name).await?;
            fault.recovered = self.recovered(fault.healed).await;
            if self.verbose {
                let after = fault.recovered.saturating_sub(fault.healed);
                eprintln!(
                    "{:>9.3} {name}: recovered after {after} us",
                    self.caller.now() as f64 / 1e6
                );
                for node in 0..self.caller.nodes.len() {
                    eprintln!("          node {node}: {}", self.caller.words(node).await);
                }
            }
            // whoever knew what was lost has this long to give it back before the next fault
            let strain = self.caller.shared.world().history.bounds.strain;
            let rest = if fault.loss.is_some() { write_back * strain.min(4) } else { 0 };
            self.caller.shared.world().history.faults.push(fault);
            self.caller.shared.sleep(rest + self.rng.range(200_000, 900_000)).await;
        }
        Ok(())
    }

    fn plan(&mut self) -> Vec<&'static str> {
        let mut all: Vec<_> =
            OF_NODES.into_iter().chain(self.store.faults().iter().copied()).collect();
        if !self.store.proxies().is_empty() {
            all.extend(OF_NETWORK);
        }
        if !self.only.is_empty() {
            all.retain(|name| self.only.iter().any(|only| only == name));
        }
        self.rng.shuffle(&mut all);
        all
    }

    fn node(&mut self) -> u8 {
        u8::try_from(self.rng.index(usize::from(self.caller.nodes.len()))).unwrap_or_default()
    }

    async fn inflict(&mut self, name: &'static str) -> Result<Fault, String> {
        let shared = self.caller.shared.clone();
        let mut fault = Fault::begun(name, shared.now());
        match name {
            "node killed" => {
                let node = self.node();
                self.caller.nodes.kill(node);
                if !self.store.is_shared() {
                    // its store was its own
                    fault.loss = Some(Loss::of(0, NEVER, shared.now()));
                }
                shared.sleep(self.rng.range(0, 1_500_000)).await;
                self.caller.nodes.start(node).await?;
            }
            "node frozen" => {
                let node = self.node();
                self.caller.nodes.signal(node, "STOP");
                shared.sleep(self.rng.range(300_000, 3_000_000)).await;
                self.caller.nodes.signal(node, "CONT");
            }
            "clocks jump" => self.clocks().await,
            "node cut off" => {
                let nodes = 1 << self.node();
                self.network(&mut fault, nodes, Mode::Cut, 4_000_000).await;
            }
            "all cut off" => self.network(&mut fault, EVERY, Mode::Cut, 3_000_000).await,
            "network hangs" => {
                let nodes = if self.rng.percent(40) { EVERY } else { 1 << self.node() };
                self.network(&mut fault, nodes, Mode::Hang, 4_000_000).await;
            }
            "network slow" => {
                let delay = Duration::from_millis(self.rng.range(10, 700));
                let nodes = if self.rng.percent(40) { EVERY } else { 1 << self.node() };
                self.network(&mut fault, nodes, Mode::Delay(delay), 4_000_000).await;
            }
            _ => {
                return {
                    let nodes = Arc::clone(&self.caller.nodes);
                    self.store.inflict(name, &shared, &nodes, &mut self.rng).await
                };
            }
        }
        fault.healed = shared.now();
        Ok(fault)
    }

    async fn network(&mut self, fault: &mut Fault, nodes: NodeSet, mode: Mode, longest: At) {
        let shared = self.caller.shared.clone();
        let set = |store: &dyn Driver, mode| {
            for (node, proxy) in store.proxies().iter().enumerate() {
                if nodes >> node & 1 == 1 {
                    proxy.mode(mode);
                }
            }
        };
        set(&*self.store, mode);
        let from = shared.now();
        shared.sleep(self.rng.range(200_000, longest)).await;
        if !matches!(mode, Mode::Delay(_)) {
            // what was on its way when it began may still have arrived
            fault.blind = Some((nodes, from + 100_000, shared.now()));
        }
        if self.rng.percent(50) {
            // what hung is never delivered
            for (node, proxy) in self.store.proxies().iter().enumerate() {
                if nodes >> node & 1 == 1 {
                    proxy.break_all();
                }
            }
        }
        set(&*self.store, Mode::Pass);
    }

    async fn clocks(&mut self) {
        let most = self.caller.shared.world().history.bounds.skew / 2_000;
        for node in 0..self.caller.nodes.len() {
            let offset = i64::try_from(self.rng.range(0, 2 * most)).unwrap_or_default();
            let most = i64::try_from(most).unwrap_or_default();
            self.caller.set_clock(node, offset - most).await;
        }
        self.caller.shared.sleep(self.rng.range(500_000, 3_000_000)).await;
        for node in 0..self.caller.nodes.len() {
            self.caller.set_clock(node, 0).await;
        }
    }

    /// When every node has begun a session, used and ended it, and calls itself current.
    async fn recovered(&mut self, healed: At) -> At {
        let strain = super::run::strain();
        let bound = {
            let bounds = &mut self.caller.shared.world().history.bounds;
            bounds.strain = bounds.strain.max(strain);
            bounds.recovery * strain
        };
        let checks = (0..self.caller.nodes.len()).map(|node| self.works(node, healed + bound));
        let all = futures_util::future::join_all(checks).await;
        all.into_iter().max().unwrap_or(NEVER)
    }

    async fn works(&self, node: u8, patience: At) -> At {
        let subject = 90 + u32::try_from(self.caller.now() / 8_000_000).unwrap_or_default() * 100;
        while self.caller.now() < patience {
            let call = Call::Login { tenant: 0, subject, version: 1 };
            if let Outcome::Granted { session, access, .. } = self.caller.call(node, call).await {
                let end = Call::End { tenant: 0, end: End::BySid(session), short: false };
                let used = self.caller.call(node, Call::Use { token: access }).await;
                let ended = self.caller.call(node, end).await;
                self.caller.shared.world().bury(session);
                let health = self.caller.call(node, Call::Health).await;
                let current = matches!(health, Outcome::Health { current: true, .. });
                if used != Outcome::Unavailable && matches!(ended, Outcome::Done { .. }) && current
                {
                    return self.caller.now();
                }
            }
            self.caller.shared.sleep(50_000).await;
        }
        println!("node {node} does not work again: {}", self.caller.words(node).await);
        NEVER
    }
}
