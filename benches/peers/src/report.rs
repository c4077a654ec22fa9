//! The tables, as Markdown, and what has to be known to read them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// A table whose cells are filled in any order.
pub(crate) struct Table {
    corner: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<&'static str>,
    cells: BTreeMap<(&'static str, &'static str), String>,
}

impl Table {
    pub(crate) fn new(
        corner: &'static str,
        rows: Vec<&'static str>,
        columns: Vec<&'static str>,
    ) -> Self {
        Self { corner, columns, rows, cells: BTreeMap::new() }
    }

    pub(crate) fn set(&mut self, row: &'static str, column: &'static str, cell: String) {
        self.cells.insert((row, column), cell);
    }

    /// Prints it; what was not filled is a dash, and rows have the marks of their footnotes.
    pub(crate) fn print(&self, notes: &Notes) {
        println!("| {} | {} |", self.corner, self.columns.join(" | "));
        println!("|---|{}", "--:|".repeat(self.columns.len()));
        for row in &self.rows {
            let cell = |column: &&'static str| {
                self.cells.get(&(*row, *column)).map_or("—", String::as_str)
            };
            let cells: Vec<_> = self.columns.iter().map(cell).collect();
            println!("| {row}{} | {} |", notes.marks(row), cells.join(" | "));
        }
        println!();
    }
}

/// Footnotes: each text once, with the rows that it is about.
#[derive(Default)]
pub(crate) struct Notes(Vec<(String, Vec<&'static str>)>);

impl Notes {
    pub(crate) fn add(&mut self, row: &'static str, text: &str) {
        let at = self.0.iter().position(|(known, _)| known == text).unwrap_or_else(|| {
            self.0.push((text.to_owned(), Vec::new()));
            self.0.len() - 1
        });
        let rows = &mut self.0[at].1;
        if !rows.contains(&row) {
            rows.push(row);
        }
    }

    fn marks(&self, row: &str) -> String {
        let about = |(at, (_, rows)): (usize, &(String, Vec<&str>))| {
            rows.contains(&row).then(|| (at + 1).to_string())
        };
        let marks: Vec<_> = self.0.iter().enumerate().filter_map(about).collect();
        if marks.is_empty() { String::new() } else { format!(" <sup>{}</sup>", marks.join(",")) }
    }

    pub(crate) fn print(&self) {
        for (at, (text, _)) in self.0.iter().enumerate() {
            println!("{}. {text}.", at + 1);
        }
        println!();
    }
}

/// Where and when: the processor, how busy the machine is, the day.
pub(crate) fn circumstances() -> String {
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = processor.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, value)| value.trim())
    };
    let flag = |name: &str| field("flags").split(' ').any(|flag| flag == name);
    let sha = if flag("sha_ni") { "with" } else { "without" };
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    let date = said_by("date", &["--utc", "+%Y-%m-%d"]);
    let rustc = said_by("rustc", &["--version"]);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{} (family {}, model {}, {sha} sha_ni), {cores} cores, load at the start {load}; {rustc}; {date}",
        field("model name"),
        field("cpu family"),
        field("model\t"),
    )
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| "unknown".to_owned())
}

/// The version of a package that was compiled in, the newest if there are several.
pub(crate) fn version(package: &str) -> String {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock = std::fs::read_to_string(lock).unwrap_or_default();
    let name = format!("name = \"{package}\"\nversion = \"");
    let found = lock.rsplit_once(&name).and_then(|(_, rest)| rest.split_once('"'));
    found.map_or("unknown", |(version, _)| version).to_owned()
}
