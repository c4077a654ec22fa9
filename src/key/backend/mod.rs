//! The crypto libraries behind one shape: `VerifyKey`, and for signing `SignKey` and `fill_random`.
//!
//! With both features `aws-lc-rs` does the work. `jsonwebtoken`'s own crypto features stay off:
//! with two of them enabled anywhere in a program it panics at its first use, so enabling one here
//! could break a user's `jsonwebtoken`.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod none;
// beside aws-lc-rs only for the tests that compare the two
#[cfg(all(feature = "rust-crypto", any(test, not(feature = "aws-lc-rs"))))]
#[cfg_attr(feature = "aws-lc-rs", allow(dead_code))]
mod rust_crypto;

#[cfg(feature = "aws-lc-rs")]
use aws_lc as chosen;
#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
use none as chosen;
#[cfg(all(feature = "rust-crypto", not(feature = "aws-lc-rs")))]
use rust_crypto as chosen;

pub(super) use chosen::{SignKey, VerifyKey, digest_sha256, fill_random, is_equal};

#[cfg(test)]
mod tests;
