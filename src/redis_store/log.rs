//! Redis as a [`RevocationLog`].

use std::time::Duration;

use ::redis::streams::StreamReadReply;
use ::redis::{ErrorKind, Pipeline, RedisError, RedisResult};

use super::connection::{check_role, inspect, other_layout, store_error};
use super::source::Link;
use super::store::{RedisStore, read_entry};
use crate::revocation::replica::{
    Appended, EntryName, LogEntry, LogHead, LogId, LogItem, LogPage, LogReader, RevocationLog,
};
use crate::store::StoreError;

/// How many entries are asked for at once.
const PAGE: usize = 1000;
/// The fields that stand beside the entries.
const BESIDE: [&[u8]; 3] = [b"epoch", b"last", b"beat"];

/// How a replica reads from Redis.
#[derive(Debug)]
pub struct RedisLogReader {
    store: RedisStore,
    link: Link,
    /// The process that the first page came from, by its `run_id`.
    scanned: Option<String>,
}

impl RevocationLog for RedisStore {
    type Reader = RedisLogReader;

    async fn open(&self, longest: Duration) -> Result<Self::Reader, StoreError> {
        let link = self.connection().own(longest.max(self.longest_wait())).await?;
        Ok(RedisLogReader { store: self.clone(), link, scanned: None })
    }

    async fn append(&self, entries: &[LogEntry]) -> Result<Appended, StoreError> {
        type Answer = (String, u64, Vec<Option<Vec<u8>>>);
        let (last, changed, values): Answer = self.commit(&self.write(entries)?).await?;
        let layout = || store_error(other_layout());
        let position = log_id(&last).ok_or_else(layout)?;
        // What is missing has expired.
        let kept = entries.iter().zip(values).filter_map(|(entry, value)| {
            value.map(|value| read_entry(entry.name(), &value).ok_or_else(layout))
        });
        Ok(Appended { position, changed, kept: kept.collect::<Result<_, _>>()? })
    }
}

impl RedisLogReader {
    /// What a call may take that lets Redis wait for so long. The client has a timeout of its own,
    /// which not all that it does to find a connection again falls under.
    fn bound(&self, wait: Duration) -> Duration {
        self.store.connection().timeout.saturating_add(wait)
    }

    /// Where the log stands, and whether who says so is a primary.
    async fn read_head(&mut self) -> RedisResult<LogHead> {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("HMGET").arg(&*self.store.keys().entries).arg(&BESIDE).cmd("ROLE");
        type Fields = (Option<String>, Option<String>, Option<String>);
        let ((epoch, last, beat), role): (Fields, ::redis::Value) =
            pipeline.query_async(&mut self.link).await?;
        check_role(Some(role))?;
        let last = match &last {
            Some(last) => log_id(last).ok_or_else(other_layout)?,
            None => LogId::START,
        };
        let text = |field: Option<String>| field.unwrap_or_default().into_boxed_str();
        Ok(LogHead { epoch: text(epoch), last, beat: text(beat) })
    }

    async fn read_page(&mut self, from: Option<&str>) -> RedisResult<LogPage> {
        let mut commands = Pipeline::new();
        commands.cmd("HSCAN").arg(&*self.store.keys().entries).arg(from.unwrap_or("0"));
        commands.arg("COUNT").arg(PAGE).cmd("INFO").arg("server").cmd("ROLE");
        type Pairs = Vec<(Vec<u8>, Vec<u8>)>;
        let ((next, found), info, role): ((String, Pairs), String, ::redis::Value) =
            commands.query_async(&mut self.link).await?;
        check_role(Some(role))?;
        // A cursor means something to the process that gave it, and a cluster's client goes on
        // with another one by itself.
        let process = info.lines().find_map(|line| line.strip_prefix("run_id:"));
        let process = process.ok_or_else(other_layout)?;
        if from.is_none() {
            self.scanned = Some(process.to_owned());
        } else if self.scanned.as_deref() != Some(process) {
            let text = "another node of Redis goes on with this scan";
            return Err(RedisError::from((ErrorKind::Extension, text)));
        }
        let of_entries = found.iter().filter(|(name, _)| !BESIDE.contains(&&**name));
        let read = |(name, value): &(Vec<u8>, Vec<u8>)| {
            EntryName::parse(name).and_then(|name| read_entry(name, value))
        };
        let entries = of_entries.map(|one| read(one).ok_or_else(other_layout));
        let next = (next != "0").then(|| next.into_boxed_str());
        Ok(LogPage { entries: entries.collect::<RedisResult<_>>()?, next })
    }

    async fn read_items(
        &mut self,
        after: LogId,
        limit: usize,
        wait: Duration,
    ) -> RedisResult<Vec<LogItem>> {
        let mut command = ::redis::cmd("XREAD");
        command.arg("COUNT").arg(limit);
        // Zero would wait for ever.
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).min(1 << 40);
        if millis > 0 {
            command.arg("BLOCK").arg(millis);
        }
        command.arg("STREAMS").arg(&*self.store.keys().log);
        command.arg(format!("{}-{}", after.major(), after.minor()));
        let reply: Option<StreamReadReply> = command.query_async(&mut self.link).await?;
        let streams = reply.map(|reply| reply.keys).unwrap_or_default();
        let items = streams.into_iter().flat_map(|stream| stream.ids);
        items
            .map(|item| {
                let text = |field| item.get::<String>(field);
                let id = text("t").and_then(|tag| log_id(&format!("{}:{tag}", item.id)));
                let previous = text("p").and_then(|text| log_id(&text));
                let name = text("n").and_then(|name| EntryName::parse(name.as_bytes()));
                let entry = name.zip(text("v")).and_then(|(n, v)| read_entry(n, v.as_bytes()));
                match (id, previous, entry) {
                    (Some(id), Some(previous), Some(entry)) => Ok(LogItem { id, previous, entry }),
                    _ => Err(other_layout()),
                }
            })
            .collect()
    }
}

impl LogReader for RedisLogReader {
    async fn head(&mut self) -> Result<LogHead, StoreError> {
        let bound = self.bound(Duration::ZERO);
        in_time(bound, self.read_head()).await
    }

    async fn beat(&mut self, seen: &LogHead) -> Result<(), StoreError> {
        let mut script = self.store.revoking(self.store.beat_script());
        script.arg(&*seen.beat);
        // Over this connection: it is this node that has to be a primary.
        let bound = self.bound(self.store.longest_wait());
        in_time(bound, self.store.commit_over::<u64>(&mut self.link, &script)).await.map(drop)
    }

    fn others_vouch(&self) -> bool {
        self.store.others_vouch()
    }

    async fn inspect(&mut self) -> Result<(), StoreError> {
        let bound = self.bound(Duration::ZERO);
        in_time(bound, inspect(&mut self.link)).await
    }

    async fn page(&mut self, from: Option<&str>) -> Result<LogPage, StoreError> {
        let bound = self.bound(Duration::ZERO);
        in_time(bound, self.read_page(from)).await
    }

    async fn items(
        &mut self,
        after: LogId,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<LogItem>, StoreError> {
        let bound = self.bound(wait);
        in_time(bound, self.read_items(after, limit, wait)).await
    }
}

async fn in_time<T>(
    bound: Duration,
    call: impl Future<Output = RedisResult<T>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(bound, call).await {
        Ok(answer) => answer.map_err(store_error),
        Err(_) => Err(StoreError::unavailable("Redis has not answered the replica in time")),
    }
}

/// An id as `revocation.lua` writes it: milliseconds, number, tag.
pub(super) fn log_id(text: &str) -> Option<LogId> {
    let (place, tag) = text.split_once(':')?;
    let (major, minor) = place.split_once('-')?;
    let tag = u64::from_str_radix(tag, 16).ok()?;
    Some(LogId::new(major.parse().ok()?, minor.parse().ok()?, tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back() {
        let id = LogId::new(1_700_000_000_000, 3, 0xdead_beef);
        assert_eq!(id.to_string(), "1700000000000-3:00000000deadbeef");
        assert_eq!(log_id(&id.to_string()), Some(id));
        assert_eq!(log_id("0-0:0000000000000000"), Some(LogId::START));
        for odd in ["", "1-1", "1:1", "a-1:1", "1-1:x", "-1-1:1"] {
            assert_eq!(log_id(odd), None, "{odd}");
        }
    }
}
