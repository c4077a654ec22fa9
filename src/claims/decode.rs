//! One pass over the payload that fills the application's type and the registered claims together.
//!
//! [`Tee`] is a deserializer that shows the application's type the very JSON object it would see
//! anyway, and takes a note of each registered claim as it goes by: [`Spy`] of strings, numbers and
//! lists, [`Tap`] of what stands in objects. Nothing is parsed twice, nothing is looked up by name
//! afterwards, and a claim that two readers could understand differently (one that appears twice) is
//! refused.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::error::Category;

use super::error::ClaimsError;
use super::name::Name;
use super::names::ClaimNames;
use super::notes::{Claim, Looked, Notes, Single};
use super::registered::RegisteredClaims;
use super::registry::{ObjectClaim, Registered};
use super::spy::Spy;
use super::tap::{At, NOT_AN_OBJECT, Tap};
use super::text::TOO_LONG;
use crate::json;

/// Reads a payload: a JSON object, each registered claim at most once and of its own type.
pub(crate) fn decode<C: DeserializeOwned>(
    json: String,
    names: &ClaimNames,
) -> Result<(RegisteredClaims, C), ClaimsError> {
    let mut claims = RegisteredClaims::default();
    let custom = decode_into(&mut claims, json, names)?;
    Ok((claims, custom))
}

/// The same, with the registered claims in a place of the caller's, which need not be moved. They mean
/// nothing unless all was read.
#[inline]
pub(crate) fn decode_into<C: DeserializeOwned>(
    claims: &mut RegisteredClaims,
    json: String,
    names: &ClaimNames,
) -> Result<C, ClaimsError> {
    fits(json.len())?;
    json::check(json.as_bytes()).map_err(|odd| ClaimsError::new(odd.as_str()))?;
    let mut notes = Notes::new(&json, names, &mut *claims);
    let mut parser = serde_json::Deserializer::from_str(&json);
    let custom = C::deserialize(Tee { parser: &mut parser, notes: &mut notes });
    let Notes { unescaped, error, .. } = notes;
    if let Some(error) = error {
        return Err(error);
    }
    let custom = custom?;
    parser.end().map_err(|error| ClaimsError::from_json(&error))?;
    claims.keep(json, &unescaped);
    Ok(custom)
}

/// Positions in the payload are numbers of 32 bits.
fn fits(len: usize) -> Result<(), ClaimsError> {
    if len < TOO_LONG { Ok(()) } else { Err(ClaimsError::new("is too long")) }
}

/// `iss` of a payload whose signature has not been checked: good for choosing whose rules and keys
/// to apply, and for nothing else.
pub(crate) fn peek_issuer(json: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Peek<'a> {
        #[serde(borrow)]
        iss: Cow<'a, str>,
    }
    serde_json::from_str::<Peek<'_>>(json).ok().map(|peek| peek.iss)
}

/// The payload, for the application's `Deserialize`.
struct Tee<'p, 'n, 'de, D> {
    parser: D,
    notes: &'p mut Notes<'n, 'de>,
}

impl<'de, D> Deserializer<'de> for Tee<'_, '_, 'de, D>
where
    D: Deserializer<'de, Error = serde_json::Error>,
{
    type Error = ClaimsError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ClaimsError> {
        self.parser.deserialize_map(TeeVisitor { visitor, notes: self.notes }).map_err(|error| {
            match error.classify() {
                Category::Data => ClaimsError::new("is not a JSON object"),
                _ => ClaimsError::from_json(&error),
            }
        })
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

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct TeeVisitor<'p, 'n, 'de, V> {
    visitor: V,
    notes: &'p mut Notes<'n, 'de>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for TeeVisitor<'_, '_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let notes = self.notes;
        let tee = TeeMap { map, notes: &mut *notes, claim: Claim::Other, name: Cow::Borrowed("") };
        self.visitor.visit_map(tee).map_err(|error| {
            notes.refuse(error);
            de::Error::custom("")
        })
    }
}

struct TeeMap<'p, 'n, 'de, A> {
    map: A,
    notes: &'p mut Notes<'n, 'de>,
    /// The claim whose name was read last, and that name.
    claim: Claim,
    name: Cow<'de, str>,
}

impl<'de, A: MapAccess<'de>> TeeMap<'_, '_, 'de, A> {
    /// Makes an error final.
    fn refuse(&mut self, error: ClaimsError) -> ClaimsError {
        self.notes.refuse(error.clone());
        error
    }

    /// A string, number or list.
    fn single<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
        single: Single,
    ) -> Result<S::Value, ClaimsError> {
        let read = self.map.next_value_seed(Spy::new(seed, self.notes, single));
        self.noted(read, single.problem())
    }

    /// An object that something stands in.
    fn object<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
        at: At,
    ) -> Result<S::Value, ClaimsError> {
        let read = self.map.next_value_seed(Tap::new(seed, self.notes, at));
        if read.is_err() && self.notes.value == Looked::Noted {
            // Where the application's type gave up, and so where the parser is, cannot be known.
            self.notes.refuse(ClaimsError::of(&self.name, ClaimsError::UNFIT));
        }
        self.noted(read, NOT_AN_OBJECT)
    }

    /// What came of a value, after its note was taken.
    #[inline]
    fn noted<T>(
        &mut self,
        read: Result<T, A::Error>,
        problem: &'static str,
    ) -> Result<T, ClaimsError> {
        match read {
            Ok(value) if self.notes.all_well() => Ok(value),
            // The parser's own error is dropped: it quotes the value.
            _ => Err(self.fault(problem)),
        }
    }

    /// What is wrong with a value.
    #[cold]
    fn fault(&mut self, problem: &'static str) -> ClaimsError {
        self.notes.expect_noted(&self.name, problem);
        self.notes.blame(&self.name);
        match &self.notes.error {
            Some(error) => error.clone(),
            None => ClaimsError::of(&self.name, ClaimsError::UNFIT),
        }
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for TeeMap<'_, '_, 'de, A> {
    type Error = ClaimsError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ClaimsError> {
        let key = match self.map.next_key_seed(Name { seed, name: &mut self.name }) {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(None),
            Err(_) => {
                return Err(self.refuse(ClaimsError::new("has a member that cannot be read")));
            }
        };
        match self.notes.begin(&self.name) {
            Ok(claim) => self.claim = claim,
            Err(error) => return Err(self.refuse(error)),
        }
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ClaimsError> {
        match self.claim {
            Claim::Other => self
                .map
                .next_value_seed(seed)
                .map_err(|_| ClaimsError::of(&self.name, ClaimsError::UNFIT)),
            Claim::Registered(Registered::Text(claim)) => self.single(seed, Single::Text(claim)),
            Claim::Registered(Registered::Date(claim)) => self.single(seed, Single::Date(claim)),
            Claim::Registered(Registered::List(claim)) => self.single(seed, Single::List(claim)),
            Claim::Registered(Registered::Object(ObjectClaim::Confirmation)) => {
                self.object(seed, At::Confirmation)
            }
            Claim::TokenVersion => self.single(seed, Single::TokenVersion),
            Claim::Roles(places) if self.notes.names.roles_stand_at_once(places) => {
                self.single(seed, Single::Roles)
            }
            Claim::Roles(places) => self.object(seed, At::Roles { places, depth: 1 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_too_long_for_its_positions_is_refused_before_it_is_read() {
        assert!(fits(TOO_LONG - 1).is_ok());
        for len in [TOO_LONG, 1 << 32, usize::MAX] {
            assert_eq!(fits(len).unwrap_err().to_string(), "the payload is too long");
        }
    }
}
