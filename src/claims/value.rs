//! A claim of any name, read from a payload that was read before.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::error::ClaimsError;
use super::names::ClaimPath;
use super::registered::RegisteredClaims;

impl RegisteredClaims {
    /// The value at this place of the payload; `None` if there is none.
    ///
    /// # Errors
    /// If a name on the way there appears twice, so that readers may differ, or stands for what is no
    /// object.
    pub(crate) fn value_at(&self, path: &ClaimPath) -> Result<Option<Value>, ClaimsError> {
        // The decoder has bounded the depth and refused names with a private meaning.
        let mut parser = serde_json::Deserializer::from_str(self.payload());
        let walk = Walk { name: &path.first, rest: &path.rest };
        walk.deserialize(&mut parser)
            .map_err(|_| ClaimsError::of(&path.first, "cannot be told, or not without doubt"))
    }
}

struct Walk<'p> {
    name: &'p str,
    rest: &'p [Box<str>],
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<String>()? {
            if name != self.name {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = match self.rest.split_first() {
                None => Some(map.next_value()?),
                Some((name, rest)) => map.next_value_seed(Walk { name, rest })?,
            };
            if found.replace(value).is_some() {
                return Err(de::Error::custom("appears twice"));
            }
        }
        Ok(found.flatten())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{ClaimNames, StandardClaims, decode};
    use super::*;

    #[test]
    fn values_are_found_at_any_depth_and_never_in_doubt() {
        let value = |json: &str, path: ClaimPath| {
            let names = ClaimNames::default();
            let (claims, _) = decode::<StandardClaims>(json.to_owned(), &names).unwrap();
            claims.value_at(&path).map_err(|_| ())
        };
        let json = r#"{"a":{"b":[1,{"c":2}],"c":null},"a.b":3,"":4,"sub":"x\u0041"}"#;
        assert_eq!(value(json, ["a", "b"].into()), Ok(Some(json!([1, {"c": 2}]))));
        assert_eq!(value(json, ["a", "c"].into()), Ok(Some(json!(null))));
        assert_eq!(value(json, "a.b".into()), Ok(Some(json!(3))));
        assert_eq!(value(json, "".into()), Ok(Some(json!(4))));
        assert_eq!(value(json, "sub".into()), Ok(Some(json!("xA"))));
        assert_eq!(value(json, "b".into()), Ok(None));
        assert_eq!(value(json, ["a", "d"].into()), Ok(None));
        for (odd, path) in [
            (r#"{"a":1,"a":1}"#, ClaimPath::from("a")),
            (r#"{"a":1,"\u0061":1}"#, "a".into()),
            (r#"{"a":{"b":1,"b":1}}"#, ["a", "b"].into()),
            (r#"{"a":{},"a":{"b":1}}"#, ["a", "b"].into()),
            (r#"{"a":7}"#, ["a", "b"].into()),
            (r#"{"a":[{"b":1}]}"#, ["a", "b"].into()),
            (r#"{"a":null}"#, ["a", "b"].into()),
        ] {
            assert_eq!(value(odd, path), Err(()), "{odd}");
        }
    }
}
