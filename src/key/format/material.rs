//! [`Material`]: key material in one normal form, checked, on its way to the crypto backend.
//!
//! Every format (PEM, DER, JWK) ends here, so every rule about the numbers stands here once and
//! holds for both backends.

use super::der::{self, Shape, SpkiType};
use crate::key::algorithm::{Algorithm, Family};
use crate::key::error::{KeyError, KeyErrorKind};
use crate::key::hygiene::ed25519;
use crate::key::hygiene::weak;
use crate::key::impostor;
use crate::key::secret::Secret;

/// Bounds of an RSA modulus in bits. Below: RFC 7518 §3.3. Above: the work of one verification
/// grows with the square, and the backends do not go further.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Largest RSA exponent in bits, for the same reason.
const RSA_EXPONENT_BITS: usize = 33;

#[derive(Clone)]
#[cfg_attr(
    not(any(feature = "aws-lc-rs", feature = "rust-crypto")),
    allow(dead_code, reason = "there is no backend to read it")
)]
pub(in crate::key) enum Material {
    Hmac(Secret),
    /// Big-endian without leading zeros.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// 0x04, x, y: the uncompressed form of SEC 1 §2.3.3.
    Ec(Vec<u8>),
    Ed([u8; 32]),
}

impl Material {
    pub(in crate::key) fn hmac(algorithm: Algorithm, secret: Secret) -> Result<Self, KeyError> {
        if algorithm.family() != Family::Hmac {
            return Err(KeyError::mismatch(format!(
                "{algorithm} does not work with a shared secret; load its public key with \
                 Key::from_pem, or use HS256, HS384 or HS512"
            )));
        }
        let bytes = secret.expose();
        // before the length: a short JWK is a wrong kind of key, not a short key
        impostor::refuse(bytes)?;
        let wanted = algorithm.hash_len();
        if bytes.len() < wanted {
            return Err(KeyError::new(
                KeyErrorKind::Weak,
                format!(
                    "the secret has {} bytes, {algorithm} needs at least {wanted} (RFC 7518 §3.2); \
                     make one with: openssl rand -base64 {} and load it in the same way wherever it is used",
                    bytes.len(),
                    wanted.max(48),
                ),
            ));
        }
        weak::refuse(bytes)?;
        Ok(Self::Hmac(secret))
    }

    /// Leading zeros are dropped. RFC 7518 §6.3.1.1 forbids them in a JWK, and says itself that
    /// some libraries write the sign octet of DER there; the number is the same.
    pub(in crate::key) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let (n, e) = (strip_zeros(n), strip_zeros(e));
        let size = bits(n);
        if !RSA_BITS.contains(&size) {
            return Err(KeyError::new(
                KeyErrorKind::Weak,
                format!(
                    "the RSA key has {size} bits; at least {} are needed (RFC 7518 §3.3) and at \
                     most {} supported: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
                    RSA_BITS.start(),
                    RSA_BITS.end(),
                ),
            ));
        }
        let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        if !odd(n) || !odd(e) || e == [1] || bits(e) > RSA_EXPONENT_BITS {
            return Err(KeyError::new(
                KeyErrorKind::Weak,
                "the RSA key is not sound: modulus and exponent must be odd, the exponent at \
                 least 3 and below 2^33 (65537 is usual)",
            ));
        }
        Ok(Self::Rsa { n: n.to_vec(), e: e.to_vec() })
    }

    /// A point in uncompressed form. That it lies on the curve is for the backend to tell.
    pub(in crate::key) fn ec(algorithm: Algorithm, point: &[u8]) -> Result<Self, KeyError> {
        let curve = algorithm.curve().unwrap_or_default();
        let length = 1 + 2 * algorithm.coordinate_len();
        match point.first() {
            Some(4) if point.len() == length => Ok(Self::Ec(point.to_vec())),
            Some(2 | 3) if point.len() == 1 + algorithm.coordinate_len() => {
                Err(KeyError::unsupported(
                    "the point is compressed; write the key anew with: \
                     openssl ec -pubin -conv_form uncompressed",
                ))
            }
            _ => Err(KeyError::mismatch(format!(
                "not a point of {curve}, the curve of {algorithm}: \
                 expected {length} bytes that start with 0x04"
            ))),
        }
    }

    pub(in crate::key) fn ed(point: &[u8]) -> Result<Self, KeyError> {
        let point: &[u8; 32] = point.try_into().map_err(|_| {
            KeyError::mismatch("an Ed25519 public key has exactly 32 bytes; this one has not")
        })?;
        if !ed25519::is_canonical_and_large(point) {
            return Err(KeyError::new(
                KeyErrorKind::Weak,
                "the Ed25519 public key is a point of small order, or not in canonical form; \
                 make a new key pair with: openssl genpkey -algorithm ed25519",
            ));
        }
        Ok(Self::Ed(*point))
    }

    pub(in crate::key) fn spki(algorithm: Algorithm, document: &[u8]) -> Result<Self, KeyError> {
        let (kind, bits) = der::subject_public_key_info(document)
            .ok_or_else(|| KeyError::malformed("the DER document is not a public key"))?;
        match (algorithm.family(), kind) {
            (Family::Rsa, SpkiType::Rsa) => Self::pkcs1(bits),
            (Family::Ec, SpkiType::Ec(curve)) if algorithm.curve() == Some(curve) => {
                Self::ec(algorithm, bits)
            }
            (Family::Ed, SpkiType::Ed25519) => Self::ed(bits),
            (_, SpkiType::RsaPss) => Err(KeyError::unsupported(
                "the RSA key is restricted to PSS (id-RSASSA-PSS), which is not supported; \
                 publish it as a plain RSA key (rsaEncryption) or as a JWK",
            )),
            (_, kind) => Err(KeyError::mismatch(format!(
                "{algorithm} needs {}, and this is {}",
                needed(algorithm),
                match kind {
                    SpkiType::Rsa | SpkiType::RsaPss => "an RSA key".to_owned(),
                    SpkiType::Ec(curve) => format!("a key on the curve {curve}"),
                    SpkiType::Ed25519 => "an Ed25519 key".to_owned(),
                    SpkiType::Other => "a key of another type or curve".to_owned(),
                }
            ))),
        }
    }

    /// The `RSAPublicKey` of RFC 8017 A.1.1.
    pub(in crate::key) fn pkcs1(document: &[u8]) -> Result<Self, KeyError> {
        let (n, e) = der::rsa_public_key(document)
            .ok_or_else(|| KeyError::malformed("the DER document is not an RSA public key"))?;
        Self::rsa(n, e)
    }

    /// A whole DER document, or the bare key bytes where these are unmistakable.
    pub(in crate::key) fn der(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        refuse_symmetric(algorithm)?;
        match (algorithm.family(), der::shape(bytes)) {
            (_, Some(Shape::SubjectPublicKeyInfo)) => Self::spki(algorithm, bytes),
            (_, Some(Shape::PrivateKey)) => Err(KeyError::private_key()),
            (_, Some(Shape::Certificate)) => Err(certificate()),
            (Family::Ec, None) => Self::ec(algorithm, bytes),
            (Family::Ed, None) => Self::ed(bytes),
            (Family::Rsa, _) => Self::pkcs1(bytes),
            (_, Some(Shape::RsaPublicKey)) => Err(KeyError::mismatch(format!(
                "{algorithm} needs {}, and this is an RSA key",
                needed(algorithm)
            ))),
            (Family::Hmac, None) => Err(KeyError::malformed("not a public key")),
        }
    }

    pub(in crate::key) fn signature_len(&self, algorithm: Algorithm) -> usize {
        match self {
            Self::Hmac(_) => algorithm.hash_len(),
            Self::Rsa { n, .. } => n.len(),
            Self::Ec(_) | Self::Ed(_) => 2 * algorithm.coordinate_len(),
        }
    }

    pub(in crate::key) fn family(&self) -> Family {
        match self {
            Self::Hmac(_) => Family::Hmac,
            Self::Rsa { .. } => Family::Rsa,
            Self::Ec(_) => Family::Ec,
            Self::Ed(_) => Family::Ed,
        }
    }
}

/// What the backend says to a point that satisfies no curve equation.
#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
pub(in crate::key) fn off_curve() -> KeyError {
    KeyError::malformed(
        "the public key is not a point on the algorithm's curve; export it anew with: \
         openssl pkey -in private.pem -pubout",
    )
}

pub(in crate::key) fn certificate() -> KeyError {
    KeyError::unsupported(
        "holds a certificate, whose validity nobody would check here; take the public key out of \
         it with: openssl x509 -in cert.pem -pubkey -noout",
    )
}

pub(in crate::key) fn refuse_symmetric(algorithm: Algorithm) -> Result<(), KeyError> {
    if algorithm.is_symmetric() {
        return Err(KeyError::mismatch(format!(
            "{algorithm} works with a shared secret, not with a public key; use Key::hmac with a \
             Secret, or name the algorithm that the key was made for (for example RS256 or ES256)"
        )));
    }
    Ok(())
}

fn needed(algorithm: Algorithm) -> String {
    match algorithm.curve() {
        Some("Ed25519") => "an Ed25519 key".to_owned(),
        Some(curve) => format!("a key on the curve {curve}"),
        None => "an RSA key".to_owned(),
    }
}

fn strip_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.split_at(zeros).1
}

fn bits(number: &[u8]) -> usize {
    match number.first() {
        Some(first) => number.len() * 8 - first.leading_zeros() as usize,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rsa(bytes: usize, e: &[u8]) -> Result<Material, KeyError> {
        let mut n = vec![0xff; bytes];
        n[0] = 0x80;
        Material::rsa(&n, e)
    }

    #[test]
    fn rfc7518_3_3_rsa_sizes_and_exponents() {
        for (bytes, e) in
            [(256, &[3][..]), (256, &[1, 0, 1]), (1024, &[1, 0, 1]), (384, &[0, 0, 5])]
        {
            assert!(rsa(bytes, e).is_ok());
        }
        for (bytes, e) in [
            (128, &[1, 0, 1][..]),
            (255, &[1, 0, 1]),
            (1025, &[1, 0, 1]),
            (256, &[]),
            (256, &[0]),
            (256, &[1]),
            (256, &[2]),
            (256, &[1, 0, 0]),
            (256, &[2, 0, 0, 0, 1]),
            (256, &[1, 0, 0, 0, 0, 1]),
        ] {
            let error = rsa(bytes, e).err().unwrap();
            assert_eq!(error.kind(), KeyErrorKind::Weak, "{bytes} {e:?}");
        }
        let mut even = [0x80; 256];
        assert!(Material::rsa(&even, &[3]).is_err());
        even[0] = 0x7f;
        even[255] = 1;
        assert!(Material::rsa(&even, &[3]).is_err(), "2047 bits");
        assert!(Material::rsa(&[], &[3]).is_err());
    }

    #[test]
    fn hmac_secrets_by_length() {
        for (algorithm, least) in
            [(Algorithm::HS256, 32), (Algorithm::HS384, 48), (Algorithm::HS512, 64)]
        {
            let good: Vec<u8> = (0..64).take(least).collect();
            assert!(Material::hmac(algorithm, Secret::new(good)).is_ok());
            for bad in [vec![], vec![7; least - 1], vec![0; least], vec![0; 200]] {
                let error = Material::hmac(algorithm, Secret::new(bad)).err().unwrap();
                assert_eq!(error.kind(), KeyErrorKind::Weak);
                assert!(error.to_string().contains("openssl rand -base64"));
            }
        }
        let error = Material::hmac(Algorithm::ES256, Secret::new(vec![7; 64])).err().unwrap();
        assert_eq!(error.kind(), KeyErrorKind::Mismatch);
    }

    #[test]
    fn ed25519_points() {
        for bad in [&[0_u8; 32][..], &[0xff; 32], &[2; 31], &[2; 33], &[]] {
            assert!(Material::ed(bad).is_err(), "{bad:?}");
        }
    }
}
