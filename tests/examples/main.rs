//! The examples, run as a reader would run them.

#![cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]

mod login;
