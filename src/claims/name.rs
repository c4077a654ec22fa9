//! [`Name`]: notes a member's name and hands it on.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

use super::heard::Heard;
use super::notes::Noted;

pub(super) struct Name<'s, 'de, K> {
    pub(super) seed: K,
    pub(super) name: &'s mut Cow<'de, str>,
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Name<'_, 'de, K> {
    type Value = K::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de, K: DeserializeSeed<'de>> Visitor<'de> for Name<'_, 'de, K> {
    type Value = K::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    #[inline]
    fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<K::Value, E> {
        *self.name = Cow::Borrowed(name);
        self.seed.deserialize(Heard::name(Noted::Borrowed(name)))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<K::Value, E> {
        *self.name = Cow::Owned(name.to_owned());
        self.seed.deserialize(Heard::name(Noted::Unescaped(name)))
    }
}
