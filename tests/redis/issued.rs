//! What is issued and kept in Redis.

pub(crate) mod session;
mod session_layer;
mod session_layout;
mod session_model;
mod session_outage;
mod single_use;
mod until;

use super::*;
