//! What an error of the database means to a caller.

use std::time::Duration;

use sqlx::Error;
use tower_bearer::store::StoreError;

/// Runs a call for as long as the timeout allows.
pub(crate) async fn in_time<T>(
    timeout: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(timeout, call).await {
        Ok(answer) => answer,
        Err(_) => Err(no_answer(timeout)),
    }
}

pub(crate) fn no_answer(timeout: Duration) -> StoreError {
    StoreError::unavailable(format!("the database gave no answer within {timeout:?}"))
}

/// What is the same for every database; `None` is up to it.
pub(crate) fn common(error: &Error) -> Option<StoreError> {
    match error {
        Error::Configuration(error) => Some(StoreError::configuration(format!(
            "the database cannot be connected to as configured: {error}"
        ))),
        _ => None,
    }
}

/// The tables are of another version than this program's, or not there.
pub(crate) fn wrong_version(found: Option<i64>, wanted: i64) -> Result<(), StoreError> {
    match found {
        Some(found) if found == wanted => Ok(()),
        Some(found) if found > wanted => Err(StoreError::configuration(format!(
            "the tables are of version {found}, and this program knows version {wanted} only: a newer \
             release of tower-bearer-sqlx has migrated them"
        ))),
        Some(found) => Err(StoreError::configuration(format!(
            "the tables are of version {found}, and this program needs version {wanted}: call migrate()"
        ))),
        None => Err(StoreError::configuration("the tables say no version: call migrate()")),
    }
}
