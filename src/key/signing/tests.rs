#![cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]

use super::super::set::KeySet;
use super::*;

/// One key of each algorithm. RSA keys come from a file: pure Rust takes seconds to find primes.
fn all() -> Vec<SigningKey> {
    Algorithm::ALL
        .into_iter()
        .map(|algorithm| match algorithm.as_str().as_bytes()[0] {
            b'R' | b'P' => {
                SigningKey::from_pem(algorithm, include_str!("../testdata/rsa2048.key.pem"))
                    .unwrap()
            }
            _ => SigningKey::generate(algorithm).unwrap(),
        })
        .map(|key| key.with_id("k1").unwrap())
        .collect()
}

#[test]
fn what_one_signs_only_its_own_key_verifies() {
    let message = b"header.payload";
    let keys = all();
    for key in &keys {
        let public = key.verification_key().unwrap();
        assert_eq!((public.id(), public.algorithm()), (Some(key.id()), key.algorithm()));
        let signature = key.sign(message).unwrap();
        assert!(public.verify(message, &signature), "{}", key.algorithm());

        assert!(!public.verify(b"header.payloae", &signature));
        assert!(!public.verify(b"", &signature));
        for bit in [0, 7, signature.len() * 4, signature.len() * 8 - 1] {
            let mut bad = signature.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!public.verify(message, &bad), "{} bit {bit}", key.algorithm());
        }
        for bad in [
            vec![],
            signature[1..].to_vec(),
            signature[..signature.len() - 1].to_vec(),
            [&[0], signature.as_slice()].concat(),
            [signature.as_slice(), &[0]].concat(),
            vec![0; signature.len()],
            vec![0xff; signature.len()],
        ] {
            assert!(!public.verify(message, &bad), "{}", key.algorithm());
        }
        for other in &keys {
            if other.algorithm() != key.algorithm() {
                assert!(!other.verification_key().unwrap().verify(message, &signature));
            }
        }
    }
}

#[test]
fn published_keys_verify() {
    for key in all() {
        let jwk = key.public_jwk();
        if key.algorithm().is_symmetric() {
            assert_eq!(jwk.unwrap_err().kind(), KeyErrorKind::Symmetric);
            continue;
        }
        let jwks = json!({"keys": [jwk.unwrap()]}).to_string();
        let set = KeySet::from_jwks(&jwks).unwrap();
        let signature = key.sign(b"message").unwrap();
        let public = set.candidates(Some("k1"), key.algorithm()).next().unwrap();
        assert!(public.verify(b"message", &signature));
        for member in ["\"d\"", "\"p\"", "\"k\""] {
            assert!(!jwks.contains(member), "{jwks}");
        }
    }
}

#[test]
fn private_keys_from_pem() {
    for (algorithm, pem, public) in [
        (
            Algorithm::PS384,
            include_str!("../testdata/rsa2048.key.pem"),
            include_str!("../testdata/rsa2048.pub.pem"),
        ),
        (
            Algorithm::ES256,
            include_str!("../testdata/p256.key.pem"),
            include_str!("../testdata/p256.pub.pem"),
        ),
        (
            Algorithm::ES384,
            include_str!("../testdata/p384.key.pem"),
            include_str!("../testdata/p384.pub.pem"),
        ),
        (
            Algorithm::ES512,
            include_str!("../testdata/p521.key.pem"),
            include_str!("../testdata/p521.pub.pem"),
        ),
        (
            Algorithm::EdDSA,
            include_str!("../testdata/ed25519.key.pem"),
            include_str!("../testdata/ed25519.pub.pem"),
        ),
    ] {
        let key = SigningKey::from_pem(algorithm, pem).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert!(Key::from_pem(algorithm, public).unwrap().verify(b"message", &signature));
        let body = pem.lines().nth(1).unwrap();
        assert!(!format!("{key:?}").contains(body));
    }
    for (algorithm, pem) in [
        (Algorithm::RS256, include_str!("../testdata/rsa2048.pub.pem")),
        (Algorithm::ES256, include_str!("../testdata/p256.sec1.pem")),
        (Algorithm::ES256, include_str!("../testdata/p384.key.pem")),
        (Algorithm::ES256, include_str!("../testdata/rsa2048.key.pem")),
        (Algorithm::RS256, include_str!("../testdata/p256.key.pem")),
        (Algorithm::EdDSA, include_str!("../testdata/p256.key.pem")),
        (Algorithm::HS256, include_str!("../testdata/p256.key.pem")),
    ] {
        assert!(SigningKey::from_pem(algorithm, pem).is_err(), "{algorithm}");
    }
}

#[test]
fn generated_secrets_differ_and_stay_hidden() {
    let (one, two) = (
        SigningKey::generate(Algorithm::HS256).unwrap(),
        SigningKey::generate(Algorithm::HS256).unwrap(),
    );
    assert_ne!(one.sign(b"x").unwrap(), two.sign(b"x").unwrap());
    assert!(SigningKey::hmac(Algorithm::HS512, &Secret::new(vec![7; 63])).is_err());
    let shown = SigningKey::hmac(
        Algorithm::HS256,
        &Secret::new("hunter2 is my secret, and it is a long one"),
    )
    .unwrap();
    assert!(!format!("{shown:?}").contains("hunter2"));
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn rsa_keys_are_generated() {
    let key = SigningKey::generate(Algorithm::PS256).unwrap();
    let signature = key.sign(b"x").unwrap();
    assert_eq!(signature.len(), 256);
    assert!(key.verification_key().unwrap().verify(b"x", &signature));
}

#[test]
fn rfc7518_3_4_ecdsa_numbers_out_of_range() {
    // the order of each group, SEC 2 §2.4.2, §2.5.1, §2.6.1, from the right
    let orders: [(Algorithm, usize, &[u8]); 3] = [
        (
            Algorithm::ES256,
            32,
            &[
                0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
                0x25, 0x51,
            ],
        ),
        (
            Algorithm::ES384,
            48,
            &[
                0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0,
                0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
            ],
        ),
        (
            Algorithm::ES512,
            66,
            &[
                0x51, 0x86, 0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b, 0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09,
                0xa5, 0xd0, 0x3b, 0xb5, 0xc9, 0xb8, 0x89, 0x9c, 0x47, 0xae, 0xbb, 0x6f, 0xb7, 0x1e,
                0x91, 0x38, 0x64, 0x09,
            ],
        ),
    ];
    for (algorithm, length, tail) in orders {
        let key = SigningKey::generate(algorithm).unwrap();
        let public = key.verification_key().unwrap();
        let good = key.sign(b"message").unwrap();
        let mut order = vec![0xff; length];
        if length == 66 {
            order[..2].copy_from_slice(&[0x01, 0xff]);
            order[33] = 0xfa;
        }
        order[length - tail.len()..].copy_from_slice(tail);
        let (r, s) = good.split_at(length);
        let zero = vec![0; length];
        for bad in [
            [zero.as_slice(), &zero],
            [&zero, s],
            [r, &zero],
            [&order, s],
            [r, &order],
            [&order, &order],
        ] {
            assert!(!public.verify(b"message", &bad.concat()), "{algorithm}");
        }
        assert!(public.verify(b"message", &good));
    }
}
