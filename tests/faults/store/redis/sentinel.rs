//! Redis under Sentinel: a primary, two replicas, and three sentinels that fail over by themselves.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::server::{Server, binary};
use crate::driver::nodes::Nodes;
use crate::driver::process::{Guard, Process};
use crate::driver::proxy::Proxy;
use crate::driver::world::Shared;
use crate::history::{Fault, Loss, NEVER};
use crate::rng::Rng;
use crate::store::{Boxed, Driver, EVERY};

const FAULTS: [&str; 4] =
    ["primary killed", "primary frozen", "planned failover", "sentinel killed"];

/// Without a replica a primary takes nothing: this bounds how long an old one goes on alone.
const OPTIONS: [&str; 6] =
    ["--appendonly", "yes", "--min-replicas-to-write", "1", "--min-replicas-max-lag", "2"];

pub struct RedisSentinel {
    servers: Vec<Server>,
    sentinels: Vec<Sentinel>,
    guard: Guard,
}

struct Sentinel {
    port: u16,
    file: std::path::PathBuf,
    process: Option<Process>,
}

type Step = Result<Fault, String>;

impl RedisSentinel {
    pub async fn start(guard: &Guard) -> Result<Self, String> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut servers = Vec::new();
        for number in 0..3 {
            let dir = guard.dir().join(format!("sentinel-{count}-{number}"));
            let mut server = Server::new(guard, &dir).map_err(|error| error.to_string())?;
            server.start(&OPTIONS).await?;
            servers.push(server);
        }
        let primary = servers[0].port;
        for replica in &servers[1..] {
            replica.tell(&format!("REPLICAOF 127.0.0.1 {primary}")).await?;
        }
        let mut this = Self { servers, sentinels: Vec::new(), guard: guard.clone() };
        for number in 0..3 {
            let port = free_port()?;
            let file = guard.dir().join(format!("sentinel-{count}-{number}.conf"));
            let text = format!(
                "port {port}\nbind 127.0.0.1\ndir {}\n\
                 sentinel monitor faults 127.0.0.1 {primary} 2\n\
                 sentinel down-after-milliseconds faults 700\n\
                 sentinel failover-timeout faults 4000\n",
                guard.dir().display()
            );
            std::fs::write(&file, text).map_err(|error| error.to_string())?;
            this.sentinels.push(Sentinel { port, file, process: None });
            this.start_sentinel(number)?;
        }
        this.settled().await?;
        Ok(this)
    }

    fn start_sentinel(&mut self, number: usize) -> Result<(), String> {
        let sentinel = &mut self.sentinels[number];
        let mut command = Command::new(binary());
        command.arg(&sentinel.file).args(["--sentinel", "--loglevel", "warning"]);
        command.stdout(Stdio::null()).stdin(Stdio::null());
        let process = Process::spawn(&self.guard, &mut command);
        sentinel.process = Some(process.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// Which of the servers the sentinels call the primary.
    async fn primary(&self) -> Result<usize, String> {
        let mut last = String::new();
        for sentinel in self.sentinels.iter().filter(|sentinel| sentinel.process.is_some()) {
            let asked = Server::at(&self.guard, sentinel.port);
            match asked.ask::<Vec<String>>("SENTINEL GET-MASTER-ADDR-BY-NAME faults").await {
                Ok(address) => {
                    let port = address.get(1).cloned().unwrap_or_default();
                    let found = self.servers.iter().position(|one| one.port.to_string() == port);
                    return found.ok_or(format!("the sentinels name {address:?}"));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Waits until the others follow whom the sentinels name, and the sentinels know each other.
    async fn settled(&self) -> Result<(), String> {
        let mut last = String::new();
        for _ in 0..400 {
            match self.is_settled().await {
                Ok(true) => return Ok(()),
                Ok(false) => last = "not yet".into(),
                Err(error) => last = error,
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("the sentinels do not settle: {last}"))
    }

    async fn is_settled(&self) -> Result<bool, String> {
        let primary = self.primary().await?;
        for (number, server) in self.servers.iter().enumerate() {
            let role = server.info("replication", "role").await?;
            let good = if number == primary {
                role == "master" && server.info("replication", "connected_slaves").await? == "2"
            } else {
                role == "slave" && server.info("replication", "master_link_status").await? == "up"
            };
            if !good {
                return Ok(false);
            }
        }
        for sentinel in self.sentinels.iter().filter(|sentinel| sentinel.process.is_some()) {
            let asked = Server::at(&self.guard, sentinel.port);
            let text = asked.info("sentinel", "master0").await?;
            if !text.contains("status=ok")
                || !text.contains("slaves=2")
                || !text.contains("sentinels=3")
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn moved_from(&self, old: usize) -> Result<(), String> {
        for _ in 0..400 {
            if self.primary().await.is_ok_and(|now| now != old) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("the sentinels do not fail over".into())
    }

    async fn killed(&mut self, shared: &Shared, rng: &mut Rng, mut fault: Fault) -> Step {
        let old = self.primary().await?;
        self.servers[old].kill();
        let dead = shared.now();
        self.moved_from(old).await?;
        shared.sleep(rng.range(0, 2_000_000)).await;
        fault.healed = shared.now();
        // replication is a matter of milliseconds; two seconds are what a stalled machine makes of it
        let from = fault.from.saturating_sub(2_000_000);
        fault.loss = Some(Loss { by_failover: true, ..Loss::of(from, NEVER, dead) });
        self.servers[old].start(&OPTIONS).await?;
        Ok(fault)
    }

    /// Longer than the sentinels wait: it wakes up, believes in itself, and is told otherwise.
    async fn frozen(&mut self, shared: &Shared, rng: &mut Rng, mut fault: Fault) -> Step {
        let old = self.primary().await?;
        self.servers[old].signal("STOP");
        let moved = self.moved_from(old).await;
        shared.sleep(rng.range(0, 2_000_000)).await;
        self.servers[old].signal("CONT");
        moved?;
        fault.isolated = EVERY;
        let settled = self.settled().await;
        fault.healed = shared.now();
        let from = fault.from.saturating_sub(2_000_000);
        fault.loss = Some(Loss { by_failover: true, ..Loss::of(from, NEVER, fault.healed) });
        settled.map(|()| fault)
    }

    async fn planned(&mut self, fault: Fault) -> Step {
        let old = self.primary().await?;
        let asked = Server::at(&self.guard, self.sentinels[0].port);
        asked.tell("SENTINEL FAILOVER faults").await?;
        self.moved_from(old).await?;
        Ok(fault)
    }

    async fn sentinel_killed(&mut self, shared: &Shared, rng: &mut Rng, fault: Fault) -> Step {
        let number = rng.index(3);
        self.sentinels[number].process = None;
        shared.sleep(rng.range(500_000, 2_000_000)).await;
        self.start_sentinel(number)?;
        Ok(fault)
    }
}

fn free_port() -> Result<u16, String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

impl Driver for RedisSentinel {
    fn address(&self, _: u8) -> (String, String) {
        let urls = self.sentinels.iter().map(|one| format!("redis://127.0.0.1:{}/", one.port));
        ("redis-sentinel".into(), urls.collect::<Vec<_>>().join(","))
    }

    /// Sentinels tell where the servers are, and nodes go there: nothing can stand in between.
    fn proxies(&self) -> &[Proxy] {
        &[]
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
            self.settled().await?;
            let fault = Fault::begun(name, shared.now());
            let mut fault = match name {
                "primary killed" => self.killed(shared, rng, fault).await,
                "primary frozen" => self.frozen(shared, rng, fault).await,
                "planned failover" => {
                    let from = fault.from;
                    let mut fault = self.planned(fault).await?;
                    // and the old primary takes writes until it is told
                    self.settled().await?;
                    // the sentinels do not wait for the replica to have everything
                    let loss = Loss::of(from.saturating_sub(2_000_000), NEVER, shared.now());
                    fault.loss = Some(Loss { by_failover: true, ..loss });
                    Ok(fault)
                }
                "sentinel killed" => self.sentinel_killed(shared, rng, fault).await,
                other => Err(format!("{other} is no fault of Redis under Sentinel")),
            }?;
            if fault.healed == NEVER {
                fault.healed = shared.now();
            }
            Ok(fault)
        })
    }
}
