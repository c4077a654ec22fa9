//! [`PostgresStore`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::query::Query;
use sqlx::{Connection, PgConnection, PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};
use tower_bearer::clock::{Clock, UnixTime};
use tower_bearer::revocation::Identifiers;
use tower_bearer::store::StoreError;

use super::builder::PostgresStoreBuilder;
use super::clean_up::Expired;
use super::error::store_error;
use super::log::LogTexts;
use super::once::OnceTexts;
use super::revocations::RevocationTexts;
use super::schema::SchemaTexts;
use super::sessions::SessionTexts;
use crate::clean_up::{CleanedUp, again_and_again};
use crate::error::no_answer;
use crate::migration::Migration;
use crate::names::Names;

/// For how long a connection that has not answered in time keeps its place in the pool before the server
/// is asked whether it is still at work for it.
const GRACE: Duration = Duration::from_secs(60);
/// Commits that wait for a standby, and steps that wait for a lock: they go on in the server after their
/// connection was closed, and new ones in their place would pile up.
const AT_WORK: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE usename = current_user AND state = 'active' AND wait_event_type IN ('Lock', 'IPC')
        AND query_start < clock_timestamp() - interval '30 seconds'";

/// Sessions, revocations, single-use tokens and claimed ids in Postgres. A clone is a handle on the
/// same.
///
/// 1. A call is one round trip, and ends within the [`timeout`](PostgresStoreBuilder::timeout), with an
///    answer or an error. What was answered with an error may be in force all the same.
/// 2. Once a step was answered it is on the disk; with synchronous replication on the standby's, too.
/// 3. A standby's answer is an error: it may be old.
/// 4. A full disk is [`StoreErrorKind::Full`](tower_bearer::store::StoreErrorKind::Full), and nothing
///    of the step is in force.
/// 5. Of what is revoked no identifiers are kept, only 96 bits of a SHA-256. Sessions are kept in
///    clear, except for their tokens, of which there are hashes.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use tower_bearer_sqlx::PostgresStore;
/// use tower_bearer_sqlx::postgres::Replica;
///
/// let store = PostgresStore::connect("postgres://app:secret@db.internal/app").await?;
/// // requests ask nobody: a copy of the revocations is here
/// let replica = Replica::builder(store).build()?;
/// // Sessions::builder(issuer, replica.clone()), AuthLayer::new(verifier).revocation(replica)
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[doc(alias("denylist", "blocklist", "sql", "postgresql"))]
pub struct PostgresStore {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) pool: PgPool,
    pub(super) timeout: Duration,
    pub(super) required: Identifiers,
    pub(super) log_for: Duration,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) schema: SchemaTexts,
    pub(super) sessions: SessionTexts,
    pub(super) revocations: RevocationTexts,
    pub(super) once: OnceTexts,
    pub(super) log: LogTexts,
    pub(super) expired: Expired,
}

impl PostgresStore {
    /// Connects, and brings the tables up to date: all that is needed, if the role may do that.
    ///
    /// # Errors
    ///
    /// If the server cannot be connected to, is a standby, refuses, or has tables of a newer release.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let store = Self::builder(url)?.build()?;
        store.migrate().await?;
        Ok(store)
    }

    /// Sets up a store from a URL: `postgres://[user[:password]@]host[:port]/database`. For TLS it needs
    /// the feature `postgres-tls`, and `?sslmode=verify-full`.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`](tower_bearer::store::StoreErrorKind::Configuration) if it is
    /// none.
    pub fn builder(url: &str) -> Result<PostgresStoreBuilder, StoreError> {
        PostgresStoreBuilder::of_url(url)
    }

    /// Sets up a store in a database that the application has a pool of. A replica connects by itself,
    /// with the options of the pool.
    pub fn with_pool(pool: PgPool) -> PostgresStoreBuilder {
        PostgresStoreBuilder::of_pool(pool)
    }

    pub(super) fn start(settings: PostgresStoreBuilder, pool: PgPool, names: &Names) -> Self {
        let PostgresStoreBuilder { timeout, required, clean_up, log_for, clock, .. } = settings;
        let inner = Arc::new(Inner {
            pool,
            timeout,
            required,
            log_for,
            clock,
            schema: SchemaTexts::new(names),
            sessions: SessionTexts::new(names),
            revocations: RevocationTexts::new(names),
            once: OnceTexts::new(names),
            log: LogTexts::new(names),
            expired: Expired::new(names),
        });
        if let Some(every) = clean_up {
            tokio::spawn(again_and_again(Arc::downgrade(&inner), every));
        }
        Self { inner }
    }

    /// The statements that [`migrate`](Self::migrate) would run, for this schema: to be run by a
    /// migration tool of your own.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`](tower_bearer::store::StoreErrorKind::Configuration) if the
    /// name of the schema is none.
    pub fn migrations(schema: &str) -> Result<Vec<Migration>, StoreError> {
        Ok(super::schema::migrations(&Names::new("the name of the schema", schema)?))
    }

    /// Makes the schema and its tables, or brings them up to date. Several processes may do so at once.
    ///
    /// # Errors
    ///
    /// If they cannot be made, or are of a newer release.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.inner.migrate().await
    }

    /// Asks whether the server is there, is no standby, and has the tables that this release needs, with
    /// the rights to use them: for the start of a service that does not [`migrate`](Self::migrate) by
    /// itself, and for health checks.
    ///
    /// # Errors
    ///
    /// If not; [`Configuration`](tower_bearer::store::StoreErrorKind::Configuration) says what to do.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }

    /// Removes what has expired, a few hundred rows at a time, until nothing is left. A task does this
    /// already, unless [`clean_up_every`](PostgresStoreBuilder::clean_up_every) says otherwise.
    ///
    /// # Errors
    ///
    /// If the server cannot be asked at present. What was removed before stays removed.
    pub async fn clean_up(&self) -> Result<CleanedUp, StoreError> {
        crate::clean_up::CleanUp::clean_up(&*self.inner).await
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.inner.pool
    }
}

/// A connection of the pool. If a question on it was given up, it is not handed to the next caller
/// before that was answered.
struct Lease {
    connection: Option<PoolConnection<Postgres>>,
    options: Arc<PgConnectOptions>,
    asking: bool,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (Some(mut connection), true) = (self.connection.take(), self.asking) else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let options = Arc::clone(&self.options);
        runtime.spawn(async move {
            loop {
                match timeout(GRACE, connection.ping()).await {
                    Ok(Ok(())) => return,
                    Err(_) if is_at_work(&options).await => {}
                    _ => return drop(connection.detach()),
                }
            }
        });
    }
}

async fn is_at_work(options: &PgConnectOptions) -> bool {
    let ask = async {
        let mut probe = PgConnection::connect_with(options).await?;
        let count = sqlx::query_scalar::<_, i64>(AT_WORK).fetch_one(&mut probe).await?;
        probe.close().await?;
        Ok::<_, sqlx::Error>(count)
    };
    matches!(timeout(GRACE, ask).await, Ok(Ok(1..)))
}

pub(super) type PgQuery<'q> = Query<'q, Postgres, PgArguments>;

impl Inner {
    /// All rows of a statement, within the timeout.
    pub(super) async fn rows(&self, query: PgQuery<'_>) -> Result<Vec<PgRow>, StoreError> {
        self.ask(query).await?.map_err(store_error)
    }

    /// The one row of a statement.
    pub(super) async fn row(&self, query: PgQuery<'_>) -> Result<PgRow, StoreError> {
        self.rows(query).await?.into_iter().next().ok_or_else(crate::values::odd_row)
    }

    /// What a statement comes to, within the timeout; the inner error is the database's.
    pub(super) async fn ask(
        &self,
        query: PgQuery<'_>,
    ) -> Result<Result<Vec<PgRow>, sqlx::Error>, StoreError> {
        let deadline = Instant::now() + self.timeout;
        let late = |_| no_answer(self.timeout);
        let connection = timeout_at(deadline, self.pool.acquire()).await.map_err(late)?;
        let connection = connection.map_err(store_error)?;
        let options = self.pool.connect_options();
        let mut lease = Lease { connection: Some(connection), options, asking: true };
        let Some(connection) = &mut lease.connection else { return Err(crate::values::odd_row()) };
        let answer = timeout_at(deadline, query.fetch_all(&mut **connection)).await;
        lease.asking = answer.is_err();
        answer.map_err(late)
    }

    pub(super) fn now(&self) -> UnixTime {
        self.clock.now()
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("required", &self.inner.required)
            .field("timeout", &self.inner.timeout)
            .finish_non_exhaustive()
    }
}
