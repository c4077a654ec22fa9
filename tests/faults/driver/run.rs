//! A run: rounds, each with new nodes and an empty store, each checked when it is over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::clients::Client;
use super::http::Caller;
use super::nemesis::Nemesis;
use super::nodes::Nodes;
use super::process::Guard;
use super::world::Shared;
use crate::checker;
use crate::history::{At, Bounds, Call, Grace, History};
use crate::node::NodeConfig;
use crate::options::Options;
use crate::plant::{HUNTS, Hunt};
use crate::report::Report;
use crate::rng::Rng;
use crate::store::Driver;
use crate::store::memory::Memory;
use crate::store::redis::{Redis, RedisCluster, RedisSentinel};

const CLIENTS: u64 = 10;
const STALENESS_MS: u64 = 1_000;
const LONG: u64 = 150;
const SHORT: u64 = 5;
const LEEWAY: u64 = 3;

/// Whether every promise was kept; with planted faults, whether each was found.
pub async fn run(options: Options) -> Result<bool, String> {
    let guard = Guard::start().map_err(|error| error.to_string())?;
    println!("store {}, seed {}", options.store, options.seed);
    let Some(wanted) = options.plant.clone() else {
        return keep(&options, &guard).await;
    };
    let mut hunts = HUNTS.iter().filter(|hunt| wanted == "all" || wanted == hunt.name).peekable();
    if hunts.peek().is_none() {
        return Err(format!("no fault {wanted} to plant"));
    }
    let mut all = true;
    for hunt in hunts {
        all &= found(&options, &guard, hunt).await?;
    }
    Ok(all)
}

/// As many rounds as there is time for.
async fn keep(options: &Options, guard: &Guard) -> Result<bool, String> {
    let began = Instant::now();
    let mut report = Report::default();
    let mut round = 0;
    let mut shown = 0;
    while round == 0 || began.elapsed() + options.round / 2 < options.time {
        let seed = options.seed.wrapping_add(round);
        let (history, effects) = play(options, guard, seed).await?;
        let verdict = checker::check(&history);
        report.add(&history, &verdict, &effects);
        for found in &verdict.violations {
            if shown < options.lines {
                shown += 1;
                println!("\n{} (seed {seed})", found.rule.text());
                found.lines.iter().for_each(|line| println!("    {line}"));
            }
        }
        if !verdict.violations.is_empty() {
            near(&history);
        }
        round += 1;
    }
    println!();
    report.print();
    Ok(report.is_good())
}

/// The faults of a round that went wrong.
fn near(history: &History) {
    println!("\nfaults of this round");
    history.faults.iter().for_each(|fault| println!("    {fault}"));
}

/// Whether the checker finds what was planted.
async fn found(options: &Options, guard: &Guard, hunt: &Hunt) -> Result<bool, String> {
    let options = Options {
        store: hunt.store.into(),
        round: Duration::from_secs(hunt.round),
        grace: Some(hunt.grace),
        only: hunt.faults.iter().map(ToString::to_string).collect(),
        plant: Some(hunt.name.into()),
        ask_store: false,
        durable: false,
        ..options.clone()
    };
    for round in 0..4 {
        let (history, _) = play(&options, guard, options.seed.wrapping_add(round)).await?;
        let counts = checker::check(&history).by_rule();
        if let Some(count) = counts.get(&hunt.rule) {
            println!("{:<14} found: {} ({count} times)", hunt.name, hunt.rule.text());
            return Ok(true);
        }
    }
    println!("{:<14} NOT FOUND: {}", hunt.name, hunt.rule.text());
    Ok(false)
}

/// One round.
async fn play(options: &Options, guard: &Guard, seed: u64) -> Result<(History, Vec<At>), String> {
    let time = options.round.min(options.time);
    let mut rng = Rng::new(seed);
    let memory = options.store == "memory";
    let nodes: u8 = if memory { 1 } else { 3 };
    let grace = options.grace.unwrap_or_else(|| rng.percent(50));
    let bounds = Bounds {
        nodes,
        staleness: if memory { 0 } else { STALENESS_MS * 1_000 },
        strain: 1,
        winners: if grace { 3 } else { 1 },
        grace: if grace { Grace::UntilUsed } else { Grace::None },
        skew: (LEEWAY - 1) * 1_000_000,
        write_back: 1_500_000,
        // Redis looks once a second whether it has replicas
        isolation: 2_500_000,
        inspection: STALENESS_MS * 1_000 + 500_000,
        recovery: if options.plant.is_some() { 5_000_000 } else { 20_000_000 },
        short_keep: (SHORT + LEEWAY) * 1_000_000,
        durable: options.durable,
        asks_store: options.ask_store,
    };
    let shared = Shared::new(bounds);
    let store: Box<dyn Driver> = match options.store.as_str() {
        "memory" => Box::new(Memory),
        "redis" => Box::new(Redis::start(guard, nodes).await?),
        "redis-sentinel" => Box::new(RedisSentinel::start(guard).await?),
        "redis-cluster" => Box::new(RedisCluster::start(guard).await?),
        other => return Err(format!("no store {other}")),
    };
    let config = |node| {
        let (kind, url) = store.address(node);
        NodeConfig {
            store: kind,
            url,
            tenants: 2,
            staleness_ms: STALENESS_MS,
            ask_store: options.ask_store,
            durable: options.durable,
            grace,
            long: LONG,
            short: SHORT,
            leeway: LEEWAY,
            plant: options.plant.clone(),
        }
    };
    let configs = (0..nodes).map(config).collect();
    let nodes = Arc::new(Nodes::new(guard, &shared, configs, options.verbose));
    for node in 0..nodes.len() {
        nodes.start(node).await?;
    }
    let caller = Caller::new(shared.clone(), Arc::clone(&nodes));
    let stop = Arc::new(AtomicBool::new(false));
    let effects = Arc::new(Mutex::new(Vec::new()));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|name| {
            let (caller, rng) = (caller.clone(), rng.fork(name));
            let client = Client::new(caller, rng, Arc::clone(&stop), Arc::clone(&effects), 40_000);
            tokio::spawn(client.run())
        })
        .collect();
    let watch = tokio::spawn(watch(caller.clone(), Arc::clone(&stop)));
    let (only, verbose) = (options.only.clone(), options.verbose);
    let mut nemesis = Nemesis { caller, store, rng: rng.fork(1_000), only, verbose };
    let timer = {
        let stop = Arc::clone(&stop);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            stop.store(true, Ordering::Relaxed);
        })
    };
    let done = nemesis.run(&stop).await;
    stop.store(true, Ordering::Relaxed);
    timer.abort();
    for client in clients {
        let _ = client.await;
    }
    let _ = watch.await;
    nodes.kill_all();
    // lines of killed nodes may still be on their way
    tokio::time::sleep(Duration::from_millis(100)).await;
    done?;
    let mut effects = effects.lock().unwrap_or_else(PoisonError::into_inner);
    let mut history = shared.world().history.clone();
    let bounds = &mut history.bounds;
    for bound in [&mut bounds.write_back, &mut bounds.isolation, &mut bounds.inspection] {
        *bound *= bounds.strain;
    }
    Ok((history, std::mem::take(&mut *effects)))
}

/// By how much this machine has more to do than it can: its load for each of its processors, rounded up.
/// What takes a moment then takes so many times as long.
pub fn strain() -> u64 {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    ((load / processors as f64).ceil() as u64).clamp(1, 30)
}

/// Asks every node how it does, all the time.
async fn watch(caller: Caller, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let asked = (0..caller.nodes.len())
            .map(|node| caller.call_within(node, Call::Health, Duration::from_millis(400)));
        futures_util::future::join_all(asked).await;
        caller.shared.sleep(60_000).await;
    }
}
