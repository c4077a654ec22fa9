//! [`PrivateKey`]: one key that signs.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::issuer::error::{IssueError, IssueErrorKind};
use crate::issuer::random::{base64url, sha256_of};
use crate::key::{Algorithm, Key, KeyError, Secret, SigningKey};
use crate::verify::LONGEST_KID;

/// A key that signs with exactly one algorithm, and its id, the `kid` of the tokens.
///
/// The id is made of the key itself, so every process that loads the key uses the same:
/// for a key pair its thumbprint ([RFC 7638](https://www.rfc-editor.org/rfc/rfc7638)), for a secret
/// a value that only who knows the secret can make. `Debug` shows id and algorithm only.
#[derive(Clone)]
pub struct PrivateKey(Arc<SigningKey>);

impl PrivateKey {
    /// A new random key. RSA keys have 2048 bits and take a noticeable time to make.
    ///
    /// It is gone when the process ends, and with it every token's signature: for tests, and for
    /// services whose users may be signed out by a restart.
    ///
    /// # Errors
    /// If the crypto backend is missing, fails, or cannot generate such keys.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        Self::named(SigningKey::generate(algorithm)?)
    }

    /// A private key in PKCS#8 as PEM (`PRIVATE KEY`, RFC 7468 §10). One is made with
    /// `openssl genpkey -algorithm ed25519`.
    ///
    /// # Errors
    /// If the document is not exactly one private key that fits the algorithm, or a weak one.
    pub fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Self::named(SigningKey::from_pem(algorithm, pem)?)
    }

    /// Reads a file and takes it as [`PrivateKey::from_pem`] does.
    ///
    /// # Errors
    /// If the file cannot be read, and all errors of [`PrivateKey::from_pem`].
    pub fn from_pem_file(algorithm: Algorithm, path: impl AsRef<Path>) -> Result<Self, IssueError> {
        let path = path.as_ref();
        let pem = std::fs::read(path).map(Zeroizing::new).map_err(|error| {
            let text = format!("the key file {} cannot be read", path.display());
            IssueError::new(IssueErrorKind::Key, text).with_source(error)
        })?;
        Ok(Self::from_pem(algorithm, pem.as_slice())?)
    }

    /// A shared secret. Who verifies with it can also sign with it: for a single service.
    ///
    /// # Errors
    /// As for [`Key::hmac`].
    pub fn hmac(algorithm: Algorithm, secret: &Secret) -> Result<Self, KeyError> {
        Self::named(SigningKey::hmac(algorithm, secret)?)
    }

    /// Sets the id, in place of the one made of the key.
    ///
    /// # Errors
    /// If the key is in use already: give the id before the key. If the id is empty or longer than
    /// 512 bytes, which no verifier takes.
    pub fn with_id(self, id: impl Into<String>) -> Result<Self, IssueError> {
        let id = id.into();
        if !(1..=LONGEST_KID).contains(&id.len()) {
            let text = "the id of a key has 1 to 512 bytes";
            return Err(IssueError::new(IssueErrorKind::Configuration, text));
        }
        let key = Arc::try_unwrap(self.0).map_err(|_| {
            IssueError::new(IssueErrorKind::KeyState, "the key is in use; set its id before")
        })?;
        Ok(Self(Arc::new(key.with_id(id))))
    }

    /// The id, the `kid` of tokens.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.id().unwrap_or_default()
    }

    /// The one algorithm that this key signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }

    /// The key that verifies what this one signs; for a shared secret that secret itself.
    ///
    /// # Errors
    /// If the crypto backend refuses it.
    pub fn verification_key(&self) -> Result<Key, KeyError> {
        self.0.public_key()
    }

    /// The public half as JWK; `None` for a shared secret.
    pub(super) fn public_jwk(&self) -> Result<Option<Value>, KeyError> {
        if self.algorithm().is_symmetric() { Ok(None) } else { self.0.public_jwk().map(Some) }
    }

    pub(in crate::issuer) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.0.sign(message)
    }

    fn named(key: SigningKey) -> Result<Self, KeyError> {
        let id = if key.algorithm().is_symmetric() {
            let mac = key.sign(b"tower-bearer key id")?;
            base64url(mac.get(..12).unwrap_or(&mac))
        } else {
            base64url(&sha256_of(thumbprint_input(&key.public_jwk()?).as_bytes())?)
        };
        Ok(Self(Arc::new(key.with_id(id))))
    }
}

/// The required members in lexicographic order, without whitespace (RFC 7638 §3.2).
fn thumbprint_input(jwk: &Value) -> String {
    let members = ["crv", "e", "kty", "n", "x", "y"];
    let member = |name: &&str| Some(format!("\"{name}\":{}", jwk.get(*name)?));
    format!("{{{}}}", members.iter().filter_map(member).collect::<Vec<_>>().join(","))
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("id", &self.id())
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::*;

    #[test]
    fn rfc7638_3_1_thumbprint() {
        let jwk: Value = serde_json::from_str(
            r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
        )
        .unwrap();
        let hash = sha256_of(thumbprint_input(&jwk).as_bytes()).unwrap();
        assert_eq!(base64url(&hash), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn a_secrets_id_is_stable_and_shown_without_the_secret() {
        let secret = Secret::new("a secret of 32 bytes or more, please");
        let one = PrivateKey::hmac(Algorithm::HS256, &secret).unwrap();
        let two = PrivateKey::hmac(Algorithm::HS256, &secret).unwrap();
        assert_eq!(one.id(), two.id());
        assert!(!format!("{one:?}").contains("please"));
        assert!(one.public_jwk().unwrap().is_none());
    }
}
