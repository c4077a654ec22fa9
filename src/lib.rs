//! Bearer-token authentication for any tower service.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod head;
pub mod rejection;
pub mod step;
pub mod time;
