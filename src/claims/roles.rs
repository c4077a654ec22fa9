//! [`Roles`]: who the token's bearer is to the application.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::text::Text;

/// The roles of a token, from the places the verifier was told to look at (`roles` by default).
///
/// A role claim is an array of strings or one string, which is one role, spaces and all. A claim of
/// another shape holds no roles: [`role`](crate::guard::role) then denies, and its `not` passes.
#[derive(Clone, Copy)]
pub struct Roles<'a> {
    pub(super) held: &'a [Text],
    pub(super) json: &'a str,
}

impl<'a> Roles<'a> {
    /// Whether this role is among them, compared exactly. The empty string never is.
    #[must_use]
    pub fn contains(&self, role: &str) -> bool {
        !role.is_empty() && self.iter().any(|held| held == role)
    }

    /// Each role, in the order of the token.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let json = self.json;
        self.held.iter().map(move |text| text.get(json))
    }

    /// Whether the token has no role at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

impl fmt::Debug for Roles<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roles({} held)", self.held.len())
    }
}

/// Walks `path` into a value and collects the strings it finds there. Shapes that do not fit yield
/// nothing; only broken JSON is an error.
pub(super) struct RolesAt<'p, 'o, 'json> {
    pub(super) path: &'p [Box<str>],
    pub(super) json: &'json str,
    pub(super) out: &'o mut Vec<Text>,
}

impl<'de> DeserializeSeed<'de> for RolesAt<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> RolesAt<'_, '_, 'de> {
    fn push(self, role: Cow<'de, str>) {
        if self.path.is_empty() {
            self.out.push(Text::new(role, self.json));
        }
    }
}

impl<'de> Visitor<'de> for RolesAt<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("roles")
    }

    fn visit_borrowed_str<E>(self, role: &'de str) -> Result<(), E> {
        self.push(Cow::Borrowed(role));
        Ok(())
    }

    fn visit_str<E>(self, role: &str) -> Result<(), E> {
        self.push(Cow::Owned(role.to_owned()));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if !self.path.is_empty() {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        while let Some(element) = seq.next_element::<MaybeRole<'de>>()? {
            if let Some(role) = element.0 {
                self.out.push(Text::new(role, self.json));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { path, json, out } = self;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match path.split_first() {
                Some((first, rest)) if **first == *name => {
                    map.next_value_seed(RolesAt { path: rest, json, out })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// An element of a role array: a string, or something that is not a role.
struct MaybeRole<'de>(Option<Cow<'de, str>>);

impl<'de> Deserialize<'de> for MaybeRole<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Element;
        impl<'de> Visitor<'de> for Element {
            type Value = MaybeRole<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a role")
            }
            fn visit_borrowed_str<E>(self, role: &'de str) -> Result<Self::Value, E> {
                Ok(MaybeRole(Some(Cow::Borrowed(role))))
            }
            fn visit_str<E>(self, role: &str) -> Result<Self::Value, E> {
                Ok(MaybeRole(Some(Cow::Owned(role.to_owned()))))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(MaybeRole(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(MaybeRole(None))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(MaybeRole(None))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(MaybeRole(None))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(MaybeRole(None))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(MaybeRole(None))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(MaybeRole(None))
            }
        }
        deserializer.deserialize_any(Element)
    }
}
