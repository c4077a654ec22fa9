//! What a store under test can be made to suffer: one driver for each kind of store.

pub mod memory;
pub mod redis;

use std::future::Future;
use std::pin::Pin;

use crate::driver::nodes::Nodes;
use crate::driver::proxy::Proxy;
use crate::driver::world::Shared;
use crate::history::{At, Fault, Loss, NEVER, NodeSet};
use crate::rng::Rng;

pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store that runs, with all that can be done to it.
///
/// A new kind of store is a new driver: how nodes are led to it, and which faults it knows. Faults of
/// nodes and of the network between nodes and store are the nemesis' own and come for free.
pub trait Driver: Send {
    /// What a node is told so that it finds the store: the kind and a URL.
    fn address(&self, node: u8) -> (String, String);

    /// One proxy for each node; none for a store without a network.
    fn proxies(&self) -> &[Proxy];

    /// Whether it outlives the nodes.
    fn is_shared(&self) -> bool;

    /// The names of the faults that it knows.
    fn faults(&self) -> &'static [&'static str];

    /// Does one and mends it again. What it answers tells what is certain about it.
    fn inflict<'a>(
        &'a mut self,
        fault: &'static str,
        shared: &'a Shared,
        nodes: &'a Nodes,
        rng: &'a mut Rng,
    ) -> Boxed<'a, Result<Fault, String>>;
}

impl Fault {
    /// Of which nothing is known yet but its beginning.
    pub fn begun(kind: &'static str, from: At) -> Self {
        Self {
            kind,
            from,
            healed: NEVER,
            recovered: NEVER,
            blind: None,
            evicting: false,
            loss: None,
            isolated: 0,
        }
    }
}

/// All nodes there may be.
pub const EVERY: NodeSet = NodeSet::MAX;

impl Loss {
    /// Of what was acknowledged after `from`, surely after `surely`.
    pub fn of(from: At, surely: At, until: At) -> Self {
        Self { maybe_from: from, surely_from: surely, until, nodes: EVERY, by_failover: false }
    }
}
