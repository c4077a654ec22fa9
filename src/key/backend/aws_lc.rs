//! The default backend, `aws-lc-rs`: keys are parsed once, verifying allocates nothing.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};

use super::super::algorithm::Algorithm;
use super::super::error::KeyError;
use super::super::format::material::{self, Material};

#[derive(Clone)]
pub(in crate::key) enum VerifyKey {
    // boxed: it is twenty times the size of a public key
    Hmac(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl VerifyKey {
    pub(in crate::key) fn new(algorithm: Algorithm, material: &Material) -> Result<Self, KeyError> {
        let parsed = match material {
            Material::Hmac(secret) => {
                return Ok(Self::Hmac(Box::new(hmac::Key::new(
                    hmac_of(algorithm)?,
                    secret.expose(),
                ))));
            }
            Material::Rsa { n, e } => RsaPublicKeyComponents { n, e }
                .to_parsed_public_key(rsa_of(algorithm)?)
                .map_err(|error| {
                    KeyError::malformed("the RSA public key is not sound").with_source(error)
                }),
            Material::Ec(point) => ParsedPublicKey::new(curve_of(algorithm)?, point)
                .map_err(|error| material::off_curve().with_source(error)),
            Material::Ed(point) => ParsedPublicKey::new(curve_of(algorithm)?, point)
                .map_err(|error| material::off_curve().with_source(error)),
        };
        parsed.map(Self::Public)
    }

    #[inline]
    pub(in crate::key) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Hmac(key) => hmac::verify(key, message, signature).is_ok(),
            Self::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

fn hmac_of(algorithm: Algorithm) -> Result<hmac::Algorithm, KeyError> {
    match algorithm {
        Algorithm::HS256 => Ok(hmac::HMAC_SHA256),
        Algorithm::HS384 => Ok(hmac::HMAC_SHA384),
        Algorithm::HS512 => Ok(hmac::HMAC_SHA512),
        _ => Err(mismatch(algorithm)),
    }
}

fn rsa_of(algorithm: Algorithm) -> Result<&'static RsaParameters, KeyError> {
    match algorithm {
        Algorithm::RS256 => Ok(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Ok(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Ok(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Ok(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Ok(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Ok(&signature::RSA_PSS_2048_8192_SHA512),
        _ => Err(mismatch(algorithm)),
    }
}

fn curve_of(algorithm: Algorithm) -> Result<&'static dyn VerificationAlgorithm, KeyError> {
    match algorithm {
        Algorithm::ES256 => Ok(&signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Ok(&signature::ECDSA_P384_SHA384_FIXED),
        Algorithm::ES512 => Ok(&signature::ECDSA_P521_SHA512_FIXED),
        Algorithm::EdDSA => Ok(&signature::ED25519),
        _ => Err(mismatch(algorithm)),
    }
}

fn mismatch(algorithm: Algorithm) -> KeyError {
    KeyError::mismatch(format!("the key is of another type than {algorithm} works with"))
}

pub(in crate::key) fn is_equal(one: &[u8], two: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, two).is_ok()
}

pub(in crate::key) fn digest_sha256(message: &[u8]) -> Result<[u8; 32], KeyError> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message);
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    Ok(hash)
}

mod signing {
    use aws_lc_rs::hmac;
    use aws_lc_rs::rand::{self, SystemRandom};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair,
    };

    use super::super::super::algorithm::{Algorithm, Family};
    use super::super::super::error::{KeyError, KeyErrorKind};
    use super::super::super::format::material::Material;
    use super::super::super::secret::Secret;
    use super::{hmac_of, mismatch};

    pub(in crate::key) enum SignKey {
        Hmac(Box<hmac::Key>),
        Rsa(RsaKeyPair, &'static dyn RsaEncoding),
        Ec(EcdsaKeyPair, Algorithm),
        Ed(Ed25519KeyPair),
    }

    impl SignKey {
        pub(in crate::key) fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
            match algorithm.family() {
                Family::Hmac => Err(mismatch(algorithm)),
                Family::Rsa => {
                    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                    Ok(Self::Rsa(pair, encoding(algorithm)?))
                }
                Family::Ec => {
                    let pair = EcdsaKeyPair::generate(curve(algorithm)?).map_err(failed)?;
                    Ok(Self::Ec(pair, algorithm))
                }
                Family::Ed => Ed25519KeyPair::generate().map(Self::Ed).map_err(failed),
            }
        }

        pub(in crate::key) fn hmac(
            algorithm: Algorithm,
            secret: &Secret,
        ) -> Result<Self, KeyError> {
            Ok(Self::Hmac(Box::new(hmac::Key::new(hmac_of(algorithm)?, secret.expose()))))
        }

        pub(in crate::key) fn from_pkcs8(
            algorithm: Algorithm,
            der: &[u8],
        ) -> Result<Self, KeyError> {
            let loaded = match algorithm.family() {
                Family::Hmac => return Err(mismatch(algorithm)),
                Family::Rsa => {
                    let encoding = encoding(algorithm)?;
                    RsaKeyPair::from_pkcs8(der).map(|pair| Self::Rsa(pair, encoding))
                }
                Family::Ec => EcdsaKeyPair::from_pkcs8(curve(algorithm)?, der)
                    .map(|pair| Self::Ec(pair, algorithm)),
                // version 1 has no public key to compare with, and openssl writes version 1
                Family::Ed => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Self::Ed),
            };
            loaded.map_err(|error| {
                KeyError::mismatch(format!("not a PKCS#8 private key for {algorithm}"))
                    .with_source(error)
            })
        }

        pub(in crate::key) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
            let random = SystemRandom::new();
            match self {
                Self::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
                Self::Rsa(pair, encoding) => {
                    let mut signature = vec![0; pair.public_modulus_len()];
                    pair.sign(*encoding, &random, message, &mut signature).map_err(failed)?;
                    Ok(signature)
                }
                Self::Ec(pair, _) => {
                    Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec())
                }
                Self::Ed(pair) => Ok(pair.try_sign(message).map_err(failed)?.as_ref().to_vec()),
            }
        }

        /// The public half; none of a shared secret.
        pub(in crate::key) fn public(&self) -> Result<Option<Material>, KeyError> {
            match self {
                Self::Hmac(_) => Ok(None),
                Self::Rsa(pair, _) => Material::pkcs1(pair.public_key().as_ref()).map(Some),
                Self::Ec(pair, algorithm) => {
                    Material::ec(*algorithm, pair.public_key().as_ref()).map(Some)
                }
                Self::Ed(pair) => Material::ed(pair.public_key().as_ref()).map(Some),
            }
        }
    }

    pub(in crate::key) fn fill_random(bytes: &mut [u8]) -> Result<(), KeyError> {
        rand::fill(bytes).map_err(failed)
    }

    fn encoding(algorithm: Algorithm) -> Result<&'static dyn RsaEncoding, KeyError> {
        match algorithm {
            Algorithm::RS256 => Ok(&signature::RSA_PKCS1_SHA256),
            Algorithm::RS384 => Ok(&signature::RSA_PKCS1_SHA384),
            Algorithm::RS512 => Ok(&signature::RSA_PKCS1_SHA512),
            Algorithm::PS256 => Ok(&signature::RSA_PSS_SHA256),
            Algorithm::PS384 => Ok(&signature::RSA_PSS_SHA384),
            Algorithm::PS512 => Ok(&signature::RSA_PSS_SHA512),
            _ => Err(mismatch(algorithm)),
        }
    }

    fn curve(algorithm: Algorithm) -> Result<&'static EcdsaSigningAlgorithm, KeyError> {
        match algorithm {
            Algorithm::ES256 => Ok(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => Ok(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::ES512 => Ok(&signature::ECDSA_P521_SHA512_FIXED_SIGNING),
            _ => Err(mismatch(algorithm)),
        }
    }

    fn failed(error: aws_lc_rs::error::Unspecified) -> KeyError {
        KeyError::new(KeyErrorKind::Failed, "the crypto library failed").with_source(error)
    }
}

pub(in crate::key) use signing::{SignKey, fill_random};
