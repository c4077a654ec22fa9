//! What sessions cost, one call after the other: median, 99th percentile, and for Redis the commands that
//! run for a call and the requests that it waits for.
//!
//! Needs a `redis-server` on the PATH. `cargo bench -p tower-bearer-benches --bench sessions`, with `CALLS`
//! in the environment if others are wanted than 2000.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tower_bearer::clock::{Clock, SystemClock};
use tower_bearer::issuer::session::{
    BoxSessionStore, MemorySessionStore, NewSession, RefreshRequest, Sessions,
};
use tower_bearer::issuer::single_use::SingleUse;
use tower_bearer::issuer::{Issuer, SigningKeys};
use tower_bearer::key::Secret;
use tower_bearer::redis_store::{RedisStore, Replica};
use tower_bearer::revocation::{Identifiers, RevocationStore, TokenIdentity};
use tower_bearer_tests::redis_server::RedisServer;

const NAME: &str = "https://id.example.com";

fn main() -> ExitCode {
    let Some(server) = RedisServer::start(&[]) else { return ExitCode::SUCCESS };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let calls = std::env::var("CALLS").ok().and_then(|text| text.parse().ok()).unwrap_or(2000);
    println!("{calls} calls each, one after the other; times in microseconds\n");
    println!("| store | call | median | p99 | commands | requests |");
    println!("|---|---|--:|--:|--:|--:|");
    runtime.block_on(async {
        let memory = BoxSessionStore::new(MemorySessionStore::new());
        measure("memory", memory, calls, None).await;
        let store = |prefix: &str| {
            let store = RedisStore::builder(&server.url()).unwrap().prefix(prefix);
            let store = store.require(Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH);
            store.timeout(Duration::from_secs(5)).build().unwrap()
        };
        measure("Redis", BoxSessionStore::new(store("a")), calls, Some(&server)).await;
        let replica = Replica::builder(store("b")).build().unwrap();
        replica.ready().await;
        measure("replica of Redis", BoxSessionStore::new(replica), calls, Some(&server)).await;
    });
    ExitCode::SUCCESS
}

/// How many commands Redis ran, those of scripts among them, and how many requests it was sent: each
/// asks once for its role.
fn commands(server: &RedisServer) -> (f64, f64) {
    let text =
        |command: &str| -> String { redis::from_redis_value(server.command(command)).unwrap() };
    let stats = text("INFO commandstats");
    let of = |name: &str| {
        let found = stats.split(&format!("cmdstat_{name}:calls=")).nth(1);
        found.and_then(|rest| rest.split(',').next()?.parse::<f64>().ok()).unwrap_or_default()
    };
    let total: f64 = stats
        .lines()
        .filter_map(|line| line.split_once(":calls=")?.1.split(',').next()?.parse::<f64>().ok())
        .sum();
    (total, of("role"))
}

async fn measure(store: &str, kept: BoxSessionStore, calls: usize, server: Option<&RedisServer>) {
    let keys = SigningKeys::hs256(&Secret::new("a secret of 32 bytes or more, please")).unwrap();
    let issuer = Issuer::builder().keys(keys).issuer(NAME).audience("api").build().unwrap();
    let sessions = Sessions::builder(issuer, kept.clone()).build().unwrap();
    let links = SingleUse::new(NAME, kept.clone());
    let mut begun = Vec::with_capacity(calls);
    let table = Table { store, calls, server };

    let mut row = table.row("login");
    for number in 0..calls {
        let new = NewSession::new(format!("user-{number}"), "web").scope("a b").device("Firefox");
        begun.push(row.time(sessions.begin(new)).await.unwrap());
    }
    row.print();
    let mut row = table.row("refresh");
    for tokens in &mut begun {
        let token = tokens.refresh_token().expose_secret().to_owned();
        *tokens = row.time(sessions.refresh(RefreshRequest::new(&token, "web"))).await.unwrap();
    }
    row.print();
    let identity = |number: usize| {
        let id = TokenIdentity::new()
            .with_issuer(NAME)
            .with_session_id(begun[number].session().id.as_str());
        id.with_subject(format!("user-{number}")).with_issued_at(SystemClock.now()).into_owned()
    };
    let mut row = table.row("status");
    for number in 0..calls {
        let token = identity(number);
        let known = async {
            match kept.known(&token) {
                Some(known) => known,
                None => kept.status(&token).await,
            }
        };
        assert!(!row.time(known).await.unwrap().is_revoked());
    }
    row.print();
    let mut row = table.row("list");
    for number in 0..calls {
        let subject = format!("user-{number}");
        assert_eq!(row.time(sessions.sessions(&subject)).await.unwrap().len(), 1);
    }
    row.print();
    let half = calls / 2;
    let mut row = table.row("logout");
    for tokens in &begun[..half] {
        let token = tokens.refresh_token().expose_secret();
        assert!(row.time(sessions.end_by_token(token)).await.unwrap().was_live());
    }
    row.print();
    let mut row = table.row("logout everywhere");
    for number in half..calls {
        let subject = format!("user-{number}");
        let ended = row.time(sessions.end_all(&subject)).await.unwrap();
        assert_eq!(ended.sessions.len(), 1);
    }
    row.print();
    let (mut mint, mut redeem) = (table.row("mint a link"), Vec::new());
    for number in 0..calls {
        let subject = format!("other-{number}");
        let subject = links.subject(&subject);
        let minted = subject.mint("reset", "x", Duration::from_secs(900));
        redeem.push(mint.time(minted).await.unwrap());
    }
    mint.print();
    let mut row = table.row("redeem a link");
    for token in &redeem {
        let yields = links.redeem::<String>("reset", token.expose_secret());
        assert_eq!(row.time(yields).await.unwrap(), "x");
    }
    row.print();
}

#[derive(Clone, Copy)]
struct Table<'a> {
    store: &'a str,
    calls: usize,
    server: Option<&'a RedisServer>,
}

struct Row<'a> {
    table: Table<'a>,
    call: &'a str,
    took: Vec<Duration>,
}

impl<'a> Table<'a> {
    fn row(self, call: &'a str) -> Row<'a> {
        if let Some(server) = self.server {
            server.command("CONFIG RESETSTAT");
        }
        Row { table: self, call, took: Vec::with_capacity(self.calls) }
    }
}

impl Row<'_> {
    async fn time<T>(&mut self, call: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let answer = call.await;
        self.took.push(start.elapsed());
        answer
    }

    fn print(mut self) {
        let each = self.took.len() as f64;
        let ran = self.table.server.map(commands);
        let ran =
            ran.map(|(all, asked)| (format!("{:.1}", all / each), format!("{:.1}", asked / each)));
        let (all, asked) = ran.unwrap_or_default();
        self.took.sort_unstable();
        let at = |part: usize| self.took[self.took.len() * part / 100].as_secs_f64() * 1e6;
        let (store, call) = (self.table.store, self.call);
        println!("| {store} | {call} | {:.1} | {:.1} | {all} | {asked} |", at(50), at(99));
    }
}
