//! What stands in columns: SQL has signed numbers only.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tower_bearer::clock::UnixTime;
use tower_bearer::revocation::TokenIdentity;
use tower_bearer::revocation::replica::EntryName;
#[cfg(any(test, feature = "postgres"))]
use tower_bearer::revocation::replica::LogEntry;
use tower_bearer::store::StoreError;

/// Milliseconds since 1970, rounded down.
pub(crate) fn millis(time: UnixTime) -> i64 {
    i64::try_from(time.since_epoch().as_millis()).unwrap_or(i64::MAX)
}

/// Milliseconds since 1970, rounded up.
pub(crate) fn millis_up(time: UnixTime) -> i64 {
    let whole = time.since_epoch().subsec_nanos().is_multiple_of(1_000_000);
    millis(time).saturating_add(i64::from(!whole))
}

/// Nanoseconds since 1970; the year 2262 and all later ones are its end, which never comes.
pub(crate) fn nanos(time: UnixTime) -> i64 {
    i64::try_from(time.since_epoch().as_nanos()).unwrap_or(i64::MAX)
}

/// The seconds of milliseconds, rounded up; from the year 2106 on `u32::MAX`, which is for ever.
#[cfg(any(test, feature = "sqlite"))]
pub(crate) fn seconds_of(millis: i64) -> i64 {
    let seconds = millis.saturating_add(999) / 1000;
    seconds.clamp(0, i64::from(u32::MAX))
}

/// Earlier by this.
pub(crate) fn before(time: UnixTime, by: Duration) -> UnixTime {
    time.saturating_sub(by)
}

/// Any `u64` as a signed number, in the same order.
#[allow(clippy::cast_possible_wrap, reason = "which is what is meant")]
pub(crate) const fn signed(number: u64) -> i64 {
    (number ^ (1 << 63)) as i64
}

/// The number that [`signed`] made this of.
#[cfg(any(test, feature = "postgres"))]
#[allow(clippy::cast_sign_loss, reason = "which is what is meant")]
pub(crate) const fn unsigned(number: i64) -> u64 {
    (number as u64) ^ (1 << 63)
}

/// A version of a record, which is below 2^63. What is not is none that was ever written.
pub(crate) fn version(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(-1)
}

/// The names that a token could be revoked by, and the least bound of each that covers it.
pub(crate) struct Question {
    pub(crate) names: Vec<String>,
    pub(crate) leasts: Vec<i64>,
}

impl Question {
    pub(crate) fn of(token: Option<&TokenIdentity<'_>>) -> Self {
        let mut question = Self { names: Vec::new(), leasts: Vec::new() };
        for name in token.map(EntryName::all_of).unwrap_or_default() {
            let least = match token.and_then(|token| name.least_bound(token)) {
                None => 0,
                // a bound has to be greater than this
                Some(least) => match least.checked_add(1) {
                    Some(least) => least,
                    None => continue,
                },
            };
            question.names.push(name.to_string());
            question.leasts.push(signed(least));
        }
        question
    }
}

/// An entry from its columns.
#[cfg(any(test, feature = "postgres"))]
pub(crate) fn entry(name: &str, keep_until: i64, bound: i64) -> Result<LogEntry, StoreError> {
    let name = EntryName::parse(name.as_bytes()).ok_or_else(odd_row)?;
    let keep_until = u32::try_from(keep_until).map_err(|_| odd_row())?;
    Ok(LogEntry::new(name, keep_until, unsigned(bound)))
}

/// What is there was not written by this crate.
pub(crate) fn odd_row() -> StoreError {
    StoreError::unavailable("a row in the database is not as it was written")
}

/// 64 bits of the operating system's randomness, by way of the standard library's hash keys.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0_u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_order_and_come_back() {
        let numbers = [0, 1, 1 << 62, (1 << 63) - 1, 1 << 63, u64::MAX - 1, u64::MAX];
        assert!(numbers.map(signed).is_sorted());
        assert_eq!(numbers.map(|number| unsigned(signed(number))), numbers);
    }

    #[test]
    fn moments_are_rounded_the_safe_way() {
        let at = |nanos| UnixTime::from_duration(Duration::from_nanos(nanos));
        assert_eq!((millis(at(1_999_999)), millis_up(at(1_000_001))), (1, 2));
        assert_eq!((millis_up(at(2_000_000)), nanos(at(7))), (2, 7));
        assert_eq!((millis(UnixTime::MAX), nanos(UnixTime::MAX)), (i64::MAX, i64::MAX));
        assert_eq!(
            (seconds_of(1000), seconds_of(1001), seconds_of(i64::MAX)),
            (1, 2, 4_294_967_295)
        );
    }

    #[test]
    fn what_no_revocation_can_cover_is_not_asked() {
        let token = TokenIdentity::new().with_subject("ada").with_token_version(u64::MAX);
        let question = Question::of(Some(&token));
        // by an epoch, since it has no `iat`, and by no version
        assert_eq!(question.names.len(), 1);
        assert!(question.names[0].starts_with('u'));
        assert_eq!(question.leasts, [signed(0)]);
        assert!(Question::of(None).names.is_empty());
    }

    #[test]
    fn a_row_that_was_edited_is_no_entry() {
        assert!(entry("tAAAAAAAAAAAAAAAA", 5, 0).is_ok());
        for (name, keep) in [("", 5), ("xAAAAAAAAAAAAAAAA", 5), ("tAAAAAAAAAAAAAAAA", -1)] {
            assert!(entry(name, keep, 0).is_err(), "{name} {keep}");
        }
    }
}
