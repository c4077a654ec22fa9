#![cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]

use super::super::secret::Secret;
use super::*;

fn key(algorithm: Algorithm, id: Option<&str>, seed: u8) -> Key {
    let key =
        Key::hmac(algorithm, Secret::new((0..64).map(|place| place ^ seed).collect::<Vec<u8>>()))
            .unwrap();
    match id {
        Some(id) => key.with_id(id),
        None => key,
    }
}

fn set() -> KeySet {
    KeySet::new([
        key(Algorithm::HS256, Some("a"), 1),
        key(Algorithm::HS384, Some("a"), 2),
        key(Algorithm::HS256, Some("b"), 3),
        key(Algorithm::HS512, None, 4),
    ])
}

fn found(
    keys: &KeySet,
    kid: Option<&str>,
    algorithm: Algorithm,
) -> Vec<(Option<String>, Algorithm)> {
    keys.candidates(kid, algorithm).map(|key| (key.id().map(Into::into), key.algorithm())).collect()
}

#[test]
fn kid_and_algorithm_select() {
    let keys = set();
    let named = |id: &str, algorithm| vec![(Some(id.to_owned()), algorithm)];
    assert_eq!(found(&keys, Some("a"), Algorithm::HS256), named("a", Algorithm::HS256));
    assert_eq!(found(&keys, Some("a"), Algorithm::HS384), named("a", Algorithm::HS384));
    assert_eq!(found(&keys, Some("x"), Algorithm::HS512), [(None, Algorithm::HS512)]);
    assert_eq!(found(&keys, Some("a"), Algorithm::HS512), [(None, Algorithm::HS512)]);
    assert_eq!(found(&keys, None, Algorithm::HS256).len(), 2);
    assert_eq!(found(&keys, None, Algorithm::HS512).len(), 1);
    for kid in ["", "A", "a ", "a\0", "../a", "' OR 1=1 --", &"a".repeat(1 << 20)] {
        assert!(found(&keys, Some(kid), Algorithm::HS256).is_empty());
    }
}

#[test]
fn unknown_key_and_wrong_algorithm_are_told_apart() {
    let keys = set();
    assert!(matches!(keys.find(Some("a"), Algorithm::HS256), Lookup::Found(_)));
    assert!(matches!(keys.find(Some("b"), Algorithm::HS384), Lookup::WrongAlgorithm));
    assert!(matches!(keys.find(Some("a"), Algorithm::RS256), Lookup::WrongAlgorithm));
    assert!(matches!(keys.find(Some("x"), Algorithm::HS256), Lookup::UnknownKey));
    assert!(matches!(keys.find(None, Algorithm::ES256), Lookup::WrongAlgorithm));
    let nameless = KeySet::from(key(Algorithm::HS256, None, 1));
    assert!(matches!(nameless.find(Some("x"), Algorithm::HS256), Lookup::Found(_)));
    assert!(matches!(nameless.find(Some("x"), Algorithm::RS256), Lookup::WrongAlgorithm));
    let empty = KeySet::new([]);
    assert!(empty.is_empty());
    assert!(matches!(empty.find(None, Algorithm::HS256), Lookup::UnknownKey));
    assert!(matches!(empty.find(Some("a"), Algorithm::HS256), Lookup::UnknownKey));
}

#[test]
fn no_token_costs_more_than_eight_verifications() {
    let many = KeySet::new((0..20).map(|i| key(Algorithm::HS256, Some("same"), i + 1)));
    assert_eq!(many.candidates(Some("same"), Algorithm::HS256).count(), MAX_CANDIDATES);
    assert_eq!(many.candidates(None, Algorithm::HS256).count(), MAX_CANDIDATES);
    let nameless = KeySet::new((0..20).map(|i| key(Algorithm::HS256, None, i + 1)));
    assert_eq!(nameless.candidates(Some("x"), Algorithm::HS256).count(), MAX_CANDIDATES);
    assert_eq!(nameless.len(), 20);
}

#[test]
fn epochs_differ_and_debug_shows_names_only() {
    let (one, two) = (set(), set());
    assert_ne!(one.epoch(), two.epoch());
    let shown = format!("{one:?}");
    assert!(shown.contains("Some(\"b\")") && shown.contains("HS512"), "{shown}");
    assert!(!shown.contains("3, 3, 3") && !shown.contains("0303"), "{shown}");
}
