//! [`Spy`]: notes a value while the application's type reads it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeSeed, Deserializer, IntoDeserializer, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::ClaimsError;
use super::heard::Heard;
use super::notes::{Looked, Notes, Single};
use super::scalar::Number;
use super::text::ListShape;

/// Stands between the parser and the application's type, as seed, deserializer and visitor in turn.
///
/// What the parser is asked for is decided by the claim, whatever the application asks for; what it
/// answers is noted and handed on. An array is read to its end before the application sees it, so one that
/// stops half-way does not leave the parser there.
pub(super) struct Spy<'t, 'n, 'de, T> {
    pub(super) inner: T,
    pub(super) notes: &'t mut Notes<'n, 'de>,
    pub(super) single: Single,
}

impl<'t, 'n, 'de, T> Spy<'t, 'n, 'de, T> {
    /// Before the value is read: nobody has looked yet.
    pub(super) fn new(inner: T, notes: &'t mut Notes<'n, 'de>, single: Single) -> Self {
        notes.value = Looked::Unasked;
        Self { inner, notes, single }
    }

    fn with<U>(self, inner: U) -> (T, Spy<'t, 'n, 'de, U>) {
        (self.inner, Spy { inner, notes: self.notes, single: self.single })
    }

    /// Makes what is wrong with the value final.
    #[cold]
    fn refuse<E: de::Error>(&mut self, problem: ClaimsError) -> E {
        self.notes.value = Looked::Noted;
        self.notes.refuse(problem);
        E::custom("")
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Spy<'_, '_, 'de, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let (seed, spy) = self.with(deserializer);
        seed.deserialize(spy)
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Spy<'_, '_, 'de, D> {
    type Error = D::Error;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let single = self.single;
        self.notes.value = Looked::Asked;
        let (parser, spy) = self.with(visitor);
        match single {
            Single::Text(_) | Single::JwkThumbprint | Single::CertificateThumbprint => {
                parser.deserialize_str(spy)
            }
            // With `deserialize_any`, features of the parser may make a number of an object.
            Single::Date(_) | Single::TokenVersion => parser.deserialize_f64(spy),
            Single::List(_) | Single::Roles => parser.deserialize_any(spy),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.deserialize_any(Variant(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Spy<'_, '_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    #[inline]
    fn visit_borrowed_str<E: de::Error>(mut self, value: &'de str) -> Result<V::Value, E> {
        match self.notes.lone(self.single, value) {
            Ok(()) => self.inner.visit_borrowed_str(value),
            Err(problem) => Err(self.refuse(problem)),
        }
    }

    fn visit_str<E: de::Error>(mut self, value: &str) -> Result<V::Value, E> {
        self.notes.unescaped(self.single, value);
        match self.notes.shaped(self.single, ListShape::Lone) {
            Ok(()) => self.inner.visit_str(value),
            Err(problem) => Err(self.refuse(problem)),
        }
    }

    #[inline]
    fn visit_u64<E: de::Error>(mut self, value: u64) -> Result<V::Value, E> {
        match self.notes.number(self.single, Number::Whole(value)) {
            Ok(()) => self.inner.visit_u64(value),
            Err(problem) => Err(self.refuse(problem)),
        }
    }

    fn visit_i64<E: de::Error>(mut self, value: i64) -> Result<V::Value, E> {
        match self.notes.number(self.single, Number::from(value)) {
            Ok(()) => self.inner.visit_i64(value),
            Err(problem) => Err(self.refuse(problem)),
        }
    }

    fn visit_f64<E: de::Error>(mut self, value: f64) -> Result<V::Value, E> {
        match self.notes.number(self.single, Number::Fraction(value)) {
            Ok(()) => self.inner.visit_f64(value),
            Err(problem) => Err(self.refuse(problem)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<V::Value, A::Error> {
        if !matches!(self.single, Single::List(_) | Single::Roles) {
            return Err(de::Error::invalid_type(Unexpected::Seq, &self));
        }
        let next = self.notes.noted(self.single);
        while let Some(()) = seq.next_element_seed(Element(&mut self))? {}
        if let Err(problem) = self.notes.shaped(self.single, ListShape::Array) {
            return Err(self.refuse(problem));
        }
        let Self { inner, notes, single } = self;
        let end = notes.noted(single);
        let mut again = Again { notes, single, next, end, error: PhantomData };
        let read = inner.visit_seq(&mut again)?;
        // An array longer than the type does not fit it.
        if again.next == again.end {
            Ok(read)
        } else {
            Err(de::Error::invalid_length(end, &"fewer"))
        }
    }
}

/// Notes a string of an array.
struct Element<'s, 't, 'n, 'de, T>(&'s mut Spy<'t, 'n, 'de, T>);

impl<'de, T> DeserializeSeed<'de> for Element<'_, '_, '_, 'de, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Until the string is noted, the value is none that anybody has read.
        self.0.notes.value = Looked::Asked;
        deserializer.deserialize_str(self)
    }
}

impl<'de, T> Visitor<'de> for Element<'_, '_, '_, 'de, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<(), E> {
        self.0.notes.borrowed(self.0.single, value);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.0.notes.unescaped(self.0.single, value);
        Ok(())
    }
}

/// The strings of an array that was read, from what is noted.
struct Again<'t, 'n, 'de, E> {
    notes: &'t Notes<'n, 'de>,
    single: Single,
    next: usize,
    end: usize,
    error: PhantomData<fn() -> E>,
}

impl<'de, E: de::Error> SeqAccess<'de> for Again<'_, '_, 'de, E> {
    type Error = E;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, E> {
        let noted = (self.next < self.end).then(|| self.notes.noted_at(self.single, self.next));
        let Some(text) = noted.flatten() else { return Ok(None) };
        self.next += 1;
        seed.deserialize(Heard::element(text)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.end - self.next)
    }
}

/// Hands a string on as the name of an enum's variant.
struct Variant<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Variant<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_borrowed_str<E: de::Error>(self, value: &'de str) -> Result<V::Value, E> {
        self.0.visit_enum(BorrowedStrDeserializer::new(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<V::Value, E> {
        let value: StrDeserializer<'_, E> = value.into_deserializer();
        self.0.visit_enum(value)
    }
}
