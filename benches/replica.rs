//! How long a revocation takes to reach another node, what a look-up costs, and what an entry takes.
//!
//! Needs a `redis-server` on the PATH. Prints a table; the ratios matter, not the numbers.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tower_bearer::clock::{Clock, SystemClock, UnixTime};
use tower_bearer::redis_store::{RedisStore, Replica};
use tower_bearer::revocation::{MemoryStore, Revocation, RevocationStore, TokenIdentity};

use tower_bearer_benches::resident::resident;
use tower_bearer_tests::redis_server::RedisServer;

const ISSUER: &str = "https://id.example.com";

fn main() -> ExitCode {
    let Some(server) = RedisServer::start(&[]) else { return ExitCode::SUCCESS };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        until_rejected(&server).await;
        look_ups(&server).await;
        memory(&server).await;
    });
    ExitCode::SUCCESS
}

fn keep_until() -> UnixTime {
    SystemClock.now().saturating_add(Duration::from_secs(3600))
}

/// An identifier as long as a UUID.
fn id(number: usize) -> String {
    format!("{:08x}-0000-4000-8000-{:012x}", number.wrapping_mul(0x9E37_79B9), number)
}

fn token(id: &str) -> TokenIdentity<'_> {
    let token = TokenIdentity::new().with_issuer(ISSUER).with_token_id(id).with_session_id(id);
    token.with_subject("ada").with_issued_at(UnixTime::from_secs(1_700_000_000))
}

fn session(id: &str) -> Revocation {
    Revocation::session(id, keep_until()).issuer(ISSUER)
}

fn store(server: &RedisServer, prefix: &str) -> RedisStore {
    let store = RedisStore::builder(&server.url()).unwrap().prefix(prefix);
    store.timeout(Duration::from_secs(5)).build().unwrap()
}

async fn replica(server: &RedisServer, prefix: &str) -> Replica {
    let replica = Replica::builder(store(server, prefix)).build().unwrap();
    replica.ready().await;
    replica
}

fn revoked_here(replica: &Replica, id: &str) -> bool {
    matches!(replica.known(&token(id)), Some(Ok(status)) if status.is_revoked())
}

async fn until_rejected(server: &RedisServer) {
    let (a, b) = (replica(server, "nodes").await, replica(server, "nodes").await);
    let (mut from_call, mut from_return, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..2000 {
        let id = id(number);
        let watched = tokio::spawn({
            let (b, id) = (b.clone(), id.clone());
            async move {
                while !revoked_here(&b, &id) {
                    tokio::task::yield_now().await;
                }
                Instant::now()
            }
        });
        let start = Instant::now();
        a.revoke(&session(&id)).await.unwrap();
        let returned = Instant::now();
        let rejected = watched.await.unwrap();
        from_call.push(rejected - start);
        from_return.push(rejected.saturating_duration_since(returned));
        calls.push(returned - start);
    }
    println!("from revoke() on one node to rejection on the other, 2000 times:");
    for (what, times) in [
        ("called to rejected", &mut from_call),
        ("returned to rejected", &mut from_return),
        ("called to returned", &mut calls),
    ] {
        times.sort();
        let at = |share: f64| times[(times.len() as f64 * share) as usize];
        println!("  {what:21} median {:>9.1?}  p99 {:>9.1?}", at(0.5), at(0.99));
    }
}

async fn look_ups(server: &RedisServer) {
    const HELD: usize = 100_000;
    let memory = MemoryStore::new();
    let store = store(server, "look-ups");
    for chunk in (0..HELD).collect::<Vec<_>>().chunks(500) {
        let ids: Vec<_> = chunk.iter().map(|number| id(*number)).collect();
        futures_util::future::join_all(ids.iter().map(|id| async {
            let revocation = session(id);
            store.revoke(&revocation).await.unwrap();
            memory.revoke_now(&revocation).unwrap();
        }))
        .await;
    }
    let start = Instant::now();
    let replica = replica(server, "look-ups").await;
    println!("loading {HELD} entries: {:.1?}", start.elapsed());
    assert_eq!(replica.health().entries, HELD);
    println!("a look-up among {HELD} sessions of one issuer:");
    let ids: Vec<_> = (0..2 * HELD).step_by(7).map(id).collect();
    let base = time("memory store", None, &ids, |id| memory.status_now(&token(id)).is_revoked());
    time("replica", Some(base), &ids, |id| revoked_here(&replica, id));
    // Everything else that could be revoked is revoked somewhere, so all eight are looked for.
    for issuer in [None, Some(ISSUER)] {
        let all = [
            Revocation::token("x", keep_until()),
            Revocation::session("x", keep_until()),
            Revocation::subject("x", UnixTime::MAX, keep_until()),
            Revocation::version("x", 1, keep_until()),
        ];
        for one in all {
            let one = issuer.map_or(one.clone(), |issuer| one.issuer(issuer));
            replica.revoke(&one).await.unwrap();
            memory.revoke_now(&one).unwrap();
        }
    }
    println!("the same, with every kind of revocation in use:");
    let base = time("memory store", None, &ids, |id| memory.status_now(&token(id)).is_revoked());
    time("replica", Some(base), &ids, |id| revoked_here(&replica, id));
    let start = Instant::now();
    for id in &ids[..2000] {
        black_box(store.status(&token(id)).await.unwrap().is_revoked());
    }
    let asked = start.elapsed().as_secs_f64() / 2000.0;
    println!("  {:13} {:9.0} ns  {:7.1}", "redis store", asked * 1e9, asked / base);
}

fn time(name: &str, base: Option<f64>, ids: &[String], look_up: impl Fn(&str) -> bool) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..20 {
        let start = Instant::now();
        for id in ids {
            black_box(look_up(black_box(id)));
        }
        best = best.min(start.elapsed().as_secs_f64() / ids.len() as f64);
    }
    println!("  {name:13} {:9.0} ns  {:7.1}", best * 1e9, best / base.unwrap_or(best));
    best
}

/// By what the process has resident.
async fn memory(server: &RedisServer) {
    const ENTRIES: usize = 1_000_000;
    let used_before = server_memory(server);
    let store = store(server, "memory");
    for chunk in (0..ENTRIES).collect::<Vec<_>>().chunks(1000) {
        let ids: Vec<_> = chunk.iter().map(|number| id(*number)).collect();
        let revocations: Vec<_> = ids.iter().map(|id| session(id)).collect();
        let all = revocations.iter().map(|one| store.revoke(one));
        futures_util::future::try_join_all(all).await.unwrap();
    }
    let in_redis = server_memory(server) - used_before;
    server.command("DEL {memory}:revocation:log");
    let without_log = server_memory(server) - used_before;
    let before = resident();
    let start = Instant::now();
    let replica = replica(server, "memory").await;
    let took = start.elapsed();
    let bytes = resident().saturating_sub(before) as f64 / ENTRIES as f64;
    assert_eq!(replica.health().entries, ENTRIES);
    println!("{ENTRIES} sessions: {bytes:.1} bytes each in the replica, loaded in {took:.1?};");
    println!(
        "  in Redis {:.0} bytes each, and {:.0} in the log while it reaches back to them",
        without_log / ENTRIES as f64,
        (in_redis - without_log) / ENTRIES as f64,
    );
}

fn server_memory(server: &RedisServer) -> f64 {
    let info: String = redis::from_redis_value(server.command("INFO memory")).unwrap();
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    used.and_then(|used| used.parse().ok()).unwrap_or(0.0)
}
