//! [`RevocationStore`] for [`SqliteStore`].

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use tower_bearer::revocation::replica::LogEntry;
use tower_bearer::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, RevocationTarget, TokenIdentity,
};
use tower_bearer::store::StoreError;

use super::error::store_error;
use super::store::{Inner, SqliteStore};
use crate::names::{Names, statements};
use crate::values::{Question, seconds_of, signed};

statements! {
    Texts {
        // What is there is never weakened.
        put = "INSERT INTO {p}revocations AS kept (name, keep_until, bound) VALUES (?1, ?2, ?3)
            ON CONFLICT (name) DO UPDATE
            SET keep_until = max(kept.keep_until, excluded.keep_until),
                bound = max(kept.bound, excluded.bound)";
        last = "SELECT max(remove_at) FROM {p}sessions";
        one = "SELECT 1 FROM {p}revocations WHERE name = ? AND bound >= ?";
    }
}

pub(super) struct RevocationTexts {
    texts: Texts,
    /// By how many names are asked for.
    any: Vec<Arc<str>>,
}

impl RevocationTexts {
    pub(super) fn new(names: &Names) -> Self {
        let texts = Texts::new(names);
        let any = (0..=8).map(|count| {
            let all = vec![&*texts.one; count].join(" UNION ALL ");
            format!("SELECT EXISTS ({all})").into()
        });
        let any = any.collect();
        Self { texts, any }
    }
}

impl Inner {
    /// Whether anything that is kept covers this.
    pub(super) async fn is_revoked(
        &self,
        connection: &mut SqliteConnection,
        question: &Question,
    ) -> Result<bool, StoreError> {
        if question.names.is_empty() {
            return Ok(false);
        }
        let text = self.revocations.any.get(question.names.len());
        let text = text.ok_or_else(|| StoreError::unavailable("too much to ask at once"))?;
        let mut query = sqlx::query(AssertSqlSafe(text.clone()));
        for (name, least) in question.names.iter().zip(&question.leasts) {
            query = query.bind(name).bind(least);
        }
        let row = query.fetch_one(connection).await.map_err(store_error)?;
        row.try_get(0).map_err(store_error)
    }

    pub(super) async fn put_revocation(
        &self,
        connection: &mut SqliteConnection,
        entry: &LogEntry,
        at_least: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(AssertSqlSafe(self.revocations.texts.put.clone()))
            .bind(entry.name().to_string())
            .bind(i64::from(entry.keep_until()).max(at_least))
            .bind(signed(entry.bound()))
            .execute(connection)
            .await
            .map_err(store_error)?;
        Ok(())
    }
}

impl RevocationStore for SqliteStore {
    fn required_identifiers(&self) -> Identifiers {
        self.inner.required
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        let inner = &*self.inner;
        let question = Question::of(Some(token));
        inner
            .in_time(async {
                let mut connection = inner.pool.acquire().await.map_err(store_error)?;
                let revoked = inner.is_revoked(&mut connection, &question).await?;
                Ok(RevocationStatus::revoked_if(revoked))
            })
            .await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        let inner = &*self.inner;
        let entry = LogEntry::from(revocation);
        let lone = !matches!(revocation.target(), RevocationTarget::Token { .. });
        inner
            .in_time(async {
                let mut writing = inner.begin().await?;
                let connection = writing.connection()?;
                let mut at_least = 0;
                if lone {
                    // It has to outlast the sessions that it covers.
                    let text = AssertSqlSafe(inner.revocations.texts.last.clone());
                    let row = sqlx::query(text).fetch_one(&mut *connection).await;
                    let last = row.map_err(store_error)?.try_get::<Option<i64>, _>(0);
                    at_least = last.map_err(store_error)?.map_or(0, seconds_of);
                }
                inner.put_revocation(connection, &entry, at_least).await?;
                writing.commit().await
            })
            .await
    }
}
