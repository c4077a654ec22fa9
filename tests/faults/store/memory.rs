//! The memory store: each node has its own, so there is one node, and all that can fail is the node.

use super::{Boxed, Driver};
use crate::driver::nodes::Nodes;
use crate::driver::proxy::Proxy;
use crate::driver::world::Shared;
use crate::history::Fault;
use crate::rng::Rng;

pub struct Memory;

impl Driver for Memory {
    fn address(&self, _: u8) -> (String, String) {
        ("memory".into(), String::new())
    }

    fn proxies(&self) -> &[Proxy] {
        &[]
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn faults(&self) -> &'static [&'static str] {
        &[]
    }

    fn inflict<'a>(
        &'a mut self,
        fault: &'static str,
        _: &'a Shared,
        _: &'a Nodes,
        _: &'a mut Rng,
    ) -> Boxed<'a, Result<Fault, String>> {
        Box::pin(async move { Err(format!("{fault} is no fault of the memory store")) })
    }
}
