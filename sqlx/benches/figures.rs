//! What a login, a refresh, a status and a logout take over each store, in turns, and what a million
//! sessions take:
//!
//! ```sh
//! cargo bench -p tower-bearer-sqlx --all-features -- 3 40000 1000000
//! ```
//!
//! The numbers are rounds, operations of each kind per store in all, and sessions. Postgres and Redis
//! are started if they are installed. `TMPDIR` says which disk is measured.

#[path = "../tests/postgres/server.rs"]
#[allow(dead_code)]
mod server;
#[path = "../tests/support.rs"]
mod support;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::AssertSqlSafe;
use tower_bearer::clock::SystemClock;
use tower_bearer::issuer::session::{BoxSessionStore, MemorySessionStore, Sessions};
use tower_bearer::redis_store::RedisStore;
use tower_bearer::revocation::{Identifiers, MemoryStore, RevocationStore};
use tower_bearer::testing::FakeClock;
use tower_bearer_sqlx::postgres::Replica;
use tower_bearer_sqlx::{PostgresStore, SqliteStore};

use server::Postgres;
use support::Folder;

const KINDS: [&str; 4] = ["login", "refresh", "status", "logout"];

struct Candidate {
    name: &'static str,
    store: BoxSessionStore,
    sessions: Sessions,
    /// By workers and kind: how long each took, and all together.
    took: Vec<[(Vec<Duration>, Duration); 4]>,
}

impl Candidate {
    fn new(name: &'static str, store: BoxSessionStore) -> Self {
        let sessions = support::sessions(store.clone());
        Self { name, store, sessions, took: vec![Default::default(); WORKERS.len()] }
    }

    /// Each worker signs in, refreshes, asks and signs out, kind by kind.
    async fn run(&mut self, at: usize, count: usize) {
        let workers = WORKERS[at];
        let mut tokens: Vec<Vec<(String, String, String)>> = vec![Vec::new(); workers];
        for kind in 0..KINDS.len() {
            let begun = Instant::now();
            let running: Vec<_> = (0..workers)
                .map(|worker| {
                    let (sessions, store) = (self.sessions.clone(), self.store.clone());
                    let mut held = std::mem::take(&mut tokens[worker]);
                    tokio::spawn(async move {
                        let mut took = Vec::with_capacity(count / workers);
                        for number in 0..count / workers {
                            let begun = Instant::now();
                            match kind {
                                0 => {
                                    let subject = format!("user{worker}-{number}");
                                    let granted = support::login(&sessions, &subject).await;
                                    let id = granted.session().id.to_string();
                                    let token = granted.refresh_token().expose_secret().to_owned();
                                    held.push((subject, id, token));
                                }
                                1 => {
                                    let token = &mut held[number].2;
                                    let granted = support::refresh(&sessions, token).await.unwrap();
                                    *token = granted.refresh_token().expose_secret().to_owned();
                                }
                                2 => {
                                    let token = support::of_session(&held[number].1);
                                    assert!(!store.status(&token).await.unwrap().is_revoked());
                                }
                                _ => {
                                    let (subject, id, _) = &held[number];
                                    let ended = sessions.end_session(subject, id).await.unwrap();
                                    assert!(ended.was_live());
                                }
                            }
                            took.push(begun.elapsed());
                        }
                        (held, took)
                    })
                })
                .collect();
            for (worker, running) in running.into_iter().enumerate() {
                let (held, took) = running.await.unwrap();
                tokens[worker] = held;
                self.took[at][kind].0.extend(took);
            }
            self.took[at][kind].1 += begun.elapsed();
        }
    }

    fn print(&mut self) {
        for (at, workers) in WORKERS.iter().enumerate() {
            for (kind, (took, all)) in KINDS.iter().zip(&mut self.took[at]) {
                took.sort();
                let part = |part: f64| took[((took.len() - 1) as f64 * part) as usize];
                println!(
                    "| {} | {workers} | {kind} | {:.0} | {:?} | {:?} |",
                    self.name,
                    took.len() as f64 / all.as_secs_f64(),
                    part(0.5),
                    part(0.99),
                );
            }
        }
    }
}

const WORKERS: [usize; 2] = [1, 16];

struct Redis(Child);

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// With every write synced to its log, or with none.
async fn redis(folder: &Folder, name: &str, synced: bool) -> Option<(Redis, RedisStore)> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
    let folder = folder.path(name);
    std::fs::create_dir_all(&folder).ok()?;
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--save", "", "--loglevel", "warning", "--dir"]);
    command.arg(&folder);
    if synced {
        command.args(["--appendonly", "yes", "--appendfsync", "always"]);
    }
    let process = Redis(command.stdout(Stdio::null()).spawn().ok()?);
    let store = RedisStore::builder(&format!("redis://127.0.0.1:{port}/")).ok()?;
    let store = store.require(Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH);
    // It is to be measured, and not to give up on a busy machine.
    let store = store.timeout(Duration::from_secs(20)).build().ok()?;
    support::eventually("Redis is there", async || store.ping().await.is_ok()).await;
    Some((process, store))
}

#[tokio::main]
async fn main() {
    let numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let numbers: Vec<usize> = numbers.collect();
    let number = |at: usize, default| numbers.get(at).copied().unwrap_or(default);
    let (rounds, count, million) = (number(0, 3), number(1, 4000), number(2, 100_000));
    let folder = Folder::new();
    let path = folder.path("figures.db");
    let memory = MemoryStore::builder();
    let memory = memory.require(Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH).build();
    let memory = MemorySessionStore::builder().revocations(memory).capacity(1_000_000).build();
    let mut all = vec![
        Candidate::new("memory", BoxSessionStore::new(memory)),
        Candidate::new("SQLite", BoxSessionStore::new(SqliteStore::open(&path).await.unwrap())),
    ];
    let postgres = Postgres::start(&["shared_buffers = 256MB"]);
    if let Some(postgres) = &postgres {
        let store = PostgresStore::connect(&postgres.url()).await.unwrap();
        let replica = Replica::builder(store.clone()).build().unwrap();
        replica.ready().await;
        all.push(Candidate::new("Postgres", BoxSessionStore::new(store)));
        all.push(Candidate::new("Postgres, replica", BoxSessionStore::new(replica)));
    }
    let plain = redis(&folder, "plain", false).await;
    let synced = redis(&folder, "synced", true).await;
    for (name, redis) in [("Redis, in memory", &plain), ("Redis, synced", &synced)] {
        if let Some((_, store)) = redis {
            all.push(Candidate::new(name, BoxSessionStore::new(store.clone())));
        }
    }
    for round in 0..rounds {
        for at in 0..WORKERS.len() {
            let first = round % all.len();
            for place in 0..all.len() {
                let candidate = (first + place) % all.len();
                all[candidate].run(at, count / rounds).await;
            }
        }
    }
    println!("| store | workers | | per second | p50 | p99 |\n|---|---|---|---|---|---|");
    all.iter_mut().for_each(Candidate::print);
    drop(all);

    println!("\n{million} sessions:");
    sqlite_of(&folder.path("million.db"), million).await;
    if let Some(postgres) = &postgres {
        postgres_of(postgres, million).await;
    }
}

/// How long something takes.
async fn timed<T>(future: impl Future<Output = T>) -> (T, Duration) {
    let begun = Instant::now();
    (future.await, begun.elapsed())
}

async fn sqlite_of(path: &std::path::Path, count: usize) {
    let clock = FakeClock::at(tower_bearer::clock::Clock::now(&SystemClock));
    let builder = SqliteStore::builder(path).clean_up_every(None).clock(clock.clone());
    let store = builder.timeout(Duration::from_secs(600)).build().unwrap();
    store.migrate().await.unwrap();
    let sessions = support::sessions_at(store.clone(), clock.clone());
    for _ in 0..10 {
        drop(support::login(&sessions, "ada").await);
    }
    // The record of a real one under other ids, ten for each key.
    let fill = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})
         INSERT INTO tower_bearer_sessions (id, version, record, index_key, remove_at)
         SELECT substr(hex(randomblob(11)), 1, 22), abs(random()) >> 1, sample.record,
            substr(printf('%043d', n / 10), 1, 43), sample.remove_at - n % 2 * 1000000000
         FROM n, (SELECT record, remove_at FROM tower_bearer_sessions LIMIT 1) AS sample"
    );
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(store.pool()).await.unwrap();
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    sqlx::raw_sql(checkpoint).execute(store.pool()).await.unwrap();
    let size = std::fs::metadata(path).unwrap().len();
    let (listed, list) = timed(sessions.sessions("ada")).await;
    assert_eq!(listed.unwrap().len(), 10);
    let (tokens, login) = timed(support::login(&sessions, "eve")).await;
    let (_, refresh) =
        timed(support::refresh(&sessions, tokens.refresh_token().expose_secret())).await;
    expire_half(&clock, &store_until_sqlite(&store).await);
    let (cleaned, clean_up) = timed(store.clean_up()).await;
    println!(
        "SQLite: {} bytes each, list of 10: {list:?}, login: {login:?}, refresh: {refresh:?}, clean-up of \
         {}: {clean_up:?}",
        size / count as u64,
        cleaned.unwrap().sessions
    );
}

/// The middle between those that go and those that stay.
fn expire_half(clock: &FakeClock, until: &i64) {
    let middle = Duration::from_millis(until.unsigned_abs() - 500_000_000);
    let now = tower_bearer::clock::Clock::now(clock).since_epoch();
    clock.advance(middle.saturating_sub(now));
}

async fn store_until_sqlite(store: &SqliteStore) -> i64 {
    let text = "SELECT max(remove_at) FROM tower_bearer_sessions";
    sqlx::query_scalar(text).fetch_one(store.pool()).await.unwrap()
}

async fn postgres_of(server: &Postgres, count: usize) {
    let clock = FakeClock::at(tower_bearer::clock::Clock::now(&SystemClock));
    let builder = PostgresStore::builder(&server.url()).unwrap().schema("million");
    let builder = builder.clean_up_every(None).clock(clock.clone());
    let store = builder.timeout(Duration::from_secs(600)).build().unwrap();
    store.migrate().await.unwrap();
    let sessions = support::sessions_at(store.clone(), clock.clone());
    for _ in 0..10 {
        drop(support::login(&sessions, "ada").await);
    }
    let fill = format!(
        "INSERT INTO million.sessions (id, version, record, index_key, remove_at)
         SELECT substr(md5(random()::text), 1, 22), n, sample.record, lpad((n / 10)::text, 43, '0'),
            sample.remove_at - n % 2 * 1000000000
         FROM generate_series(1, {count}) AS n,
            (SELECT record, remove_at FROM million.sessions LIMIT 1) AS sample"
    );
    for text in [&*fill, "VACUUM ANALYZE million.sessions"] {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(store.pool()).await.unwrap();
    }
    let size = "SELECT pg_total_relation_size('million.sessions')";
    let size: i64 = sqlx::query_scalar(size).fetch_one(store.pool()).await.unwrap();
    let (listed, list) = timed(sessions.sessions("ada")).await;
    assert_eq!(listed.unwrap().len(), 10);
    let (tokens, login) = timed(support::login(&sessions, "eve")).await;
    let (_, refresh) =
        timed(support::refresh(&sessions, tokens.refresh_token().expose_secret())).await;
    let until = "SELECT max(remove_at) FROM million.sessions";
    expire_half(&clock, &sqlx::query_scalar(until).fetch_one(store.pool()).await.unwrap());
    let (cleaned, clean_up) = timed(store.clean_up()).await;
    println!(
        "Postgres: {} bytes each, list of 10: {list:?}, login: {login:?}, refresh: {refresh:?}, clean-up \
         of {}: {clean_up:?}",
        size / count as i64,
        cleaned.unwrap().sessions
    );
}
