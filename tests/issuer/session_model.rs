//! The memory store against the model of refresh tokens.

use futures_util::FutureExt;
use proptest::prelude::*;
use tower_bearer::clock::UnixTime;
use tower_bearer::issuer::session::MemorySessionStore;
use tower_bearer::revocation::{Identifiers, MemoryStore};
use tower_bearer::testing::FakeClock;
use tower_bearer_tests::session_model as model;

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
        let store = MemorySessionStore::builder().revocations(revocations).capacity(1000).build();
        let run = model::run(store, clock, grace, &events);
        run.now_or_never().expect("the memory store answers at once");
    }
}
