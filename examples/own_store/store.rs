//! Sessions, single-use tokens and revocations over a database of one's own: four tables, one
//! transaction for each step. Here the database is `redb`, a file within the process; in SQL the
//! tables and the transaction are the same.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use redb::{Database, ReadableTable, Table, TableDefinition, WriteTransaction};
use tower_bearer::clock::UnixTime;
use tower_bearer::issuer::session::{
    Commit, Committed, IndexKey, Limit, Page, SessionId, SessionStore, StoredSession,
};
use tower_bearer::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, RevocationTarget, StoreError,
    TokenIdentity,
};

/// By id: version, when it goes in milliseconds, the key that it is listed under or nothing, record.
type Row<'a> = (u64, u64, &'a str, &'a [u8]);
const RECORDS: TableDefinition<&str, Row> = TableDefinition::new("records");
/// The key of a list, and an id that stands under it.
const LISTS: TableDefinition<(&str, &str), ()> = TableDefinition::new("lists");
/// By kind, issuer and identifier: until when to keep it in milliseconds, and the bound below which
/// it covers tokens.
const REVOKED: TableDefinition<(u8, &str, &str), (u64, u64)> = TableDefinition::new("revoked");
/// When the last of all records goes.
const LAST: TableDefinition<(), u64> = TableDefinition::new("last");

const PAGE: usize = 100;
/// The bound that every wait has.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A clone is a handle on the same file.
#[derive(Clone)]
pub(crate) struct OwnStore(Arc<Database>);

impl OwnStore {
    pub(crate) fn open(path: impl AsRef<Path>) -> Result<Self, redb::Error> {
        let database = Database::create(path)?;
        let write = database.begin_write()?;
        write.open_table(RECORDS)?;
        write.open_table(LISTS)?;
        write.open_table(REVOKED)?;
        write.open_table(LAST)?;
        write.commit()?;
        Ok(Self(Arc::new(database)))
    }

    /// Files block, so they are read and written on a thread where they may.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&database));
        let done = tokio::time::timeout(TIMEOUT, done).await.map_err(StoreError::unavailable)?;
        // Whatever goes wrong is an error, and never an answer.
        done.map_err(StoreError::unavailable)?.map_err(StoreError::unavailable)
    }

    /// Removes what has expired: to be called now and then.
    pub(crate) async fn sweep(&self, now: UnixTime) -> Result<(), StoreError> {
        let now = millis(now);
        self.run(move |database| {
            let write = database.begin_write()?;
            let mut lists = write.open_table(LISTS)?;
            write.open_table(RECORDS)?.retain(|id, (_, until, index, _)| {
                let stays = now < until;
                stays || lists.remove((index, id)).is_err()
            })?;
            write.open_table(REVOKED)?.retain(|_, (until, _)| now < until)?;
            drop(lists);
            Ok(write.commit()?)
        })
        .await
    }
}

impl SessionStore for OwnStore {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        let (id, now) = (id.clone(), millis(now));
        self.run(move |database| stored(&database.begin_read()?.open_table(RECORDS)?, id, now))
            .await
    }

    /// One transaction. What is not committed has not happened.
    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        let step = step.clone();
        self.run(move |database| {
            let write = database.begin_write()?;
            let answer = take_step(&write, &step)?;
            if answer == Committed::Done {
                write.commit()?;
            }
            Ok(answer)
        })
        .await
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        let (index, after, now) = (index.clone(), after.cloned(), millis(now));
        self.run(move |database| {
            let read = database.begin_read()?;
            let (records, lists) = (read.open_table(RECORDS)?, read.open_table(LISTS)?);
            let mut page = Page::default();
            for listed in lists.range(all_under(&index))? {
                let listed = listed?.0;
                let Some(id) = SessionId::parse(listed.value().1) else { continue };
                if after.as_ref().is_some_and(|after| id <= *after) {
                    continue;
                }
                if page.sessions.len() == PAGE {
                    page.next = page.sessions.last().map(|last| last.id.clone());
                    break;
                }
                page.sessions.extend(stored(&records, id, now)?);
            }
            Ok(page)
        })
        .await
    }
}

/// The conditions in their order, and then all of it.
fn take_step(write: &WriteTransaction, step: &Commit) -> Result<Committed, redb::Error> {
    let mut records = write.open_table(RECORDS)?;
    let mut lists = write.open_table(LISTS)?;
    let mut revoked = write.open_table(REVOKED)?;
    let mut last = write.open_table(LAST)?;
    let now = millis(step.now);
    if let Some(token) = &step.unless_revoked
        && is_revoked(&revoked, token)?
    {
        return Ok(Committed::Revoked);
    }
    for write in &step.writes {
        let found = stored(&records, write.id.clone(), now)?;
        if found.map(|found| found.version) != write.replaces {
            return Ok(Committed::Conflict);
        }
    }
    if let Some(Limit { index, most, .. }) = &step.limit {
        let mut count = step.writes.iter().filter(|one| one.under.as_ref() == Some(index)).count();
        for listed in lists.range(all_under(index))? {
            let listed = listed?.0;
            let id = listed.value().1;
            let row = records.get(id)?;
            let live = row.is_some_and(|row| now < row.value().1);
            let stays = !step.writes.iter().any(|write| write.id.as_str() == id);
            count += usize::from(live && stays);
        }
        if count > *most {
            return Ok(Committed::Crowded);
        }
    }
    for write in &step.writes {
        let id = write.id.as_str();
        if let Some(old) = records.remove(id)? {
            lists.remove((old.value().2, id))?;
        }
        let (until, index) = (millis(write.remove_at), write.under.as_ref());
        if until <= now {
            continue;
        }
        let index = index.map(IndexKey::as_str).unwrap_or_default();
        if !index.is_empty() {
            lists.insert((index, id), ())?;
        }
        records.insert(id, (write.version, until, index, &*write.record))?;
        let latest = last.get(())?.map_or(0, |last| last.value());
        last.insert((), until.max(latest))?;
    }
    for revocation in &step.revocations {
        strengthen(&mut revoked, revocation, 0)?;
    }
    Ok(Committed::Done)
}

/// The record of this id, unless it has gone: for `load` as for `commit`.
fn stored(
    records: &impl ReadableTable<&'static str, Row<'static>>,
    id: SessionId,
    now: u64,
) -> Result<Option<StoredSession>, redb::Error> {
    let Some(row) = records.get(id.as_str())? else { return Ok(None) };
    let (version, until, _, record) = row.value();
    Ok((now < until).then(|| StoredSession { id, version, record: record.to_vec() }))
}

/// Ids are of the base64url alphabet, which ends before `~`.
fn all_under(index: &IndexKey) -> std::ops::Range<(&str, &str)> {
    (index.as_str(), "")..(index.as_str(), "~")
}

const TOKEN: u8 = 0;
const SESSION: u8 = 1;
const SUBJECT: u8 = 2;
const VERSION: u8 = 3;
/// Of one issuer.
const SCOPED: u8 = 4;

impl RevocationStore for OwnStore {
    fn required_identifiers(&self) -> Identifiers {
        Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        let token = token.clone().into_owned();
        let revoked = self
            .run(move |database| is_revoked(&database.begin_read()?.open_table(REVOKED)?, &token))
            .await?;
        Ok(RevocationStatus::revoked_if(revoked))
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        let revocation = revocation.clone();
        self.run(move |database| {
            let write = database.begin_write()?;
            // What comes alone, of anything but a single token, outlives the sessions it covers.
            let last = write.open_table(LAST)?.get(())?.map_or(0, |last| last.value());
            let alone = !matches!(revocation.target(), RevocationTarget::Token { .. });
            let until = if alone { last } else { 0 };
            strengthen(&mut write.open_table(REVOKED)?, &revocation, until)?;
            Ok(write.commit()?)
        })
        .await
    }
}

/// A later revocation never weakens an earlier one.
fn strengthen(
    revoked: &mut Table<'_, (u8, &'static str, &'static str), (u64, u64)>,
    revocation: &Revocation,
    at_least: u64,
) -> Result<(), redb::Error> {
    let (kind, id, bound) = match revocation.target() {
        RevocationTarget::Token { token_id } => (TOKEN, token_id, 0),
        RevocationTarget::Session { session_id } => (SESSION, session_id, 0),
        RevocationTarget::Subject { subject, issued_before } => {
            (SUBJECT, subject, nanos(issued_before))
        }
        RevocationTarget::Version { subject, minimum } => (VERSION, subject, minimum),
    };
    let scope = revocation.scope();
    let key = (kind | if scope.is_some() { SCOPED } else { 0 }, scope.unwrap_or_default(), id);
    let old = revoked.get(key)?.map(|old| old.value()).unwrap_or_default();
    let until = millis(revocation.keep_until()).max(at_least);
    revoked.insert(key, (until.max(old.0), bound.max(old.1)))?;
    Ok(())
}

fn is_revoked(
    revoked: &impl ReadableTable<(u8, &'static str, &'static str), (u64, u64)>,
    token: &TokenIdentity<'_>,
) -> Result<bool, redb::Error> {
    let ids = [token.token_id(), token.session_id(), token.subject(), token.subject()];
    for (kind, id) in (TOKEN..).zip(ids) {
        let Some(id) = id else { continue };
        let of_all = Some((kind, ""));
        let of_one = token.issuer().map(|issuer| (kind | SCOPED, issuer));
        for (scope, issuer) in of_all.into_iter().chain(of_one) {
            let Some(found) = revoked.get((scope, issuer, id))? else { continue };
            let bound = found.value().1;
            // What a token lacks cannot be compared, and is covered.
            let covered = match kind {
                SUBJECT => {
                    token.issued_at().is_none_or(|at| bound == u64::MAX || nanos(at) < bound)
                }
                VERSION => token.token_version().is_none_or(|version| version < bound),
                _ => true,
            };
            if covered {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Rounded up: nothing is forgotten early.
fn millis(time: UnixTime) -> u64 {
    u64::try_from(time.since_epoch().as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

fn nanos(time: UnixTime) -> u64 {
    u64::try_from(time.since_epoch().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tower_bearer::testing::{revocation, session};

    use super::*;

    /// The file goes when the test ends.
    fn store(name: &str) -> OwnStore {
        let name = format!("own-store-{name}-{}.redb", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&path);
        let store = OwnStore::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        store
    }

    /// While a store is written its cases are run one by one, in this order or another.
    #[tokio::test]
    async fn records_are_swapped() {
        let store = store("records");
        session::inserts(store.clone()).await;
        session::replaces(store.clone()).await;
        session::all_or_nothing(store.clone()).await;
        session::lists(store.clone()).await;
        session::limits(store).await;
    }

    #[tokio::test]
    async fn it_keeps_sessions() {
        let store = store("sessions");
        session::conformance(|| async { store.clone() }).await;
        let later = UnixTime::from_secs(u64::MAX / 2);
        store.sweep(later).await.unwrap();
        let left = store.0.begin_read().unwrap().open_table(LISTS).unwrap();
        assert_eq!(redb::ReadableTableMetadata::len(&left).unwrap(), 0);
    }

    #[tokio::test]
    async fn it_keeps_revocations() {
        let store = store("revocations");
        revocation::conformance(|| async { store.clone() }).await;
    }
}
