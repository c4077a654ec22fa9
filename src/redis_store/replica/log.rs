//! What is read from Redis to follow it: [`Position`], [`Item`], [`LogId`].

use ::redis::RedisResult;
use ::redis::streams::StreamReadReply;

use crate::redis_store::connection::other_layout;
use crate::redis_store::keys::Keys;
use crate::redis_store::source::Link;
use crate::redis_store::store::read_entry;
use crate::revocation::replica::{EntryName, LogEntry};

/// How many items or keys are read at once.
pub(super) const BATCH: usize = 1000;

/// The id before the first item of a log.
const START: &str = "0-0:0000000000000000";

/// Where a log stands: whose it is and its last item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Position {
    /// Empty if nothing was ever written.
    pub(super) epoch: String,
    pub(super) last: String,
}

/// An entry that was added or strengthened.
pub(super) struct Item {
    pub(super) id: String,
    pub(super) previous: String,
    pub(super) entry: LogEntry,
}

impl Position {
    pub(super) async fn read(connection: &mut Link, keys: &Keys) -> RedisResult<Self> {
        let mut command = ::redis::cmd("HMGET");
        command.arg(&*keys.entries).arg("epoch").arg("last");
        let (epoch, last): (Option<String>, Option<String>) =
            command.query_async(connection).await?;
        Ok(match (epoch, last) {
            (Some(epoch), Some(last)) => Self { epoch, last },
            _ => Self { epoch: String::new(), last: START.to_owned() },
        })
    }
}

/// The items after this one; waits up to `block` milliseconds for the first.
pub(super) async fn items_after(
    connection: &mut Link,
    keys: &Keys,
    last: &str,
    block: Option<u64>,
) -> RedisResult<Vec<Item>> {
    let mut command = ::redis::cmd("XREAD");
    command.arg("COUNT").arg(BATCH);
    if let Some(millis) = block {
        command.arg("BLOCK").arg(millis);
    }
    command.arg("STREAMS").arg(&*keys.log).arg(stream_id(last));
    let reply: Option<StreamReadReply> = command.query_async(connection).await?;
    let streams = reply.map(|reply| reply.keys).unwrap_or_default();
    let items = streams.into_iter().flat_map(|stream| stream.ids);
    items
        .map(|item| {
            let text = |field| item.get::<String>(field);
            let name = text("n").and_then(|name| EntryName::parse(name.as_bytes()));
            let entry = name.zip(text("v")).and_then(|(n, v)| read_entry(n, v.as_bytes()));
            match (text("p"), text("t"), entry) {
                (Some(previous), Some(tag), Some(entry)) => {
                    Ok(Item { id: format!("{}:{tag}", item.id), previous, entry })
                }
                _ => Err(other_layout()),
            }
        })
        .collect()
}

/// Whether the log does not go on from an item any more although it reaches back that far: that
/// item was taken back. A log that was merely trimmed is no loss.
pub(super) async fn lost(
    connection: &mut Link,
    keys: &Keys,
    known: &Position,
    found: &Position,
) -> RedisResult<bool> {
    if known.epoch != found.epoch {
        // Where nothing had been written yet, nothing was lost.
        return Ok(known.last != START);
    }
    let (Some(own), Some(last)) = (log_id(&known.last), log_id(&found.last)) else {
        return Ok(true);
    };
    if last < own {
        return Ok(true);
    }
    let range = |from: &str, to: &str| {
        let mut command = ::redis::cmd("XRANGE");
        command.arg(&*keys.log).arg(from).arg(to).arg("COUNT").arg(1);
        command
    };
    type Ids = Vec<(String, ::redis::Value)>;
    let first: Ids = range("-", "+").query_async(connection).await?;
    let trimmed = first.first().and_then(|first| log_id(&first.0)).is_none_or(|id| own < id);
    if trimmed {
        return Ok(false);
    }
    let own: Ids =
        range(stream_id(&known.last), stream_id(&known.last)).query_async(connection).await?;
    Ok(own.is_empty())
}

fn stream_id(text: &str) -> &str {
    text.split(':').next().unwrap_or(text)
}

fn log_id(text: &str) -> Option<(u64, u64)> {
    let (millis, number) = stream_id(text).split_once('-')?;
    Some((millis.parse().ok()?, number.parse().ok()?))
}
