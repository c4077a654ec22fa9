//! Values of registered claims on their way to two readers.
//!
//! A registered claim is read once; [`Value`] keeps it and hands it on to the application's type
//! as if that had read it itself.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer};
use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::error::ClaimsError;
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

/// A string or an array of strings.
pub(super) enum StrOrList<'de> {
    One(Cow<'de, str>),
    Many(Vec<Cow<'de, str>>),
}

impl<'de> Deserialize<'de> for StrOrList<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = StrOrList<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }
            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(StrOrList::One(Cow::Borrowed(value)))
            }
            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(StrOrList::One(Cow::Owned(value.to_owned())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut many = Vec::new();
                while let Some(Str(value)) = seq.next_element()? {
                    many.push(value);
                }
                Ok(StrOrList::Many(many))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A JSON number.
///
/// Not serde_json's own type: where another crate turns on its `arbitrary_precision`, that one also
/// reads a certain object as a number.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Whole(u64),
    Negative(i64),
    Fraction(f64),
}

impl Number {
    /// RFC 7519 §2: a number of seconds, whole or not, that is neither negative nor too large.
    pub(super) fn as_numeric_date(self) -> Option<UnixTime> {
        match self {
            Self::Whole(secs) => Some(UnixTime::from_secs(secs)),
            Self::Negative(_) => None,
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

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numeric;
        impl Visitor<'_> for Numeric {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
                Ok(Number::Whole(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
                Ok(u64::try_from(value).map_or(Number::Negative(value), Number::Whole))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
                Ok(Number::Fraction(value))
            }
        }
        deserializer.deserialize_f64(Numeric)
    }
}

/// A value that was read already, for a second reader.
#[derive(Clone, Copy)]
pub(super) enum Value<'a, 'de> {
    Str(&'a Cow<'de, str>),
    List(&'a [Cow<'de, str>]),
    Number(Number),
}

impl<'a, 'de> From<&'a StrOrList<'de>> for Value<'a, 'de> {
    fn from(value: &'a StrOrList<'de>) -> Self {
        match value {
            StrOrList::One(one) => Value::Str(one),
            StrOrList::Many(many) => Value::List(many),
        }
    }
}

impl<'de> Deserializer<'de> for Value<'_, 'de> {
    type Error = ClaimsError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ClaimsError> {
        match self {
            Self::Str(Cow::Borrowed(value)) => visitor.visit_borrowed_str(value),
            Self::Str(Cow::Owned(value)) => visitor.visit_str(value),
            Self::List(values) => {
                let mut values = SeqDeserializer::new(values.iter().map(Value::Str));
                let read = visitor.visit_seq(&mut values)?;
                // an array longer than the type does not fit it
                values.end()?;
                Ok(read)
            }
            Self::Number(Number::Whole(value)) => visitor.visit_u64(value),
            Self::Number(Number::Negative(value)) => visitor.visit_i64(value),
            Self::Number(Number::Fraction(value)) => visitor.visit_f64(value),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ClaimsError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ClaimsError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ClaimsError> {
        match self {
            Self::Str(Cow::Borrowed(value)) => {
                visitor.visit_enum(BorrowedStrDeserializer::new(value))
            }
            Self::Str(Cow::Owned(value)) => visitor.visit_enum(value.as_str().into_deserializer()),
            _ => Err(de::Error::custom("")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ClaimsError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier
    }
}

impl<'de> IntoDeserializer<'de, ClaimsError> for Value<'_, 'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
