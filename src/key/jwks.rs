//! A JWK Set ([RFC 7517 §5](https://www.rfc-editor.org/rfc/rfc7517#section-5)): what is usable is
//! taken, the rest is reported.

use super::algorithm::{Algorithm, Family};
use super::error::{KeyError, KeyErrorKind};
use super::jwk::Jwk;
use super::set::KeySet;
use super::single::Key;
use super::skipped::SkippedKey;
use crate::json;

/// How a JWK Set is read. The default suits a published set: keys with an algorithm of their own,
/// RSA keys without one for `RS256`, no shared secrets.
#[derive(Debug, Clone)]
#[must_use = "options do nothing until a key set is read with them"]
pub struct JwksOptions {
    rsa_algorithms: Vec<Algorithm>,
    allow_symmetric: bool,
}

impl JwksOptions {
    /// The default.
    pub fn new() -> Self {
        Self { rsa_algorithms: vec![Algorithm::RS256], allow_symmetric: false }
    }

    /// The algorithms for RSA keys without `alg`; `RS256` alone by default. With several, such a
    /// key is taken once for each. With none, it is skipped.
    ///
    /// The token's `alg` has no say in this.
    pub fn rsa_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.rsa_algorithms.clear();
        for algorithm in algorithms {
            if !self.rsa_algorithms.contains(&algorithm) {
                self.rsa_algorithms.push(algorithm);
            }
        }
        self
    }

    /// Takes shared secrets (`kty` `oct`) too. A key set is public as a rule, and a public secret
    /// lets anyone make tokens: only for a set that comes from a private place.
    pub fn allow_symmetric(mut self) -> Self {
        self.allow_symmetric = true;
        self
    }

    /// Whether a set may hold what has to stay secret.
    #[cfg(feature = "remote")]
    pub(crate) fn takes_symmetric(&self) -> bool {
        self.allow_symmetric
    }

    /// The keys that one member of the set stands for.
    fn keys(&self, jwk: &Jwk) -> Result<Vec<Key>, KeyError> {
        if jwk.is_symmetric() && !self.allow_symmetric {
            return Err(KeyError::symmetric());
        }
        match jwk.algorithm()? {
            Some(algorithm) => Ok(vec![Key::from_parsed_jwk(algorithm, jwk)?]),
            None if jwk.is_symmetric() || self.rsa_algorithms.is_empty() => Err(KeyError::new(
                KeyErrorKind::AlgorithmNeeded,
                "the key has no alg, and several algorithms fit its type; \
                 for RSA keys name them with JwksOptions::rsa_algorithms",
            )),
            None => self
                .rsa_algorithms
                .iter()
                .map(|algorithm| Key::from_parsed_jwk(*algorithm, jwk))
                .collect(),
        }
    }
}

impl Default for JwksOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// A `kid` is public, and what is wrong with a key is told without its bytes.
#[cfg(feature = "tracing")]
fn warn(skipped: &SkippedKey) {
    let (index, kid, reason) = (skipped.index, skipped.id(), &skipped.reason);
    tracing::warn!(index, kid, %reason, "a key of a JWK Set was skipped");
}

#[cfg(not(feature = "tracing"))]
fn warn(_: &SkippedKey) {}

impl KeySet {
    /// Reads a JWK Set with the default [`JwksOptions`].
    ///
    /// A key that is unknown, broken or not meant for verifying is skipped, see
    /// [`KeySet::skipped`]; the others work.
    ///
    /// # Errors
    /// [`Malformed`](KeyErrorKind::Malformed) if it is not a JSON object with an array `keys`,
    /// [`NoUsableKey`](KeyErrorKind::NoUsableKey) if none of the keys can be used.
    pub fn from_jwks(json: &str) -> Result<Self, KeyError> {
        Self::from_jwks_with(json, &JwksOptions::new())
    }

    /// Reads a JWK Set.
    ///
    /// # Errors
    /// As for [`KeySet::from_jwks`]; also [`Mismatch`](KeyErrorKind::Mismatch) if
    /// [`JwksOptions::rsa_algorithms`] names one that is not for RSA keys.
    pub fn from_jwks_with(json: &str, options: &JwksOptions) -> Result<Self, KeyError> {
        if let Some(odd) = options.rsa_algorithms.iter().find(|it| it.family() != Family::Rsa) {
            return Err(KeyError::mismatch(format!(
                "JwksOptions::rsa_algorithms names {odd}, which is not for RSA keys"
            )));
        }
        let members = json::elements(json, "keys").ok_or_else(|| no_set(json))?;
        let mut keys = Vec::with_capacity(members.len());
        let mut skipped = Vec::new();
        for (index, member) in members.into_iter().enumerate() {
            let jwk = Jwk::parse(member);
            match jwk.as_ref().map_err(Clone::clone).and_then(|jwk| options.keys(jwk)) {
                Ok(taken) => keys.extend(taken),
                Err(reason) => {
                    let id = jwk.ok().and_then(|jwk| jwk.id().ok().flatten().map(Into::into));
                    let skipped_key = SkippedKey { index, id, reason };
                    warn(&skipped_key);
                    skipped.push(skipped_key);
                }
            }
        }
        if keys.is_empty() {
            let text = match skipped.first() {
                None => "the key set is empty".to_owned(),
                Some(first) => format!(
                    "none of the {} keys of the set can be used; the first one: {}",
                    skipped.len(),
                    first.reason
                ),
            };
            return Err(KeyError::new(KeyErrorKind::NoUsableKey, text));
        }
        Ok(Self::with_skipped(keys, skipped))
    }
}

fn no_set(json: &str) -> KeyError {
    KeyError::malformed(match Jwk::parse(json) {
        Ok(_) => {
            "a JSON object without an array keys: not a JWK Set; \
             if it is a single JWK, use Key::from_jwk"
        }
        Err(_) => "not a JWK Set: expected a JSON object with an array keys",
    })
}

#[cfg(test)]
mod tests;
