//! [`SqliteStore`].

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::{Semaphore, SemaphorePermit};
use tower_bearer::clock::{Clock, UnixTime};
use tower_bearer::revocation::Identifiers;
use tower_bearer::store::StoreError;

use super::builder::SqliteStoreBuilder;
use super::clean_up::Expired;
use super::error::store_error;
use super::once::OnceTexts;
use super::revocations::RevocationTexts;
use super::schema::SchemaTexts;
use super::sessions::SessionTexts;
use crate::clean_up::{CleanedUp, again_and_again};
use crate::error::in_time;
use crate::migration::Migration;
use crate::names::Names;
use crate::values::odd_row;

/// Takes the write lock at once, so that no transaction finds out late that it was too late, and has
/// the commit wait for the disk, whatever a pool's connections are set to.
const BEGIN: &str = "PRAGMA synchronous = FULL; BEGIN IMMEDIATE";

/// Sessions, revocations, single-use tokens and claimed ids in a SQLite file. A clone is a handle on
/// the same.
///
/// 1. A step is one transaction. Once it was answered it is on the disk, and stays after a crash of
///    the process or of the machine.
/// 2. A call ends within the [`timeout`](SqliteStoreBuilder::timeout), with an answer or an error.
///    What was answered with an error may be in force all the same.
/// 3. A full disk is [`StoreErrorKind::Full`](tower_bearer::store::StoreErrorKind::Full), and nothing
///    of the step is in force. Unlike in memory, not even an end has room then.
/// 4. Of what is revoked no identifiers are kept, only 96 bits of a SHA-256. Sessions are kept in
///    clear, except for their tokens, of which there are hashes.
/// 5. To a layer it is a revocation check that asks the file on each request, which takes some tens of
///    microseconds. [`Cached`](tower_bearer::revocation::Cached) asks now and then only.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tower_bearer::revocation::{Revocation, RevocationStore, TokenIdentity};
/// use tower_bearer::clock::UnixTime;
/// use tower_bearer_sqlx::SqliteStore;
///
/// # let folder = std::env::temp_dir().join(format!("tower-bearer-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("sessions.db");
/// let store = SqliteStore::open(&path).await?;
/// store.revoke(&Revocation::session("5f0c", UnixTime::MAX)).await?;
///
/// // after a restart
/// let store = SqliteStore::open(&path).await?;
/// assert!(store.status(&TokenIdentity::new().with_session_id("5f0c")).await?.is_revoked());
/// # drop(store);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[doc(alias("denylist", "blocklist", "sql"))]
pub struct SqliteStore {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) pool: SqlitePool,
    /// Whose turn it is to write: SQLite itself has whoever waits try again and again.
    writing: Semaphore,
    pub(super) timeout: Duration,
    pub(super) required: Identifiers,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) schema: SchemaTexts,
    pub(super) sessions: SessionTexts,
    pub(super) revocations: RevocationTexts,
    pub(super) once: OnceTexts,
    pub(super) expired: Expired,
}

/// A transaction that writes. If it is neither committed nor rolled back, its connection is closed: an
/// error of the disk may have ended the transaction, or not, and the next one must not be part of it.
pub(super) struct Writing<'a> {
    connection: Option<PoolConnection<Sqlite>>,
    _turn: SemaphorePermit<'a>,
}

impl Writing<'_> {
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.connection.as_deref_mut().ok_or_else(odd_row)
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        self.end("COMMIT").await
    }

    pub(super) async fn rollback(self) -> Result<(), StoreError> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, how: &'static str) -> Result<(), StoreError> {
        sqlx::raw_sql(how).execute(self.connection()?).await.map_err(store_error)?;
        // It goes back to the pool.
        drop(self.connection.take());
        Ok(())
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}

impl SqliteStore {
    /// Opens the file, makes it if there is none, and brings its tables up to date: all that is needed.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or written to, is no database, or is of a newer release.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let store = Self::builder(path).build()?;
        store.migrate().await?;
        Ok(store)
    }

    /// Sets up a store in this file.
    pub fn builder(path: impl AsRef<Path>) -> SqliteStoreBuilder {
        SqliteStoreBuilder::of_file(path.as_ref())
    }

    /// Sets up a store from a URL like `sqlite://sessions.db` or `sqlite:///var/lib/app/sessions.db`.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`](tower_bearer::store::StoreErrorKind::Configuration) if it is
    /// none, or of a database in memory.
    pub fn from_url(url: &str) -> Result<SqliteStoreBuilder, StoreError> {
        SqliteStoreBuilder::of_url(url)
    }

    /// Sets up a store in a database that the application has a pool of, for one file and not for a
    /// database in memory. Its connections should have a busy timeout, and the file a write-ahead log
    /// (`journal_mode = WAL`), or readers and writers wait for each other.
    pub fn with_pool(pool: SqlitePool) -> SqliteStoreBuilder {
        SqliteStoreBuilder::of_pool(pool)
    }

    pub(super) fn start(settings: SqliteStoreBuilder, pool: SqlitePool, names: &Names) -> Self {
        let SqliteStoreBuilder { timeout, required, clean_up, clock, .. } = settings;
        let inner = Arc::new(Inner {
            pool,
            writing: Semaphore::new(1),
            timeout,
            required,
            clock,
            schema: SchemaTexts::new(names),
            sessions: SessionTexts::new(names),
            revocations: RevocationTexts::new(names),
            once: OnceTexts::new(names),
            expired: Expired::new(names),
        });
        if let Some(every) = clean_up {
            tokio::spawn(again_and_again(Arc::downgrade(&inner), every));
        }
        Self { inner }
    }

    /// The statements that [`migrate`](Self::migrate) would run, for tables with this prefix: to be
    /// run by a migration tool of your own.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`](tower_bearer::store::StoreErrorKind::Configuration) if the
    /// prefix is none.
    pub fn migrations(prefix: &str) -> Result<Vec<Migration>, StoreError> {
        Ok(super::schema::migrations(&Names::new("the prefix of tables", prefix)?))
    }

    /// Makes the tables, or brings them up to date. Several processes may do so at once.
    ///
    /// # Errors
    ///
    /// If they cannot be made, or are of a newer release.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.inner.migrate().await
    }

    /// Asks whether the file is there, may be written to, and has the tables that this release needs:
    /// for the start of a service that does not [`migrate`](Self::migrate) by itself, and for health
    /// checks.
    ///
    /// # Errors
    ///
    /// If not; [`Configuration`](tower_bearer::store::StoreErrorKind::Configuration) says what to do.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }

    /// Removes what has expired, a few hundred rows at a time, until nothing is left. A task does this
    /// already, unless [`clean_up_every`](SqliteStoreBuilder::clean_up_every) says otherwise.
    ///
    /// # Errors
    ///
    /// If the file cannot be written to at present. What was removed before stays removed.
    pub async fn clean_up(&self) -> Result<CleanedUp, StoreError> {
        crate::clean_up::CleanUp::clean_up(&*self.inner).await
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &SqlitePool {
        &self.inner.pool
    }
}

impl Inner {
    /// Waits for its turn to write.
    pub(super) async fn begin(&self) -> Result<Writing<'_>, StoreError> {
        let turn = self.writing.acquire().await.map_err(StoreError::unavailable)?;
        let connection = self.pool.acquire().await.map_err(store_error)?;
        let mut writing = Writing { connection: Some(connection), _turn: turn };
        sqlx::raw_sql(BEGIN).execute(writing.connection()?).await.map_err(store_error)?;
        Ok(writing)
    }

    pub(super) async fn in_time<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        in_time(self.timeout, call).await
    }

    pub(super) fn now(&self) -> UnixTime {
        self.clock.now()
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("required", &self.inner.required)
            .field("timeout", &self.inner.timeout)
            .finish_non_exhaustive()
    }
}
