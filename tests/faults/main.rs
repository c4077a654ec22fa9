//! The fault program: nodes over a real store, clients, thieves, a nemesis, and a checker that knows
//! only the history of calls and answers. It decides whether what was taken back stayed taken back.
//!
//! ```text
//! cargo run --release -p tower-bearer-tests --bin faults -- --store redis --minutes 60 --seed 7
//! ```
//!
//! | Option | |
//! |---|---|
//! | `--store` | `memory`, `redis`, `redis-sentinel` or `redis-cluster` |
//! | `--minutes`, `--seconds` | for how long; a minute by default |
//! | `--seed` | what all choices depend on; printed, and by default another one each time |
//! | `--round` | how long one round takes, in seconds: each begins with new nodes and an empty store; 60 by default |
//! | `--grace`, `--no-grace` | whether spent refresh tokens yield successors until one was used; by the seed by default |
//! | `--ask-store` | a node that cannot know asks the store instead of answering 503 |
//! | `--durable` | an answer waits until a replica of the store has what was done |
//! | `--fault` | only this fault, by name; may be given several times |
//! | `--plant` | puts this fault into the nodes, or `all` of them one after the other, and succeeds if the checker finds it |
//! | `--lines` | how many offences are printed in full; 20 by default |
//! | `--verbose` | the nodes' own words, and each fault as it happens |
//!
//! The exit status is 0 if every promise was kept. Everything runs on the loopback interface, in
//! processes and a directory that are gone when the program is.
#![allow(
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::string_slice,
    missing_docs,
    unreachable_pub,
    reason = "a program of tests"
)]

mod checker;
mod driver;
mod history;
mod node;
mod options;
mod plant;
mod report;
mod rng;
mod store;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("--guard"), Some(dir)) => {
            driver::process::guard(dir.as_ref());
            ExitCode::SUCCESS
        }
        (Some("--node"), Some(config)) => node(&config),
        _ => drive(),
    }
}

fn node(config: &str) -> ExitCode {
    let done = runtime().and_then(|runtime| {
        let config = serde_json::from_str(config)?;
        runtime.block_on(node::run(config))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("node: {error}");
            ExitCode::FAILURE
        }
    }
}

fn drive() -> ExitCode {
    let options = match options::Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let done = runtime().and_then(|runtime| Ok(runtime.block_on(driver::run::run(options))?));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the run could not be made: {error}");
            ExitCode::from(2)
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Box<dyn std::error::Error>> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
