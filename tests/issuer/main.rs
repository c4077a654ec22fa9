//! Tokens that are issued here.

#![cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]

mod bound;
#[cfg(feature = "cookie")]
mod cookies;
mod session_model;
mod session_races;
mod sessions;
mod single_use;
mod tokens;
