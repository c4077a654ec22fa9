//! [`PostgresStoreBuilder`].

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};
use tower_bearer::clock::{Clock, SystemClock};
use tower_bearer::revocation::Identifiers;
use tower_bearer::store::StoreError;

use super::store::PostgresStore;
use crate::clean_up::EVERY;
use crate::names::Names;

/// How many connections there are to a server that the store connects to by itself.
const CONNECTIONS: u32 = 10;
/// After how long a connection is asked whether it is still there before it is used.
const IDLE: Duration = Duration::from_secs(1);

/// Sets up a [`PostgresStore`].
#[must_use = "a builder does nothing until it builds"]
pub struct PostgresStoreBuilder {
    source: Source,
    schema: Box<str>,
    pub(super) timeout: Duration,
    pub(super) required: Identifiers,
    pub(super) clean_up: Option<Duration>,
    pub(super) log_for: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

enum Source {
    Pool(PgPool),
    Options(Box<PgConnectOptions>),
}

impl PostgresStoreBuilder {
    fn new(source: Source) -> Self {
        Self {
            source,
            schema: "tower_bearer".into(),
            timeout: Duration::from_secs(5),
            required: Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH,
            clean_up: Some(EVERY),
            log_for: Duration::from_secs(3600),
            clock: Arc::new(SystemClock),
        }
    }

    pub(super) fn of_pool(pool: PgPool) -> Self {
        Self::new(Source::Pool(pool))
    }

    pub(super) fn of_url(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url).map_err(|_| {
            StoreError::configuration(
                "a URL of Postgres is like postgres://user:password@127.0.0.1:5432/database",
            )
        })?;
        Ok(Self::new(Source::Options(Box::new(options))))
    }

    /// Sets the schema that everything is in: `tower_bearer` by default. Lower-case letters, digits and
    /// underscores, 32 at most.
    pub fn schema(mut self, schema: &str) -> Self {
        self.schema = schema.into();
        self
    }

    /// Sets how long a call may take, waiting for a connection included: 5 s by default.
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
    /// handle: every minute by default. `None` leaves it to calls of [`PostgresStore::clean_up`].
    pub fn clean_up_every(mut self, every: Option<Duration>) -> Self {
        self.clean_up = every;
        self
    }

    /// Sets how far the log of revocations reaches back: an hour by default. A replica that was cut off
    /// for longer loads everything anew.
    pub fn log_for(mut self, log_for: Duration) -> Self {
        self.log_for = log_for;
        self
    }

    /// Sets the clock that tells what has expired, for the clean-up alone. The system's by default.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The store. Nothing is connected to yet: see [`PostgresStore::migrate`] and
    /// [`PostgresStore::ping`].
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`](tower_bearer::store::StoreErrorKind::Configuration) if the
    /// schema's name is none, or there is no tokio runtime here.
    pub fn build(self) -> Result<PostgresStore, StoreError> {
        let names = Names::new("the name of the schema", &self.schema)?;
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(StoreError::configuration(
                "the store runs on tokio, and there is no tokio runtime here",
            ));
        }
        let pool = match &self.source {
            Source::Pool(pool) => pool.clone(),
            Source::Options(options) => PgPoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(self.timeout)
                // One that was in use a moment ago need not be asked: that is a round trip.
                .test_before_acquire(false)
                .before_acquire(|connection, meta| {
                    Box::pin(async move {
                        if meta.idle_for > IDLE {
                            connection.ping().await?;
                        }
                        Ok(true)
                    })
                })
                .connect_lazy_with((**options).clone()),
        };
        Ok(PostgresStore::start(self, pool, &names))
    }
}

impl fmt::Debug for PostgresStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStoreBuilder")
            .field("schema", &self.schema)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
