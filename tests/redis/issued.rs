//! What is issued and kept in Redis.

#[path = "../support/refresh_model.rs"]
mod model;
pub(crate) mod refresh;
mod refresh_layer;
mod refresh_layout;
mod refresh_model;
mod refresh_outage;
mod single_use;

use super::*;
