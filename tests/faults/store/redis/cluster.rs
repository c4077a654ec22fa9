//! A Redis cluster: two owners, between whom the slot of everything moves.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::server::Server;
use crate::driver::nodes::Nodes;
use crate::driver::process::Guard;
use crate::driver::proxy::Proxy;
use crate::driver::world::Shared;
use crate::history::{Fault, NEVER};
use crate::rng::Rng;
use crate::store::{Boxed, Driver, EVERY};

const FAULTS: [&str; 4] =
    ["slot moves", "slot moves and a node starts", "owner killed", "owner frozen"];
const OPTIONS: [&str; 4] = ["--appendonly", "yes", "--cluster-enabled", "yes"];
/// The default prefix of all keys.
const TAG: &str = "{tower-bearer}";

pub struct RedisCluster {
    servers: [Server; 2],
    ids: [String; 2],
    /// Who has the slot.
    owner: usize,
    slot: u64,
}

type Step = Result<Fault, String>;

impl RedisCluster {
    pub async fn start(guard: &Guard) -> Result<Self, String> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let server = async |name: &str| {
            let dir = guard.dir().join(format!("cluster-{count}-{name}"));
            let mut server = Server::new(guard, &dir).map_err(|error| error.to_string())?;
            server.start(&OPTIONS).await?;
            Ok::<_, String>(server)
        };
        let servers = [server("a").await?, server("b").await?];
        let ids = [servers[0].ask("CLUSTER MYID").await?, servers[1].ask("CLUSTER MYID").await?];
        let slot: u64 = servers[0].ask(&format!("CLUSTER KEYSLOT {TAG}")).await?;
        // an owner without any slot would become a replica
        let others: u64 = 1_000;
        servers[1].tell(&format!("CLUSTER ADDSLOTSRANGE 0 {}", others - 1)).await?;
        servers[0].tell(&format!("CLUSTER ADDSLOTSRANGE {others} 16383")).await?;
        if slot < others {
            return Err("the slot of everything is not where it was thought to be".into());
        }
        servers[0].tell("CLUSTER SET-CONFIG-EPOCH 1").await?;
        servers[1].tell("CLUSTER SET-CONFIG-EPOCH 2").await?;
        servers[1].tell(&format!("CLUSTER MEET 127.0.0.1 {}", servers[0].port)).await?;
        let cluster = Self { servers, ids, owner: 0, slot };
        cluster.agreed().await?;
        Ok(cluster)
    }

    /// Waits until both say the same.
    async fn agreed(&self) -> Result<(), String> {
        for _ in 0..600 {
            let mut good = true;
            for server in &self.servers {
                let info: String = server.ask("CLUSTER INFO").await?;
                good &= info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:2");
            }
            if good {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err("the cluster does not come together".into())
    }

    /// Moves the slot, a few keys at a time, and halts on the way.
    async fn moves(
        &mut self,
        shared: &Shared,
        nodes: Option<&Nodes>,
        rng: &mut Rng,
    ) -> Result<(), String> {
        let (from, to) = (self.owner, 1 - self.owner);
        let slot = self.slot;
        let (source, target) = (&self.servers[from], &self.servers[to]);
        target.tell(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", self.ids[from])).await?;
        source.tell(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", self.ids[to])).await?;
        let pause = rng.range(300_000, 2_000_000);
        let mut halts = 1 + rng.index(2);
        loop {
            let keys: Vec<String> = source.ask(&format!("CLUSTER GETKEYSINSLOT {slot} 20")).await?;
            if !keys.is_empty() {
                let keys = keys.join(" ");
                let command = format!("MIGRATE 127.0.0.1 {} \"\" 0 5000 KEYS {keys}", target.port);
                source.tell(&command).await?;
            }
            if halts > 0 && (keys.is_empty() || rng.percent(30)) {
                halts -= 1;
                if let Some(nodes) = nodes {
                    let node =
                        u8::try_from(rng.index(usize::from(nodes.len()))).unwrap_or_default();
                    nodes.kill(node);
                    nodes.start(node).await?;
                }
                shared.sleep(pause).await;
            } else if keys.is_empty() {
                break;
            }
        }
        for server in [target, source] {
            server.tell(&format!("CLUSTER SETSLOT {slot} NODE {}", self.ids[to])).await?;
        }
        self.owner = to;
        self.agreed().await
    }

    async fn killed(&mut self, shared: &Shared, rng: &mut Rng, mut fault: Fault) -> Step {
        self.servers[self.owner].kill();
        let dead = shared.now();
        shared.sleep(rng.range(300_000, 3_000_000)).await;
        fault.blind = Some((EVERY, dead, shared.now()));
        self.servers[self.owner].start(&OPTIONS).await?;
        self.agreed().await?;
        Ok(fault)
    }

    async fn frozen(&mut self, shared: &Shared, rng: &mut Rng, mut fault: Fault) -> Step {
        let owner = &self.servers[self.owner];
        owner.signal("STOP");
        let from = shared.now();
        shared.sleep(rng.range(300_000, 3_000_000)).await;
        fault.blind = Some((EVERY, from, shared.now()));
        owner.signal("CONT");
        self.agreed().await?;
        Ok(fault)
    }
}

impl Driver for RedisCluster {
    fn address(&self, _: u8) -> (String, String) {
        let urls = self.servers.iter().map(|one| format!("redis://127.0.0.1:{}/", one.port));
        ("redis-cluster".into(), urls.collect::<Vec<_>>().join(","))
    }

    /// The cluster tells where its owners are, and nodes go there.
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
        nodes: &'a Nodes,
        rng: &'a mut Rng,
    ) -> Boxed<'a, Result<Fault, String>> {
        Box::pin(async move {
            self.agreed().await?;
            let fault = Fault::begun(name, shared.now());
            let mut fault = match name {
                "slot moves" => self.moves(shared, None, rng).await.map(|()| fault),
                "slot moves and a node starts" => {
                    self.moves(shared, Some(nodes), rng).await.map(|()| fault)
                }
                "owner killed" => self.killed(shared, rng, fault).await,
                "owner frozen" => self.frozen(shared, rng, fault).await,
                other => Err(format!("{other} is no fault of a Redis cluster")),
            }?;
            if fault.healed == NEVER {
                fault.healed = shared.now();
            }
            Ok(fault)
        })
    }
}
