//! Randomness and hashes, from the crypto backend; [`TokenHash`].

use std::fmt;
use std::hint::black_box;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::key::{KeyError, digest_sha256, fill_random};

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
    pub(super) fn of(parts: &[&[u8]]) -> Result<Self, KeyError> {
        sha256(parts).map(Self)
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        black_box(pairs.fold(0_u8, |differ, (one, two)| black_box(differ | (one ^ two)))) == 0
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

pub(super) fn sha256(parts: &[&[u8]]) -> Result<[u8; 32], KeyError> {
    let mut message = Zeroizing::new(Vec::new());
    message.reserve_exact(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part);
    }
    digest_sha256(&message)
}

/// The plain hash, for what others compute too.
pub(super) fn sha256_of(message: &[u8]) -> Result<[u8; 32], KeyError> {
    digest_sha256(message)
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    fill_random(&mut bytes)?;
    Ok(bytes)
}

/// 256 random bits as text, wiped when dropped.
pub(super) fn secret() -> Result<Zeroizing<String>, KeyError> {
    let bytes = Zeroizing::new(random::<32>()?);
    Ok(Zeroizing::new(base64url(bytes.as_slice())))
}

pub(super) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn is_base64url(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
