//! Removal of what has expired: a few rows at a time, so that nobody waits for it.

use std::sync::Weak;
use std::time::Duration;

use tower_bearer::store::StoreError;

/// How many rows go in one step.
pub(crate) const BATCH: i64 = 500;
/// How often the task looks for more, unless told otherwise.
pub(crate) const EVERY: Duration = Duration::from_secs(60);
/// For how much longer than needed everything is kept: clocks differ.
pub(crate) const MARGIN: Duration = Duration::from_secs(60);

/// How many rows were removed because they had expired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CleanedUp {
    /// Sessions, live ones that expired and those that had ended; single-use tokens and groups of them.
    pub sessions: u64,
    /// Revocations.
    pub revocations: u64,
    /// Ids that were claimed.
    pub once: u64,
    /// What the log of revocations no longer needs.
    pub log: u64,
}

impl CleanedUp {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.sessions + self.revocations + self.once + self.log
    }
}

/// What can be cleaned up.
pub(crate) trait CleanUp: Send + Sync + 'static {
    fn clean_up(&self) -> impl Future<Output = Result<CleanedUp, StoreError>> + Send;
}

/// Cleans up again and again until the last handle of the store is dropped.
pub(crate) async fn again_and_again<S: CleanUp>(store: Weak<S>, every: Duration) {
    loop {
        // Processes that were started together shall not all do it at once.
        let part = crate::values::random() % 1000;
        let jitter =
            every.mul_f64(0.001 * f64::from(u32::try_from(part).unwrap_or_default()) * 0.2);
        tokio::time::sleep(every.saturating_sub(jitter)).await;
        let Some(store) = store.upgrade() else { return };
        // What failed is tried again the next time, and shows where the store is used.
        let _ = store.clean_up().await;
    }
}
