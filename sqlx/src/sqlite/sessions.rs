//! [`SessionStore`] for [`SqliteStore`].

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use tower_bearer::clock::UnixTime;
use tower_bearer::issuer::session::{
    Commit, Committed, IndexKey, Limit, Page, SessionId, SessionStore, StoredSession, Write,
};
use tower_bearer::revocation::replica::LogEntry;
use tower_bearer::store::StoreError;

use super::error::store_error;
use super::store::{Inner, SqliteStore};
use crate::names::statements;
use crate::values::{Question, millis, millis_up, odd_row, version};

/// How many records a page has.
const PAGE: usize = 256;

statements! {
    SessionTexts {
        load = "SELECT id, version, record FROM {p}sessions WHERE id = ?1 AND remove_at > ?2";
        // What has gone is in nobody's way.
        insert = "INSERT INTO {p}sessions AS kept (id, version, record, index_key, remove_at)
            VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE
            SET version = excluded.version, record = excluded.record,
                index_key = excluded.index_key, remove_at = excluded.remove_at
            WHERE kept.remove_at <= ?6";
        replace = "UPDATE {p}sessions SET version = ?2, record = ?3, index_key = ?4, remove_at = ?5
            WHERE id = ?1 AND version = ?6";
        count = "SELECT count(*) FROM
            (SELECT 1 FROM {p}sessions WHERE index_key = ?1 AND remove_at > ?2 LIMIT ?3)";
        list = "SELECT id, version, record FROM {p}sessions
            WHERE index_key = ?1 AND id > ?2 AND remove_at > ?3 ORDER BY id LIMIT ?4";
    }
}

fn stored(row: &SqliteRow) -> Result<StoredSession, StoreError> {
    let id: String = row.try_get(0).map_err(store_error)?;
    let id = SessionId::parse(&id).ok_or_else(odd_row)?;
    let version: i64 = row.try_get(1).map_err(store_error)?;
    let version = u64::try_from(version).map_err(|_| odd_row())?;
    Ok(StoredSession { id, version, record: row.try_get(2).map_err(store_error)? })
}

impl Inner {
    async fn step(
        &self,
        connection: &mut SqliteConnection,
        step: &Commit,
    ) -> Result<Committed, StoreError> {
        let question = Question::of(step.unless_revoked.as_ref());
        if self.is_revoked(connection, &question).await? {
            return Ok(Committed::Revoked);
        }
        // What was written is rolled back unless all of it could be.
        for write in &step.writes {
            if !self.write(connection, write, step.now).await? {
                return Ok(Committed::Conflict);
            }
        }
        if let Some(limit) = &step.limit
            && self.is_crowded(connection, limit, step.now).await?
        {
            return Ok(Committed::Crowded);
        }
        for revocation in &step.revocations {
            self.put_revocation(connection, &LogEntry::from(revocation), 0).await?;
        }
        Ok(Committed::Done)
    }

    /// False if the record is not what is to be replaced.
    async fn write(
        &self,
        connection: &mut SqliteConnection,
        write: &Write,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let text = match write.replaces {
            None => &self.sessions.insert,
            Some(_) => &self.sessions.replace,
        };
        let query = sqlx::query(AssertSqlSafe(text.clone()))
            .bind(write.id.as_str())
            .bind(version(write.version))
            .bind(write.record.as_slice())
            .bind(write.under.as_ref().map(IndexKey::as_str))
            .bind(millis_up(write.remove_at));
        let query = match write.replaces {
            None => query.bind(millis(now)),
            Some(replaces) => query.bind(version(replaces)),
        };
        let done = query.execute(connection).await.map_err(store_error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn is_crowded(
        &self,
        connection: &mut SqliteConnection,
        limit: &Limit,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let most = i64::try_from(limit.most).unwrap_or(i64::MAX - 1);
        let found: i64 = sqlx::query_scalar(AssertSqlSafe(self.sessions.count.clone()))
            .bind(limit.index.as_str())
            .bind(millis(now))
            .bind(most + 1)
            .fetch_one(connection)
            .await
            .map_err(store_error)?;
        Ok(found > most)
    }
}

impl SessionStore for SqliteStore {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        let inner = &*self.inner;
        inner
            .in_time(async {
                let row = sqlx::query(AssertSqlSafe(inner.sessions.load.clone()))
                    .bind(id.as_str())
                    .bind(millis(now))
                    .fetch_optional(&inner.pool)
                    .await
                    .map_err(store_error)?;
                row.as_ref().map(stored).transpose()
            })
            .await
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        let inner = &*self.inner;
        inner
            .in_time(async {
                let mut writing = inner.begin().await?;
                let committed = inner.step(writing.connection()?, step).await?;
                match committed {
                    Committed::Done => writing.commit().await?,
                    _ => writing.rollback().await?,
                }
                Ok(committed)
            })
            .await
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        let inner = &*self.inner;
        inner
            .in_time(async {
                let rows = sqlx::query(AssertSqlSafe(inner.sessions.list.clone()))
                    .bind(index.as_str())
                    .bind(after.map(SessionId::as_str).unwrap_or_default())
                    .bind(millis(now))
                    .bind(i64::try_from(PAGE + 1).unwrap_or(i64::MAX))
                    .fetch_all(&inner.pool)
                    .await
                    .map_err(store_error)?;
                let mut sessions = rows.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
                let more = sessions.len() > PAGE;
                sessions.truncate(PAGE);
                let next = sessions.last().filter(|_| more).map(|last| last.id.clone());
                Ok(Page { sessions, next })
            })
            .await
    }
}
