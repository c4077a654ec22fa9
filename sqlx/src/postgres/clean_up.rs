//! Removal of what has expired.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Row};
use tower_bearer::store::StoreError;

use super::error::store_error;
use super::store::Inner;
use crate::clean_up::{BATCH, CleanUp, CleanedUp, MARGIN};
use crate::names::statements;
use crate::values::{before, millis, nanos};

/// A batch, less what others are removing or writing just now; yields how many went.
macro_rules! batch {
    ($table:literal, $key:literal, $until:literal) => {
        concat!(
            "WITH gone AS (DELETE FROM {p}.",
            $table,
            " WHERE ",
            $key,
            " IN (SELECT ",
            $key,
            " FROM {p}.",
            $table,
            " WHERE ",
            $until,
            " <= $1 ORDER BY ",
            $until,
            " LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1) SELECT count(*) FROM gone"
        )
    };
}

statements! {
    Expired {
        sessions = batch!("sessions", "id", "remove_at");
        revocations = batch!("revocations", "name", "keep_until");
        once = batch!("once", "id", "until");
        // The first items only: positions are in the order of time.
        log = "WITH gone AS (DELETE FROM {p}.log WHERE position IN (
                SELECT position FROM (
                    SELECT position, written_at FROM {p}.log ORDER BY position LIMIT $2
                ) AS first WHERE written_at <= $1
            ) RETURNING 1) SELECT count(*) FROM gone";
    }
}

impl Inner {
    /// Removes all that expired by `until`, batch by batch.
    async fn remove(&self, text: &Arc<str>, until: i64) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let query = sqlx::query(AssertSqlSafe(text.clone())).bind(until).bind(BATCH);
            let batch: i64 = self.row(query).await?.try_get(0).map_err(store_error)?;
            removed += batch.unsigned_abs();
            if batch < BATCH {
                return Ok(removed);
            }
        }
    }
}

impl CleanUp for Inner {
    async fn clean_up(&self) -> Result<CleanedUp, StoreError> {
        let now = self.now();
        let until = before(now, MARGIN);
        let seconds = i64::try_from(until.as_secs()).unwrap_or(i64::MAX);
        // What is kept for ever has the last second there is.
        let seconds = seconds.min(i64::from(u32::MAX) - 1);
        let logged = millis(before(now, self.log_for));
        Ok(CleanedUp {
            sessions: self.remove(&self.expired.sessions, millis(until)).await?,
            revocations: self.remove(&self.expired.revocations, seconds).await?,
            once: self.remove(&self.expired.once, nanos(until)).await?,
            log: self.remove(&self.expired.log, logged).await?,
        })
    }
}
