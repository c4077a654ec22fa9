//! One JWK ([RFC 7517 §4](https://www.rfc-editor.org/rfc/rfc7517#section-4)), read strictly.
//!
//! Members that point to or carry certificates (`x5u`, `x5c`, `x5t`) are never looked at.

use std::collections::HashSet;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use zeroize::Zeroizing;

use super::algorithm::{Algorithm, Family};
use super::error::{KeyError, KeyErrorKind};
use super::format::material::Material;
use super::secret::Secret;
use crate::json;

/// The members of a JWK that matter, not yet judged.
#[derive(Default)]
pub(crate) struct Jwk {
    pub(super) kty: Option<Value>,
    alg: Option<Value>,
    kid: Option<Value>,
    purpose: Option<Value>,
    key_ops: Option<Value>,
    pub(super) crv: Option<Value>,
    pub(super) n: Option<Value>,
    pub(super) e: Option<Value>,
    pub(super) x: Option<Value>,
    pub(super) y: Option<Value>,
    pub(super) k: Option<Zeroizing<String>>,
    /// Whether a member of a private key (RFC 7518 §6.2.2, §6.3.2) is there. Its value is not kept.
    pub(super) private: bool,
    has_keys: bool,
    pub(super) repeated: bool,
}

impl Jwk {
    pub(super) fn parse(json: &str) -> Result<Self, KeyError> {
        json::check(json.as_bytes())
            .map_err(|odd| KeyError::malformed("not a JWK that can be read").with_source(odd))?;
        let jwk: Self = serde_json::from_str(json).map_err(|_| {
            KeyError::malformed("not a JWK: expected one JSON object, with k (if any) a string")
        })?;
        if jwk.repeated {
            return Err(KeyError::malformed(
                "the JWK has a member twice (RFC 7517 §4); which one is meant cannot be known",
            ));
        }
        if jwk.has_keys && jwk.kty.is_none() {
            return Err(KeyError::malformed(
                "this is a JWK Set, not a single JWK; use KeySet::from_jwks",
            ));
        }
        Ok(jwk)
    }

    /// The `kid` (RFC 7517 §4.5).
    pub(super) fn id(&self) -> Result<Option<&str>, KeyError> {
        text(self.kid.as_ref(), "kid")
    }

    pub(super) fn is_symmetric(&self) -> bool {
        self.kty.as_ref().and_then(Value::as_str) == Some("oct")
    }

    /// The algorithm that the JWK names or that follows from its curve; `None` if several fit.
    /// Also judges whether the key is one for verifying signatures.
    pub(super) fn algorithm(&self) -> Result<Option<Algorithm>, KeyError> {
        let family = self.family()?;
        self.check_purpose()?;
        let derived = match family {
            Family::Hmac | Family::Rsa => None,
            Family::Ec | Family::Ed => Some(self.curve_algorithm(family)?),
        };
        let Some(name) = text(self.alg.as_ref(), "alg")? else {
            return Ok(derived);
        };
        let named = Algorithm::from_name(name).ok_or_else(|| {
            KeyError::unsupported(
                "the JWK's alg is not a supported signature algorithm (RFC 7518 §3.1)",
            )
        })?;
        if named.family() != family || derived.is_some_and(|derived| derived != named) {
            return Err(KeyError::mismatch(format!(
                "the JWK's alg {named} does not fit its kty or crv"
            )));
        }
        Ok(Some(named))
    }

    fn family(&self) -> Result<Family, KeyError> {
        match text(self.kty.as_ref(), "kty")? {
            Some("oct") => Ok(Family::Hmac),
            Some("RSA") => Ok(Family::Rsa),
            Some("EC") => Ok(Family::Ec),
            Some("OKP") => Ok(Family::Ed),
            Some(_) => Err(KeyError::unsupported(
                "the JWK's kty is not supported; known are RSA, EC, OKP and oct",
            )),
            None => Err(missing("kty")),
        }
    }

    fn curve_algorithm(&self, family: Family) -> Result<Algorithm, KeyError> {
        let crv = text(self.crv.as_ref(), "crv")?.ok_or_else(|| missing("crv"))?;
        Algorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.family() == family && algorithm.curve() == Some(crv))
            .ok_or_else(|| {
                KeyError::unsupported(
                    "the JWK's crv is not supported; known are P-256, P-384 and P-521 (EC) and \
                     Ed25519 (OKP)",
                )
            })
    }

    /// `use` and `key_ops` (RFC 7517 §4.2, §4.3).
    fn check_purpose(&self) -> Result<(), KeyError> {
        if !matches!(text(self.purpose.as_ref(), "use")?, None | Some("sig")) {
            return Err(KeyError::mismatch(
                "the JWK's use is not sig: the key is not meant for signatures",
            ));
        }
        let Some(operations) = &self.key_ops else {
            return Ok(());
        };
        let operations: Option<Vec<&str>> =
            operations.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
        let Some(operations) = operations else {
            return Err(KeyError::malformed("the JWK's key_ops is not an array of strings"));
        };
        let distinct: HashSet<&str> = operations.iter().copied().collect();
        if distinct.len() != operations.len() {
            return Err(KeyError::malformed("the JWK's key_ops names an operation twice"));
        }
        if !distinct.contains("verify") {
            return Err(KeyError::mismatch(
                "the JWK's key_ops do not contain verify: the key is not meant to verify signatures",
            ));
        }
        Ok(())
    }

    /// The key material for this algorithm.
    pub(super) fn material(&self, algorithm: Algorithm) -> Result<Material, KeyError> {
        let family = self.family()?;
        if family != algorithm.family() {
            return Err(KeyError::mismatch(format!("{algorithm} does not fit the JWK's kty")));
        }
        if self.private && family != Family::Hmac {
            return Err(KeyError::private_key());
        }
        match family {
            Family::Hmac => {
                let k = self.k.as_ref().ok_or_else(|| missing("k"))?;
                Material::hmac(algorithm, decode(k, "k").map(Secret::new)?)
            }
            Family::Rsa => Material::rsa(&self.bytes(&self.n, "n")?, &self.bytes(&self.e, "e")?),
            Family::Ec => {
                let (x, y) = (self.bytes(&self.x, "x")?, self.bytes(&self.y, "y")?);
                let length = algorithm.coordinate_len();
                if x.len() != length || y.len() != length {
                    return Err(KeyError::mismatch(format!(
                        "x and y of a JWK for {algorithm} have exactly {length} bytes each \
                         (RFC 7518 §6.2.1.2)"
                    )));
                }
                Material::ec(algorithm, &[&[4], x.as_slice(), y.as_slice()].concat())
            }
            Family::Ed => Material::ed(&self.bytes(&self.x, "x")?),
        }
    }

    fn bytes(&self, member: &Option<Value>, name: &str) -> Result<Vec<u8>, KeyError> {
        decode(text(member.as_ref(), name)?.ok_or_else(|| missing(name))?, name)
    }
}

fn text<'a>(member: Option<&'a Value>, name: &str) -> Result<Option<&'a str>, KeyError> {
    match member {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyError::malformed(format!("the JWK's {name} is not a string"))),
    }
}

/// Base64url without padding, whitespace or stray bits (RFC 7515 §2).
fn decode(text: &str, name: &str) -> Result<Vec<u8>, KeyError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| {
        KeyError::malformed(format!("the JWK's {name} is not base64url without padding"))
    })
}

fn missing(name: &str) -> KeyError {
    KeyError::malformed(format!("the JWK has no {name}"))
}

impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(JwkVisitor)
    }
}

struct JwkVisitor;

impl<'de> Visitor<'de> for JwkVisitor {
    type Value = Jwk;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JWK")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Jwk, A::Error> {
        let mut jwk = Jwk::default();
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "kty" => jwk.kty = Some(map.next_value()?),
                "alg" => jwk.alg = Some(map.next_value()?),
                "kid" => jwk.kid = Some(map.next_value()?),
                "use" => jwk.purpose = Some(map.next_value()?),
                "key_ops" => jwk.key_ops = Some(map.next_value()?),
                "crv" => jwk.crv = Some(map.next_value()?),
                "n" => jwk.n = Some(map.next_value()?),
                "e" => jwk.e = Some(map.next_value()?),
                "x" => jwk.x = Some(map.next_value()?),
                "y" => jwk.y = Some(map.next_value()?),
                "k" => jwk.k = Some(Zeroizing::new(map.next_value()?)),
                other => {
                    jwk.private |= matches!(other, "d" | "p" | "q" | "dp" | "dq" | "qi" | "oth");
                    jwk.has_keys |= other == "keys";
                    map.next_value::<IgnoredAny>()?;
                }
            }
            jwk.repeated |= !seen.insert(name);
        }
        Ok(jwk)
    }
}

impl KeyError {
    /// An `oct` key in a set that is published.
    pub(super) fn symmetric() -> Self {
        Self::new(
            KeyErrorKind::Symmetric,
            "a shared secret (kty oct) in a key set, which is public as a rule; \
             if this set is private, say JwksOptions::allow_symmetric",
        )
    }
}

#[cfg(test)]
mod tests;
