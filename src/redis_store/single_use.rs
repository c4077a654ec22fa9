//! Single-use tokens in Redis: [`SingleUseStore`] for [`RedisStore`].

use super::RedisStore;
use super::connection::{other_layout, store_error};
use super::once::stay;
use super::session::{hash_text, moment_text, read_moment};
use crate::clock::UnixTime;
use crate::issuer::TokenHash;
use crate::issuer::single_use::SingleUseStore;
use crate::store::StoreError;

/// The moment and the payload in a value.
fn read(kept: &[u8]) -> Option<(UnixTime, String)> {
    let (until, payload) = kept.split_at_checked(29)?;
    Some((read_moment(until)?, String::from_utf8(payload.to_vec()).ok()?))
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
}
