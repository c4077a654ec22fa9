//! Both backends side by side: what one accepts or refuses, the other does too.
#![cfg(all(feature = "aws-lc-rs", feature = "rust-crypto"))]

use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::OsRng;
use rsa::signature::{RandomizedSigner, SignatureEncoding};
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey, pss};
use sha2::{Sha256, Sha512};

use super::super::algorithm::{Algorithm, Family};
use super::super::format::material::Material;
use super::super::format::pem;
use super::super::secret::Secret;
use super::{aws_lc, rust_crypto};

const RSA: &str = include_str!("../testdata/rsa2048.key.pem");

fn private_key(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::ES256 => include_str!("../testdata/p256.key.pem"),
        Algorithm::ES384 => include_str!("../testdata/p384.key.pem"),
        Algorithm::ES512 => include_str!("../testdata/p521.key.pem"),
        Algorithm::EdDSA => include_str!("../testdata/ed25519.key.pem"),
        _ => RSA,
    }
}

fn both(algorithm: Algorithm, material: &Material) -> impl Fn(&[u8], &[u8]) -> bool + use<> {
    let aws = aws_lc::VerifyKey::new(algorithm, material).unwrap();
    let rust = rust_crypto::VerifyKey::new(algorithm, material).unwrap();
    move |message, signature| {
        let answer = aws.verify(message, signature);
        assert_eq!(answer, rust.verify(message, signature), "{algorithm}");
        answer
    }
}

#[test]
fn each_verifies_what_the_other_signs() {
    for algorithm in Algorithm::ALL {
        let (aws, rust, material);
        if algorithm.family() == Family::Hmac {
            let secret = Secret::new((0..64).collect::<Vec<u8>>());
            aws = aws_lc::SignKey::hmac(algorithm, &secret).unwrap();
            rust = rust_crypto::SignKey::hmac(algorithm, &secret).unwrap();
            material = Material::hmac(algorithm, secret).unwrap();
        } else {
            let pem = pem::parse(private_key(algorithm).as_bytes()).unwrap();
            aws = aws_lc::SignKey::from_pkcs8(algorithm, &pem.der).unwrap();
            rust = rust_crypto::SignKey::from_pkcs8(algorithm, &pem.der).unwrap();
            material = aws.public().unwrap().unwrap();
        }
        let verify = both(algorithm, &material);
        for signature in [aws.sign(b"message").unwrap(), rust.sign(b"message").unwrap()] {
            assert!(verify(b"message", &signature), "{algorithm}");
            assert!(!verify(b"massage", &signature));
            for position in [0, 1, signature.len() / 2, signature.len() - 1] {
                for bit in 0..8 {
                    let mut bad = signature.clone();
                    bad[position] ^= 1 << bit;
                    assert!(!verify(b"message", &bad));
                }
            }
            for bad in [&signature[1..], &signature[..signature.len() - 1], &[], &[0; 64]] {
                assert!(!verify(b"message", bad));
            }
        }
    }
}

#[test]
fn rfc7518_3_5_salt_has_the_length_of_the_hash() {
    let key = RsaPrivateKey::from_pkcs8_pem(RSA).unwrap();
    let public = Material::rsa(&key.n().to_bytes_be(), &key.e().to_bytes_be()).unwrap();
    let verify = both(Algorithm::PS256, &public);
    for (salt, good) in
        [(32, true), (0, false), (20, false), (31, false), (33, false), (222, false)]
    {
        let signer = pss::BlindedSigningKey::<Sha256>::new_with_salt_len(key.clone(), salt);
        let signature = signer.sign_with_rng(&mut OsRng, b"message").to_vec();
        assert_eq!(verify(b"message", &signature), good, "salt of {salt} bytes");
    }
    // another hash with the right salt for this one
    let signer = pss::BlindedSigningKey::<Sha512>::new_with_salt_len(key, 32);
    let signature = signer.sign_with_rng(&mut OsRng, b"message").to_vec();
    assert!(!verify(b"message", &signature));
}

#[test]
fn rfc8017_8_2_2_signature_is_below_the_modulus() {
    let key = RsaPrivateKey::from_pkcs8_pem(RSA).unwrap();
    let public = Material::rsa(&key.n().to_bytes_be(), &key.e().to_bytes_be()).unwrap();
    let pem = pem::parse(RSA.as_bytes()).unwrap();
    let signer = aws_lc::SignKey::from_pkcs8(Algorithm::RS256, &pem.der).unwrap();
    let verify = both(Algorithm::RS256, &public);
    let mut tried = 0;
    for message in 0..64_u8 {
        let signature = signer.sign(&[message]).unwrap();
        assert!(verify(&[message], &signature));
        let larger = (BigUint::from_bytes_be(&signature) + key.n()).to_bytes_be();
        tried += usize::from(larger.len() == 256);
        assert!(!verify(&[message], &larger));
    }
    assert!(tried > 0, "the modulus leaves room for s + n in 256 bytes");
}

#[test]
fn rfc8032_5_1_7_scalar_is_below_the_order() {
    let pem = pem::parse(private_key(Algorithm::EdDSA).as_bytes()).unwrap();
    let signer = aws_lc::SignKey::from_pkcs8(Algorithm::EdDSA, &pem.der).unwrap();
    let verify = both(Algorithm::EdDSA, &signer.public().unwrap().unwrap());
    let mut signature = signer.sign(b"message").unwrap();
    assert!(verify(b"message", &signature));
    let order = BigUint::parse_bytes(
        b"1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed",
        16,
    )
    .unwrap();
    let mut larger = (BigUint::from_bytes_le(&signature[32..]) + order).to_bytes_le();
    larger.resize(32, 0);
    signature[32..].copy_from_slice(&larger);
    assert!(!verify(b"message", &signature));
}

#[test]
fn points_off_the_curve() {
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::ES512] {
        let length = 1 + 2 * algorithm.coordinate_len();
        for fill in [0, 1, 0xff] {
            let mut point = vec![fill; length];
            point[0] = 4;
            let material = Material::ec(algorithm, &point).unwrap();
            assert!(aws_lc::VerifyKey::new(algorithm, &material).is_err());
            assert!(rust_crypto::VerifyKey::new(algorithm, &material).is_err());
        }
    }
}
