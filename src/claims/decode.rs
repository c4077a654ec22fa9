//! One pass over the payload that fills the application's type and the registered claims together.
//!
//! [`Tee`] is a deserializer that shows the application's type the very JSON object it would see
//! anyway, and takes a note of each registered claim as it goes by. Nothing is parsed twice, nothing
//! is looked up by name afterwards, and a claim that two readers could understand differently (one
//! that stands there twice) is refused.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::error::ClaimsError;
use super::names::ClaimNames;
use super::registered::RegisteredClaims;
use super::roles::RolesAt;
use super::scalar::{Number, Str, StrOrList, Value};
use super::text::{Text, Texts};

/// Reads a payload: a JSON object, each registered claim at most once and of its own type.
pub(crate) fn decode<C: DeserializeOwned>(
    json: String,
    names: &ClaimNames,
) -> Result<(RegisteredClaims, C), ClaimsError> {
    let mut notes =
        Notes { json: &json, names, claims: RegisteredClaims::default(), seen: 0, error: None };
    let mut parser = serde_json::Deserializer::from_str(&json);
    let custom = C::deserialize(Tee { parser: &mut parser, notes: &mut notes });
    let Notes { claims, error, .. } = notes;
    let custom = match (custom, error) {
        (_, Some(error)) | (Err(error), None) => return Err(error),
        (Ok(custom), None) => custom,
    };
    parser.end().map_err(|error| ClaimsError::from_json(&error))?;
    Ok((RegisteredClaims { json, ..claims }, custom))
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

struct Notes<'n, 'de> {
    json: &'de str,
    names: &'n ClaimNames,
    claims: RegisteredClaims,
    /// One bit per [`Claim`].
    seen: u32,
    /// Set where serde's error type has no room for ours, and where a registered claim is wrong: that
    /// is final, even if the application's type goes on reading.
    error: Option<ClaimsError>,
}

/// The claims that are read for every token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    Issuer,
    Subject,
    Audience,
    ExpiresAt,
    NotBefore,
    IssuedAt,
    TokenId,
    SessionId,
    ClientId,
    AuthorizedParty,
    Scope,
    Scp,
    AuthTime,
    Acr,
    TokenVersion,
    Roles,
    Other,
}

impl Claim {
    fn of(name: &str, names: &ClaimNames) -> Self {
        match name {
            "iss" => Self::Issuer,
            "sub" => Self::Subject,
            "aud" => Self::Audience,
            "exp" => Self::ExpiresAt,
            "nbf" => Self::NotBefore,
            "iat" => Self::IssuedAt,
            "jti" => Self::TokenId,
            "sid" => Self::SessionId,
            "client_id" => Self::ClientId,
            "azp" => Self::AuthorizedParty,
            "scope" => Self::Scope,
            "scp" => Self::Scp,
            "auth_time" => Self::AuthTime,
            "acr" => Self::Acr,
            _ if *names.token_version == *name => Self::TokenVersion,
            _ if names.roles.iter().any(|path| *path.first == *name) => Self::Roles,
            _ => Self::Other,
        }
    }
}

impl<'de> Notes<'_, 'de> {
    /// Several role paths may share their first name, so a repeated one is told by its name.
    fn note_once(&mut self, claim: Claim, name: &str) -> Result<(), ClaimsError> {
        if claim == Claim::Other {
            return Ok(());
        }
        let bit = match claim {
            Claim::Roles => {
                let place = self.names.roles.iter().position(|path| *path.first == *name);
                1 << (Claim::Roles as usize + place.unwrap_or(0)).min(31)
            }
            _ => 1_u32 << claim as usize,
        };
        if self.seen & bit != 0 {
            return Err(ClaimsError::of(name, "stands there twice"));
        }
        self.seen |= bit;
        Ok(())
    }

    fn text(&mut self, claim: Claim, value: Cow<'de, str>) {
        let text = Some(Text::new(value, self.json));
        match claim {
            Claim::Issuer => self.claims.issuer = text,
            Claim::Subject => self.claims.subject = text,
            Claim::TokenId => self.claims.token_id = text,
            Claim::SessionId => self.claims.session_id = text,
            Claim::ClientId => self.claims.client_id = text,
            Claim::AuthorizedParty => self.claims.authorized_party = text,
            _ => self.claims.acr = text,
        }
    }

    fn texts(&mut self, claim: Claim, value: StrOrList<'de>) {
        let texts = Some(match value {
            StrOrList::One(one) => Texts::One(Text::new(one, self.json)),
            // The usual audience, without a list of its own. A scope would be split at its spaces.
            StrOrList::Many(mut many) if claim == Claim::Audience && many.len() == 1 => {
                Texts::One(Text::new(many.swap_remove(0), self.json))
            }
            StrOrList::Many(many) => {
                Texts::Many(many.into_iter().map(|text| Text::new(text, self.json)).collect())
            }
        });
        match claim {
            Claim::Audience => self.claims.audience = texts,
            Claim::Scope => self.claims.scope = texts,
            _ => self.claims.scp = texts,
        }
    }

    fn number(&mut self, claim: Claim, value: Number) -> Result<(), ClaimsError> {
        const NOT_A_DATE: ClaimsError = ClaimsError::new("is not a time");
        match claim {
            Claim::ExpiresAt => {
                self.claims.expires_at = Some(value.as_numeric_date().ok_or(NOT_A_DATE)?);
            }
            Claim::NotBefore => {
                self.claims.not_before = Some(value.as_numeric_date().ok_or(NOT_A_DATE)?);
            }
            Claim::IssuedAt => {
                self.claims.issued_at = Some(value.as_numeric_date().ok_or(NOT_A_DATE)?);
            }
            Claim::AuthTime => {
                self.claims.auth_time = Some(value.as_numeric_date().ok_or(NOT_A_DATE)?);
            }
            _ => {
                let version = value.as_u64().ok_or(ClaimsError::new("is not a whole number"))?;
                self.claims.token_version = Some(version);
            }
        }
        Ok(())
    }

    fn roles(&mut self, name: &str, raw: &'de RawValue) -> Result<(), ClaimsError> {
        for path in self.names.roles.iter().filter(|path| *path.first == *name) {
            let at = RolesAt { path: &path.rest, json: self.json, out: &mut self.claims.roles };
            at.deserialize(&mut serde_json::Deserializer::from_str(raw.get()))
                .map_err(|error| ClaimsError::from_json(&error))?;
        }
        Ok(())
    }
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
            notes.error.get_or_insert(error);
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
    /// Reads a value for the notes. The parser's own error is dropped: it quotes the value.
    fn read<T: Deserialize<'de>>(&mut self, problem: &'static str) -> Result<T, ClaimsError> {
        match self.map.next_value() {
            Ok(value) => Ok(value),
            Err(_) => Err(self.refuse(ClaimsError::of(&self.name, problem))),
        }
    }

    /// Makes an error final.
    fn refuse(&mut self, error: ClaimsError) -> ClaimsError {
        let error = error.or_claim(&self.name);
        self.notes.error.get_or_insert(error).clone()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for TeeMap<'_, '_, 'de, A> {
    type Error = ClaimsError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ClaimsError> {
        let key = self.map.next_key_seed(Name { seed, name: &mut self.name });
        let key = match key {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(None),
            Err(_) => {
                let error = ClaimsError::new("has a member that cannot be read");
                return Err(self.notes.error.get_or_insert(error).clone());
            }
        };
        self.claim = Claim::of(&self.name, self.notes.names);
        match self.notes.note_once(self.claim, &self.name) {
            Ok(()) => Ok(Some(key)),
            Err(error) => Err(self.refuse(error)),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ClaimsError> {
        const UNFIT: &str = "does not fit the application's claims type";
        match self.claim {
            Claim::Other => {
                self.map.next_value_seed(seed).map_err(|_| ClaimsError::of(&self.name, UNFIT))
            }
            Claim::Issuer
            | Claim::Subject
            | Claim::TokenId
            | Claim::SessionId
            | Claim::ClientId
            | Claim::AuthorizedParty
            | Claim::Acr => {
                let Str(value) = self.read("is not a string")?;
                let given = seed.deserialize(Value::Str(&value));
                self.notes.text(self.claim, value);
                given
            }
            Claim::Audience | Claim::Scope | Claim::Scp => {
                let value: StrOrList<'de> = self.read("is neither a string nor strings")?;
                if matches!((self.claim, &value), (Claim::Audience, StrOrList::Many(many)) if many.is_empty()) {
                    return Err(self.refuse(ClaimsError::new("is an empty array")));
                }
                let given = seed.deserialize(Value::from(&value));
                self.notes.texts(self.claim, value);
                given
            }
            Claim::ExpiresAt
            | Claim::NotBefore
            | Claim::IssuedAt
            | Claim::AuthTime
            | Claim::TokenVersion => {
                let value: Number = self.read("is not a number in range")?;
                match self.notes.number(self.claim, value) {
                    Ok(()) => seed.deserialize(Value::Number(value)),
                    Err(error) => Err(self.refuse(error)),
                }
            }
            Claim::Roles => {
                let raw: &'de RawValue = self.read("cannot be read")?;
                if let Err(error) = self.notes.roles(&self.name, raw) {
                    return Err(self.refuse(error));
                }
                seed.deserialize(&mut serde_json::Deserializer::from_str(raw.get()))
                    .map_err(|_| ClaimsError::new(UNFIT))
            }
        }
        .map_err(|error| error.or_claim(&self.name))
    }
}

/// Notes a member's name and hands it on.
struct Name<'s, 'de, K> {
    seed: K,
    name: &'s mut Cow<'de, str>,
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Name<'_, 'de, K> {
    type Value = K::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de, K: DeserializeSeed<'de>> Visitor<'de> for Name<'_, 'de, K> {
    type Value = K::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<K::Value, E> {
        *self.name = Cow::Borrowed(name);
        self.seed.deserialize(Value::Str(self.name)).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<K::Value, E> {
        *self.name = Cow::Owned(name.to_owned());
        self.seed.deserialize(Value::Str(self.name)).map_err(E::custom)
    }
}
