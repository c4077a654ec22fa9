//! A local copy, on every node, of the revocations in a shared log (feature `replica`).

mod name;
mod table;

pub use self::name::{EntryName, LogEntry};
pub(crate) use self::table::Table;
