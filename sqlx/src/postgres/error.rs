//! What an error of Postgres means.

use sqlx::Error;
use tower_bearer::store::StoreError;

use crate::error::common;

/// A step that took another session's id. See `schema.sql` for these codes.
pub(super) const ID_TAKEN: &str = "TB001";
/// A step whose session was revoked while it waited.
pub(super) const REVOKED_MEANWHILE: &str = "TB002";
const ISOLATION: &str = "TB004";

/// The SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
pub(super) fn code(error: &Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

pub(super) fn store_error(error: Error) -> StoreError {
    if let Some(error) = common(&error) {
        return error;
    }
    let message = error.as_database_error().map(|error| error.message().to_owned());
    let message = message.unwrap_or_default();
    match code(&error).as_deref() {
        // disk_full
        Some("53100") => StoreError::full(),
        // undefined_table, undefined_column, undefined_function, invalid_schema_name
        Some("42P01" | "42703" | "42883" | "3F000") => {
            StoreError::configuration(format!("{message}: call migrate()"))
        }
        // insufficient_privilege
        Some("42501") => StoreError::configuration(format!(
            "the role may not do what the store has to: {message}; see the rights in the docs"
        )),
        // invalid_authorization_specification, invalid_password
        Some("28000" | "28P01") => {
            StoreError::configuration(format!("Postgres refused user or password: {message}"))
        }
        // invalid_catalog_name
        Some("3D000") => StoreError::configuration(message),
        Some(ISOLATION) => StoreError::configuration(
            "the connections of the pool have to be at the isolation level read committed",
        ),
        _ => StoreError::unavailable(error),
    }
}

/// Who answered may be behind.
pub(super) fn standby() -> StoreError {
    StoreError::unavailable("this Postgres is a standby, what it says may be old")
}
