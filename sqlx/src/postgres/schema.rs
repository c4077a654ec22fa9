//! The tables, and which version they are of.

use sqlx::{AssertSqlSafe, Row};
use tower_bearer::store::StoreError;

use super::error::{standby, store_error};
use super::store::Inner;
use crate::error::{in_time, wrong_version};
use crate::migration::Migration;
use crate::names::{Names, statements};

/// In order. Never changed once released: a later one changes what an earlier one made.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

statements! {
    SchemaTexts {
        // One process at a time.
        lock = "SELECT pg_advisory_xact_lock(hashtextextended('{p}.schema_version', 2))";
        has_version = "SELECT to_regclass('{p}.schema_version') IS NOT NULL";
        version = "SELECT max(version)::bigint FROM {p}.schema_version";
        first = MIGRATIONS[0];
        ping = "SELECT pg_is_in_recovery(),
            (SELECT max(version)::bigint FROM {p}.schema_version),
            (SELECT bool_and(has_table_privilege('{p}.' || named, granted))
                FROM unnest(ARRAY['sessions', 'revocations', 'head', 'log', 'once'])
                    AS named,
                unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS granted)";
    }
}

pub(super) fn migrations(names: &Names) -> Vec<Migration> {
    (1..)
        .zip(MIGRATIONS)
        .map(|(version, sql)| Migration { version, sql: names.fill(sql).to_string() })
        .collect()
}

impl Inner {
    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        in_time(self.timeout, async {
            let mut transaction = self.pool.begin().await.map_err(store_error)?;
            let connection = &mut *transaction;
            let recovers = sqlx::query_scalar::<_, bool>("SELECT pg_is_in_recovery()");
            if recovers.fetch_one(&mut *connection).await.map_err(store_error)? {
                return Err(standby());
            }
            let lock = sqlx::query(AssertSqlSafe(self.schema.lock.clone()));
            lock.execute(&mut *connection).await.map_err(store_error)?;
            let text = AssertSqlSafe(self.schema.has_version.clone());
            let there: bool =
                sqlx::query_scalar(text).fetch_one(&mut *connection).await.map_err(store_error)?;
            let mut found = 0;
            if there {
                let text = AssertSqlSafe(self.schema.version.clone());
                let row = sqlx::query(text).fetch_one(&mut *connection).await;
                let row = row.map_err(store_error)?;
                found = row.try_get::<Option<i64>, _>(0).map_err(store_error)?.unwrap_or_default();
            }
            if found < 1 {
                let text = AssertSqlSafe(self.schema.first.clone());
                sqlx::raw_sql(text).execute(&mut *connection).await.map_err(store_error)?;
                found = 1;
            }
            wrong_version(Some(found), VERSION)?;
            transaction.commit().await.map_err(store_error)
        })
        .await
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        let row = self.row(sqlx::query(AssertSqlSafe(self.schema.ping.clone()))).await?;
        if row.try_get(0).map_err(store_error)? {
            return Err(standby());
        }
        wrong_version(row.try_get(1).map_err(store_error)?, VERSION)?;
        if !row.try_get::<Option<bool>, _>(2).map_err(store_error)?.unwrap_or_default() {
            return Err(StoreError::configuration(
                "the role lacks one of SELECT, INSERT, UPDATE, DELETE on a table of the schema",
            ));
        }
        Ok(())
    }
}
