//! Sessions in Redis against the model.

use proptest::prelude::*;
use tower_bearer::testing::FakeClock;

use tower_bearer_tests::session_model as model;

use super::*;

#[test]
fn sessions_in_redis_do_as_the_model() {
    let Some(server) = RedisServer::start(&[]) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config =
        ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() };
    let number = std::cell::Cell::new(0);
    proptest!(config, |(grace in model::grace(), events in model::events())| {
        number.set(number.get() + 1);
        runtime.block_on(async {
            let store = RedisStore::builder(&server.url()).unwrap();
            let store = store.prefix(format!("case {}", number.get()));
            let store = store.timeout(Duration::from_secs(10)).build().unwrap();
            model::run(store, FakeClock::now_and_still(), grace, &events).await;
        });
    });
}
