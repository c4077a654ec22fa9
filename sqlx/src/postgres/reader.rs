//! [`PostgresLogReader`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::postgres::{PgListener, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, Row};
use tokio::time::{Instant, timeout_at};
use tower_bearer::revocation::replica::{LogHead, LogId, LogItem, LogPage, LogReader};
use tower_bearer::store::StoreError;

use super::error::{standby, store_error};
use super::log::log_id;
use super::store::{PgQuery, PostgresStore};
use crate::error::{in_time, wrong_version};
use crate::values::{entry, odd_row, random};

/// How many entries are asked for at once.
const PAGE: usize = 1000;
/// How often to look where nothing was notified: a pooler may let no notification through.
const POLL: Duration = Duration::from_millis(250);

/// How a replica reads from Postgres: over one connection, which it listens on, too.
pub struct PostgresLogReader {
    store: PostgresStore,
    listener: PgListener,
    /// The server's process at the other end. The listener connects anew by itself, perhaps to another
    /// server, and that is not this connection any more.
    process: Option<i32>,
    /// Whether a commit waits for standbys.
    synchronous: bool,
}

impl PostgresLogReader {
    pub(super) async fn open(store: PostgresStore) -> Result<Self, StoreError> {
        let listener = in_time(store.inner.timeout, async {
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .max_lifetime(None)
                .idle_timeout(None)
                .acquire_timeout(store.inner.timeout)
                .connect_lazy_with((*store.inner.pool.connect_options()).clone());
            let mut listener = PgListener::connect_with(&pool).await.map_err(store_error)?;
            listener.ignore_pool_close_event(true);
            listener.eager_reconnect(false);
            listener.listen(&store.inner.log.channel).await.map_err(store_error)?;
            Ok(listener)
        });
        let listener = listener.await?;
        let mut reader = Self { store, listener, process: None, synchronous: true };
        reader.inspect().await?;
        Ok(reader)
    }

    /// What a primary says, over the connection that this was opened with.
    async fn ask(&mut self, query: PgQuery<'_>) -> Result<Vec<PgRow>, StoreError> {
        let listener = &mut self.listener;
        let rows = in_time(self.store.inner.timeout, async {
            query.fetch_all(listener).await.map_err(store_error)
        });
        let rows = rows.await?;
        let first = rows.first().ok_or_else(odd_row)?;
        if first.try_get(0).map_err(store_error)? {
            return Err(standby());
        }
        let process: i32 = first.try_get(1).map_err(store_error)?;
        if *self.process.get_or_insert(process) != process {
            return Err(lost());
        }
        Ok(rows)
    }

    async fn read_items(&mut self, after: LogId, limit: usize) -> Result<Vec<LogItem>, StoreError> {
        let query = sqlx::query(text(&self.store.inner.log.items))
            .bind(i64::try_from(after.major()).unwrap_or(i64::MAX))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows = self.ask(query).await?;
        let there = rows.iter().filter(|row| !is_empty(row, 2));
        there
            .map(|row| {
                let name: String = row.try_get(6).map_err(store_error)?;
                let entry = entry(
                    &name,
                    row.try_get(7).map_err(store_error)?,
                    row.try_get(8).map_err(store_error)?,
                )?;
                Ok(LogItem { id: log_id(row, 2, 3)?, previous: log_id(row, 4, 5)?, entry })
            })
            .collect()
    }
}

/// Whether a row stands for none.
fn is_empty(row: &PgRow, column: usize) -> bool {
    use sqlx::ValueRef;

    row.try_get_raw(column).is_ok_and(|value| value.is_null())
}

fn text(text: &Arc<str>) -> AssertSqlSafe<Arc<str>> {
    AssertSqlSafe(text.clone())
}

fn lost() -> StoreError {
    StoreError::unavailable("the connection to Postgres was lost")
}

impl LogReader for PostgresLogReader {
    async fn head(&mut self) -> Result<LogHead, StoreError> {
        let query = sqlx::query(text(&self.store.inner.log.head));
        let rows = self.ask(query).await?;
        let row = rows.first().ok_or_else(odd_row)?;
        let epoch: String = row.try_get(2).map_err(store_error)?;
        let beat: String = row.try_get(5).map_err(store_error)?;
        Ok(LogHead { epoch: epoch.into(), last: log_id(row, 3, 4)?, beat: beat.into() })
    }

    async fn beat(&mut self, seen: &LogHead) -> Result<(), StoreError> {
        let new = [random(), random()].map(u64::to_be_bytes).concat();
        let query = sqlx::query(text(&self.store.inner.log.beat));
        let query = query.bind(&*seen.beat).bind(URL_SAFE_NO_PAD.encode(new));
        // Over this connection: it is this server that has to be a primary, and a standby refuses.
        let listener = &mut self.listener;
        in_time(self.store.inner.timeout, async {
            query.fetch_all(listener).await.map(drop).map_err(store_error)
        })
        .await
    }

    /// What waits for standbys cannot be seen before they have it, but an administrator who cancels
    /// the wait, or a restart, makes it visible all the same.
    fn others_vouch(&self) -> bool {
        !self.synchronous
    }

    async fn inspect(&mut self) -> Result<(), StoreError> {
        let query = sqlx::query(text(&self.store.inner.log.inspect));
        let rows = self.ask(query).await?;
        let row = rows.first().ok_or_else(odd_row)?;
        let standbys: String = row.try_get(2).map_err(store_error)?;
        self.synchronous = !standbys.is_empty();
        // A heartbeat would wait as they do, and go on waiting in the server after it was given up here,
        // one after another.
        if row.try_get::<i64, _>(4).map_err(store_error)? > 0 {
            return Err(StoreError::unavailable("commits wait for a standby that does not answer"));
        }
        wrong_version(row.try_get(3).map_err(store_error)?, super::schema::VERSION)
    }

    async fn page(&mut self, from: Option<&str>) -> Result<LogPage, StoreError> {
        let query = sqlx::query(text(&self.store.inner.log.page))
            .bind(from.unwrap_or_default())
            .bind(i64::try_from(PAGE).unwrap_or(i64::MAX));
        let rows = self.ask(query).await?;
        let mut page = LogPage::default();
        let mut last = None;
        for row in rows.iter().filter(|row| !is_empty(row, 2)) {
            let name: String = row.try_get(2).map_err(store_error)?;
            let keep_until = row.try_get(3).map_err(store_error)?;
            page.entries.push(entry(&name, keep_until, row.try_get(4).map_err(store_error)?)?);
            last = Some(name);
        }
        page.next = last.filter(|_| page.entries.len() == PAGE).map(String::into_boxed_str);
        Ok(page)
    }

    async fn items(
        &mut self,
        after: LogId,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<LogItem>, StoreError> {
        let deadline = Instant::now() + wait;
        loop {
            let items = self.read_items(after, limit).await?;
            let now = Instant::now();
            if !items.is_empty() || now >= deadline {
                return Ok(items);
            }
            match timeout_at(deadline.min(now + POLL), self.listener.try_recv()).await {
                // Nothing was notified: look all the same.
                Err(_) => {}
                Ok(Ok(Some(_))) => while self.listener.next_buffered().is_some() {},
                Ok(Ok(None)) => return Err(lost()),
                Ok(Err(error)) => return Err(store_error(error)),
            }
        }
    }
}

impl fmt::Debug for PostgresLogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresLogReader").finish_non_exhaustive()
    }
}
