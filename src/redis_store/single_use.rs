//! Single-use tokens in Redis: [`SingleUseStore`] for [`RedisStore`].
//!
//! A group is one hash, so that it is revoked by one command; beside it a key for each token says in
//! which group it is.

use std::time::Duration;

use ::redis::{Script, Value};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::RedisStore;
use super::connection::{other_layout, store_error};
use super::once::stay;
use super::script::Call;
use crate::clock::UnixTime;
use crate::issuer::single_use::{Attempt, MOST_IN_GROUP, NewToken, SingleUseStore};
use crate::key::TokenHash;
use crate::store::StoreError;

/// Keeps a token in its group, less what has expired and what it replaces.
const PUT: &str = include_str!("single_use_put.lua");
/// Takes the token, or counts a wrong try.
const ATTEMPT: &str = include_str!("single_use_attempt.lua");
/// Takes the token and the key that told its group.
const TAKE: &str = "local value = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
return value";

/// 43 characters of base64url.
fn hash_text(hash: &TokenHash) -> String {
    URL_SAFE_NO_PAD.encode(hash.as_bytes())
}

/// 20 digits of seconds and 9 of nanoseconds: every moment there is, in their order.
fn moment_text(time: UnixTime) -> String {
    let time = time.since_epoch();
    format!("{:020}{:09}", time.as_secs(), time.subsec_nanos())
}

fn read_moment(text: &[u8]) -> Option<UnixTime> {
    if text.len() != 29 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (secs, nanos) = std::str::from_utf8(text).ok()?.split_at_checked(20)?;
    Some(UnixTime::from_duration(Duration::new(secs.parse().ok()?, nanos.parse().ok()?)))
}

/// A value: when it expires, when it was put, its slot, the payload. Yields the first and the last.
fn read(value: &[u8]) -> Option<(UnixTime, String)> {
    let (head, payload) = value.split_at_checked(29 + 29 + 43)?;
    Some((read_moment(head.get(..29)?)?, String::from_utf8(payload.to_vec()).ok()?))
}

/// The payload of what a script yielded, if it is still good.
fn taken(value: Value, now: UnixTime) -> Result<Option<String>, StoreError> {
    match value {
        Value::Nil => Ok(None),
        Value::BulkString(value) => match read(&value) {
            Some((until, payload)) => Ok((now < until).then_some(payload)),
            None => Err(store_error(other_layout())),
        },
        _ => Err(store_error(other_layout())),
    }
}

pub(super) struct Scripts {
    put: Script,
    attempt: Script,
    take: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let [put, attempt, take] = [PUT, ATTEMPT, TAKE].map(Script::new);
        Self { put, attempt, take }
    }
}

impl SingleUseStore for RedisStore {
    async fn put(&self, token: &NewToken<'_>, now: UnixTime) -> Result<(), StoreError> {
        let (id, group) = (hash_text(token.id), hash_text(token.group));
        let slot = hash_text(token.slot);
        let value = moment_text(token.until) + &moment_text(now) + &slot + token.payload;
        let (group_key, token_key) =
            (self.keys().single_use_group(&group), self.keys().single_use(&id));
        let mut put = Call::new(&self.single_use_scripts().put);
        put.key(&group_key).key(&token_key);
        put.arg(&id).arg(&slot).arg(value).arg(token.most.max(1)).arg(MOST_IN_GROUP);
        put.arg(moment_text(now)).arg(stay(token.until, now)).arg(&group);
        self.invoke(&put).await
    }

    async fn take(&self, id: &TokenHash, now: UnixTime) -> Result<Option<String>, StoreError> {
        let id = hash_text(id);
        let token_key = self.keys().single_use(&id);
        let mut get = ::redis::pipe();
        get.cmd("GET").arg(&token_key);
        let (group,): (Option<Vec<u8>>,) = self.connection().ask(get).await?;
        let Some(group) = group else { return Ok(None) };
        let is_hash = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let group = match std::str::from_utf8(&group) {
            Ok(group) if group.len() == 43 && group.as_bytes().iter().all(is_hash) => group,
            _ => return Err(store_error(other_layout())),
        };
        let mut take = Call::new(&self.single_use_scripts().take);
        take.key(self.keys().single_use_group(group)).key(&token_key).arg(&id);
        taken(self.invoke(&take).await?, now)
    }

    async fn attempt(
        &self,
        attempt: &Attempt<'_>,
        now: UnixTime,
    ) -> Result<Option<String>, StoreError> {
        let group_key = self.keys().single_use_group(&hash_text(attempt.group));
        let mut ask = Call::new(&self.single_use_scripts().attempt);
        ask.key(&group_key)
            .arg(hash_text(attempt.id))
            .arg(hash_text(attempt.slot))
            .arg(attempt.most);
        ask.arg(moment_text(now));
        taken(self.invoke(&ask).await?, now)
    }

    async fn revoke_group(&self, group: &TokenHash, _: UnixTime) -> Result<(), StoreError> {
        let mut delete = ::redis::cmd("DEL");
        delete.arg(self.keys().single_use_group(&hash_text(group)));
        self.ask(delete).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_come_back_and_their_texts_are_in_order() {
        let moments = [
            UnixTime::EPOCH,
            UnixTime::from_duration(Duration::from_nanos(1)),
            UnixTime::from_secs(1_800_000_000),
            UnixTime::from_secs(u64::MAX),
            UnixTime::MAX,
        ];
        let texts: Vec<_> = moments.iter().map(|moment| moment_text(*moment)).collect();
        assert!(texts.is_sorted() && texts.iter().all(|text| text.len() == 29), "{texts:?}");
        let read: Vec<_> = texts.iter().filter_map(|text| read_moment(text.as_bytes())).collect();
        assert_eq!(read, moments);
        for odd in ["", "1", &"9".repeat(29), "+0000000000000000000000000000"] {
            assert_eq!(read_moment(odd.as_bytes()), None, "{odd}");
        }
    }
}
