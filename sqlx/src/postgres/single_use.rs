//! [`SingleUseStore`] and [`Once`] for [`PostgresStore`].

use sqlx::{AssertSqlSafe, Row};
use tower_bearer::clock::UnixTime;
use tower_bearer::issuer::single_use::{Attempt, MOST_IN_GROUP, NewToken, SingleUseStore};
use tower_bearer::key::TokenHash;
use tower_bearer::store::{Once, OnceId, StoreError};

use super::error::store_error;
use super::store::{Inner, PgQuery, PostgresStore};
use crate::names::statements;
use crate::values::{nanos, odd_row};

statements! {
    SingleUseTexts {
        claim = "SELECT {p}.claim($1, $2, $3)";
        put = "SELECT {p}.put($1, $2, $3, $4, $5, $6, $7, $8)";
        take = "SELECT {p}.take($1, $2)";
        attempt = "SELECT {p}.attempt($1, $2, $3, $4, $5)";
        revoke = "SELECT {p}.revoke_group($1)";
    }
}

impl Inner {
    async fn payload(&self, query: PgQuery<'_>) -> Result<Option<String>, StoreError> {
        let payload: Option<Vec<u8>> = self.row(query).await?.try_get(0).map_err(store_error)?;
        payload.map(|payload| String::from_utf8(payload).map_err(|_| odd_row())).transpose()
    }
}

impl Once for PostgresStore {
    async fn claim(&self, id: &OnceId, until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        if until <= now {
            return Ok(false);
        }
        let query = sqlx::query(AssertSqlSafe(self.inner.single_use.claim.clone()))
            .bind(id.as_bytes().as_slice())
            .bind(nanos(until))
            .bind(nanos(now));
        self.inner.row(query).await?.try_get(0).map_err(store_error)
    }
}

impl SingleUseStore for PostgresStore {
    async fn put(&self, token: &NewToken<'_>, now: UnixTime) -> Result<(), StoreError> {
        let query = sqlx::query(AssertSqlSafe(self.inner.single_use.put.clone()))
            .bind(token.id.as_bytes().as_slice())
            .bind(token.group.as_bytes().as_slice())
            .bind(token.slot.as_bytes().as_slice())
            .bind(token.payload.as_bytes())
            .bind(nanos(token.until))
            .bind(i64::from(token.most.max(1)))
            .bind(i64::from(MOST_IN_GROUP))
            .bind(nanos(now));
        self.inner.row(query).await.map(drop)
    }

    async fn take(&self, id: &TokenHash, now: UnixTime) -> Result<Option<String>, StoreError> {
        let query = sqlx::query(AssertSqlSafe(self.inner.single_use.take.clone()));
        self.inner.payload(query.bind(id.as_bytes().as_slice()).bind(nanos(now))).await
    }

    async fn attempt(
        &self,
        attempt: &Attempt<'_>,
        now: UnixTime,
    ) -> Result<Option<String>, StoreError> {
        let query = sqlx::query(AssertSqlSafe(self.inner.single_use.attempt.clone()))
            .bind(attempt.id.as_bytes().as_slice())
            .bind(attempt.group.as_bytes().as_slice())
            .bind(attempt.slot.as_bytes().as_slice())
            .bind(i64::from(attempt.most))
            .bind(nanos(now));
        self.inner.payload(query).await
    }

    async fn revoke_group(&self, group: &TokenHash, _: UnixTime) -> Result<(), StoreError> {
        let query = sqlx::query(AssertSqlSafe(self.inner.single_use.revoke.clone()));
        self.inner.row(query.bind(group.as_bytes().as_slice())).await.map(drop)
    }
}
