//! What tests of several steps share.

pub mod npm;
#[cfg(feature = "redis")]
pub mod proxy;
#[cfg(feature = "redis")]
pub mod redis_server;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
pub mod servers;
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
pub mod service;
#[cfg(all(feature = "issuer", any(feature = "aws-lc-rs", feature = "rust-crypto")))]
pub mod session_model;
