//! [`SigningKey`]: a key that signs.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::backend::{SignKey, fill_random};
use super::crypto::base64url;
use super::error::{KeyError, KeyErrorKind};
use super::format::material::{self, Material};
use super::format::pem;
use super::secret::{Secret, read_file};
use super::single::Key;
use super::thumbprint::thumbprint;

/// A longer id, in bytes, is odd, and refused in tokens. It is a name to look up, not a place for
/// data.
pub(crate) const LONGEST_ID: usize = 512;

/// A key that signs with exactly one algorithm, and its id, the `kid` of what it signs. Cloning it
/// copies two pointers.
///
/// The id is made of the key itself, so every process that loads the key uses the same:
/// for a key pair its thumbprint ([RFC 7638](https://www.rfc-editor.org/rfc/rfc7638)), for a secret
/// a value that only a holder of the secret can make. `Debug` shows id and algorithm only.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// use tower_bearer::key::{Algorithm, SigningKey};
///
/// let key = SigningKey::generate(Algorithm::EdDSA)?;
/// assert_eq!(key.public_jwk()?["kid"], key.id());
/// # }
/// # Ok::<(), tower_bearer::key::KeyError>(())
/// ```
#[doc(alias = "PrivateKey")]
#[doc(alias = "EncodingKey")]
#[derive(Clone)]
pub struct SigningKey {
    id: Arc<str>,
    inner: Arc<Inner>,
}

struct Inner {
    algorithm: Algorithm,
    key: SignKey,
    /// What a verifier needs: the public half, or the shared secret.
    material: Material,
}

impl SigningKey {
    /// A new random key. RSA keys have 2048 bits and take a noticeable time to make.
    ///
    /// It is gone when the process ends, and with it every token's signature: for tests, and for
    /// services whose users may be signed out by a restart.
    ///
    /// # Errors
    /// If the crypto backend is missing, fails, or cannot generate such keys.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        if algorithm.is_symmetric() {
            let mut secret = Zeroizing::new(vec![0; algorithm.hash_len()]);
            fill_random(&mut secret)?;
            return Self::hmac(algorithm, &Secret::new(std::mem::take(&mut *secret)));
        }
        Self::asymmetric(algorithm, SignKey::generate(algorithm)?)
    }

    /// A private key in PKCS#8 as PEM (`PRIVATE KEY`, RFC 7468 §10). One is made with
    /// `openssl genpkey -algorithm ed25519`.
    ///
    /// # Errors
    /// If the document is not exactly one private key that fits the algorithm, or a weak one.
    pub fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
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

    /// Reads a file and takes it as [`SigningKey::from_pem`] does.
    ///
    /// # Errors
    /// [`Unreadable`](KeyErrorKind::Unreadable) if the file cannot be read, and all errors of
    /// [`SigningKey::from_pem`].
    pub fn from_pem_file(algorithm: Algorithm, path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
        let pem = Zeroizing::new(read_file(path)?);
        Self::from_pem(algorithm, pem.as_slice()).map_err(|error| error.of_file(path))
    }

    /// A shared secret. Who verifies with it can also sign with it: for a single service.
    ///
    /// # Errors
    /// As for [`Key::hmac`].
    pub fn hmac(algorithm: Algorithm, secret: &Secret) -> Result<Self, KeyError> {
        let material = Material::hmac(algorithm, secret.clone())?;
        Self::named(Inner { algorithm, key: SignKey::hmac(algorithm, secret)?, material })
    }

    fn asymmetric(algorithm: Algorithm, key: SignKey) -> Result<Self, KeyError> {
        let material = key.public()?.ok_or_else(|| {
            KeyError::new(KeyErrorKind::Failed, "the key pair has no public half")
        })?;
        Self::named(Inner { algorithm, key, material })
    }

    /// As [`public_jwk`](Self::public_jwk), with the members alone that make the key.
    pub(crate) fn bare_jwk(&self) -> Result<Value, KeyError> {
        let mut jwk = self.inner.public_jwk()?;
        if let Some(members) = jwk.as_object_mut() {
            members.remove("alg");
            members.remove("use");
        }
        Ok(jwk)
    }

    fn named(inner: Inner) -> Result<Self, KeyError> {
        let id = if inner.algorithm.is_symmetric() {
            let mac = inner.key.sign(b"tower-bearer key id")?;
            base64url(mac.get(..12).unwrap_or(&mac))
        } else {
            thumbprint(&inner.public_jwk()?)?
        };
        Ok(Self { id: id.into(), inner: Arc::new(inner) })
    }

    /// Sets the id, in place of the one made of the key.
    ///
    /// # Errors
    /// If the id is empty or longer than 512 bytes, which no verifier takes.
    pub fn with_id(self, id: impl Into<Arc<str>>) -> Result<Self, KeyError> {
        let id = id.into();
        if !(1..=LONGEST_ID).contains(&id.len()) {
            return Err(KeyError::malformed("the id of a key has 1 to 512 bytes"));
        }
        Ok(Self { id, ..self })
    }

    /// The id, the `kid` of tokens.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The one algorithm that this key signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.inner.algorithm
    }

    /// The key that verifies what this one signs, with the same id; for a shared secret that secret
    /// itself.
    ///
    /// # Errors
    /// If the crypto backend refuses it.
    pub fn verification_key(&self) -> Result<Key, KeyError> {
        let Inner { algorithm, material, .. } = &*self.inner;
        Key::build(*algorithm, material.clone(), Some((*self.id).into()))
    }

    /// The public half as JWK (RFC 7517 §4), with `alg`, `use` and `kid`: what a provider wants to
    /// know of a client that signs.
    ///
    /// # Errors
    /// [`KeyErrorKind::Symmetric`] for a shared secret, which must not be published.
    pub fn public_jwk(&self) -> Result<Value, KeyError> {
        let mut jwk = self.inner.public_jwk()?;
        jwk["kid"] = self.id().into();
        Ok(jwk)
    }

    /// The thumbprint of the public half, as base64url
    /// ([RFC 7638](https://www.rfc-editor.org/rfc/rfc7638)): the `jkt` of tokens that are bound to it.
    ///
    /// # Errors
    /// [`KeyErrorKind::Symmetric`] for a shared secret.
    pub fn thumbprint(&self) -> Result<String, KeyError> {
        thumbprint(&self.inner.public_jwk()?)
    }

    /// The signature in the form that a JWS has (RFC 7518 §3).
    ///
    /// # Errors
    /// [`KeyErrorKind::Failed`] if the crypto library fails.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.inner.key.sign(message)
    }

    /// The compact serialization of a JWS with this header and this payload (RFC 7515 §7.1).
    ///
    /// # Errors
    /// As for [`SigningKey::sign`].
    pub(crate) fn sign_compact(&self, header: &[u8], payload: &[u8]) -> Result<String, KeyError> {
        let input = format!("{}.{}", base64url(header), base64url(payload));
        let signature = self.sign(input.as_bytes())?;
        Ok(format!("{input}.{}", base64url(&signature)))
    }
}

impl Inner {
    fn public_jwk(&self) -> Result<Value, KeyError> {
        let mut jwk = match &self.material {
            Material::Hmac(_) => return Err(KeyError::symmetric()),
            Material::Rsa { n, e } => json!({"kty": "RSA", "n": base64url(n), "e": base64url(e)}),
            Material::Ec(point) => {
                let point = point.get(1..).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                let curve = self.algorithm.curve();
                json!({"kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y)})
            }
            Material::Ed(point) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(point)}),
        };
        jwk["alg"] = self.algorithm.as_str().into();
        jwk["use"] = "sig".into();
        Ok(jwk)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id())
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
