//! [`SessionStore`] for [`PostgresStore`].

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row, ValueRef};
use tower_bearer::clock::UnixTime;
use tower_bearer::issuer::session::{
    Commit, Committed, IndexKey, Page, SessionId, SessionLog, SessionStore, StoredSession,
};
use tower_bearer::revocation::replica::{LogEntry, LogId};
use tower_bearer::store::StoreError;

use super::error::{ID_TAKEN, REVOKED_MEANWHILE, code, standby, store_error};
use super::log::{Columns, log_id, new_tag};
use super::store::PostgresStore;
use crate::names::statements;
use crate::values::{Question, millis, millis_up, odd_row, version};

/// How many records a page has.
const PAGE: usize = 256;

statements! {
    SessionTexts {
        load = "SELECT pg_is_in_recovery(), id, version, record
            FROM (SELECT) AS one LEFT JOIN {p}.sessions ON id = $1 AND remove_at > $2";
        commit = "SELECT o_answer, o_position, o_tag
            FROM {p}.commit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
        // One row at least, for what the first column proves.
        list = "SELECT pg_is_in_recovery(), id, version, record
            FROM (SELECT) AS one LEFT JOIN (
                SELECT id, version, record FROM {p}.sessions
                WHERE index_key = $1 AND id > $2 AND remove_at > $3 ORDER BY id LIMIT $4
            ) AS part ON true ORDER BY id";
    }
}

/// The record of a row, if it has one.
fn stored(row: &PgRow) -> Result<Option<StoredSession>, StoreError> {
    if row.try_get(0).map_err(store_error)? {
        return Err(standby());
    }
    if row.try_get_raw(1).map_err(store_error)?.is_null() {
        return Ok(None);
    }
    let id: String = row.try_get(1).map_err(store_error)?;
    let id = SessionId::parse(&id).ok_or_else(odd_row)?;
    let version: i64 = row.try_get(2).map_err(store_error)?;
    let version = u64::try_from(version).map_err(|_| odd_row())?;
    Ok(Some(StoredSession { id, version, record: row.try_get(3).map_err(store_error)? }))
}

impl SessionStore for PostgresStore {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        let query = sqlx::query(AssertSqlSafe(self.inner.sessions.load.clone()));
        stored(&self.inner.row(query.bind(id.as_str()).bind(millis(now))).await?)
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        Ok(self.commit_logged(step).await?.0)
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        let query = sqlx::query(AssertSqlSafe(self.inner.sessions.list.clone()))
            .bind(index.as_str())
            .bind(after.map(SessionId::as_str).unwrap_or_default())
            .bind(millis(now))
            .bind(i64::try_from(PAGE + 1).unwrap_or(i64::MAX));
        let rows = self.inner.rows(query).await?;
        if rows.is_empty() {
            return Err(odd_row());
        }
        let mut sessions = Vec::with_capacity(rows.len());
        for row in &rows {
            sessions.extend(stored(row)?);
        }
        let more = sessions.len() > PAGE;
        sessions.truncate(PAGE);
        let next = sessions.last().filter(|_| more).map(|last| last.id.clone());
        Ok(Page { sessions, next })
    }
}

impl SessionLog for PostgresStore {
    async fn commit_logged(&self, step: &Commit) -> Result<(Committed, LogId), StoreError> {
        let question = Question::of(step.unless_revoked.as_ref());
        let mut writes: Vec<_> = step.writes.iter().collect();
        // In one order, so that two steps never wait for each other.
        writes.sort_by(|one, other| one.id.cmp(&other.id));
        let ids: Vec<&str> = writes.iter().map(|write| write.id.as_str()).collect();
        let replaces: Vec<_> = writes.iter().map(|write| write.replaces.map(version)).collect();
        let versions: Vec<_> = writes.iter().map(|write| version(write.version)).collect();
        let records: Vec<_> = writes.iter().map(|write| write.record.as_slice()).collect();
        let unders: Vec<_> =
            writes.iter().map(|write| write.under.as_ref().map(IndexKey::as_str)).collect();
        let removes: Vec<_> = writes.iter().map(|write| millis_up(write.remove_at)).collect();
        let limit = step.limit.as_ref();
        let revoked = Columns::of(step.revocations.iter().map(LogEntry::from));
        let query = sqlx::query(AssertSqlSafe(self.inner.sessions.commit.clone()))
            .bind(&question.names)
            .bind(&question.leasts)
            .bind(ids)
            .bind(replaces)
            .bind(versions)
            .bind(records)
            .bind(unders)
            .bind(removes)
            .bind(limit.map(|limit| limit.index.as_str()))
            .bind(limit.map(|limit| i64::try_from(limit.most).unwrap_or(i64::MAX - 1)))
            .bind(millis(step.now))
            .bind(&revoked.names)
            .bind(&revoked.keeps)
            .bind(&revoked.bounds)
            .bind(new_tag());
        let rows = match self.inner.ask(query).await? {
            Ok(rows) => rows,
            Err(error) => {
                return match code(&error).as_deref() {
                    Some(ID_TAKEN) => Ok((Committed::Conflict, LogId::START)),
                    Some(REVOKED_MEANWHILE) => Ok((Committed::Revoked, LogId::START)),
                    _ => Err(store_error(error)),
                };
            }
        };
        let row = rows.first().ok_or_else(odd_row)?;
        let answer: String = row.try_get(0).map_err(store_error)?;
        let committed = match answer.as_str() {
            "Done" => Committed::Done,
            "Revoked" => Committed::Revoked,
            "Conflict" => Committed::Conflict,
            "Crowded" => Committed::Crowded,
            _ => return Err(odd_row()),
        };
        Ok((committed, log_id(row, 1, 2)?))
    }
}
