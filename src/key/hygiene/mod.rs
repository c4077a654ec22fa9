//! What is well-formed and still no good key.

pub(super) mod ed25519;
pub(super) mod weak;
