//! Strings and numbers as they stand in JSON.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

use crate::clock::UnixTime;

/// A string that borrows from the payload where it has no escapes.
/// (`Cow` by itself always copies.)
pub(crate) struct Str<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Str<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Str<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Str(Cow::Borrowed(value)))
            }
            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Str(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrow)
    }
}

/// A JSON number.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Whole(u64),
    Negative,
    Fraction(f64),
}

impl Number {
    /// RFC 7519 §2: a number of seconds, whole or not, that is neither negative nor too large.
    pub(super) fn as_numeric_date(self) -> Option<UnixTime> {
        match self {
            Self::Whole(secs) => Some(UnixTime::from_secs(secs)),
            Self::Negative => None,
            Self::Fraction(secs) => UnixTime::from_secs_f64(secs),
        }
    }

    pub(super) fn as_u64(self) -> Option<u64> {
        match self {
            Self::Whole(whole) => Some(whole),
            _ => None,
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        u64::try_from(value).map_or(Self::Negative, Self::Whole)
    }
}
