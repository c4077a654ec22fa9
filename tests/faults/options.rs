//! What is said on the command line.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Clone, Debug)]
pub struct Options {
    pub store: String,
    pub time: Duration,
    pub round: Duration,
    pub seed: u64,
    pub grace: Option<bool>,
    pub ask_store: bool,
    pub durable: bool,
    pub only: Vec<String>,
    pub plant: Option<String>,
    pub lines: usize,
    pub verbose: bool,
}

impl Options {
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut options = Self {
            store: "redis".into(),
            time: Duration::from_secs(60),
            round: Duration::from_secs(60),
            seed: u64::from(now.subsec_nanos()),
            grace: None,
            ask_store: false,
            durable: false,
            only: Vec::new(),
            plant: None,
            lines: 20,
            verbose: false,
        };
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            let number =
                |text: String| text.parse::<u64>().map_err(|_| format!("{text}: no number"));
            match name.as_str() {
                "--store" => options.store = value()?,
                "--minutes" => options.time = Duration::from_secs(60 * number(value()?)?),
                "--seconds" => options.time = Duration::from_secs(number(value()?)?),
                "--round" => options.round = Duration::from_secs(number(value()?)?),
                "--seed" => options.seed = number(value()?)?,
                "--grace" => options.grace = Some(true),
                "--no-grace" => options.grace = Some(false),
                "--ask-store" => options.ask_store = true,
                "--durable" => options.durable = true,
                "--fault" => options.only.push(value()?),
                "--plant" => options.plant = Some(value()?),
                "--lines" => options.lines = usize::try_from(number(value()?)?).unwrap_or(20),
                "--verbose" => options.verbose = true,
                other => return Err(format!("unknown option {other}")),
            }
        }
        Ok(options)
    }
}
