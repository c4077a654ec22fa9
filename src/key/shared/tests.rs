#![cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::super::algorithm::Algorithm;
use super::super::secret::Secret;
use super::super::source::IntoKeySource;
use super::*;

fn key(id: &str, seed: u8) -> Key {
    Key::hs256(Secret::new((0..32).map(|place| place ^ seed).collect::<Vec<u8>>()))
        .unwrap()
        .with_id(id)
}

#[test]
fn replace_reaches_every_handle_and_leaves_snapshots_alone() {
    let keys = SharedKeys::from(key("old", 1));
    let handle = keys.clone();
    let before = handle.current();
    keys.replace(KeySet::from(key("new", 2)));
    let after = handle.current();
    assert_eq!(before.iter().next().unwrap().id(), Some("old"));
    assert_eq!(after.iter().next().unwrap().id(), Some("new"));
    assert_ne!(before.epoch(), after.epoch());
    let missing = MissingKey::new(Some("x"), Algorithm::HS256);
    assert!(handle.refresh(&missing).is_none());
}

#[test]
fn readers_see_whole_sets_while_they_are_replaced() {
    let pair = |round: u8| {
        let seed = round | 1;
        KeySet::new([key(&format!("a{round}"), seed), key(&format!("b{round}"), seed)])
    };
    let keys = SharedKeys::new(pair(0));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Acquire) {
                    let now = keys.current();
                    let ids: Vec<_> = now.iter().map(|key| &key.id().unwrap()[1..]).collect();
                    assert_eq!(ids[0], ids[1]);
                    assert!(now.epoch() >= last);
                    last = now.epoch();
                }
            });
        }
        for round in 0..200 {
            keys.replace(pair(round));
        }
        done.store(true, Ordering::Release);
    });
}

#[test]
fn everything_that_a_verifier_takes() {
    let shared = SharedKeys::from([key("a", 1)]);
    let sources: [Arc<dyn KeySource>; 7] = [
        key("a", 1).into_key_source(),
        vec![key("a", 1)].into_key_source(),
        [key("a", 1)].into_key_source(),
        KeySet::from(key("a", 1)).into_key_source(),
        shared.clone().into_key_source(),
        shared.clone().into_key_source().into_key_source(),
        SharedKeys::from(vec![key("a", 1)]).into_key_source(),
    ];
    for source in sources {
        assert_eq!(source.current().unwrap().len(), 1);
    }
    let snapshot = KeySnapshot::from(Arc::new(KeySet::from(key("a", 1))));
    assert_eq!(snapshot.len(), 1);
    assert!(!format!("{shared:?} {snapshot:?}").contains("1, 1, 1"));
}

#[test]
fn handles_and_snapshots_cross_threads() {
    fn check<T: Send + Sync>() {}
    check::<Key>();
    check::<KeySet>();
    check::<SharedKeys>();
    check::<KeySnapshot>();
    check::<KeysUnavailable>();
}
