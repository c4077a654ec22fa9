//! A real axum server on loopback under load: requests per second and latencies without the layer,
//! with it, and with each way to ask for revocations. `wrk` makes the requests; rounds take turns, so
//! that whatever else the machine does falls on all alike.
//!
//! Needs `wrk` and `redis-server` on the PATH. `cargo bench -p tower-bearer-benches --bench load`, with
//! `ROUNDS` and `SECONDS_EACH` in the environment if others are wanted than 5 and 3.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::str::FromStr;

use axum::Router;
use axum::routing::get;
use serde::Deserialize;
use tower_bearer::redis_store::{RedisStore, Replica};
use tower_bearer::revocation::{Identifiers, MemoryStore};
use tower_bearer::testing::TestIssuer;
use tower_bearer::verify::TokenCache;
use tower_bearer::{Algorithm, AuthLayer, Claims, Verifier};
use tower_bearer_tests::redis_server::RedisServer;

#[derive(Deserialize)]
struct User {
    sub: String,
}

const CONTENDERS: [&str; 8] = [
    "no layer",
    "layer",
    "layer, cache",
    "layer, revocation in memory",
    "layer, cache, revocation in memory",
    "layer, replica",
    "layer, cache, replica",
    "layer, Redis asked on every request",
];

fn main() -> ExitCode {
    let Some(server) = RedisServer::start(&[]) else { return ExitCode::SUCCESS };
    if Command::new("wrk").arg("--version").output().is_err() {
        println!("SKIPPED: there is no wrk on the PATH, so nothing was measured");
        return ExitCode::SUCCESS;
    }
    let issuer = TestIssuer::with_algorithm(Algorithm::RS256).unwrap();
    let token = issuer.token().subject("ada").token_id("t-1").session_id("s-1").sign();
    // One thread for the server, the other core for the load.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let address = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = routes(&issuer, &server).await;
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    });

    let (rounds, seconds) = (number("ROUNDS", 5), number("SECONDS_EACH", 3));
    let mut found: Vec<Vec<Round>> = vec![Vec::new(); CONTENDERS.len()];
    for round in 0..=rounds {
        for (place, rounds) in found.iter_mut().enumerate() {
            let measured = load(address, place, &token, if round == 0 { 1 } else { seconds });
            // The first is for warming up.
            if round > 0 {
                rounds.push(measured);
            }
        }
    }
    println!(
        "RS256, {} bytes of token, 32 connections; {rounds} rounds of {seconds} s, medians\n",
        token.len()
    );
    println!("| | requests/s | of no layer | p50 | p99 |");
    println!("|---|--:|--:|--:|--:|");
    let most = median(&found[0], |round| round.per_second);
    for (name, rounds) in CONTENDERS.iter().zip(&found) {
        let per_second = median(rounds, |round| round.per_second);
        let (p50, p99) = (median(rounds, |round| round.p50), median(rounds, |round| round.p99));
        println!(
            "| {name} | {per_second:.0} | {:.2} | {p50:.2} ms | {p99:.2} ms |",
            per_second / most
        );
    }
    ExitCode::SUCCESS
}

async fn routes(issuer: &TestIssuer, server: &RedisServer) -> Router {
    let verifier = || -> Verifier<User> { issuer.verifier().build().unwrap() };
    let plain = AuthLayer::new(verifier());
    let cached = AuthLayer::new(verifier().cache(TokenCache::new()));
    let memory = MemoryStore::new();
    let store = RedisStore::builder(&server.url()).unwrap();
    let store = store.require(Identifiers::TOKEN_ID).build().unwrap();
    let replica = Replica::builder(store.clone()).build().unwrap();
    replica.ready().await;
    let me = get(|user: Claims<User>| async move { format!("hello {}", user.sub) });
    Router::new()
        .route("/0", get(|| async { "hello ada" }))
        .route("/1", me.clone().layer(plain.clone()))
        .route("/2", me.clone().layer(cached.clone()))
        .route("/3", me.clone().layer(plain.clone().revocation(memory.clone())))
        .route("/4", me.clone().layer(cached.clone().revocation(memory)))
        .route("/5", me.clone().layer(plain.clone().revocation(replica.clone())))
        .route("/6", me.clone().layer(cached.revocation(replica)))
        .route("/7", me.layer(plain.revocation(store)))
}

fn number(name: &str, usual: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[derive(Clone)]
struct Round {
    per_second: f64,
    /// Milliseconds.
    p50: f64,
    p99: f64,
}

fn load(address: SocketAddr, place: usize, token: &str, seconds: u32) -> Round {
    let output = Command::new("wrk")
        .args(["--threads", "1", "--connections", "32", "--latency"])
        .args(["--duration", &format!("{seconds}s")])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .arg(format!("http://{address}/{place}"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("Non-2xx"), "{place}: {text}");
    let after = |label: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(label));
        line.unwrap_or_else(|| panic!("{place}: {text}")).trim()
    };
    Round {
        per_second: f64::from_str(after("Requests/sec:")).unwrap(),
        p50: millis(after("50%")),
        p99: millis(after("99%")),
    }
}

fn millis(text: &str) -> f64 {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number = f64::from_str(digits).unwrap();
    match text.get(digits.len()..) {
        Some("us") => number / 1000.0,
        Some("ms") => number,
        _ => number * 1000.0,
    }
}

fn median(rounds: &[Round], of: impl Fn(&Round) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
