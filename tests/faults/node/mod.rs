//! A node: a process of its own that issues, refreshes, ends, lists, and serves behind the layer.

mod planted;
mod reborn;
mod server;
mod service;

use serde::{Deserialize, Serialize};

pub use self::server::run;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeConfig {
    /// The kind of store, and where it is.
    pub store: String,
    pub url: String,
    pub tenants: u8,
    pub staleness_ms: u64,
    pub ask_store: bool,
    /// Whether an answer waits for a replica of the store.
    pub durable: bool,
    /// The spent token yields successors until one of them has been used.
    pub grace: bool,
    /// The lifetimes of access tokens, in seconds: what the service gives now, and what a service
    /// gives that was deployed with another configuration.
    pub long: u64,
    pub short: u64,
    /// How far clocks may differ, in seconds.
    pub leeway: u64,
    /// A fault that is put in, by name: the checker has to find it.
    pub plant: Option<String>,
}
