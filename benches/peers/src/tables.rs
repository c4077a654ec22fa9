//! What is measured, and in which table it is told.

use std::time::Duration;

use bytes::Bytes;
use tower_bearer::Algorithm;

use crate::contenders::{Contender, Kind};
use crate::entry::{Entry, request, shared};
use crate::inner::take_seen;
use crate::measure::{allocations_of_a_call, median, quantile, rounds, two_threads};
use crate::report::{Notes, Table, version};
use crate::setup::{Setup, Token};

const ALLOCATIONS: &str = "allocations (RS256)";
const BEST: &str = "best peer, each column";
const CASES: [&str; 5] = ["good, for comparison", "no header", "garbage", "expired", "forged"];
const TWO: &str = "what two threads do, of what one does";

pub(crate) struct Tables {
    accepted: Table,
    rejected: Table,
    threads: Table,
    pub(crate) notes: Notes,
}

impl Tables {
    pub(crate) fn new(contenders: &[Contender]) -> Self {
        let whole = contenders.iter().filter(|contender| contender.kind != Kind::Yardstick);
        let whole: Vec<_> = whole.map(|contender| contender.name).collect();
        let mut all: Vec<_> = contenders.iter().map(|contender| contender.name).collect();
        all.push(BEST);
        let algorithms = crate::ALGORITHMS.map(Algorithm::as_str);
        let mut notes = Notes::default();
        for contender in contenders {
            contender.notes.iter().for_each(|note| notes.add(contender.name, note));
        }
        Self {
            accepted: Table::new(
                "accepted",
                all,
                algorithms.into_iter().chain([ALLOCATIONS]).collect(),
            ),
            rejected: Table::new("RS256, rejected, µs", whole.clone(), CASES.to_vec()),
            threads: Table::new("RS256, one token", whole, vec![TWO]),
            notes,
        }
    }

    /// Fills the column of this algorithm. The yardstick comes first, the floor last.
    pub(crate) fn accepted(&mut self, algorithm: Algorithm, entries: &[Entry], times: &[Vec<f64>]) {
        let [bare, .., floor] = times else { return };
        let column = algorithm.as_str();
        let mut best = f64::INFINITY;
        for (entry, times) in entries.iter().zip(times).take(entries.len() - 1) {
            let per_round = times.iter().zip(bare).zip(floor);
            let ratios = per_round.map(|((time, bare), floor)| (time - floor) / (bare - floor));
            let ratio = median(ratios.collect());
            if entry.contender.kind == Kind::Peer {
                best = best.min(ratio);
            }
            let cell = format!("{ratio:.2} ({:.2} µs)", micros(times, floor));
            self.accepted.set(entry.contender.name, column, cell);
        }
        self.accepted.set(BEST, column, format!("{best:.2}"));
        let half = [0.25, 0.75].map(|share| quantile(bare.clone(), share) / 1000.0);
        eprintln!(
            "{algorithm}: {} rounds; half of the bare checks between {:.2} and {:.2} µs; floor \
             {:.2} µs",
            bare.len(),
            half[0],
            half[1],
            median(floor.clone()) / 1000.0,
        );
    }

    /// Fills the column of allocations.
    pub(crate) fn allocations(&mut self, entries: &mut [Entry]) {
        let Some((floor, entries)) = entries.split_last_mut() else { return };
        let floor = allocations_of_a_call(floor);
        let mut best = f64::INFINITY;
        for entry in entries {
            let more = allocations_of_a_call(entry) - floor;
            if entry.contender.kind == Kind::Peer {
                best = best.min(more);
            }
            self.accepted.set(entry.contender.name, ALLOCATIONS, format!("{more:.0}"));
        }
        self.accepted.set(BEST, ALLOCATIONS, format!("{best:.0}"));
    }

    /// Fills the table of rejections.
    pub(crate) fn rejected(&mut self, setup: &Setup, entries: &mut [Entry], long: Duration) {
        let garbage = shared(&format!("Bearer {}", "garbage/".repeat(100)));
        for case in CASES {
            let header = |entry: &Entry| -> Option<Bytes> {
                match case {
                    "no header" => None,
                    "garbage" => Some(garbage.clone()),
                    "expired" => Some(entry.header(setup, Token::Expired)),
                    "forged" => Some(entry.header(setup, Token::Impostor)),
                    _ => Some(entry.authorization.clone()),
                }
            };
            let times = rounds(entries, header, long);
            let Some(floor) = times.last() else { return };
            for (entry, times) in entries.iter_mut().zip(&times) {
                let header = header(entry);
                take_seen();
                let status = entry.call(request(header.as_ref()));
                let cell = if case != CASES[0] && status.is_success() {
                    "lets through".to_owned()
                } else {
                    format!("{:.2}", micros(times, floor))
                };
                self.rejected.set(entry.contender.name, case, cell);
            }
        }
    }

    /// Fills the table of threads.
    pub(crate) fn threads(&mut self, entries: &[Entry], turns: usize) {
        for entry in entries {
            if entry.contender.kind != Kind::Yardstick {
                let more = two_threads(entry, turns);
                self.threads.set(entry.contender.name, TWO, format!("{more:.2} ×"));
            }
        }
    }

    pub(crate) fn print(&self, contenders: &[Contender]) {
        self.accepted.print(&self.notes);
        self.rejected.print(&self.notes);
        self.threads.print(&self.notes);
        self.notes.print();
        let mut packages: Vec<_> = contenders.iter().map(|contender| contender.package).collect();
        packages.dedup();
        let versions: Vec<_> =
            packages.iter().map(|package| format!("{package} {}", version(package))).collect();
        println!("Versions: {}.\n", versions.join(", "));
        println!("`cargo bench --manifest-path benches/peers/Cargo.toml`");
    }
}

/// The median of what is more than the floor of the same round, in microseconds.
fn micros(times: &[f64], floor: &[f64]) -> f64 {
    median(times.iter().zip(floor).map(|(time, floor)| time - floor).collect()) / 1000.0
}
