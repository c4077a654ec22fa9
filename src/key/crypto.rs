//! Randomness, hashes and constant-time equality, from the crypto backend; [`TokenHash`].

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::backend::{digest_sha256, fill_random, is_equal};
use super::error::KeyError;
use crate::store::OnceId;

/// The SHA-256 hash of a token: what stores keep in its place. Compared in constant time.
///
/// Tokens are 256 bits of randomness, so neither salt nor a slow hash would add anything.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// A hash that was kept as bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash of these parts, which must not be confusable: each is preceded by its length.
    pub(crate) fn of(parts: &[&[u8]]) -> Result<Self, KeyError> {
        sha256(parts).map(Self)
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        same_bytes(&self.0, &other.0)
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

/// Whether these are the same, in time that depends on their lengths only.
#[inline]
pub(crate) fn same_bytes(one: &[u8], two: &[u8]) -> bool {
    is_equal(one, two)
}

/// The id by which something of these parts is claimed once. The first part says what it is.
pub(crate) fn once_id(parts: &[&[u8]]) -> Result<OnceId, KeyError> {
    sha256(parts).map(OnceId::from_hash)
}

/// The hash of parts that cannot be confused, since each is preceded by its length.
pub(crate) fn sha256(parts: &[&[u8]]) -> Result<[u8; 32], KeyError> {
    let mut message = Zeroizing::new(Vec::new());
    message.reserve_exact(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part);
    }
    digest_sha256(&message)
}

/// The plain hash, for what others compute too.
pub(crate) fn sha256_of(message: &[u8]) -> Result<[u8; 32], KeyError> {
    digest_sha256(message)
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    fill_random(&mut bytes)?;
    Ok(bytes)
}

/// 128 random bits as text, for an identifier that nobody guesses or repeats.
pub(crate) fn random_id() -> Result<String, KeyError> {
    Ok(base64url(&random::<16>()?))
}

/// 256 random bits as text, wiped when dropped.
pub(crate) fn secret() -> Result<Zeroizing<String>, KeyError> {
    let bytes = Zeroizing::new(random::<32>()?);
    Ok(Zeroizing::new(base64url(bytes.as_slice())))
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn is_base64url(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::*;

    #[test]
    fn equality_sees_every_byte_and_the_length() {
        let bytes: Vec<u8> = (0..200).collect();
        assert!(same_bytes(&bytes, &bytes.clone()) && same_bytes(&[], &[]));
        for place in 0..bytes.len() {
            let mut other = bytes.clone();
            other[place] ^= 1;
            assert!(!same_bytes(&bytes, &other), "{place}");
            assert!(!same_bytes(&bytes, &bytes[..place]), "{place}");
        }
        assert_eq!(TokenHash::from_bytes([1; 32]), TokenHash::from_bytes([1; 32]));
        assert_ne!(TokenHash::from_bytes([1; 32]), TokenHash::from_bytes([2; 32]));
    }

    #[test]
    fn parts_are_not_confused() {
        let hash = |parts: &[&[u8]]| sha256(parts).unwrap();
        assert_ne!(hash(&[b"a", b"bc"]), hash(&[b"ab", b"c"]));
        assert_ne!(hash(&[b"a", b""]), hash(&[b"a"]));
        assert_eq!(hash(&[b"a", b"b"]), *once_id(&[b"a", b"b"]).unwrap().as_bytes());
    }

    #[test]
    fn random_texts_differ_and_are_base64url() {
        let (one, two) = (random_id().unwrap(), random_id().unwrap());
        assert_ne!(one, two);
        assert_eq!((one.len(), secret().unwrap().len()), (22, 43));
        assert!(is_base64url(&one) && !is_base64url("a+b"));
    }
}
