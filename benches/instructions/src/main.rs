//! What a request costs, in instructions and allocations: figures that a busy machine does not change.
//!
//! `cargo run --release --manifest-path benches/instructions/Cargo.toml`, with the names of rows behind
//! `--` for those alone. It runs itself under valgrind's callgrind, which must be installed.
//!
//! - Counted is the whole of `Service::call`, to the response and its drop. What the same request costs
//!   without a layer is subtracted.
//! - Each figure is what 1,000 requests more cost, divided by 1,000: what is done once is not in it.
//! - valgrind hides some of the processor's instructions from the crypto library, SHA-NI among them. The
//!   bare signature check has a row of its own to subtract.

#[path = "../../request/counting.rs"]
mod counting;
mod rows;
mod threads;

use std::env;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// Enough for what is made at the first requests to be there.
const BEFORE: u64 = 100;
const COUNTED: u64 = 1000;
/// How the program is told that it runs under valgrind.
const CHILD: &str = "--count";
/// How it is told to measure time instead: `-- --time "seen before" 10000`, the row and the requests of a
/// turn. The floor is a row, too.
const TIME: &str = "--time";
const TURNS: usize = 100;
/// How it is told to measure what two threads do.
const THREADS: &str = "--threads";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, row, times] = arguments.as_slice()
        && [CHILD, TIME].contains(&flag.as_str())
    {
        let run = rows::all().into_iter().find(|(name, _)| name == row);
        let (Some((_, run)), Ok(times)) = (run, times.parse()) else { return ExitCode::FAILURE };
        if flag == CHILD {
            println!("{}", run(times));
        } else {
            println!("{:.0} ns", best(run, times));
        }
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == THREADS) {
        threads::print();
        return ExitCode::SUCCESS;
    }
    let chosen = |name: &str| arguments.is_empty() || arguments.iter().any(|wanted| wanted == name);
    println!("| row | instructions | allocations |\n|---|--:|--:|");
    for (name, _) in rows::all() {
        if !chosen(name) {
            continue;
        }
        match [BEFORE, BEFORE + COUNTED].map(|times| counted(name, times)) {
            [Ok(less), Ok(more)] => {
                let [instructions, allocations] =
                    [more.0 - less.0, more.1 - less.1].map(|all| all as f64 / COUNTED as f64);
                println!("| {name} | {instructions:.0} | {allocations:.2} |");
            }
            [Err(why), _] | [_, Err(why)] => {
                eprintln!("{name}: {why}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// The time of a request in the fastest of many turns: what else the machine does can only make it
/// longer. What is done before the first request is subtracted.
fn best(run: rows::Run, times: u64) -> f64 {
    let turn = |times| {
        let begun = Instant::now();
        run(times);
        begun.elapsed().as_nanos() as f64
    };
    let fastest = |times| (0..TURNS).map(|_| turn(times)).fold(f64::INFINITY, f64::min);
    (fastest(BEFORE + times) - fastest(BEFORE)) / times as f64
}

/// Instructions and allocations of so many requests of a row.
fn counted(row: &str, times: u64) -> Result<(u64, u64), String> {
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*measured*", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args([CHILD, row, &times.to_string()])
        .output()
        .map_err(|error| format!("valgrind does not run: {error}"))?;
    let (told, log) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let collected = log.lines().find_map(|line| line.split_once("Collected : "));
    let instructions = collected.and_then(|(_, count)| count.trim().parse().ok());
    let allocations = told.trim().parse().ok();
    instructions.zip(allocations).ok_or_else(|| format!("no count: {log}"))
}
