//! Single-use tokens in Redis: [`SingleUseStore`] for [`RedisStore`].

use std::time::Duration;

use ::redis::Cmd;

use super::RedisStore;
use super::connection::{other_layout, store_error};
use super::refresh::{hash_text, moment_text, read_moment};
use crate::clock::UnixTime;
use crate::issuer::TokenHash;
use crate::issuer::single_use::SingleUseStore;
use crate::revocation::StoreError;

/// For clocks that differ.
const MARGIN: Duration = Duration::from_secs(60);
/// The longest that anything is kept: some 34 years.
const LONGEST: u64 = 1 << 40;

/// How long a key stays, in milliseconds: counted from now by whatever clock Redis has, so that a
/// wrong one lets nobody claim twice.
fn stay(until: UnixTime, now: UnixTime) -> u64 {
    let stay = until.saturating_since(now).saturating_add(MARGIN).as_millis();
    u64::try_from(stay).unwrap_or(LONGEST).min(LONGEST)
}

/// The moment and the payload in a value.
fn read(kept: &[u8]) -> Option<(UnixTime, String)> {
    let (until, payload) = kept.split_at_checked(29)?;
    Some((read_moment(until)?, String::from_utf8(payload.to_vec()).ok()?))
}

impl RedisStore {
    async fn ask<T: ::redis::FromRedisValue>(&self, command: Cmd) -> Result<T, StoreError> {
        let ask = |mut manager| async move { command.query_async(&mut manager).await };
        self.connection().run(ask).await
    }
}

impl SingleUseStore for RedisStore {
    async fn put(
        &self,
        id: &TokenHash,
        payload: &str,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        let mut set = ::redis::cmd("SET");
        set.arg(self.keys().single_use(&hash_text(id)));
        set.arg(moment_text(until) + payload).arg("PX").arg(stay(until, now));
        self.ask(set).await
    }

    async fn take(&self, id: &TokenHash, now: UnixTime) -> Result<Option<String>, StoreError> {
        let mut take = ::redis::cmd("GETDEL");
        take.arg(self.keys().single_use(&hash_text(id)));
        let kept: Option<Vec<u8>> = self.ask(take).await?;
        match kept.map(|kept| read(&kept).ok_or_else(|| store_error(other_layout()))) {
            Some(Ok((until, payload))) => Ok((now < until).then_some(payload)),
            Some(Err(error)) => Err(error),
            None => Ok(None),
        }
    }

    async fn claim(
        &self,
        id: &TokenHash,
        until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        if until <= now {
            return Ok(false);
        }
        let mut set = ::redis::cmd("SET");
        set.arg(self.keys().claim(&hash_text(id))).arg("1").arg("NX").arg("PX");
        set.arg(stay(until, now));
        self.ask(set).await
    }
}
