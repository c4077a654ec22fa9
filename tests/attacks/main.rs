//! One named test for each attack, through the layer as it is deployed.
//!
//! Each asserts what kind of rejection came of it, the status and the exact challenge, that the
//! service behind was not reached; and, as a control, that the same stack lets the token pass
//! that was not tampered with.
#![cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]

mod algorithms;
mod bound;
mod claims;
mod cross_site;
mod headers;
mod json;
mod keys;
mod secrets;
mod stack;
mod syntax;
mod times;
mod transport;
