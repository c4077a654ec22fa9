//! Removal of what has expired.

use std::sync::Arc;

use sqlx::AssertSqlSafe;
use tower_bearer::store::StoreError;

use super::error::store_error;
use super::store::Inner;
use crate::clean_up::{BATCH, CleanUp, CleanedUp, MARGIN};
use crate::names::statements;
use crate::values::{before, millis, nanos};

statements! {
    Expired {
        sessions = "DELETE FROM {p}sessions WHERE rowid IN
            (SELECT rowid FROM {p}sessions WHERE remove_at <= ?1 ORDER BY remove_at LIMIT ?2)";
        revocations = "DELETE FROM {p}revocations WHERE name IN
            (SELECT name FROM {p}revocations WHERE keep_until <= ?1 ORDER BY keep_until LIMIT ?2)";
        once = "DELETE FROM {p}once WHERE id IN
            (SELECT id FROM {p}once WHERE until <= ?1 ORDER BY until LIMIT ?2)";
    }
}

impl Inner {
    /// Removes all that expired by `until`, batch by batch, and lets others write in between.
    async fn remove(&self, text: &Arc<str>, until: i64) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let batch = self.in_time(async {
                let mut writing = self.begin().await?;
                let done = sqlx::query(AssertSqlSafe(text.clone()))
                    .bind(until)
                    .bind(BATCH)
                    .execute(writing.connection()?)
                    .await
                    .map_err(store_error)?;
                writing.commit().await?;
                Ok(done.rows_affected())
            });
            let batch = batch.await?;
            removed += batch;
            if batch < BATCH.unsigned_abs() {
                return Ok(removed);
            }
        }
    }
}

impl CleanUp for Inner {
    async fn clean_up(&self) -> Result<CleanedUp, StoreError> {
        let until = before(self.now(), MARGIN);
        let seconds = i64::try_from(until.as_secs()).unwrap_or(i64::MAX);
        // What is kept for ever has the last second there is.
        let seconds = seconds.min(i64::from(u32::MAX) - 1);
        Ok(CleanedUp {
            sessions: self.remove(&self.expired.sessions, millis(until)).await?,
            revocations: self.remove(&self.expired.revocations, seconds).await?,
            once: self.remove(&self.expired.once, nanos(until)).await?,
            ..CleanedUp::default()
        })
    }
}
