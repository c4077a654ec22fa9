//! No crypto backend: the crate compiles, and every key says what is missing.

use super::super::algorithm::Algorithm;
use super::super::error::{KeyError, KeyErrorKind};
use super::super::format::material::Material;

#[derive(Clone)]
pub(in crate::key) enum VerifyKey {}

impl VerifyKey {
    pub(in crate::key) fn new(_: Algorithm, _: &Material) -> Result<Self, KeyError> {
        Err(no_backend())
    }

    pub(in crate::key) fn verify(&self, _: &[u8], _: &[u8]) -> bool {
        match *self {}
    }
}

fn no_backend() -> KeyError {
    KeyError::new(
        KeyErrorKind::NoBackend,
        "tower-bearer is built without a crypto backend; \
         enable its feature aws-lc-rs (the default) or rust-crypto (pure Rust, slower)",
    )
}

/// Without a backend there are no secrets: nothing was ever made or read.
pub(in crate::key) fn is_equal(one: &[u8], two: &[u8]) -> bool {
    one == two
}

pub(in crate::key) fn digest_sha256(_: &[u8]) -> Result<[u8; 32], KeyError> {
    Err(no_backend())
}

mod signing {
    use super::super::super::secret::Secret;
    use super::{Algorithm, KeyError, Material, no_backend};

    pub(in crate::key) enum SignKey {}

    impl SignKey {
        pub(in crate::key) fn generate(_: Algorithm) -> Result<Self, KeyError> {
            Err(no_backend())
        }

        pub(in crate::key) fn hmac(_: Algorithm, _: &Secret) -> Result<Self, KeyError> {
            Err(no_backend())
        }

        pub(in crate::key) fn from_pkcs8(_: Algorithm, _: &[u8]) -> Result<Self, KeyError> {
            Err(no_backend())
        }

        pub(in crate::key) fn sign(&self, _: &[u8]) -> Result<Vec<u8>, KeyError> {
            match *self {}
        }

        pub(in crate::key) fn public(&self) -> Result<Option<Material>, KeyError> {
            match *self {}
        }
    }

    pub(in crate::key) fn fill_random(_: &mut [u8]) -> Result<(), KeyError> {
        Err(no_backend())
    }
}

pub(in crate::key) use signing::{SignKey, fill_random};
