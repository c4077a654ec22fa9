//! Names that no other run of a suite uses.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::OnceId;

pub(super) fn unique(label: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{label}-{:016x}-{number}", RandomState::new().hash_one(number))
}

pub(super) fn unique_id(label: &str) -> OnceId {
    let text = unique(label);
    let mut bytes = [0; 32];
    for (part, chunk) in (0_u64..).zip(bytes.chunks_mut(8)) {
        let hash = RandomState::new().hash_one((part, &text));
        chunk.copy_from_slice(&hash.to_be_bytes());
    }
    OnceId::from_hash(bytes)
}
