//! [`SqliteStoreBuilder`].

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tower_bearer::clock::{Clock, SystemClock};
use tower_bearer::revocation::Identifiers;
use tower_bearer::store::StoreError;

use super::store::SqliteStore;
use crate::clean_up::EVERY;
use crate::names::Names;

/// How many connections there are: one writes, the others read.
const CONNECTIONS: u32 = 8;

/// Sets up a [`SqliteStore`].
#[must_use = "a builder does nothing until it builds"]
pub struct SqliteStoreBuilder {
    source: Source,
    pub(super) prefix: Box<str>,
    pub(super) timeout: Duration,
    pub(super) required: Identifiers,
    pub(super) clean_up: Option<Duration>,
    pub(super) clock: Arc<dyn Clock>,
}

enum Source {
    Pool(SqlitePool),
    Options(Box<SqliteConnectOptions>),
}

impl SqliteStoreBuilder {
    fn new(source: Source) -> Self {
        Self {
            source,
            prefix: "tower_bearer_".into(),
            timeout: Duration::from_secs(5),
            required: Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH,
            clean_up: Some(EVERY),
            clock: Arc::new(SystemClock),
        }
    }

    pub(super) fn of_pool(pool: SqlitePool) -> Self {
        Self::new(Source::Pool(pool))
    }

    pub(super) fn of_file(path: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(path);
        Self::new(Source::Options(Box::new(options.create_if_missing(true))))
    }

    pub(super) fn of_url(url: &str) -> Result<Self, StoreError> {
        let wrong = || {
            StoreError::configuration(
                "a URL of SQLite is like sqlite://sessions.db or sqlite:///var/lib/app/sessions.db",
            )
        };
        if url.contains(":memory:") || url.contains("mode=memory") {
            return Err(StoreError::configuration(
                "in memory each connection would have a database of its own: use \
                 MemorySessionStore, or a file",
            ));
        }
        if !url.starts_with("sqlite:") {
            return Err(wrong());
        }
        let options = SqliteConnectOptions::from_str(url).map_err(|_| wrong())?;
        // Unless the URL says otherwise.
        let options = if url.contains("mode=") { options } else { options.create_if_missing(true) };
        Ok(Self::new(Source::Options(Box::new(options))))
    }

    /// Sets what the names of all tables begin with: `tower_bearer_` by default. Lower-case letters,
    /// digits and underscores, 32 at most.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long a call may take, waiting for other writers included: 5 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets which identifiers a token must carry. By default those that sessions and "log out
    /// everywhere" revoke by: `sid`, `sub` and `iat`.
    pub fn require(mut self, required: Identifiers) -> Self {
        self.required = required;
        self
    }

    /// Sets how often what has expired is removed, by a task in the background that ends with the last
    /// handle: every minute by default. `None` leaves it to calls of [`SqliteStore::clean_up`].
    pub fn clean_up_every(mut self, every: Option<Duration>) -> Self {
        self.clean_up = every;
        self
    }

    /// Sets the clock that tells what has expired, for the clean-up alone. The system's by default.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The store. Nothing is opened yet: see [`SqliteStore::migrate`] and [`SqliteStore::ping`].
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`](tower_bearer::store::StoreErrorKind::Configuration) if the
    /// prefix is none, or there is no tokio runtime here.
    pub fn build(self) -> Result<SqliteStore, StoreError> {
        let names = Names::new("the prefix of tables", &self.prefix)?;
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(StoreError::configuration(
                "the store runs on tokio, and there is no tokio runtime here",
            ));
        }
        let pool = match &self.source {
            Source::Pool(pool) => pool.clone(),
            Source::Options(options) => {
                let options = options
                    .as_ref()
                    .clone()
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(self.timeout);
                SqlitePoolOptions::new()
                    .max_connections(CONNECTIONS)
                    .acquire_timeout(self.timeout)
                    .connect_lazy_with(options)
            }
        };
        Ok(SqliteStore::start(self, pool, &names))
    }
}

impl fmt::Debug for SqliteStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStoreBuilder")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
