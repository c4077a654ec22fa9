//! [`Redis`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::server::Server;
use crate::driver::nodes::Nodes;
use crate::driver::process::Guard;
use crate::driver::proxy::Proxy;
use crate::driver::world::Shared;
use crate::history::{Fault, Loss, NEVER, NodeSet};
use crate::rng::Rng;
use crate::store::{Boxed, Driver, EVERY};

/// A port where nobody listens.
const NOWHERE: u16 = 1;

const FAULTS: [&str; 13] = [
    "store killed",
    "store frozen",
    "store emptied",
    "store from an older dump",
    "planned failover",
    "blind failover",
    "demoted primary",
    "isolated primary",
    "log trimmed",
    "store evicts",
    "store full",
    "scripts forgotten",
    "connections killed",
];

pub struct Redis {
    servers: [Server; 2],
    /// Which of the two.
    primary: usize,
    proxies: Vec<Proxy>,
}

impl Redis {
    pub async fn start(guard: &Guard, nodes: u8) -> Result<Self, String> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = |name: &str| guard.dir().join(format!("redis-{count}-{name}"));
        let server = |name| Server::new(guard, &dir(name)).map_err(|error| error.to_string());
        let mut redis = Self { servers: [server("a")?, server("b")?], primary: 0, proxies: vec![] };
        redis.servers[0].start(&["--appendonly", "yes"]).await?;
        redis.servers[1].start(&["--appendonly", "yes"]).await?;
        redis.follow().await?;
        for _ in 0..nodes {
            let proxy = Proxy::start(redis.servers[0].port).await;
            redis.proxies.push(proxy.map_err(|error| error.to_string())?);
        }
        Ok(redis)
    }

    fn primary(&self) -> &Server {
        &self.servers[self.primary]
    }

    fn replica(&self) -> &Server {
        &self.servers[1 - self.primary]
    }

    /// The other one follows the primary, and has all it has.
    async fn follow(&self) -> Result<(), String> {
        let command = format!("REPLICAOF 127.0.0.1 {}", self.primary().port);
        self.replica().tell(&command).await?;
        self.synced().await
    }

    async fn synced(&self) -> Result<(), String> {
        for _ in 0..1_500 {
            if self.replica().info("replication", "master_link_status").await? == "up" {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err("the replica does not follow".into())
    }

    fn lead(&self, nodes: NodeSet, break_all: bool) {
        let port = self.primary().port;
        for (node, proxy) in self.proxies.iter().enumerate() {
            if nodes >> node & 1 == 1 {
                proxy.lead(port);
                if break_all {
                    proxy.break_all();
                }
            }
        }
    }

    /// Some nodes, never all.
    fn some(&self, rng: &mut Rng) -> NodeSet {
        let mut nodes: Vec<_> = (0..self.proxies.len()).collect();
        rng.shuffle(&mut nodes);
        let count = 1 + rng.index(nodes.len().saturating_sub(1));
        nodes.iter().take(count).fold(0, |mask, node| mask | 1 << node)
    }

    async fn killed(&mut self, shared: &Shared, rng: &mut Rng, mut fault: Fault) -> Step {
        self.servers[self.primary].kill();
        let dead = shared.now();
        shared.sleep(rng.range(300_000, 3_500_000)).await;
        fault.blind = Some((EVERY, dead, shared.now()));
        self.servers[self.primary].start(&["--appendonly", "yes"]).await?;
        Ok(fault)
    }

    async fn frozen(&self, shared: &Shared, rng: &mut Rng, mut fault: Fault) -> Step {
        self.primary().signal("STOP");
        let from = shared.now();
        shared.sleep(rng.range(300_000, 4_000_000)).await;
        fault.blind = Some((EVERY, from, shared.now()));
        self.primary().signal("CONT");
        Ok(fault)
    }

    async fn emptied(&mut self, shared: &Shared, rng: &mut Rng, mut fault: Fault) -> Step {
        self.servers[self.primary].kill();
        let dead = shared.now();
        self.primary().forget_files();
        shared.sleep(rng.range(100_000, 2_000_000)).await;
        fault.blind = Some((EVERY, dead, shared.now()));
        self.servers[self.primary].start(&["--appendonly", "yes"]).await?;
        fault.loss = Some(Loss::of(0, 0, dead));
        Ok(fault)
    }

    async fn older(&mut self, shared: &Shared, rng: &mut Rng, mut fault: Fault) -> Step {
        let maybe = shared.now();
        self.primary().tell("SAVE").await?;
        let surely = shared.now();
        let (dump, old) = (self.primary().dir.join("dump.rdb"), self.primary().dir.join("old.rdb"));
        std::fs::copy(&dump, &old).map_err(|error| error.to_string())?;
        shared.sleep(rng.range(500_000, 3_000_000)).await;
        self.servers[self.primary].kill();
        let dead = shared.now();
        self.primary().forget_files();
        std::fs::copy(&old, &dump).map_err(|error| error.to_string())?;
        shared.sleep(rng.range(50_000, 1_000_000)).await;
        fault.blind = Some((EVERY, dead, shared.now()));
        self.servers[self.primary].start(&["--appendonly", "no"]).await?;
        self.primary().tell("CONFIG SET appendonly yes").await?;
        fault.loss = Some(Loss::of(maybe, surely, dead));
        Ok(fault)
    }

    /// As an operator does it: nothing is lost, connections to the old primary stay open.
    async fn planned(&mut self, shared: &Shared, rng: &mut Rng, fault: Fault) -> Step {
        let to = self.replica().port;
        self.primary().tell(&format!("FAILOVER TO 127.0.0.1 {to} TIMEOUT 5000")).await?;
        for _ in 0..700 {
            if self.replica().info("replication", "role").await? == "master" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.primary = 1 - self.primary;
        let role = self.primary().info("replication", "role").await?;
        if role != "master" {
            self.primary = 1 - self.primary;
            return Err("the failover did not happen".into());
        }
        shared.sleep(rng.range(0, 500_000)).await;
        self.lead(EVERY, rng.percent(30));
        Ok(fault)
    }

    /// The replica had not got the last moments when it was made the primary.
    async fn blind(&mut self, shared: &Shared, rng: &mut Rng, mut fault: Fault) -> Step {
        let maybe = shared.now();
        self.replica().tell(&format!("REPLICAOF 127.0.0.1 {NOWHERE}")).await?;
        let surely = shared.now();
        shared.sleep(rng.range(100_000, 2_500_000)).await;
        self.servers[self.primary].kill();
        let dead = shared.now();
        shared.sleep(rng.range(0, 1_000_000)).await;
        self.replica().tell("REPLICAOF NO ONE").await?;
        fault.blind = Some((EVERY, dead, shared.now()));
        self.primary = 1 - self.primary;
        self.lead(EVERY, true);
        fault.loss = Some(Loss { by_failover: true, ..Loss::of(maybe, surely, dead) });
        let old = &mut self.servers[1 - self.primary];
        old.forget_files();
        old.start(&["--appendonly", "yes"]).await?;
        self.follow().await?;
        Ok(fault)
    }

    /// The old primary is told to follow and cannot; some nodes stay with it over open connections.
    /// Nothing is lost.
    async fn demoted(&mut self, shared: &Shared, rng: &mut Rng, mut fault: Fault) -> Step {
        self.primary().tell("CLIENT PAUSE 3000 WRITE").await?;
        for _ in 0..250 {
            let ours = self.primary().info("replication", "master_repl_offset").await?;
            if self.replica().info("replication", "slave_repl_offset").await? == ours {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.replica().tell("REPLICAOF NO ONE").await?;
        self.primary().tell(&format!("REPLICAOF 127.0.0.1 {NOWHERE}")).await?;
        let from = shared.now();
        self.primary().tell("CLIENT UNPAUSE").await?;
        let left = self.some(rng);
        self.primary = 1 - self.primary;
        self.lead(!left, rng.percent(50));
        shared.sleep(rng.range(1_500_000, 4_500_000)).await;
        fault.blind = Some((left, from, shared.now()));
        self.lead(left, rng.percent(50));
        self.follow().await?;
        Ok(fault)
    }

    /// The primary is cut off together with some nodes, and the others get a new one.
    async fn isolated(&mut self, shared: &Shared, rng: &mut Rng, mut fault: Fault) -> Step {
        // without this nothing bounds how long a primary goes on alone
        self.primary().tell("CONFIG SET min-replicas-max-lag 1").await?;
        self.primary().tell("CONFIG SET min-replicas-to-write 1").await?;
        let left = self.some(rng);
        let from = shared.now();
        self.replica().tell("REPLICAOF NO ONE").await?;
        let split = shared.now();
        self.primary = 1 - self.primary;
        self.lead(!left, true);
        shared.sleep(rng.range(3_000_000, 7_000_000)).await;
        let over = shared.now();
        fault.blind = Some((left, split, over));
        fault.isolated = left;
        let old = self.replica();
        old.tell("CONFIG SET min-replicas-to-write 0").await?;
        self.follow().await?;
        self.lead(left, true);
        let until = shared.now();
        fault.loss = Some(Loss { nodes: left, by_failover: true, ..Loss::of(from, NEVER, until) });
        Ok(fault)
    }

    async fn trimmed(&self, fault: Fault) -> Step {
        let (_, keys): (String, Vec<String>) =
            self.primary().ask("SCAN 0 COUNT 1000000 TYPE stream").await?;
        for key in keys {
            self.primary().tell(&format!("XTRIM {key} MAXLEN 0")).await?;
        }
        Ok(fault)
    }

    async fn limited(&self, more: u64, policy: &str) -> Result<(), String> {
        let used = self.primary().info("memory", "used_memory").await?;
        let used: u64 = used.parse().map_err(|_| "used_memory is no number")?;
        self.primary().tell(&format!("CONFIG SET maxmemory-policy {policy}")).await?;
        self.primary().tell(&format!("CONFIG SET maxmemory {}", used + more)).await
    }

    async fn unlimited(&self) -> Result<(), String> {
        self.primary().tell("CONFIG SET maxmemory 0").await?;
        self.primary().tell("CONFIG SET maxmemory-policy noeviction").await
    }

    async fn evicts(&self, shared: &Shared, rng: &mut Rng, mut fault: Fault) -> Step {
        self.limited(600_000, "allkeys-lru").await?;
        fault.evicting = true;
        fault.from = shared.now();
        for number in 0..rng.range(40, 120) {
            let junk = "x".repeat(20_000);
            // it may find nothing more to evict
            let _ = self.primary().tell(&format!("SET junk:{number} {junk}")).await;
            shared.sleep(10_000).await;
        }
        shared.sleep(rng.range(1_500_000, 3_000_000)).await;
        let until = shared.now();
        self.unlimited().await?;
        for number in 0..120 {
            self.primary().tell(&format!("UNLINK junk:{number}")).await?;
        }
        fault.healed = until;
        fault.loss = Some(Loss::of(0, NEVER, until));
        Ok(fault)
    }

    async fn full(&self, shared: &Shared, rng: &mut Rng, fault: Fault) -> Step {
        self.limited(0, "noeviction").await?;
        shared.sleep(rng.range(1_000_000, 3_000_000)).await;
        self.unlimited().await?;
        Ok(fault)
    }
}

type Step = Result<Fault, String>;

impl Driver for Redis {
    fn address(&self, node: u8) -> (String, String) {
        let port = self.proxies.get(usize::from(node)).map_or(NOWHERE, |proxy| proxy.port);
        ("redis".into(), format!("redis://127.0.0.1:{port}/"))
    }

    fn proxies(&self) -> &[Proxy] {
        &self.proxies
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn faults(&self) -> &'static [&'static str] {
        &FAULTS
    }

    fn inflict<'a>(
        &'a mut self,
        name: &'static str,
        shared: &'a Shared,
        _: &'a Nodes,
        rng: &'a mut Rng,
    ) -> Boxed<'a, Result<Fault, String>> {
        Box::pin(async move {
            // each fault begins with a replica that has everything
            self.synced().await?;
            let fault = Fault::begun(name, shared.now());
            let mut fault = match name {
                "store killed" => self.killed(shared, rng, fault).await,
                "store frozen" => self.frozen(shared, rng, fault).await,
                "store emptied" => self.emptied(shared, rng, fault).await,
                "store from an older dump" => self.older(shared, rng, fault).await,
                "planned failover" => self.planned(shared, rng, fault).await,
                "blind failover" => self.blind(shared, rng, fault).await,
                "demoted primary" => self.demoted(shared, rng, fault).await,
                "isolated primary" => self.isolated(shared, rng, fault).await,
                "log trimmed" => self.trimmed(fault).await,
                "store evicts" => self.evicts(shared, rng, fault).await,
                "store full" => self.full(shared, rng, fault).await,
                "scripts forgotten" => self.primary().tell("SCRIPT FLUSH").await.map(|()| fault),
                "connections killed" => {
                    self.primary().tell("CLIENT KILL TYPE normal SKIPME yes").await.map(|()| fault)
                }
                other => Err(format!("{other} is no fault of Redis")),
            }?;
            if fault.healed == NEVER {
                fault.healed = shared.now();
            }
            Ok(fault)
        })
    }
}
