//! The nodes: processes that can be killed, frozen and started again.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::process::{Guard, Process};
use super::world::Shared;
use crate::history::{Life, NEVER};
use crate::node::NodeConfig;

pub struct Nodes {
    slots: Vec<Slot>,
    guard: Guard,
    shared: Shared,
    /// Where a node's own words go.
    verbose: bool,
}

struct Slot {
    config: NodeConfig,
    process: Mutex<Option<Process>>,
    /// 0 while it is down.
    port: Arc<AtomicU16>,
    life: AtomicU32,
}

impl Nodes {
    pub fn new(guard: &Guard, shared: &Shared, configs: Vec<NodeConfig>, verbose: bool) -> Self {
        let slots = configs.into_iter().map(|config| Slot {
            config,
            process: Mutex::new(None),
            port: Arc::new(AtomicU16::new(0)),
            life: AtomicU32::new(0),
        });
        let slots = slots.collect();
        Self { slots, guard: guard.clone(), shared: shared.clone(), verbose }
    }

    pub fn len(&self) -> u8 {
        u8::try_from(self.slots.len()).unwrap_or(u8::MAX)
    }

    pub fn life(&self, node: u8) -> u32 {
        self.slot(node).life.load(Ordering::SeqCst)
    }

    pub fn port(&self, node: u8) -> Option<u16> {
        match self.slot(node).port.load(Ordering::SeqCst) {
            0 => None,
            port => Some(port),
        }
    }

    fn slot(&self, node: u8) -> &Slot {
        &self.slots[usize::from(node)]
    }

    pub async fn start(&self, node: u8) -> Result<(), String> {
        let slot = self.slot(node);
        self.kill(node);
        let config = serde_json::to_string(&slot.config).map_err(|error| error.to_string())?;
        let this = std::env::current_exe().map_err(|error| error.to_string())?;
        let stderr = if self.verbose { Stdio::inherit() } else { Stdio::null() };
        let mut command = Command::new(this);
        command
            .arg("--node")
            .arg(config)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr);
        let process = Process::spawn(&self.guard, &mut command);
        let mut process = process.map_err(|error| error.to_string())?;
        let output = process.child().stdout.take().ok_or("no output")?;
        let life = slot.life.fetch_add(1, Ordering::SeqCst) + 1;
        *slot.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        self.shared.world().history.lives.push(Life { node, life, to: NEVER });
        let (port, shared) = (Arc::clone(&slot.port), self.shared.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                match line.split_once(' ') {
                    Some(("port", number)) => {
                        port.store(number.parse().unwrap_or_default(), Ordering::SeqCst);
                    }
                    Some(("told", sid)) => shared.told(sid),
                    _ => {}
                }
            }
        });
        for _ in 0..1_000 {
            if self.port(node).is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(format!("node {node} does not start"))
    }

    /// Without a chance to say anything.
    pub fn kill(&self, node: u8) {
        let slot = self.slot(node);
        let process = slot.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        slot.port.store(0, Ordering::SeqCst);
        if process.is_none() {
            return;
        }
        drop(process);
        let (now, life) = (self.shared.now(), self.life(node));
        // whoever asks from here on asks another life
        slot.life.fetch_add(1, Ordering::SeqCst);
        let mut world = self.shared.world();
        let mut lives = world.history.lives.iter_mut();
        if let Some(life) = lives.find(|own| own.node == node && own.life == life) {
            life.to = now;
        }
    }

    pub fn signal(&self, node: u8, name: &str) {
        let process = self.slot(node).process.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(process) = process.as_ref() {
            process.signal(name);
        }
    }

    pub fn kill_all(&self) {
        for node in 0..self.len() {
            self.kill(node);
        }
    }
}
