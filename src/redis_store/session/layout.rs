//! How moments, hashes and records stand in Redis.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::UnixTime;
use crate::issuer::TokenHash;
use crate::issuer::session::{SessionId, StoredSession};

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

/// 16 hexadecimal digits.
pub(super) fn version_text(version: u64) -> String {
    format!("{version:016x}")
}

/// The version, then the record.
pub(super) fn value(version: u64, record: &[u8]) -> Vec<u8> {
    [version_text(version).as_bytes(), record].concat()
}

/// What [`value`] wrote.
pub(super) fn read_value(id: SessionId, mut value: Vec<u8>) -> Option<StoredSession> {
    let digits = std::str::from_utf8(value.get(..16)?).ok()?;
    // `from_str_radix` takes a sign
    let sound = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let version = u64::from_str_radix(digits, 16).ok().filter(|_| sound)?;
    value.drain(..16);
    Some(StoredSession { id, version, record: value })
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
