//! [`RevocationStore`] for [`PostgresStore`].

use sqlx::{AssertSqlSafe, Row};
use tower_bearer::revocation::replica::{LogEntry, RevocationLog};
use tower_bearer::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, TokenIdentity,
};
use tower_bearer::store::StoreError;

use super::error::{standby, store_error};
use super::store::PostgresStore;
use crate::names::statements;
use crate::values::Question;

statements! {
    RevocationTexts {
        status = "SELECT pg_is_in_recovery(), {p}.is_revoked($1, $2)";
    }
}

impl RevocationStore for PostgresStore {
    fn required_identifiers(&self) -> Identifiers {
        self.inner.required
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        let question = Question::of(Some(token));
        if question.names.is_empty() {
            return Ok(RevocationStatus::Active);
        }
        let query = sqlx::query(AssertSqlSafe(self.inner.revocations.status.clone()));
        let row = self.inner.row(query.bind(&question.names).bind(&question.leasts)).await?;
        if row.try_get(0).map_err(store_error)? {
            return Err(standby());
        }
        Ok(RevocationStatus::revoked_if(row.try_get(1).map_err(store_error)?))
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.append(&[LogEntry::from(revocation)]).await.map(|_| ())
    }
}
