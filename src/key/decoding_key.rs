//! The bridge from `jsonwebtoken` (feature `jsonwebtoken`).

use jsonwebtoken::{AlgorithmFamily, DecodingKey, DecodingKeyKind};

use super::algorithm::{Algorithm, Family};
use super::error::KeyError;
use super::format::material::Material;
use super::secret::Secret;
use super::single::Key;

impl Key {
    /// Takes over a key that was loaded with the `jsonwebtoken` crate (feature `jsonwebtoken`).
    ///
    /// It passes the same checks as every other key, so one that `jsonwebtoken` accepts may be
    /// refused.
    ///
    /// # Errors
    /// If the key is of another family than the algorithm, or fails a check.
    #[cfg_attr(docsrs, doc(cfg(feature = "jsonwebtoken")))]
    pub fn from_decoding_key(algorithm: Algorithm, key: &DecodingKey) -> Result<Self, KeyError> {
        let family = match key.family() {
            AlgorithmFamily::Hmac => Family::Hmac,
            AlgorithmFamily::Rsa => Family::Rsa,
            AlgorithmFamily::Ec => Family::Ec,
            AlgorithmFamily::Ed => Family::Ed,
        };
        if family != algorithm.family() {
            return Err(KeyError::mismatch(format!(
                "the DecodingKey is of another family than {algorithm}"
            )));
        }
        let material = match (family, key.kind()) {
            (Family::Hmac, DecodingKeyKind::SecretOrDer(secret)) => {
                Material::hmac(algorithm, Secret::new(secret.clone()))
            }
            (_, DecodingKeyKind::SecretOrDer(der)) => Material::der(algorithm, der),
            (_, DecodingKeyKind::RsaModulusExponent { n, e }) => Material::rsa(n, e),
        }?;
        Self::build(algorithm, material, None)
    }
}
