//! How records stand in Redis.

use crate::issuer::session::{SessionId, StoredSession};

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
    fn a_value_comes_back_and_nothing_else_is_one() {
        let id = SessionId::parse(&"x".repeat(22)).unwrap();
        for (version, record) in [(0, &b""[..]), (u64::MAX >> 1, b"1{}"), (255, b"\0\xff")] {
            let kept = value(version, record);
            let found = read_value(id.clone(), kept).unwrap();
            assert_eq!((found.version, found.record.as_slice()), (version, record));
        }
        for odd in
            [&b""[..], b"000000000000001", b"+00000000000000a", b"000000000000000g{}", &[255; 20]]
        {
            assert_eq!(read_value(id.clone(), odd.to_vec()), None);
        }
    }
}
