//! What a request costs as things grow: keys, issuers, revoked tokens, claims, remembered tokens.
//! HS256, the cheapest signature, so that whatever grows shows.
//!
//! `cargo bench -p tower-bearer-benches --bench growth`

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main,
};
use tower::Layer;
use tower_bearer::clock::{Clock, SystemClock};
use tower_bearer::key::{Key, KeySet};
use tower_bearer::revocation::{MemoryStore, Revocation, RevocationCheck, TokenIdentity};
use tower_bearer::testing::{TestIssuer, TokenBuilder};
use tower_bearer::verify::TokenCache;
use tower_bearer::{AuthLayer, Verifier};
use tower_bearer_benches::resident::resident;
use tower_bearer_benches::{Inner, User, call, filled, request, shared};

fn authorization(token: &TokenBuilder<'_>) -> Bytes {
    shared(format!("Bearer {}", token.sign()))
}

/// Requests with these tokens in turn.
fn in_turn<R: RevocationCheck>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    layer: &AuthLayer<Verifier<User>, R>,
    tokens: &[Bytes],
) {
    let mut service = layer.layer(Inner);
    for token in tokens {
        assert_eq!(call(&mut service, request(Some(token))).status(), 200);
    }
    let mut next = tokens.iter().cycle();
    group.bench_function(id, |b| {
        let fresh = || request(next.next());
        b.iter_batched(fresh, |request| call(&mut service, request), BatchSize::SmallInput);
    });
}

fn id(number: usize) -> String {
    format!("{number:032x}")
}

fn verifier(keys: impl IntoIterator<Item = Key>, issuer: &str) -> Verifier<User> {
    let builder = Verifier::builder().keys(KeySet::new(keys)).issuer(issuer);
    builder.audience(TestIssuer::AUDIENCE).build().unwrap()
}

fn keys(c: &mut Criterion) {
    let mut group = c.benchmark_group("keys");
    for count in [1, 10, 100, 1000] {
        let named = |number| TestIssuer::new().key_id(format!("key-{number}"));
        let issuers: Vec<_> = (0..count).map(named).collect();
        let layer =
            AuthLayer::new(verifier(issuers.iter().map(TestIssuer::key), TestIssuer::ISSUER));
        let tokens: Vec<_> =
            issuers.iter().map(|issuer| authorization(&filled(issuer.token()))).collect();
        in_turn(&mut group, BenchmarkId::new("one of them", count), &layer, &tokens[count - 1..]);
        in_turn(&mut group, BenchmarkId::new("all in turn", count), &layer, &tokens);
    }
    group.finish();
}

fn issuers(c: &mut Criterion) {
    let mut group = c.benchmark_group("issuers");
    for count in [1, 10, 100, 1000] {
        let named = |number| TestIssuer::new().issuer(format!("https://id-{number}.example.com"));
        let issuers: Vec<_> = (0..count).map(named).collect();
        let verifiers = issuers.iter().zip(0..).map(|(issuer, number)| {
            verifier([issuer.key()], &format!("https://id-{number}.example.com"))
        });
        let layer = AuthLayer::new(Verifier::of_issuers(verifiers).unwrap());
        let tokens: Vec<_> =
            issuers.iter().map(|issuer| authorization(&filled(issuer.token()))).collect();
        in_turn(&mut group, BenchmarkId::new("one of them", count), &layer, &tokens[count - 1..]);
        in_turn(&mut group, BenchmarkId::new("all in turn", count), &layer, &tokens);
    }
    group.finish();
}

fn revoked(c: &mut Criterion) {
    let mut group = c.benchmark_group("revoked tokens");
    let issuer = TestIssuer::new();
    let tokens: Vec<_> = (0..4096)
        .map(|number| authorization(&filled(issuer.token()).token_id(format!("live-{number}"))))
        .collect();
    let store = MemoryStore::builder().capacity(20_000_000).build();
    let layer = AuthLayer::new(verifier([issuer.key()], TestIssuer::ISSUER));
    in_turn(&mut group, BenchmarkId::new("no store", 0), &layer, &tokens);
    let layer = layer.revocation(store.clone());
    let keep_until = SystemClock.now().saturating_add(Duration::from_secs(86_400));
    // Prepared before anything is measured, in an order that no cache foresees.
    let scattered = |most: usize| -> Vec<String> {
        let number = |number: usize| id(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % most);
        (0..1 << 16).map(number).collect()
    };
    let others: Vec<_> = scattered(usize::MAX).iter().map(|id| format!("not {id}")).collect();
    let before = resident();
    let mut there = 0;
    for count in [0, 10_000, 1_000_000, 10_000_000] {
        for number in there..count {
            store.revoke_now(&Revocation::token(id(number), keep_until)).unwrap();
        }
        there = count;
        if count > 0 {
            let bytes = resident().saturating_sub(before) as f64 / count as f64;
            println!("{count} revoked tokens: {bytes:.0} bytes each");
        }
        in_turn(&mut group, BenchmarkId::new("in memory", count), &layer, &tokens);
        let revoked = scattered(count.max(1));
        for (name, ids, known) in
            [("revoked", &revoked, count > 0), ("not revoked", &others, false)]
        {
            let mut next = ids.iter().cycle();
            group.bench_function(BenchmarkId::new(format!("look-up, {name}"), count), |b| {
                let fresh = || next.next().map_or("", String::as_str);
                let look_up = |id| store.status_now(&TokenIdentity::new().with_token_id(id));
                b.iter_batched(fresh, |id| black_box(look_up(id)), BatchSize::SmallInput);
            });
            let status = store.status_now(&TokenIdentity::new().with_token_id(&ids[0]));
            assert_eq!(status.is_revoked(), known);
        }
    }
    group.finish();
}

fn claims(c: &mut Criterion) {
    let mut group = c.benchmark_group("claims, KB of payload");
    let issuer = TestIssuer::new();
    for size in [0.2, 0.5, 1.0, 2.0, 4.0, 8.0] {
        let mut token = issuer.token().subject("ada").claim("tenant", "acme");
        // each takes some 50 bytes, and the others together some 200
        for number in 4..(size * 20.0) as usize {
            let name = format!("extra-{number:03}");
            token = token.claim(name, "a value of some thirty characters!");
        }
        let tokens = [authorization(&token)];
        let first = AuthLayer::new(verifier([issuer.key()], TestIssuer::ISSUER));
        in_turn(&mut group, BenchmarkId::new("first seen", size), &first, &tokens);
        let seen = verifier([issuer.key()], TestIssuer::ISSUER).cache(TokenCache::new());
        in_turn(&mut group, BenchmarkId::new("seen before", size), &AuthLayer::new(seen), &tokens);
    }
    group.finish();
}

fn remembered(c: &mut Criterion) {
    let mut group = c.benchmark_group("tokens in turn, 4096 remembered at most");
    let issuer = TestIssuer::new();
    for count in [1, 16, 256, 2048, 4096, 8192, 65_536] {
        let cache = TokenCache::new().max_entries(4096).max_bytes(64 << 20);
        let layer = AuthLayer::new(verifier([issuer.key()], TestIssuer::ISSUER).cache(cache));
        let tokens: Vec<_> = (0..count)
            .map(|number| authorization(&filled(issuer.token()).token_id(number.to_string())))
            .collect();
        in_turn(&mut group, BenchmarkId::new("tokens", count), &layer, &tokens);
    }
    group.finish();
}

criterion_group!(benches, keys, issuers, revoked, claims, remembered);
criterion_main!(benches);
