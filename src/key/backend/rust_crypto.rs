//! The pure-Rust backend: the RustCrypto crates and `ed25519-dalek`.
//!
//! A choice for builds that must do without C, not for speed: RSA costs about eleven times and
//! P-256 five times what `aws-lc-rs` needs.

use std::sync::Arc;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use rsa::signature::Verifier;
use rsa::{BigUint, RsaPublicKey, pkcs1v15, pss};
use sha2::{Sha256, Sha384, Sha512};

use super::super::algorithm::Algorithm;
use super::super::error::KeyError;
use super::super::format::material::{self, Material};

type Check = dyn Fn(&[u8], &[u8]) -> bool + Send + Sync;

/// A prepared key, closed over by what it does.
#[derive(Clone)]
pub(in crate::key) struct VerifyKey(Arc<Check>);

impl VerifyKey {
    pub(in crate::key) fn new(algorithm: Algorithm, material: &Material) -> Result<Self, KeyError> {
        match (algorithm, material) {
            (Algorithm::HS256, Material::Hmac(key)) => mac::<Hmac<Sha256>>(key.expose()),
            (Algorithm::HS384, Material::Hmac(key)) => mac::<Hmac<Sha384>>(key.expose()),
            (Algorithm::HS512, Material::Hmac(key)) => mac::<Hmac<Sha512>>(key.expose()),
            (_, Material::Rsa { n, e }) => {
                // the sizes were checked; the library's own limit is 4096 bits
                let key = RsaPublicKey::new_with_max_size(
                    BigUint::from_bytes_be(n),
                    BigUint::from_bytes_be(e),
                    8192,
                )
                .map_err(|error| {
                    KeyError::malformed("the RSA public key is not sound").with_source(error)
                })?;
                rsa(algorithm, key)
            }
            (Algorithm::ES256, Material::Ec(point)) => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(off_curve)?;
                Ok(by::<p256::ecdsa::Signature>(key))
            }
            (Algorithm::ES384, Material::Ec(point)) => {
                let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(off_curve)?;
                Ok(by::<p384::ecdsa::Signature>(key))
            }
            (Algorithm::ES512, Material::Ec(point)) => {
                let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(off_curve)?;
                Ok(by::<p521::ecdsa::Signature>(key))
            }
            (Algorithm::EdDSA, Material::Ed(point)) => {
                let key = ed25519_dalek::VerifyingKey::from_bytes(point).map_err(off_curve)?;
                Ok(Self(Arc::new(move |message, signature| {
                    ed25519_dalek::Signature::from_slice(signature)
                        .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
                })))
            }
            _ => Err(mismatch(algorithm)),
        }
    }

    pub(in crate::key) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        (self.0)(message, signature)
    }
}

/// The key schedule is done here, once; each verification clones the state.
fn mac<M>(secret: &[u8]) -> Result<VerifyKey, KeyError>
where
    M: Mac + KeyInit + Clone + Send + Sync + 'static,
{
    let keyed = <M as KeyInit>::new_from_slice(secret).map_err(|error| {
        KeyError::malformed("the secret is not a key for HMAC").with_source(error)
    })?;
    Ok(VerifyKey(Arc::new(move |message, signature| {
        let mut mac = keyed.clone();
        mac.update(message);
        mac.verify_slice(signature).is_ok()
    })))
}

fn rsa(algorithm: Algorithm, key: RsaPublicKey) -> Result<VerifyKey, KeyError> {
    Ok(match algorithm {
        Algorithm::RS256 => by::<pkcs1v15::Signature>(pkcs1v15::VerifyingKey::<Sha256>::new(key)),
        Algorithm::RS384 => by::<pkcs1v15::Signature>(pkcs1v15::VerifyingKey::<Sha384>::new(key)),
        Algorithm::RS512 => by::<pkcs1v15::Signature>(pkcs1v15::VerifyingKey::<Sha512>::new(key)),
        // `new` fixes the salt at the hash's length (RFC 7518 §3.5)
        Algorithm::PS256 => by::<pss::Signature>(pss::VerifyingKey::<Sha256>::new(key)),
        Algorithm::PS384 => by::<pss::Signature>(pss::VerifyingKey::<Sha384>::new(key)),
        Algorithm::PS512 => by::<pss::Signature>(pss::VerifyingKey::<Sha512>::new(key)),
        _ => return Err(mismatch(algorithm)),
    })
}

fn by<S>(key: impl Verifier<S> + Send + Sync + 'static) -> VerifyKey
where
    S: for<'a> TryFrom<&'a [u8]> + 'static,
{
    VerifyKey(Arc::new(move |message, signature| {
        S::try_from(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
    }))
}

fn off_curve(error: rsa::signature::Error) -> KeyError {
    material::off_curve().with_source(error)
}

fn mismatch(algorithm: Algorithm) -> KeyError {
    KeyError::mismatch(format!("the key is of another type than {algorithm} works with"))
}

pub(in crate::key) fn is_equal(one: &[u8], two: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(one, two).into()
}

pub(in crate::key) fn digest_sha256(message: &[u8]) -> Result<[u8; 32], KeyError> {
    use sha2::Digest;
    Ok(Sha256::digest(message).into())
}

mod signing {
    use hmac::digest::KeyInit;
    use hmac::{Hmac, Mac};
    use rsa::pkcs8::DecodePrivateKey;
    use rsa::rand_core::{OsRng, RngCore};
    use rsa::signature::{RandomizedSigner, SignatureEncoding, Signer};
    use rsa::traits::PublicKeyParts;
    use rsa::{RsaPrivateKey, pkcs1v15, pss};
    use sha2::{Sha256, Sha384, Sha512};

    use super::super::super::algorithm::{Algorithm, Family};
    use super::super::super::error::{KeyError, KeyErrorKind};
    use super::super::super::format::material::Material;
    use super::super::super::secret::Secret;
    use super::mismatch;

    type Sign = Box<dyn Fn(&[u8]) -> Result<Vec<u8>, KeyError> + Send + Sync>;

    pub(in crate::key) struct SignKey {
        sign: Sign,
        public: Option<Material>,
    }

    impl SignKey {
        pub(in crate::key) fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
            let mut random = OsRng;
            match algorithm {
                Algorithm::ES256 => Self::p256(p256::ecdsa::SigningKey::random(&mut random)),
                Algorithm::ES384 => Self::p384(p384::ecdsa::SigningKey::random(&mut random)),
                Algorithm::ES512 => Self::p521(p521::ecdsa::SigningKey::random(&mut random)),
                Algorithm::EdDSA => Self::ed(ed25519_dalek::SigningKey::generate(&mut random)),
                _ if algorithm.family() == Family::Rsa => {
                    let key = RsaPrivateKey::new(&mut random, 2048).map_err(failed)?;
                    Self::rsa(algorithm, key)
                }
                _ => Err(mismatch(algorithm)),
            }
        }

        pub(in crate::key) fn hmac(
            algorithm: Algorithm,
            secret: &Secret,
        ) -> Result<Self, KeyError> {
            let sign = match algorithm {
                Algorithm::HS256 => mac::<Hmac<Sha256>>(secret.expose()),
                Algorithm::HS384 => mac::<Hmac<Sha384>>(secret.expose()),
                Algorithm::HS512 => mac::<Hmac<Sha512>>(secret.expose()),
                _ => return Err(mismatch(algorithm)),
            };
            Ok(Self { sign: sign?, public: None })
        }

        pub(in crate::key) fn from_pkcs8(
            algorithm: Algorithm,
            der: &[u8],
        ) -> Result<Self, KeyError> {
            let refused = |error: rsa::pkcs8::Error| {
                KeyError::mismatch(format!("not a PKCS#8 private key for {algorithm}"))
                    .with_source(error)
            };
            match algorithm {
                Algorithm::ES256 => {
                    let key = p256::SecretKey::from_pkcs8_der(der).map_err(refused)?;
                    Self::p256(key.into())
                }
                Algorithm::ES384 => {
                    let key = p384::SecretKey::from_pkcs8_der(der).map_err(refused)?;
                    Self::p384(key.into())
                }
                Algorithm::ES512 => {
                    let key = p521::SecretKey::from_pkcs8_der(der).map_err(refused)?;
                    let key =
                        p521::ecdsa::SigningKey::from_bytes(&key.to_bytes()).map_err(failed)?;
                    Self::p521(key)
                }
                Algorithm::EdDSA => {
                    Self::ed(ed25519_dalek::SigningKey::from_pkcs8_der(der).map_err(refused)?)
                }
                _ if algorithm.family() == Family::Rsa => {
                    Self::rsa(algorithm, RsaPrivateKey::from_pkcs8_der(der).map_err(refused)?)
                }
                _ => Err(mismatch(algorithm)),
            }
        }

        pub(in crate::key) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
            (self.sign)(message)
        }

        /// The public half; none of a shared secret.
        pub(in crate::key) fn public(&self) -> Result<Option<Material>, KeyError> {
            Ok(self.public.clone())
        }

        fn p256(key: p256::ecdsa::SigningKey) -> Result<Self, KeyError> {
            let point = key.verifying_key().to_encoded_point(false);
            Ok(Self {
                public: Some(Material::ec(Algorithm::ES256, point.as_bytes())?),
                sign: by::<p256::ecdsa::Signature>(key),
            })
        }

        fn p384(key: p384::ecdsa::SigningKey) -> Result<Self, KeyError> {
            let point = key.verifying_key().to_encoded_point(false);
            Ok(Self {
                public: Some(Material::ec(Algorithm::ES384, point.as_bytes())?),
                sign: by::<p384::ecdsa::Signature>(key),
            })
        }

        fn p521(key: p521::ecdsa::SigningKey) -> Result<Self, KeyError> {
            let point = p521::ecdsa::VerifyingKey::from(&key).to_encoded_point(false);
            Ok(Self {
                public: Some(Material::ec(Algorithm::ES512, point.as_bytes())?),
                sign: by::<p521::ecdsa::Signature>(key),
            })
        }

        fn ed(key: ed25519_dalek::SigningKey) -> Result<Self, KeyError> {
            Ok(Self {
                public: Some(Material::ed(key.verifying_key().as_bytes())?),
                sign: by::<ed25519_dalek::Signature>(key),
            })
        }

        fn rsa(algorithm: Algorithm, key: RsaPrivateKey) -> Result<Self, KeyError> {
            let public = Material::rsa(&key.n().to_bytes_be(), &key.e().to_bytes_be())?;
            // with randomness for PKCS#1 v1.5 too: it blinds the exponentiation
            let sign = match algorithm {
                Algorithm::RS256 => {
                    blinded::<pkcs1v15::Signature>(pkcs1v15::SigningKey::<Sha256>::new(key))
                }
                Algorithm::RS384 => {
                    blinded::<pkcs1v15::Signature>(pkcs1v15::SigningKey::<Sha384>::new(key))
                }
                Algorithm::RS512 => {
                    blinded::<pkcs1v15::Signature>(pkcs1v15::SigningKey::<Sha512>::new(key))
                }
                Algorithm::PS256 => {
                    blinded::<pss::Signature>(pss::BlindedSigningKey::<Sha256>::new(key))
                }
                Algorithm::PS384 => {
                    blinded::<pss::Signature>(pss::BlindedSigningKey::<Sha384>::new(key))
                }
                Algorithm::PS512 => {
                    blinded::<pss::Signature>(pss::BlindedSigningKey::<Sha512>::new(key))
                }
                _ => return Err(mismatch(algorithm)),
            };
            Ok(Self { sign, public: Some(public) })
        }
    }

    pub(in crate::key) fn fill_random(bytes: &mut [u8]) -> Result<(), KeyError> {
        OsRng.try_fill_bytes(bytes).map_err(failed)
    }

    fn mac<M>(secret: &[u8]) -> Result<Sign, KeyError>
    where
        M: Mac + KeyInit + Clone + Send + Sync + 'static,
    {
        let keyed = <M as KeyInit>::new_from_slice(secret).map_err(failed)?;
        Ok(Box::new(move |message| {
            let mut mac = keyed.clone();
            mac.update(message);
            Ok(mac.finalize().into_bytes().to_vec())
        }))
    }

    fn by<S: SignatureEncoding>(key: impl Signer<S> + Send + Sync + 'static) -> Sign {
        Box::new(move |message| Ok(key.try_sign(message).map_err(failed)?.to_vec()))
    }

    fn blinded<S: SignatureEncoding>(
        key: impl RandomizedSigner<S> + Send + Sync + 'static,
    ) -> Sign {
        Box::new(move |message| {
            let signature = key.try_sign_with_rng(&mut OsRng, message).map_err(failed)?;
            Ok(signature.to_vec())
        })
    }

    fn failed(error: impl std::error::Error + Send + Sync + 'static) -> KeyError {
        KeyError::new(KeyErrorKind::Failed, "the crypto library failed").with_source(error)
    }
}

#[cfg_attr(feature = "aws-lc-rs", allow(unused_imports))]
pub(in crate::key) use signing::{SignKey, fill_random};
