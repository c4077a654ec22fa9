use futures_util::FutureExt;

use super::*;
use crate::issuer::refresh::MemoryRefreshStore;

#[test]
fn the_memory_store_conforms() {
    conformance(|| async { MemoryRefreshStore::new() }).now_or_never().unwrap();
    let shared = MemoryRefreshStore::new();
    for _ in 0..2 {
        conformance(|| async { shared.clone() }).now_or_never().unwrap();
    }
}
