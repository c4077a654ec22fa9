//! Keys that `jsonwebtoken` loaded are taken over.

use jsonwebtoken::DecodingKey;
use tower_bearer::key::{Algorithm, Key, KeyErrorKind};

const RSA: &[u8] = include_bytes!("../../src/key/testdata/rsa2048.pub.pem");
const RSA_PKCS1: &[u8] = include_bytes!("../../src/key/testdata/rsa2048.pkcs1.pem");
const P384: &[u8] = include_bytes!("../../src/key/testdata/p384.pub.pem");
const ED25519: &[u8] = include_bytes!("../../src/key/testdata/ed25519.pub.pem");
const SECRET: &[u8] = b"a secret that was made for tests alone";

#[test]
fn decoding_keys_of_every_kind() {
    for (algorithm, key) in [
        (Algorithm::RS256, DecodingKey::from_rsa_pem(RSA).unwrap()),
        (Algorithm::PS256, DecodingKey::from_rsa_pem(RSA_PKCS1).unwrap()),
        (Algorithm::ES384, DecodingKey::from_ec_pem(P384).unwrap()),
        (Algorithm::EdDSA, DecodingKey::from_ed_pem(ED25519).unwrap()),
        (Algorithm::HS256, DecodingKey::from_secret(SECRET)),
        (Algorithm::RS512, DecodingKey::from_rsa_raw_components(&[0xff; 256], &[1, 0, 1])),
    ] {
        let key = Key::from_decoding_key(algorithm, &key).unwrap();
        assert_eq!(key.algorithm(), algorithm);
    }
}

#[test]
fn they_pass_the_checks_of_all_keys() {
    let refused = |algorithm, key: DecodingKey, kind, hint: &str| {
        let error = Key::from_decoding_key(algorithm, &key).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(hint), "{error}");
    };
    let hmac = DecodingKey::from_secret(SECRET);
    refused(Algorithm::RS256, hmac, KeyErrorKind::Mismatch, "family");
    let rsa = DecodingKey::from_rsa_pem(RSA).unwrap();
    refused(Algorithm::HS256, rsa, KeyErrorKind::Mismatch, "family");
    let weak = DecodingKey::from_secret(b"changeme");
    refused(Algorithm::HS256, weak, KeyErrorKind::Weak, "openssl rand");
    let word = DecodingKey::from_secret(b"changemechangemechangemechangeme");
    refused(Algorithm::HS256, word, KeyErrorKind::Weak, "repeated");
}
