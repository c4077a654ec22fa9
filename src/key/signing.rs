//! [`SigningKey`]: the private half of a key, for tokens that are made here.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::backend::{SignKey, fill_random};
use super::error::{KeyError, KeyErrorKind};
use super::material::{self, Material};
use super::pem;
use super::secret::Secret;
use super::single::Key;

/// A key that signs with exactly one algorithm. `Debug` shows the id and the algorithm only.
pub(crate) struct SigningKey {
    algorithm: Algorithm,
    id: Option<Box<str>>,
    key: SignKey,
    /// What a verifier needs: the public half, or the shared secret.
    material: Material,
}

impl SigningKey {
    /// A new random key; RSA keys have 2048 bits.
    ///
    /// # Errors
    /// If the crypto backend fails or is missing.
    pub(crate) fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        if algorithm.is_symmetric() {
            let mut secret = Zeroizing::new(vec![0; algorithm.hash_len()]);
            fill_random(&mut secret)?;
            return Self::hmac(algorithm, &Secret::new(std::mem::take(&mut *secret)));
        }
        Self::asymmetric(algorithm, SignKey::generate(algorithm)?)
    }

    /// A shared secret, checked as [`Key::hmac`] does.
    ///
    /// # Errors
    /// As for [`Key::hmac`].
    pub(crate) fn hmac(algorithm: Algorithm, secret: &Secret) -> Result<Self, KeyError> {
        let material = Material::hmac(algorithm, secret.clone())?;
        Ok(Self { algorithm, id: None, key: SignKey::hmac(algorithm, secret)?, material })
    }

    /// A private key in PKCS#8 as PEM (`PRIVATE KEY`, RFC 7468 §10).
    ///
    /// # Errors
    /// If the document is not exactly one private key that fits the algorithm, or a weak one.
    pub(crate) fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        material::refuse_symmetric(algorithm)?;
        let pem = pem::parse(pem.as_ref())?;
        match pem.label {
            "PRIVATE KEY" => Self::asymmetric(algorithm, SignKey::from_pkcs8(algorithm, &pem.der)?),
            "RSA PRIVATE KEY" | "EC PRIVATE KEY" => Err(KeyError::unsupported(
                "the private key is not in PKCS#8; convert it with: \
                 openssl pkcs8 -topk8 -nocrypt -in private.pem",
            )),
            _ => Err(KeyError::malformed(
                "the PEM block is not a private key; expected the label PRIVATE KEY",
            )),
        }
    }

    fn asymmetric(algorithm: Algorithm, key: SignKey) -> Result<Self, KeyError> {
        let material = key.public()?.ok_or_else(|| {
            KeyError::new(KeyErrorKind::Failed, "the key pair has no public half")
        })?;
        Ok(Self { algorithm, id: None, key, material })
    }

    /// Gives the key an id, the `kid` of tokens.
    pub(crate) fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into().into());
        self
    }

    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The signature in the form that a JWS has (RFC 7518 §3).
    ///
    /// # Errors
    /// [`KeyErrorKind::Failed`] if the crypto library fails.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.key.sign(message)
    }

    /// The compact serialization of a JWS with this header and this payload (RFC 7515 §7.1).
    ///
    /// # Errors
    /// As for [`SigningKey::sign`].
    pub(crate) fn sign_compact(&self, header: &[u8], payload: &[u8]) -> Result<String, KeyError> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let input = format!("{}.{}", encode(header), encode(payload));
        let signature = self.sign(input.as_bytes())?;
        Ok(format!("{input}.{}", encode(&signature)))
    }

    /// The key that verifies what this one signs, with the same id.
    ///
    /// # Errors
    /// If the crypto backend refuses it.
    pub(crate) fn public_key(&self) -> Result<Key, KeyError> {
        Key::build(self.algorithm, self.material.clone(), self.id.clone())
    }

    /// The public half as JWK (RFC 7517 §4), with `alg`, `use` and, if there is an id, `kid`.
    ///
    /// # Errors
    /// [`KeyErrorKind::Symmetric`] for a shared secret, which must not be published.
    pub(crate) fn public_jwk(&self) -> Result<Value, KeyError> {
        let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.material {
            Material::Hmac(_) => return Err(KeyError::symmetric()),
            Material::Rsa { n, e } => json!({"kty": "RSA", "n": base64(n), "e": base64(e)}),
            Material::Ec(point) => {
                let point = point.get(1..).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": self.algorithm.curve(), "x": base64(x), "y": base64(y)})
            }
            Material::Ed(point) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64(point)}),
        };
        jwk["alg"] = self.algorithm.as_str().into();
        jwk["use"] = "sig".into();
        if let Some(id) = self.id() {
            jwk["kid"] = id.into();
        }
        Ok(jwk)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id())
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// 128 random bits as text, for an identifier that nobody guesses or repeats.
///
/// # Errors
/// If the crypto backend fails or is missing.
#[cfg(feature = "introspection")]
pub(crate) fn random_id() -> Result<String, KeyError> {
    let mut bytes = [0; 16];
    fill_random(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
#[path = "signing_tests.rs"]
mod tests;
