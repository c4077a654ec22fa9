//! [`Once`] for [`SqliteStore`].

use sqlx::AssertSqlSafe;
use tower_bearer::clock::UnixTime;
use tower_bearer::store::{Once, OnceId, StoreError};

use super::error::store_error;
use super::store::SqliteStore;
use crate::names::statements;
use crate::values::nanos;

statements! {
    OnceTexts {
        claim = "INSERT INTO {p}once AS kept (id, until) VALUES (?1, ?2)
            ON CONFLICT (id) DO UPDATE SET until = excluded.until WHERE kept.until <= ?3";
    }
}

impl Once for SqliteStore {
    async fn claim(&self, id: &OnceId, until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        if until <= now {
            return Ok(false);
        }
        let inner = &*self.inner;
        inner
            .in_time(async {
                let mut writing = inner.begin().await?;
                let done = sqlx::query(AssertSqlSafe(inner.once.claim.clone()))
                    .bind(id.as_bytes().as_slice())
                    .bind(nanos(until))
                    .bind(nanos(now))
                    .execute(writing.connection()?)
                    .await
                    .map_err(store_error)?;
                writing.commit().await?;
                Ok(done.rows_affected() == 1)
            })
            .await
    }
}
