//! The driver: nodes, clients, faults, and the history of all of it.

pub mod clients;
pub mod http;
pub mod nemesis;
pub mod nodes;
pub mod process;
pub mod proxy;
pub mod run;
pub mod world;
