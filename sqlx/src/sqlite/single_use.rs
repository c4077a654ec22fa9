//! [`SingleUseStore`] and [`Once`] for [`SqliteStore`].

use sqlx::{AssertSqlSafe, Row};
use tower_bearer::clock::UnixTime;
use tower_bearer::issuer::single_use::{Attempt, MOST_IN_GROUP, NewToken, SingleUseStore};
use tower_bearer::key::TokenHash;
use tower_bearer::store::{Once, OnceId, StoreError};

use super::error::store_error;
use super::store::SqliteStore;
use crate::names::statements;
use crate::values::nanos;

statements! {
    SingleUseTexts {
        claim = "INSERT INTO {p}once AS kept (id, until) VALUES (?1, ?2)
            ON CONFLICT (id) DO UPDATE SET until = excluded.until WHERE kept.until <= ?3";
        put = "INSERT INTO {p}single_use (id, in_group, slot, payload, until)
            VALUES (?1, ?2, ?3, ?4, ?5)";
        take = "DELETE FROM {p}single_use WHERE id = ?1 RETURNING payload, until";
        // Of the slot's tokens that are good, all but the newest.
        make_room_in_slot = "DELETE FROM {p}single_use WHERE place IN (SELECT place
            FROM {p}single_use WHERE in_group = ?1 AND slot = ?2 ORDER BY place DESC LIMIT -1 OFFSET ?3)";
        make_room_in_group = "DELETE FROM {p}single_use WHERE place IN (SELECT place
            FROM {p}single_use WHERE in_group = ?1 ORDER BY place DESC LIMIT -1 OFFSET ?2)";
        forget_expired = "DELETE FROM {p}single_use WHERE in_group = ?1 AND until <= ?2";
        count_anew = "UPDATE {p}single_use SET tries = 0 WHERE in_group = ?1 AND slot = ?2";
        attempt = "DELETE FROM {p}single_use
            WHERE id = ?1 AND in_group = ?2 AND slot = ?3 AND until > ?4 RETURNING payload, until";
        count = "UPDATE {p}single_use SET tries = tries + 1
            WHERE in_group = ?1 AND slot = ?2 AND until > ?3";
        give_up = "DELETE FROM {p}single_use WHERE in_group = ?1 AND slot = ?2 AND tries >= ?3";
        revoke = "DELETE FROM {p}single_use WHERE in_group = ?1";
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
                let done = sqlx::query(AssertSqlSafe(inner.single_use.claim.clone()))
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

impl SingleUseStore for SqliteStore {
    async fn put(&self, token: &NewToken<'_>, now: UnixTime) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let (texts, group) = (&inner.single_use, token.group.as_bytes().as_slice());
        let (id, slot) = (token.id.as_bytes().as_slice(), token.slot.as_bytes().as_slice());
        inner
            .in_time(async {
                let mut writing = inner.begin().await?;
                let connection = writing.connection()?;
                let text = |text: &std::sync::Arc<str>| AssertSqlSafe(text.clone());
                let steps = [
                    sqlx::query(text(&texts.take)).bind(id),
                    sqlx::query(text(&texts.forget_expired)).bind(group).bind(nanos(now)),
                    sqlx::query(text(&texts.make_room_in_slot))
                        .bind(group)
                        .bind(slot)
                        .bind(i64::from(token.most.max(1) - 1)),
                    sqlx::query(text(&texts.make_room_in_group))
                        .bind(group)
                        .bind(i64::from(MOST_IN_GROUP - 1)),
                    sqlx::query(text(&texts.count_anew)).bind(group).bind(slot),
                    sqlx::query(text(&texts.put))
                        .bind(id)
                        .bind(group)
                        .bind(slot)
                        .bind(token.payload)
                        .bind(nanos(token.until)),
                ];
                for step in steps {
                    step.execute(&mut *connection).await.map_err(store_error)?;
                }
                writing.commit().await
            })
            .await
    }

    async fn take(&self, id: &TokenHash, now: UnixTime) -> Result<Option<String>, StoreError> {
        let inner = &*self.inner;
        inner
            .in_time(async {
                let mut writing = inner.begin().await?;
                let row = sqlx::query(AssertSqlSafe(inner.single_use.take.clone()))
                    .bind(id.as_bytes().as_slice())
                    .fetch_optional(writing.connection()?)
                    .await
                    .map_err(store_error)?;
                writing.commit().await?;
                let Some(row) = row else { return Ok(None) };
                let until: i64 = row.try_get(1).map_err(store_error)?;
                let payload = row.try_get(0).map_err(store_error)?;
                Ok(Some(payload).filter(|_| nanos(now) < until))
            })
            .await
    }

    async fn attempt(
        &self,
        attempt: &Attempt<'_>,
        now: UnixTime,
    ) -> Result<Option<String>, StoreError> {
        let inner = &*self.inner;
        let texts = &inner.single_use;
        let (group, slot) =
            (attempt.group.as_bytes().as_slice(), attempt.slot.as_bytes().as_slice());
        inner
            .in_time(async {
                let mut writing = inner.begin().await?;
                let connection = writing.connection()?;
                let row = sqlx::query(AssertSqlSafe(texts.attempt.clone()))
                    .bind(attempt.id.as_bytes().as_slice())
                    .bind(group)
                    .bind(slot)
                    .bind(nanos(now))
                    .fetch_optional(&mut *connection)
                    .await
                    .map_err(store_error)?;
                if row.is_none() {
                    let count = sqlx::query(AssertSqlSafe(texts.count.clone()));
                    let count = count.bind(group).bind(slot).bind(nanos(now));
                    let give_up = sqlx::query(AssertSqlSafe(texts.give_up.clone()));
                    let give_up = give_up.bind(group).bind(slot).bind(i64::from(attempt.most));
                    for step in [count, give_up] {
                        step.execute(&mut *connection).await.map_err(store_error)?;
                    }
                }
                writing.commit().await?;
                row.map(|row| row.try_get(0).map_err(store_error)).transpose()
            })
            .await
    }

    async fn revoke_group(&self, group: &TokenHash, _: UnixTime) -> Result<(), StoreError> {
        let inner = &*self.inner;
        inner
            .in_time(async {
                let mut writing = inner.begin().await?;
                sqlx::query(AssertSqlSafe(inner.single_use.revoke.clone()))
                    .bind(group.as_bytes().as_slice())
                    .execute(writing.connection()?)
                    .await
                    .map_err(store_error)?;
                writing.commit().await
            })
            .await
    }
}
