//! tower-bearer beside its peers: what a request costs, in one process.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml`, with `-- --quick` for a first look.
//! The tables come on stdout, progress on stderr.
//!
//! - Measured is the whole of `Service::call` of a peer's middleware, to the response and its drop,
//!   without network. The same service alone, with no layer, is subtracted.
//! - Every contender has to show first that it does the work: accepts the good token, hands its
//!   claims on, refuses forged ones. One that does not is not measured. What it lets through besides,
//!   such as another audience, is said.
//! - Contenders take turns in short rounds, in another order each time, so that what the machine
//!   does meanwhile hits all of them. A ratio is the median over rounds of a contender's time
//!   divided by the bare signature check's of the same round.
//! - All are configured to check signature, `iss`, `aud`, `exp` and `nbf`, with one of three keys
//!   chosen by `kid`, and deserialize the same claims type, as far as they can.

#[path = "../../request/counting.rs"]
mod allocator;
mod contenders;
mod entry;
mod inner;
mod jwks_server;
mod lineup;
mod measure;
mod proof;
mod provider;
mod report;
mod setup;
mod tables;

use std::time::Duration;

use tower_bearer::Algorithm;

use contenders::Contender;
use entry::Entry;
use lineup::Lineup;
use measure::rounds;
use setup::Setup;
use tables::Tables;

const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// Of which allocations, rejections and two threads are measured.
const ONE: Algorithm = Algorithm::RS256;

/// How long is measured.
struct Budget {
    algorithm: Duration,
    rejection: Duration,
    thread_turns: usize,
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let budget = Budget {
        algorithm: Duration::from_secs(if quick { 2 } else { 20 }),
        rejection: Duration::from_secs(if quick { 1 } else { 8 }),
        thread_turns: if quick { 3 } else { 25 },
    };
    provider::install();
    let circumstances = report::circumstances();
    let contenders = contenders::all();
    let mut tables = Tables::new(&contenders);
    for algorithm in ALGORITHMS {
        measure_all(algorithm, &contenders, &mut tables, &budget);
    }
    println!("{circumstances}\n");
    tables.print(&contenders);
}

fn measure_all(
    algorithm: Algorithm,
    contenders: &[Contender],
    tables: &mut Tables,
    budget: &Budget,
) {
    let setup = Setup::new(algorithm);
    let Lineup { mut entries, absent, faults } = Lineup::new(contenders, &setup);
    for (row, reason) in &absent {
        eprintln!("{algorithm}: {row} is not measured: {reason}");
        tables.notes.add(row, &format!("not with {algorithm}: {reason}"));
    }
    for (row, fault) in &faults {
        eprintln!("{algorithm}: {row} {fault}");
        tables.notes.add(row, fault);
    }
    let first = entries.first().map(|entry| entry.contender.name);
    assert_eq!(first, Some(contenders::CHECK.name), "the yardstick comes first");
    entries.push(Entry::floor(entries[0].authorization.clone()));

    let good = |entry: &Entry| Some(entry.authorization.clone());
    let times = rounds(&mut entries, good, budget.algorithm);
    tables.accepted(algorithm, &entries, &times);
    if algorithm == ONE {
        tables.allocations(&mut entries);
        tables.rejected(&setup, &mut entries, budget.rejection);
        tables.threads(&entries, budget.thread_turns);
    }
}
