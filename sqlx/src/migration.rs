//! [`Migration`]: what makes the tables.

/// A change to the tables, for a migration tool of your own. The stores' `migrate` does the same,
/// and each knows which were done by the other: each writes down its version.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migration {
    /// From 1 on, without gaps.
    pub version: u32,
    /// Statements, each ending with a semicolon. To be run in one transaction.
    pub sql: String,
}
