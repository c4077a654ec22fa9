//! Where keys come from: files, and identity providers that rotate, fail and lie.

#![cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]

#[cfg(feature = "jsonwebtoken")]
mod decoding_keys;
mod file_keys;
#[cfg(feature = "reqwest")]
mod key_server;
#[cfg(feature = "reqwest")]
mod remote_flood;
#[cfg(feature = "reqwest")]
mod remote_keys;
#[cfg(feature = "reqwest")]
mod remote_outage;
#[cfg(feature = "reqwest")]
mod remote_runtimes;
