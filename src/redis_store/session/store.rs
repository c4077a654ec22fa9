//! The store: what the script is given, and what its answers mean.

use ::redis::{RedisResult, Script};

use super::layout::{read_value, value};
use super::step::Step;
use crate::clock::UnixTime;
use crate::issuer::session::{
    Commit, Committed, IndexKey, Page, SessionId, SessionLog, SessionStore, StoredSession,
};
use crate::redis_store::RedisStore;
use crate::redis_store::connection::{other_layout, store_error};
use crate::redis_store::log::log_id;
use crate::redis_store::script::Call;
use crate::revocation::replica::{LogEntry, LogId};
use crate::store::StoreError;

/// How many records a page has.
const PAGE: usize = 256;

/// The one script of sessions: a step as a whole.
pub(in crate::redis_store) fn script() -> Script {
    Script::new(concat!(include_str!("../revocation.lua"), include_str!("commit.lua")))
}

impl RedisStore {
    /// Whether it is this step that wrote what stands there: versions are random.
    async fn has_taken(&self, step: &Commit) -> Result<bool, StoreError> {
        let mut commands = ::redis::pipe();
        for write in &step.writes {
            commands.cmd("GET").arg(self.keys().session(&write.id));
        }
        let kept: Vec<Option<Vec<u8>>> = self.connection().ask(commands).await?;
        let mut pairs = step.writes.iter().zip(kept);
        Ok(pairs.any(|(write, kept)| kept == Some(value(write.version, &write.record))))
    }

    /// The script and what it is given.
    fn committing(&self, step: &Commit) -> Result<Call<'_>, StoreError> {
        let mut script = self.revoking(self.session_script());
        let entries = step.revocations.iter().map(LogEntry::from);
        let given = Step::new(step, entries.map(|entry| self.entry_args(&entry)).collect());
        script.arg(serde_json::to_string(&given).map_err(StoreError::unavailable)?);
        for write in &step.writes {
            let record = self.keys().session(&write.id);
            let list = |index: Option<&IndexKey>| {
                index.map_or_else(|| record.clone(), |index| self.keys().list(index))
            };
            script.key(&record).key(list(write.was_under.as_ref())).key(list(write.under.as_ref()));
            script.arg(value(write.version, &write.record));
        }
        if let Some(limit) = &step.limit {
            script.key(self.keys().list(&limit.index));
        }
        Ok(script)
    }
}

fn stored(id: SessionId, kept: Vec<u8>) -> RedisResult<StoredSession> {
    read_value(id, kept).ok_or_else(other_layout)
}

impl SessionStore for RedisStore {
    async fn load(
        &self,
        id: &SessionId,
        _now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        let mut commands = ::redis::pipe();
        commands.cmd("GET").arg(self.keys().session(id));
        let (kept,): (Option<Vec<u8>>,) = self.connection().ask(commands).await?;
        kept.map(|kept| stored(id.clone(), kept)).transpose().map_err(store_error)
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        Ok(self.commit_logged(step).await?.0)
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        _now: UnixTime,
    ) -> Result<Page, StoreError> {
        let mut commands = ::redis::pipe();
        commands.cmd("ZRANGE").arg(self.keys().list(index)).arg(0).arg(-1);
        let (texts,): (Vec<String>,) = self.connection().ask(commands).await?;
        let ids = texts.iter().map(|text| SessionId::parse(text).ok_or_else(other_layout));
        let mut ids = ids.collect::<RedisResult<Vec<_>>>().map_err(store_error)?;
        ids.retain(|id| after.is_none_or(|after| id > after));
        ids.sort();
        let more = ids.len() > PAGE;
        ids.truncate(PAGE);
        if ids.is_empty() {
            return Ok(Page::default());
        }
        let mut commands = ::redis::pipe();
        let get = commands.cmd("MGET");
        for id in &ids {
            get.arg(self.keys().session(id));
        }
        let (kept,): (Vec<Option<Vec<u8>>>,) = self.connection().ask(commands).await?;
        if kept.len() != ids.len() {
            return Err(StoreError::unavailable("Redis answered another question"));
        }
        let next = ids.last().filter(|_| more).cloned();
        let found = ids.into_iter().zip(kept);
        // An id whose record has expired leaves the list when the next session begins.
        let sessions = found.filter_map(|(id, kept)| Some(stored(id, kept?)));
        let sessions = sessions.collect::<RedisResult<_>>().map_err(store_error)?;
        Ok(Page { sessions, next })
    }
}

impl SessionLog for RedisStore {
    async fn commit_logged(&self, step: &Commit) -> Result<(Committed, LogId), StoreError> {
        let script = self.committing(step)?;
        let (answer, last, _): (String, String, u64) = RedisStore::commit(self, &script).await?;
        let answer = match answer.as_str() {
            "Done" => Committed::Done,
            "Revoked" => Committed::Revoked,
            "Conflict" => Committed::Conflict,
            "Crowded" => Committed::Crowded,
            _ => return Err(store_error(other_layout())),
        };
        // A client that sends again what got no answer is refused because the step was taken.
        let taken = answer == Committed::Conflict
            && self.connection().sends_again()
            && self.has_taken(step).await?;
        let answer = if taken { Committed::Done } else { answer };
        Ok((answer, log_id(&last).unwrap_or(LogId::START)))
    }
}
