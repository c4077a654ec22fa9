//! Postgres as a [`RevocationLog`].

use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};
use tower_bearer::revocation::replica::{Appended, LogEntry, LogId, RevocationLog};
use tower_bearer::store::StoreError;

use super::error::store_error;
use super::reader::PostgresLogReader;
use super::store::PostgresStore;
use crate::names::statements;
use crate::values::{odd_row, random, signed};

statements! {
    LogTexts {
        channel = "{p}.revoked";
        append = "SELECT o_position, o_tag, o_changed FROM {p}.revoke($1, $2, $3, $4, true)";
        beat = "SELECT {p}.beat($1, $2)";
        inspect = "SELECT pg_is_in_recovery(), pg_backend_pid(),
            current_setting('synchronous_standby_names'),
            (SELECT max(version)::bigint FROM {p}.schema_version),
            (SELECT count(*) FROM pg_stat_activity
                WHERE usename = current_user AND wait_event = 'SyncRep'
                    AND query_start < clock_timestamp() - interval '3 seconds')";
        head = "SELECT pg_is_in_recovery(), pg_backend_pid(), epoch, position, tag, beat FROM {p}.head";
        // One row at least, for what the first columns prove.
        page = "SELECT pg_is_in_recovery(), pg_backend_pid(), name, keep_until, bound
            FROM (SELECT) AS one LEFT JOIN (
                SELECT name, keep_until, bound FROM {p}.revocations
                WHERE name > $1 ORDER BY name LIMIT $2
            ) AS part ON true ORDER BY name";
        items = "SELECT pg_is_in_recovery(), pg_backend_pid(), position, tag, previous, previous_tag,
                name, keep_until, bound
            FROM (SELECT) AS one LEFT JOIN (
                SELECT * FROM {p}.log WHERE position > $1 ORDER BY position LIMIT $2
            ) AS part ON true ORDER BY position";
    }
}

/// Entries as columns.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    pub(super) keeps: Vec<i64>,
    pub(super) bounds: Vec<i64>,
}

impl Columns {
    pub(super) fn of(entries: impl IntoIterator<Item = LogEntry>) -> Self {
        let mut columns = Self::default();
        for entry in entries {
            columns.names.push(entry.name().to_string());
            columns.keeps.push(i64::from(entry.keep_until()));
            columns.bounds.push(signed(entry.bound()));
        }
        columns
    }
}

/// What tells two items with one position apart.
pub(super) fn new_tag() -> i64 {
    random().cast_signed()
}

/// A place, from the columns of its position and its tag.
pub(super) fn log_id(row: &PgRow, position: usize, tag: usize) -> Result<LogId, StoreError> {
    let position: i64 = row.try_get(position).map_err(store_error)?;
    let tag: i64 = row.try_get(tag).map_err(store_error)?;
    let position = u64::try_from(position).map_err(|_| odd_row())?;
    Ok(LogId::new(position, 0, tag.cast_unsigned()))
}

impl RevocationLog for PostgresStore {
    type Reader = PostgresLogReader;

    async fn open(&self, _longest: Duration) -> Result<Self::Reader, StoreError> {
        PostgresLogReader::open(self.clone()).await
    }

    async fn append(&self, entries: &[LogEntry]) -> Result<Appended, StoreError> {
        let columns = Columns::of(entries.iter().copied());
        let query = sqlx::query(AssertSqlSafe(self.inner.log.append.clone()))
            .bind(&columns.names)
            .bind(&columns.keeps)
            .bind(&columns.bounds)
            .bind(new_tag());
        let row = self.inner.row(query).await?;
        let changed: i64 = row.try_get(2).map_err(store_error)?;
        let changed = u64::try_from(changed).map_err(|_| odd_row())?;
        // For how much longer they are kept comes by in the log.
        Ok(Appended { position: log_id(&row, 0, 1)?, changed, kept: Vec::new() })
    }
}
