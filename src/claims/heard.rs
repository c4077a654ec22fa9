//! [`Heard`]: a string that was read already, for the application's type.

use std::marker::PhantomData;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{self, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::notes::Noted;

/// Hands a string on as the parser itself would: an element of an array, or a member's name.
pub(super) struct Heard<'a, 'de, E> {
    text: Noted<'a, 'de>,
    is_name: bool,
    error: PhantomData<fn() -> E>,
}

impl<'a, 'de, E> Heard<'a, 'de, E> {
    pub(super) fn element(text: Noted<'a, 'de>) -> Self {
        Self { text, is_name: false, error: PhantomData }
    }

    /// Where the application's type asks for a number or a bool, names are read as such, as serde_json does.
    pub(super) fn name(text: Noted<'a, 'de>) -> Self {
        Self { text, is_name: true, error: PhantomData }
    }

    /// A name that may be a number or a bool.
    fn as_scalar(&self) -> Option<&str> {
        // One with escapes is none to serde_json either.
        let Noted::Borrowed(text) = self.text else { return None };
        // No white space around it, and no other type: the parser would take both.
        let begins = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let fits = begins && text.ends_with(|c: char| c.is_ascii_digit());
        (self.is_name && (fits || text == "true" || text == "false")).then_some(text)
    }
}

macro_rules! scalars {
    ($($method:ident $visit:ident $type:ty,)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
                match self.as_scalar().map(serde_json::from_str::<$type>) {
                    Some(Ok(value)) => visitor.$visit(value),
                    // The parser's own error quotes the name.
                    Some(Err(_)) => Err(E::custom("a name that does not fit")),
                    None => self.deserialize_any(visitor),
                }
            }
        )*
    };
}

impl<'de, E: de::Error> Deserializer<'de> for Heard<'_, 'de, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.text {
            Noted::Borrowed(text) => visitor.visit_borrowed_str(text),
            Noted::Unescaped(text) => visitor.visit_str(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        match self.text {
            Noted::Borrowed(text) => visitor.visit_enum(BorrowedStrDeserializer::new(text)),
            Noted::Unescaped(text) => {
                let text: StrDeserializer<'_, E> = text.into_deserializer();
                visitor.visit_enum(text)
            }
        }
    }

    scalars! {
        deserialize_bool visit_bool bool,
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128,
        deserialize_f32 visit_f32 f32,
        deserialize_f64 visit_f64 f64,
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}
