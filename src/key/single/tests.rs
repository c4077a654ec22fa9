use super::super::error::KeyErrorKind;
use super::*;

const RSA: &str = include_str!("../testdata/rsa2048.pub.pem");
const RSA_PKCS1: &str = include_str!("../testdata/rsa2048.pkcs1.pem");
const P256: &str = include_str!("../testdata/p256.pub.pem");
const P384: &str = include_str!("../testdata/p384.pub.pem");
const P521: &str = include_str!("../testdata/p521.pub.pem");
const ED25519: &str = include_str!("../testdata/ed25519.pub.pem");

#[track_caller]
fn refused(result: Result<Key, KeyError>, kind: KeyErrorKind, hint: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(hint), "{error}");
}

#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod accepted {
    use super::*;

    #[test]
    fn pem_and_der_of_every_public_key() {
        for (algorithm, pem) in [
            (Algorithm::RS256, RSA),
            (Algorithm::PS512, RSA),
            (Algorithm::RS384, RSA_PKCS1),
            (Algorithm::ES256, P256),
            (Algorithm::ES384, P384),
            (Algorithm::ES512, P521),
            (Algorithm::EdDSA, ED25519),
        ] {
            let key = Key::from_pem(algorithm, pem).unwrap();
            assert_eq!((key.algorithm(), key.id()), (algorithm, None));
            let der = pem::parse(pem.as_bytes()).unwrap().der;
            Key::from_der(algorithm, der.as_slice()).unwrap();
            if algorithm.curve().is_some() {
                let (_, bare) =
                    super::super::super::format::der::subject_public_key_info(&der).unwrap();
                Key::from_der(algorithm, bare).unwrap();
                for short in [&bare[1..], &bare[..bare.len() - 1]] {
                    assert!(Key::from_der(algorithm, short).is_err());
                }
            }
        }
    }

    #[test]
    fn id_is_given_and_clones_do_not_share_it() {
        let secret = Secret::new("0123456789abcdef0123456789abcdef");
        let key = Key::hs256(secret).unwrap();
        let named = key.clone().with_id("one");
        assert_eq!((key.id(), named.id()), (None, Some("one")));
        assert_eq!(format!("{named:?}"), "Key { id: Some(\"one\"), algorithm: HS256, .. }");
        assert!(!format!("{named:?} {key:#?}").contains("0123456789"));
    }

    #[test]
    fn rfc4231_4_2_hmac_vectors_of_another_hand() {
        // test case 6: a key of 131 bytes
        let message = b"Test Using Larger Than Block-Size Key - Hash Key First";
        let tag = [
            0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f, 0x0d, 0x8a, 0x26, 0xaa, 0xcb, 0xf5,
            0xb7, 0x7f, 0x8e, 0x0b, 0xc6, 0x21, 0x37, 0x28, 0xc5, 0x14, 0x05, 0x46, 0x04, 0x0f,
            0x0e, 0xe3, 0x7f, 0x54,
        ];
        let material = Material::Hmac(Secret::new(vec![0xaa; 131]));
        let key = Key::build(Algorithm::HS256, material, None).unwrap();
        assert!(key.verify(message, &tag));
        assert!(!key.verify(b"", &tag));
        for bad in [&tag[..31], &[tag.as_slice(), &[0]].concat(), &[], &[0; 32]] {
            assert!(!key.verify(message, bad));
        }
    }

    #[test]
    fn pem_file() {
        let path =
            std::env::temp_dir().join(format!("tower-bearer-key-{}.pem", std::process::id()));
        std::fs::write(&path, P256).unwrap();
        Key::from_pem_file(Algorithm::ES256, &path).unwrap();
        let error = Key::from_pem_file(Algorithm::ES384, &path).unwrap_err();
        assert!(error.to_string().contains("tower-bearer-key-"), "{error}");
        std::fs::remove_file(&path).unwrap();
        let error = Key::from_pem_file(Algorithm::ES256, &path).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Unreadable);
    }

    #[test]
    fn off_the_curve() {
        for (algorithm, length) in
            [(Algorithm::ES256, 65), (Algorithm::ES384, 97), (Algorithm::ES512, 133)]
        {
            let mut point = vec![0; length];
            point[0] = 4;
            for last in [0, 1] {
                point[length - 1] = last;
                refused(Key::from_der(algorithm, &point), KeyErrorKind::Malformed, "not a point");
            }
        }
        // no backend verifies anything with such a point; the one says so when it is loaded
        let mut two = [0; 32];
        two[0] = 2;
        match Key::from_der(Algorithm::EdDSA, two) {
            Err(error) => refused(Err(error), KeyErrorKind::Malformed, "not a point"),
            Ok(key) => {
                let mut signature = [0; 64];
                for commitment in [two, [0x66; 32]] {
                    signature[..32].copy_from_slice(&commitment);
                    for scalar in 0..8 {
                        signature[32] = scalar;
                        assert!(!key.verify(b"message", &signature));
                    }
                }
            }
        }
    }
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
#[test]
fn without_backend_every_key_says_what_to_enable() {
    let secret = Secret::new((0..64).collect::<Vec<u8>>());
    refused(Key::hs512(secret), KeyErrorKind::NoBackend, "aws-lc-rs");
    refused(Key::from_pem(Algorithm::ES256, P256), KeyErrorKind::NoBackend, "rust-crypto");
}

#[test]
fn private_keys_and_certificates() {
    let private = [
        (Algorithm::RS256, include_str!("../testdata/rsa2048.key.pem")),
        (Algorithm::ES256, include_str!("../testdata/p256.key.pem")),
        (Algorithm::ES256, include_str!("../testdata/p256.sec1.pem")),
        (Algorithm::EdDSA, include_str!("../testdata/ed25519.key.pem")),
    ];
    for (algorithm, pem) in private {
        refused(Key::from_pem(algorithm, pem), KeyErrorKind::PrivateKey, "-pubout");
        let der = pem::parse(pem.as_bytes()).unwrap().der;
        refused(Key::from_der(algorithm, &*der), KeyErrorKind::PrivateKey, "only the public");
    }
    let certificate = include_str!("../testdata/p256.cert.pem");
    refused(
        Key::from_pem(Algorithm::ES256, certificate),
        KeyErrorKind::Unsupported,
        "openssl x509",
    );
    let der = pem::parse(certificate.as_bytes()).unwrap().der;
    refused(Key::from_der(Algorithm::ES256, &*der), KeyErrorKind::Unsupported, "openssl x509");
}

#[test]
fn key_and_algorithm_must_fit() {
    for (algorithm, pem, hint) in [
        (Algorithm::HS256, RSA, "shared secret"),
        (Algorithm::RS256, P256, "P-256"),
        (Algorithm::ES256, P384, "P-384"),
        (Algorithm::ES384, P521, "P-384"),
        (Algorithm::ES512, P256, "P-521"),
        (Algorithm::ES256, RSA, "RSA"),
        (Algorithm::ES256, RSA_PKCS1, "RSA"),
        (Algorithm::EdDSA, P256, "Ed25519"),
        (Algorithm::ES256, ED25519, "Ed25519"),
    ] {
        refused(Key::from_pem(algorithm, pem), KeyErrorKind::Mismatch, hint);
        let der = pem::parse(pem.as_bytes()).unwrap().der;
        refused(Key::from_der(algorithm, &*der), KeyErrorKind::Mismatch, "");
    }
}

#[test]
fn weak_and_odd_documents() {
    let weak = include_str!("../testdata/rsa1024.pub.pem");
    refused(Key::from_pem(Algorithm::RS256, weak), KeyErrorKind::Weak, "1024 bits");
    let pss = include_str!("../testdata/rsapss.pub.pem");
    refused(Key::from_pem(Algorithm::PS256, pss), KeyErrorKind::Unsupported, "id-RSASSA-PSS");
    let compressed = include_str!("../testdata/p256.compressed.pem");
    refused(Key::from_pem(Algorithm::ES256, compressed), KeyErrorKind::Unsupported, "compressed");
    let two = format!("{P256}{P256}");
    refused(Key::from_pem(Algorithm::ES256, two), KeyErrorKind::Malformed, "several");
    let mislabelled = P256.replace("PUBLIC KEY", "EC PUBLIC KEY");
    refused(Key::from_pem(Algorithm::ES256, mislabelled), KeyErrorKind::Unsupported, "PUBLIC KEY");
    let swapped = RSA_PKCS1.replace("RSA PUBLIC", "PUBLIC");
    refused(Key::from_pem(Algorithm::RS256, swapped), KeyErrorKind::Malformed, "");
    refused(Key::from_pem(Algorithm::RS256, ""), KeyErrorKind::Malformed, "BEGIN PUBLIC KEY");
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        for der in [&b""[..], b"\x30", b"\x30\x00", &[0; 64]] {
            assert!(Key::from_der(algorithm, der).is_err());
        }
    }
}

#[test]
fn rfc7518_3_2_short_and_confused_secrets() {
    let weak = |result| refused(result, KeyErrorKind::Weak, "openssl rand -base64");
    weak(Key::hs256(Secret::new("changeme")));
    weak(Key::hs256(Secret::new(vec![7; 31])));
    weak(Key::hs384(Secret::new(vec![7; 47])));
    weak(Key::hs512(Secret::new(vec![7; 63])));
    weak(Key::hs256(Secret::new(vec![0; 32])));
    weak(Key::hs256(Secret::new("")));
    weak(Key::hs256(Secret::new("changeme".repeat(4))));
    weak(Key::hs256(Secret::new("a-string-secret-at-least-256-bits-long")));
    for text in [RSA, P256, r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#, r#"{"kty":"oct"}"#]
    {
        refused(
            Key::hs256(Secret::new(format!("\n{text}"))),
            KeyErrorKind::NotASecret,
            "Key::from",
        );
    }
    refused(
        Key::hmac(Algorithm::RS256, Secret::new(vec![7; 64])),
        KeyErrorKind::Mismatch,
        "Key::from_pem",
    );
}

#[test]
fn errors_do_not_show_the_key() {
    let secret = "hunter2hunter2hunter2";
    let error = Key::hs256(Secret::new(secret)).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let json = r#"{"kty":"oct","alg":"HS256","k":"aHVudGVyMmh1bnRlcjI"}"#;
    let error = Key::from_jwk(json).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("aHVudGVy"));
}
