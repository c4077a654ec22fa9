//! Ids that were claimed, in Redis: [`Once`] for [`RedisStore`].

use std::time::Duration;

use ::redis::Cmd;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::RedisStore;
use crate::clock::UnixTime;
use crate::store::{Once, OnceId, StoreError};

/// For clocks that differ.
const MARGIN: Duration = Duration::from_secs(60);
/// The longest that anything is kept: some 34 years.
const LONGEST: u64 = 1 << 40;

/// How long a key stays, in milliseconds: counted from now by whatever clock Redis has, so that a
/// wrong one lets nobody claim twice.
pub(super) fn stay(until: UnixTime, now: UnixTime) -> u64 {
    let stay = until.saturating_since(now).saturating_add(MARGIN).as_millis();
    u64::try_from(stay).unwrap_or(LONGEST).min(LONGEST)
}

impl RedisStore {
    pub(super) async fn ask<T: ::redis::FromRedisValue>(
        &self,
        command: Cmd,
    ) -> Result<T, StoreError> {
        let ask = |mut link| async move { command.query_async(&mut link).await };
        self.connection().run(ask).await
    }
}

impl Once for RedisStore {
    async fn claim(&self, id: &OnceId, until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        if until <= now {
            return Ok(false);
        }
        let mut set = ::redis::cmd("SET");
        set.arg(self.keys().once(&URL_SAFE_NO_PAD.encode(id.as_bytes())));
        set.arg("1").arg("NX").arg("PX").arg(stay(until, now));
        self.ask(set).await
    }
}
