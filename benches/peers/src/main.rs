//! tower-bearer beside its peers: what a request costs, in one process.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml`, with `-- --quick` for a first look.
//!
//! - Measured is the whole of `Service::call` of a peer's middleware, to the response and its drop,
//!   without network. The same service alone, with no layer, is subtracted.
//! - Every contender has to show first that it does the work: accepts the good token, hands its
//!   claims on, refuses forged ones. Who does not is not measured. What it lets through besides,
//!   such as another audience, is said.
//! - Contenders take turns in short rounds, in another order each time, so that what the machine
//!   does meanwhile hits all of them. A ratio is the median over rounds of a contender's time
//!   divided by the bare signature check's of the same round.
//! - All are configured to check signature, `iss`, `aud`, `exp` and `nbf`, with one of three keys
//!   chosen by `kid`, and deserialize the same claims type, as far as they can.

mod allocator;
mod contenders;
mod inner;
mod jwks_server;
mod lineup;
mod measure;
mod proof;
mod provider;
mod report;
mod setup;

use std::time::Duration;

use tower_bearer::Algorithm;

use contenders::Contender;
use lineup::{Entry, Lineup, shared};
use measure::{allocations_of_a_call, median, quantile, rounds, two_threads};
use report::{Notes, Table, circumstances, version};
use setup::{Setup, Token};

const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// Of which allocations, rejections and two threads are measured.
const ONE: Algorithm = Algorithm::RS256;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let long = |seconds: u64| Duration::from_millis(seconds * if quick { 100 } else { 1000 });
    provider::install();
    println!("{}\n", circumstances());

    let contenders = contenders::all();
    let names: Vec<_> = contenders.iter().map(|contender| contender.name).collect();
    let whole = contenders.iter().filter(|contender| !contender.part);
    let whole: Vec<_> = whole.map(|contender| contender.name).collect();
    let mut tables = Tables {
        accepted: Table::new("accepted", names),
        rejected: Table::new("RS256, microseconds", whole.clone()),
        threads: Table::new("RS256, one token", whole),
        notes: Notes::default(),
    };
    for algorithm in ALGORITHMS {
        measure_algorithm(algorithm, &contenders, &mut tables, &long);
    }
    for contender in &contenders {
        if let Some(note) = contender.note {
            tables.notes.add(contender.name, note);
        }
    }
    tables.print(&contenders);
}

struct Tables {
    accepted: Table,
    rejected: Table,
    threads: Table,
    notes: Notes,
}

impl Tables {
    fn print(&self, contenders: &[Contender]) {
        self.accepted.print(&self.notes);
        self.rejected.print(&self.notes);
        self.threads.print(&self.notes);
        self.notes.print();
        let mut packages: Vec<_> = contenders.iter().map(|contender| contender.package).collect();
        packages.dedup();
        let versions: Vec<_> =
            packages.iter().map(|package| format!("{package} {}", version(package))).collect();
        println!("Versions: {}.", versions.join(", "));
        println!("`cargo bench --manifest-path benches/peers/Cargo.toml`");
    }
}

fn measure_algorithm(
    algorithm: Algorithm,
    contenders: &[Contender],
    tables: &mut Tables,
    long: &dyn Fn(u64) -> Duration,
) {
    let setup = Setup::new(algorithm);
    let mut lineup = Lineup::new(contenders, &setup);
    for (row, reason) in &lineup.absent {
        println!("{algorithm}: {row} is not measured: {reason}");
        tables.notes.add(row, &format!("not with {algorithm}: {reason}"));
    }
    for (row, fault) in &lineup.faults {
        println!("{algorithm}: {row} {fault}");
        tables.notes.add(row, fault);
    }
    assert_eq!(
        lineup.entries.first().map(|entry| entry.contender.name),
        Some(contenders::CHECK.name),
        "the yardstick comes first",
    );
    let good = lineup.entries[0].authorization.clone();
    lineup.entries.push(Entry::floor(good));
    let times = rounds(&mut lineup.entries, |entry| Some(entry.authorization.clone()), long(20));
    accepted(algorithm, &lineup.entries, &times, &mut tables.accepted);
    if algorithm == ONE {
        let floor = lineup.entries.last_mut().expect("the floor is the last");
        let floor = {
            let header = floor.authorization.clone();
            allocations_of_a_call(floor, &header)
        };
        for entry in &mut lineup.entries {
            let header = entry.authorization.clone();
            let more = allocations_of_a_call(entry, &header) - floor;
            tables.accepted.set(entry.contender.name, "allocations (RS256)", format!("{more:.0}"));
        }
        rejected(&setup, &mut lineup.entries, &mut tables.rejected, long);
        let turns = if quick_turns(long) { 3 } else { 15 };
        for entry in lineup.entries.iter().filter(|entry| !entry.contender.part) {
            let more = format!("{:.2} ×", two_threads(entry, turns));
            tables.threads.set(entry.contender.name, "two threads do, of what one does", more);
        }
    }
}

fn quick_turns(long: &dyn Fn(u64) -> Duration) -> bool {
    long(1) < Duration::from_secs(1)
}

/// Fills the column of this algorithm.
fn accepted(algorithm: Algorithm, entries: &[Entry], times: &[Vec<f64>], table: &mut Table) {
    let (Some(bare), Some(floor)) = (times.first(), times.last()) else { return };
    for (entry, times) in entries.iter().zip(times).take(entries.len() - 1) {
        let per_round = times.iter().zip(bare).zip(floor);
        let ratios = per_round.map(|((time, bare), floor)| (time - floor) / (bare - floor));
        let ratio = median(ratios.collect());
        let micros = median(times.iter().zip(floor).map(|(t, f)| t - f).collect()) / 1000.0;
        let cell = format!("{ratio:.2} ({micros:.2} µs)");
        table.set(entry.contender.name, algorithm.as_str(), cell);
    }
    let spread = [0.25, 0.75].map(|share| quantile(bare.clone(), share) / 1000.0);
    println!(
        "{algorithm}: {} rounds; of the bare check the middle half within {:.2} and {:.2} µs; \
         floor {:.2} µs",
        bare.len(),
        spread[0],
        spread[1],
        median(floor.clone()) / 1000.0,
    );
}

/// Fills the table of rejections.
fn rejected(
    setup: &Setup,
    entries: &mut [Entry],
    table: &mut Table,
    long: &dyn Fn(u64) -> Duration,
) {
    let garbage = shared(&format!("Bearer {}", "garbage/".repeat(100)));
    type Choice<'a> = Box<dyn Fn(&Entry) -> Option<bytes::Bytes> + 'a>;
    let cases: [(&str, Choice); 5] = [
        ("good, for comparison", Box::new(|entry| Some(entry.authorization.clone()))),
        ("no header", Box::new(|_| None)),
        ("garbage", Box::new(|_| Some(garbage.clone()))),
        ("expired", Box::new(|entry| Some(entry.header(setup, Token::Expired)))),
        ("forged", Box::new(|entry| Some(entry.header(setup, Token::Impostor)))),
    ];
    for (case, header) in &cases {
        let times = rounds(entries, header, long(6));
        let Some(floor) = times.last() else { return };
        for (entry, times) in entries.iter_mut().zip(&times) {
            let time = median(times.iter().zip(floor).map(|(t, f)| t - f).collect()) / 1000.0;
            let header = header(entry);
            let status = entry.call(lineup::request(header.as_ref()));
            let through = *case != "good, for comparison" && inner::take_seen().is_some();
            let cell = if through || (status.is_success() && *case == "no header") {
                "lets through".to_owned()
            } else {
                format!("{time:.2}")
            };
            table.set(entry.contender.name, case, cell);
        }
    }
}
