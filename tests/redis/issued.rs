//! What is issued and kept in Redis.

pub(crate) mod refresh;
mod refresh_layer;
mod refresh_layout;
mod refresh_model;
mod refresh_outage;
mod single_use;
mod until;

use super::*;
