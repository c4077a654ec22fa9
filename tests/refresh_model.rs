//! The memory store against the model of refresh tokens.

#![cfg(all(feature = "issuer", any(feature = "aws-lc-rs", feature = "rust-crypto")))]

#[path = "support/refresh_model.rs"]
mod model;

use futures_util::FutureExt;
use proptest::prelude::*;
use tower_bearer::clock::UnixTime;
use tower_bearer::issuer::session::MemorySessionStore;
use tower_bearer::revocation::{Identifiers, MemoryStore};
use tower_bearer::testing::FakeClock;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn refresh_tokens_do_as_the_model(grace in model::grace(), events in model::events()) {
        let clock = FakeClock::at(UnixTime::from_secs(1_800_000_000));
        let required = Identifiers::SESSION_ID;
        let revocations = MemoryStore::builder().clock(clock.clone()).require(required).build();
        let store = MemorySessionStore::with_revocations(revocations, 1000);
        let run = model::run(store, clock, grace, &events);
        run.now_or_never().expect("the memory store answers at once");
    }
}
