//! Random input against models of the rules that are written anew here.

#![cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]

mod claims_types;
mod guards;
mod headers;
mod json;
mod mutations;
mod payloads;
mod proofs;
mod stack;
mod times;
