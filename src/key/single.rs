//! [`Key`]: one algorithm, one piece of prepared key material, perhaps an id.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::algorithm::{Algorithm, Family};
use super::backend::VerifyKey;
use super::error::KeyError;
use super::format::material::{self, Material};
use super::format::pem;
use super::hygiene::ed25519;
use super::jwk::Jwk;
use super::secret::{Secret, read_file};

/// A key that verifies signatures of exactly one algorithm. Cloning it copies one pointer.
///
/// `Debug` shows the id and the algorithm, nothing of the key.
#[derive(Clone)]
#[doc(alias("DecodingKey", "jwk", "pem"))]
pub struct Key(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    algorithm: Algorithm,
    id: Option<Box<str>>,
    /// The exact length of a signature in bytes.
    signature_len: usize,
    verify: VerifyKey,
}

impl Key {
    /// HMAC with SHA-256 (RFC 7518 §3.2); the secret has at least 32 bytes.
    ///
    /// # Errors
    /// As for [`Key::hmac`].
    pub fn hs256(secret: Secret) -> Result<Self, KeyError> {
        Self::hmac(Algorithm::HS256, secret)
    }

    /// HMAC with SHA-384 (RFC 7518 §3.2); the secret has at least 48 bytes.
    ///
    /// # Errors
    /// As for [`Key::hmac`].
    pub fn hs384(secret: Secret) -> Result<Self, KeyError> {
        Self::hmac(Algorithm::HS384, secret)
    }

    /// HMAC with SHA-512 (RFC 7518 §3.2); the secret has at least 64 bytes.
    ///
    /// # Errors
    /// As for [`Key::hmac`].
    pub fn hs512(secret: Secret) -> Result<Self, KeyError> {
        Self::hmac(Algorithm::HS512, secret)
    }

    /// A shared secret for `HS256`, `HS384` or `HS512`
    /// ([RFC 7518 §3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)).
    ///
    /// # Errors
    /// [`Weak`](super::KeyErrorKind::Weak) if the secret is shorter than the hash's output (32, 48
    /// or 64 bytes), a short word repeated, or a sample from documentation, [`NotASecret`](super::KeyErrorKind::NotASecret) if it is a key,
    /// certificate, JWK or JWK Set in any of the usual forms.
    pub fn hmac(algorithm: Algorithm, secret: Secret) -> Result<Self, KeyError> {
        Self::build(algorithm, Material::hmac(algorithm, secret)?, None)
    }

    /// A public key as PEM: `PUBLIC KEY` (RFC 7468 §13), or `RSA PUBLIC KEY` (RFC 8017 A.1.1).
    ///
    /// # Errors
    /// If the document is not exactly one public key that fits the algorithm. Private keys and
    /// certificates are refused with a text that says how to take the public key out.
    pub fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        material::refuse_symmetric(algorithm)?;
        let pem = pem::parse(pem.as_ref())?;
        let material = match pem.label {
            "PUBLIC KEY" => Material::spki(algorithm, &pem.der)?,
            "RSA PUBLIC KEY" if algorithm.family() == Family::Rsa => Material::pkcs1(&pem.der)?,
            "RSA PUBLIC KEY" => {
                return Err(KeyError::mismatch(format!(
                    "this is an RSA key, which {algorithm} does not work with; \
                     name RS256 or the algorithm that the issuer signs with"
                )));
            }
            label if label.ends_with("PRIVATE KEY") => return Err(KeyError::private_key()),
            label if label.ends_with("CERTIFICATE") => return Err(material::certificate()),
            _ => {
                return Err(KeyError::unsupported(
                    "the PEM block is not a public key; expected the label PUBLIC KEY",
                ));
            }
        };
        Self::build(algorithm, material, None)
    }

    /// Reads a file and takes it as [`Key::from_pem`] does.
    ///
    /// # Errors
    /// [`Unreadable`](super::KeyErrorKind::Unreadable) if the file cannot be read, and all errors
    /// of [`Key::from_pem`].
    pub fn from_pem_file(algorithm: Algorithm, path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
        let pem = zeroize::Zeroizing::new(read_file(path)?);
        Self::from_pem(algorithm, pem.as_slice()).map_err(|error| error.of_file(path))
    }

    /// A public key as DER: `SubjectPublicKeyInfo` (RFC 5280 §4.1); for RSA also `RSAPublicKey`
    /// (RFC 8017 A.1.1); for ECDSA also the bare uncompressed point (65, 97 or 133 bytes that
    /// start with 0x04); for `EdDSA` also the bare 32 bytes.
    ///
    /// # Errors
    /// If the bytes are not a public key that fits the algorithm.
    pub fn from_der(algorithm: Algorithm, der: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Self::build(algorithm, Material::der(algorithm, der.as_ref())?, None)
    }

    /// A key as JWK ([RFC 7517 §4](https://www.rfc-editor.org/rfc/rfc7517#section-4)), with its
    /// `kid` as the id.
    ///
    /// The algorithm is the JWK's `alg`, or follows from the curve. RSA keys and shared secrets
    /// without `alg` need [`Key::from_jwk_as`].
    ///
    /// # Errors
    /// If it is not a JWK, is private, is not meant for verifying (`use`, `key_ops`), contradicts
    /// itself, or does not tell its algorithm.
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        let jwk = Jwk::parse(json)?;
        let algorithm = jwk.algorithm()?.ok_or_else(|| {
            KeyError::new(
                super::KeyErrorKind::AlgorithmNeeded,
                "the JWK has no alg, and several algorithms fit its type; \
                 name the one that the issuer signs with: Key::from_jwk_as(Algorithm::RS256, json)",
            )
        })?;
        Self::from_parsed_jwk(algorithm, &jwk)
    }

    /// A key as JWK for the algorithm named here. If the JWK has an `alg`, it must be the same.
    ///
    /// # Errors
    /// As for [`Key::from_jwk`], or if the key does not fit the algorithm.
    pub fn from_jwk_as(algorithm: Algorithm, json: &str) -> Result<Self, KeyError> {
        let jwk = Jwk::parse(json)?;
        match jwk.algorithm()? {
            Some(own) if own != algorithm => Err(KeyError::mismatch(format!(
                "the JWK is a key for {own}, not for {algorithm}; a key has one algorithm"
            ))),
            _ => Self::from_parsed_jwk(algorithm, &jwk),
        }
    }

    pub(super) fn from_parsed_jwk(algorithm: Algorithm, jwk: &Jwk) -> Result<Self, KeyError> {
        let id = jwk.id()?.map(Into::into);
        Self::build(algorithm, jwk.material(algorithm)?, id)
    }

    /// Gives the key an id, the `kid` of tokens that are signed with it (RFC 7515 §4.1.4).
    ///
    /// A key without an id is tried for every token of its algorithm, whatever the token's `kid`.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).id = Some(id.into().into());
        self
    }

    /// The key's id, the `kid` of tokens.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.0.id.as_deref()
    }

    /// The one algorithm that this key verifies.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// Whether `signature` is this key's over `message`.
    #[inline]
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let inner = &*self.0;
        if signature.len() != inner.signature_len {
            return false;
        }
        if inner.algorithm == Algorithm::EdDSA {
            // the one place where the backends' answers could differ, see `ed25519`
            let Some(commitment) = signature.first_chunk() else {
                return false;
            };
            if !ed25519::is_canonical_and_large(commitment) {
                return false;
            }
        }
        inner.verify.verify(message, signature)
    }

    pub(super) fn build(
        algorithm: Algorithm,
        material: Material,
        id: Option<Box<str>>,
    ) -> Result<Self, KeyError> {
        if material.family() != algorithm.family() {
            return Err(KeyError::mismatch(format!(
                "the key is of another type than {algorithm} works with"
            )));
        }
        Ok(Self(Arc::new(Inner {
            algorithm,
            id,
            signature_len: material.signature_len(algorithm),
            verify: VerifyKey::new(algorithm, &material)?,
        })))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id())
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
