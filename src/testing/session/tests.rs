use futures_util::FutureExt;

use super::*;
use crate::issuer::session::{Apart, BoxSessionStore, MemorySessionStore};
use crate::revocation::{Identifiers, MemoryStore};

#[test]
fn the_memory_store_conforms() {
    conformance(|| async { MemorySessionStore::new() }).now_or_never().unwrap();
    let shared = MemorySessionStore::new();
    for _ in 0..2 {
        conformance(|| async { shared.clone() }).now_or_never().unwrap();
    }
}

#[test]
fn it_conforms_behind_a_box_and_apart_from_its_revocations() {
    let boxed = || async { BoxSessionStore::new(MemorySessionStore::new()) };
    conformance(boxed).now_or_never().unwrap();
    let apart = || async {
        let revocations = MemoryStore::builder().require(Identifiers::SESSION_ID).build();
        let longest = std::time::Duration::from_secs(90 * 86_400);
        Apart::new(MemorySessionStore::new(), revocations, longest)
    };
    conformance(apart).now_or_never().unwrap();
}
