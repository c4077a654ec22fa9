//! [`Once`] for [`PostgresStore`].

use sqlx::{AssertSqlSafe, Row};
use tower_bearer::clock::UnixTime;
use tower_bearer::store::{Once, OnceId, StoreError};

use super::error::store_error;
use super::store::PostgresStore;
use crate::names::statements;
use crate::values::nanos;

statements! {
    OnceTexts {
        claim = "SELECT {p}.claim($1, $2, $3)";
    }
}

impl Once for PostgresStore {
    async fn claim(&self, id: &OnceId, until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        if until <= now {
            return Ok(false);
        }
        let query = sqlx::query(AssertSqlSafe(self.inner.once.claim.clone()))
            .bind(id.as_bytes().as_slice())
            .bind(nanos(until))
            .bind(nanos(now));
        self.inner.row(query).await?.try_get(0).map_err(store_error)
    }
}
