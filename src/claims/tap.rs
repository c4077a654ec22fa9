//! [`Tap`]: notes what stands in an object, at any depth, while the application's type reads it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::ClaimsError;
use super::name::Name;
use super::notes::{Looked, Notes, Single};
use super::spy::Spy;

/// Stands between the parser and the application's type where an object is expected.
pub(super) struct Tap<'t, 'n, 'de, T> {
    inner: T,
    notes: &'t mut Notes<'n, 'de>,
    at: At,
}

/// Which object it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    Confirmation,
    /// On the way to roles.
    Roles {
        /// One bit for each place that the way may lead to.
        places: u8,
        /// How many names lie behind.
        depth: usize,
    },
}

impl<'t, 'n, 'de, T> Tap<'t, 'n, 'de, T> {
    /// Before the value is read: nobody has looked yet.
    pub(super) fn new(inner: T, notes: &'t mut Notes<'n, 'de>, at: At) -> Self {
        notes.value = Looked::Unasked;
        Self { inner, notes, at }
    }

    fn with<U>(self, inner: U) -> (T, Tap<'t, 'n, 'de, U>) {
        (self.inner, Tap { inner, notes: self.notes, at: self.at })
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Tap<'_, '_, 'de, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let (seed, tap) = self.with(deserializer);
        seed.deserialize(tap)
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tap<'_, '_, 'de, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.notes.value = Looked::Asked;
        let (parser, tap) = self.with(visitor);
        parser.deserialize_map(tap)
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

impl<'de, V: Visitor<'de>> Visitor<'de> for Tap<'_, '_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let Self { inner, notes, at } = self;
        notes.value = Looked::Noted;
        if let At::Confirmation = at {
            notes.claims.confirmation = Some(Box::default());
        }
        let name = Cow::Borrowed("");
        inner.visit_map(TapMap { map, notes, at, name, next: Next::Other, seen: 0 })
    }
}

struct TapMap<'t, 'n, 'de, A> {
    map: A,
    notes: &'t mut Notes<'n, 'de>,
    at: At,
    /// The name that was read last, and what its value is.
    name: Cow<'de, str>,
    next: Next,
    /// One bit for each place, or method of confirmation, that was met.
    seen: u8,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    Single(Single),
    Object(At),
    Other,
}

impl<A> TapMap<'_, '_, '_, A> {
    /// What the value of this member is, and the bits of what it may be but once.
    fn meaning(&mut self) -> (Next, u8) {
        match self.at {
            At::Confirmation => match &*self.name {
                "jkt" => (Next::Single(Single::JwkThumbprint), 1),
                "x5t#S256" => (Next::Single(Single::CertificateThumbprint), 2),
                _ => {
                    self.notes.claims.methods().others += 1;
                    (Next::Other, 0)
                }
            },
            At::Roles { places, depth } => {
                let (ends, goes_on) = self.notes.names.roles_after(places, depth, &self.name);
                let next = match (ends, goes_on) {
                    (0, 0) => Next::Other,
                    (0, places) => Next::Object(At::Roles { places, depth: depth + 1 }),
                    _ => Next::Single(Single::Roles),
                };
                (next, ends | goes_on)
            }
        }
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for TapMap<'_, '_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let Some(key) = self.map.next_key_seed(Name { seed, name: &mut self.name })? else {
            return Ok(None);
        };
        let (next, bits) = self.meaning();
        if self.seen & bits != 0 {
            self.notes.refuse(ClaimsError::of(&self.name, ClaimsError::TWICE));
            return Err(de::Error::custom(""));
        }
        self.seen |= bits;
        self.next = next;
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        let (read, problem) = match self.next {
            Next::Other => return self.map.next_value_seed(seed),
            Next::Single(single) => {
                let spy = Spy::new(seed, self.notes, single);
                (self.map.next_value_seed(spy), single.problem())
            }
            Next::Object(at) => {
                let tap = Tap::new(seed, self.notes, at);
                (self.map.next_value_seed(tap), NOT_AN_OBJECT)
            }
        };
        self.notes.expect_noted(&self.name, problem);
        if self.notes.error.is_some() {
            self.notes.blame(&self.name);
            return Err(de::Error::custom(""));
        }
        read
    }
}

/// What is wrong with a claim whose value is none.
pub(super) const NOT_AN_OBJECT: &str = "is not an object";

/// Hands an object on as a variant of an enum, with what it holds.
struct Variant<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Variant<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(Entry(map))
    }
}

/// The first member: the name of a variant, and what the variant holds.
struct Entry<A>(A);

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Entry<A> {
    type Error = A::Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(
        mut self,
        seed: S,
    ) -> Result<(S::Value, Self), A::Error> {
        match self.0.next_key_seed(seed)? {
            Some(name) => Ok((name, self)),
            None => Err(de::Error::custom("no variant")),
        }
    }
}

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Entry<A> {
    type Error = A::Error;

    fn unit_variant(mut self) -> Result<(), A::Error> {
        self.0.next_value()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        mut self,
        seed: S,
    ) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(
        mut self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.next_value_seed(Tuple { len, visitor })
    }

    fn struct_variant<V: Visitor<'de>>(
        mut self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.next_value_seed(Struct { fields, visitor })
    }
}

struct Tuple<V> {
    len: usize,
    visitor: V,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Tuple<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_tuple(self.len, self.visitor)
    }
}

struct Struct<V> {
    fields: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Struct<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_struct("", self.fields, self.visitor)
    }
}
