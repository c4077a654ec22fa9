//! What an error of SQLite means.

use sqlx::Error;
use tower_bearer::store::StoreError;

use crate::error::common;

/// The lower byte is the code, the rest says more: <https://www.sqlite.org/rescode.html>.
fn code(error: &Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<i32>().ok().map(|code| code & 0xff)
}

pub(super) fn store_error(error: Error) -> StoreError {
    const ERROR: i32 = 1;
    const PERM: i32 = 3;
    const READONLY: i32 = 8;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    const AUTH: i32 = 23;
    const NOTADB: i32 = 26;

    if let Some(error) = common(&error) {
        return error;
    }
    let message = error.as_database_error().map(|error| error.message().to_owned());
    let message = message.unwrap_or_default();
    match code(&error) {
        Some(FULL) => StoreError::full(),
        Some(ERROR) if message.contains("no such table") || message.contains("no such column") => {
            StoreError::configuration(format!("{message}: call migrate()"))
        }
        Some(READONLY | PERM | AUTH) => StoreError::configuration(format!(
            "the database file, or the folder that it is in, cannot be written to: {message}"
        )),
        Some(CANTOPEN) => StoreError::configuration(format!(
            "the database file cannot be opened; is its folder there, and may this process write \
             there? {message}"
        )),
        Some(NOTADB) => StoreError::configuration("the file is no SQLite database"),
        _ => StoreError::unavailable(error),
    }
}
