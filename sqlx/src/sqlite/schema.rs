//! The tables, and which version they are of.

use sqlx::{AssertSqlSafe, Row};
use tower_bearer::store::StoreError;

use super::error::store_error;
use super::store::Inner;
use crate::error::wrong_version;
use crate::migration::Migration;
use crate::names::{Names, statements};

/// In order. Never changed once released: a later one changes what an earlier one made.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];
const VERSION: i64 = MIGRATIONS.len() as i64;

statements! {
    SchemaTexts {
        has_version = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '{p}schema'";
        version = "SELECT max(version) FROM {p}schema";
        // Changes nothing, and fails where nothing can be changed: to begin a transaction does not.
        try_writing = "UPDATE {p}schema SET version = version WHERE version < 0";
        first = MIGRATIONS[0];
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
        self.in_time(async {
            let mut writing = self.begin().await?;
            let connection = writing.connection()?;
            let text = AssertSqlSafe(self.schema.has_version.clone());
            let tables: i64 =
                sqlx::query_scalar(text).fetch_one(&mut *connection).await.map_err(store_error)?;
            let mut found = 0;
            if tables > 0 {
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
            writing.commit().await
        })
        .await
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        self.in_time(async {
            let mut writing = self.begin().await?;
            let text = AssertSqlSafe(self.schema.try_writing.clone());
            let tried = sqlx::query(text).execute(writing.connection()?).await;
            tried.map_err(store_error)?;
            let text = AssertSqlSafe(self.schema.version.clone());
            let row = sqlx::query(text).fetch_one(writing.connection()?).await;
            let found = row.map_err(store_error)?.try_get::<Option<i64>, _>(0);
            wrong_version(found.map_err(store_error)?, VERSION)?;
            writing.rollback().await
        })
        .await
    }
}
