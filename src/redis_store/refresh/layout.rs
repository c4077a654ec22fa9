//! How moments, hashes and sessions stand in Redis.

use std::time::Duration;

use ::redis::{ErrorKind, RedisError, RedisResult};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::UnixTime;
use crate::issuer::TokenHash;
use crate::issuer::session::{Session, SessionId, SubjectKey};
use crate::redis_store::connection::other_layout;

/// What a script answers: texts, some of them absent.
pub(super) type Answer = Vec<Told>;
/// One of them.
pub(super) type Told = Option<Vec<u8>>;

/// How many values tell of a session, its id aside.
pub(super) const VALUES: usize = 9;

/// 20 digits of seconds and 9 of nanoseconds: every moment there is, in their order.
pub(in crate::redis_store) fn moment_text(time: UnixTime) -> String {
    let time = time.since_epoch();
    format!("{:020}{:09}", time.as_secs(), time.subsec_nanos())
}

pub(in crate::redis_store) fn read_moment(text: &[u8]) -> Option<UnixTime> {
    if text.len() != 29 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (secs, nanos) = std::str::from_utf8(text).ok()?.split_at_checked(20)?;
    Some(UnixTime::from_duration(Duration::new(secs.parse().ok()?, nanos.parse().ok()?)))
}

/// 43 characters of base64url.
pub(in crate::redis_store) fn hash_text(hash: &TokenHash) -> String {
    URL_SAFE_NO_PAD.encode(hash.as_bytes())
}

/// The scopes as a JSON array.
pub(super) fn scope_text(scope: &[Box<str>]) -> RedisResult<String> {
    serde_json::to_string(scope)
        .map_err(|_| RedisError::from((ErrorKind::Client, "the scopes cannot be written")))
}

/// The session that these values tell of.
pub(super) fn session(id: SessionId, values: &[Told]) -> RedisResult<Session> {
    read_session(id, values).ok_or_else(other_layout)
}

fn read_session(id: SessionId, values: &[Told]) -> Option<Session> {
    let [subject, client_id, scope, device, created, used, idle, expires, generation] = values
    else {
        return None;
    };
    let text = |value: &Told| {
        let text = std::str::from_utf8(value.as_deref()?).ok()?;
        Some(Box::<str>::from(text))
    };
    let moment = |value: &Told| read_moment(value.as_deref()?);
    Some(Session {
        id,
        subject: SubjectKey::new(text(subject)?).ok()?,
        client_id: text(client_id)?,
        scope: serde_json::from_slice(scope.as_deref()?).ok()?,
        device: match device {
            Some(_) => Some(text(device)?),
            None => None,
        },
        created_at: moment(created)?,
        last_used_at: moment(used)?,
        idle_until: moment(idle)?,
        expires_at: moment(expires)?,
        generation: text(generation)?.parse().ok()?,
    })
}

/// The session id that stands in an index.
pub(super) fn session_id(text: Option<&[u8]>) -> RedisResult<SessionId> {
    let text = text.and_then(|text| std::str::from_utf8(text).ok());
    text.and_then(SessionId::parse).ok_or_else(other_layout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_comes_back_and_their_texts_are_in_order() {
        let millis = |millis| UnixTime::from_duration(Duration::from_millis(millis));
        let moments = [
            UnixTime::EPOCH,
            UnixTime::from_duration(Duration::from_nanos(1)),
            millis(999),
            millis(1_000),
            millis(1_800_000_000_123),
            millis(1 << 53),
            millis((1 << 53) + 1),
            millis(u64::MAX),
            UnixTime::from_secs(u64::MAX),
            UnixTime::MAX,
        ];
        let texts: Vec<_> = moments.iter().map(|moment| moment_text(*moment)).collect();
        assert!(texts.is_sorted() && texts.iter().all(|text| text.len() == 29), "{texts:?}");
        let read: Vec<_> = texts.iter().filter_map(|text| read_moment(text.as_bytes())).collect();
        assert_eq!(read, moments);
        let good = moment_text(millis(1));
        for odd in [
            "",
            "1",
            &format!("{good}0"),
            &good.replacen('0', "+", 1),
            &good.replacen('0', " ", 1),
            &"9".repeat(29),
            "0000000000000000000é00000000",
        ] {
            assert_eq!(read_moment(odd.as_bytes()), None, "{odd}");
        }
    }
}
