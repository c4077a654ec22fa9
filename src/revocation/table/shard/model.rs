//! Readers against the writer of one table, in every interleaving that the memory model of Rust
//! allows, found by loom: `RUSTFLAGS='--cfg tower_bearer_loom' cargo test --lib --release model`.
//!
//! There is one writer: the shard's lock sees to that.

use loom::sync::Arc;
use loom::thread;

use super::*;

const TAG: u32 = 0;

/// Prints with the same mark: what tells them apart is the print alone.
const STAYS: u64 = 2 << 56;
const EXPIRED: u64 = STAYS + 1;
const NEW: u64 = STAYS + 2;

fn tables() -> Arc<Table> {
    let table = Table::with_room_for(3, true);
    table.place(EXPIRED, pack(10, TAG), 50);
    table.place(STAYS, pack(FOREVER, TAG), 70);
    Arc::new(table)
}

/// Runs the writer beside one reader of this print, which hands what it found to `judge`.
fn against(
    write: impl Fn(&Table) + Send + Sync + 'static,
    print: u64,
    judge: impl Fn(Option<u64>) + Send + Sync + 'static,
) {
    let (write, judge) = (std::sync::Arc::new(write), std::sync::Arc::new(judge));
    loom::model(move || {
        let table = tables();
        let (read, judge) = (Arc::clone(&table), std::sync::Arc::clone(&judge));
        let reader = thread::spawn(move || judge(read.get(print, TAG)));
        write(&table);
        reader.join().unwrap();
    });
}

fn replace_expired(table: &Table) {
    let slot = table.find(EXPIRED, TAG).unwrap();
    table.bury(slot);
    table.place(NEW, pack(FOREVER, TAG), 90);
}

#[test]
fn an_entry_in_force_is_found_whatever_becomes_of_its_neighbours() {
    against(replace_expired, STAYS, |found| assert_eq!(found, Some(70)));
}

#[test]
fn an_entry_that_goes_never_shows_the_bound_of_the_one_in_its_place() {
    against(replace_expired, EXPIRED, |found| assert!([None, Some(50)].contains(&found)));
}

#[test]
fn an_entry_that_comes_shows_its_own_bound_or_nothing() {
    against(replace_expired, NEW, |found| assert!([None, Some(90)].contains(&found)));
}

#[test]
fn a_bound_in_force_only_rises() {
    let stronger = |table: &Table| {
        let slot = table.find(STAYS, TAG).unwrap();
        for bound in [60, 80] {
            let print = Fingerprint { first: u64::from(TAG), second: STAYS };
            table.strengthen(slot, &Entry { print, keep_until: 10, bound }, 5);
        }
    };
    against(stronger, STAYS, |found| assert!([Some(70), Some(80)].contains(&found)));
}

#[test]
fn the_end_of_a_run_that_is_cleared_hides_nothing() {
    let clear = |table: &Table| {
        // the new one goes to the end of the run and away again, and its gravestone is cleared
        table.place(NEW, pack(10, TAG), 90);
        let slot = table.find(NEW, TAG).unwrap();
        table.bury(slot);
        table.bury(table.find(EXPIRED, TAG).unwrap());
    };
    against(clear, STAYS, |found| assert_eq!(found, Some(70)));
}
