//! The token says how it is to be verified.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tower_bearer::key::{Algorithm, JwksOptions, Key, KeyErrorKind, KeySet};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{AuthLayer, RejectionKind, Secret};

use crate::stack::*;

#[test]
fn rfc8725_s2_1_none_in_any_spelling() {
    for issuer in [issuer(), rs256_issuer()] {
        let stack = stack(&issuer);
        let good = issuer.token().sign();
        pass(&stack, &good);
        let [_, payload, signature] = segments(&good);
        for none in ["none", "None", "NONE", "nOnE", "NoNe", "none ", " none", "nоne", "", "null"]
        {
            for header in [
                json!({"alg": none}),
                json!({"alg": none, "typ": "JWT"}),
                json!({"alg": none, "kid": "test"}),
            ] {
                let header = encode(header.to_string());
                let unsigned = format!("{header}.{payload}.");
                refuse(&stack, &unsigned, RejectionKind::MalformedToken);
                refuse(&stack, &format!("{unsigned}{signature}"), RejectionKind::WrongAlgorithm);
            }
        }
    }
}

#[test]
fn rfc8725_s2_1_good_header_and_empty_signature() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let good = issuer.token().sign();
    pass(&stack, &good);
    let (input, _) = good.rsplit_once('.').unwrap();
    refuse(&stack, &format!("{input}."), RejectionKind::MalformedToken);
    refuse(&stack, input, RejectionKind::MalformedToken);
    refuse(&stack, &format!("{input}.AA"), RejectionKind::InvalidSignature);
    let mac = hs256(b"", input);
    refuse(&stack, &format!("{input}.{mac}"), RejectionKind::InvalidSignature);
}

#[test]
fn rfc7515_s4_1_1_alg_absent_or_no_string() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let payload = payload(&issuer);
    pass(&stack, &signed(r#"{"alg":"HS256"}"#, &payload));
    for header in [
        r#"{}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"alg":null}"#,
        r#"{"alg":256}"#,
        r#"{"alg":true}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":{"HS256":1}}"#,
        r#"{"Alg":"HS256"}"#,
        r#"{"ALG":"HS256"}"#,
    ] {
        refuse(&stack, &signed(header, &payload), RejectionKind::MalformedToken);
    }
}

#[test]
fn rfc7515_s4_1_1_alg_is_case_sensitive() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let payload = payload(&issuer);
    pass(&stack, &signed(r#"{"alg":"HS256"}"#, &payload));
    pass(&stack, &signed(r#"{"alg":"\u0048S256"}"#, &payload));
    for alg in ["hs256", "Hs256", "hS256", "HS256 ", "HS256\\u0000", "HS-256", "HMAC", "SHA256"] {
        let token = signed(&format!(r#"{{"alg":"{alg}"}}"#), &payload);
        refuse(&stack, &token, RejectionKind::WrongAlgorithm);
    }
}

/// The public key in every form in which somebody might hand it to an HMAC function.
fn public_key_forms() -> Vec<Vec<u8>> {
    let spki = include_str!("../../src/key/testdata/rsa2048.pub.pem");
    let pkcs1 = include_str!("../../src/key/testdata/rsa2048.pkcs1.pem");
    let der = |pem: &str| {
        let body: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
        STANDARD.decode(body).unwrap()
    };
    let jwks = rs256_issuer().jwks();
    let jwk = &jwks["keys"][0];
    let bare = json!({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]});
    let mut forms = vec![
        spki.as_bytes().to_vec(),
        spki.trim_end().as_bytes().to_vec(),
        spki.replace('\n', "\r\n").into_bytes(),
        format!("\n  {spki}").into_bytes(),
        pkcs1.as_bytes().to_vec(),
        pkcs1.trim_end().as_bytes().to_vec(),
        der(spki),
        der(pkcs1),
    ];
    for value in [jwk, &bare, &jwks] {
        forms.push(value.to_string().into_bytes());
        forms.push(serde_json::to_vec_pretty(value).unwrap());
        forms.push(format!(" \t\r\n{value}\n").into_bytes());
    }
    forms
}

#[test]
fn rfc8725_s2_1_a_public_key_is_refused_as_secret() {
    assert!(Key::hs256(Secret::new("any other text of 32 bytes or more")).is_ok());
    for form in public_key_forms() {
        let shown = String::from_utf8_lossy(&form).into_owned();
        for secret in [form.clone(), STANDARD.encode(&form).into_bytes()] {
            for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                let error = Key::hmac(algorithm, Secret::new(secret.clone())).unwrap_err();
                assert_eq!(error.kind(), KeyErrorKind::NotASecret, "{shown}");
                assert!(error.to_string().contains("openssl rand"), "{error}");
            }
        }
        // As the k of a JWK, and as a signer's secret.
        let jwk = json!({"kty": "oct", "alg": "HS256", "k": encode(&form)});
        let error = Key::from_jwk(&jwk.to_string()).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::NotASecret, "{shown}");
        let error = TestIssuer::from_secret(Algorithm::HS256, &Secret::new(form)).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::NotASecret, "{shown}");
    }
}

#[test]
fn rfc8725_s2_1_hs256_over_the_public_key() {
    let issuer = rs256_issuer();
    let alone = stack(&issuer);
    let hmac = Key::hs256(Secret::new("a secret of another service here")).unwrap();
    let both = AuthLayer::new(
        tower_bearer::Verifier::builder()
            .keys([issuer.key(), hmac.with_id("hmac")])
            .issuer(TestIssuer::ISSUER)
            .audience(TestIssuer::AUDIENCE)
            .clock(clock())
            .build()
            .unwrap(),
    );
    let good = issuer.token().sign();
    pass(&alone, &good);
    pass(&both, &good);
    let [_, payload, _] = segments(&good);
    for form in public_key_forms() {
        for alg in ["HS256", "HS384", "HS512"] {
            let forge = |header: serde_json::Value| {
                let input = format!("{}.{payload}", encode(header.to_string()));
                format!("{input}.{}", hs256(&form, &input))
            };
            let named = forge(json!({"alg": alg, "typ": "JWT", "kid": "test"}));
            let nameless = forge(json!({"alg": alg, "typ": "JWT"}));
            refuse(&alone, &named, RejectionKind::WrongAlgorithm);
            refuse(&alone, &nameless, RejectionKind::WrongAlgorithm);
            refuse(&both, &named, RejectionKind::WrongAlgorithm);
            let kind = match alg {
                "HS256" => RejectionKind::InvalidSignature,
                _ => RejectionKind::WrongAlgorithm,
            };
            refuse(&both, &nameless, kind);
        }
    }
}

#[test]
fn rfc8725_s3_1_alg_of_another_key() {
    let (rsa, ec) = (rs256_issuer().key_id("rsa"), generated(Algorithm::ES256).key_id("ec"));
    let stack: Stack = AuthLayer::new(
        tower_bearer::Verifier::builder()
            .keys([rsa.key(), ec.key()])
            .issuer(TestIssuer::ISSUER)
            .audience(TestIssuer::AUDIENCE)
            .clock(clock())
            .build()
            .unwrap(),
    );
    pass(&stack, &rsa.token().sign());
    pass(&stack, &ec.token().sign());
    // The other key's algorithm, the other key's name, the same family with another hash or padding.
    refuse(&stack, &ec.token().header("kid", "rsa").sign(), RejectionKind::WrongAlgorithm);
    refuse(&stack, &rsa.token().header("kid", "ec").sign(), RejectionKind::WrongAlgorithm);
    refuse(&stack, &rsa.token().header("alg", "ES256").sign(), RejectionKind::WrongAlgorithm);
    for alg in ["RS384", "RS512", "PS256", "PS384", "PS512", "ES384", "EdDSA", "HS256"] {
        let token = rsa.token().header("alg", alg).sign();
        refuse(&stack, &token, RejectionKind::WrongAlgorithm);
        let token = rsa.token().header("alg", alg).without_header("kid").sign();
        refuse(&stack, &token, RejectionKind::WrongAlgorithm);
    }
    let token = rsa.token().header("alg", "ES256").without_header("kid").sign();
    refuse(&stack, &token, RejectionKind::InvalidSignature);
}

#[test]
fn rfc7517_s4_2_key_for_encryption_is_not_selected() {
    let (signing, encrypting) =
        (rs256_issuer().key_id("sig"), generated(Algorithm::ES256).key_id("enc"));
    for (member, value) in [
        ("use", json!("enc")),
        ("key_ops", json!(["encrypt"])),
        ("key_ops", json!(["deriveBits", "deriveKey"])),
        ("key_ops", json!([])),
    ] {
        let mut other = encrypting.jwks()["keys"][0].clone();
        other.as_object_mut().unwrap().remove("use");
        assert!(KeySet::from_jwks(&json!({"keys": [other.clone()]}).to_string()).is_ok());
        other[member] = value;
        let error = KeySet::from_jwks(&json!({"keys": [other]}).to_string()).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::NoUsableKey);
        let set = json!({"keys": [other, signing.jwks()["keys"][0]]}).to_string();
        let keys = KeySet::from_jwks_with(&set, &JwksOptions::new()).unwrap();
        assert_eq!((keys.len(), keys.skipped().len()), (1, 1));
        assert_eq!(keys.skipped()[0].reason().kind(), KeyErrorKind::Mismatch);
        let stack: Stack = AuthLayer::new(
            tower_bearer::Verifier::builder()
                .keys(keys)
                .issuer(TestIssuer::ISSUER)
                .audience(TestIssuer::AUDIENCE)
                .clock(clock())
                .build()
                .unwrap(),
        );
        pass(&stack, &signing.token().sign());
        refuse(&stack, &encrypting.token().sign(), RejectionKind::UnknownKey);
        let token = encrypting.token().without_header("kid").sign();
        refuse(&stack, &token, RejectionKind::WrongAlgorithm);
    }
}

/// The order `n` of each curve's group.
const ORDERS: [(Algorithm, &str); 3] = [
    (Algorithm::ES256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
    (
        Algorithm::ES384,
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    ),
    (
        Algorithm::ES512,
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    ),
];

fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// An ASN.1 `INTEGER`.
fn der_integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    let mut value = bytes[start..].to_vec();
    if value[0] >= 0x80 {
        value.insert(0, 0);
    }
    [&[2, value.len() as u8], &value[..]].concat()
}

#[test]
fn cve_2022_21449_psychic_signatures() {
    for (algorithm, order) in ORDERS {
        let issuer = generated(algorithm);
        let stack = stack(&issuer);
        let good = issuer.token().sign();
        pass(&stack, &good);
        let n = hex(order);
        let length = n.len();
        let (input, signature) = good.rsplit_once('.').unwrap();
        let signature = decode(signature);
        assert_eq!(signature.len(), 2 * length);
        let (r, s) = signature.split_at(length);
        let zero = vec![0; length];
        let mut one = zero.clone();
        one[length - 1] = 1;
        let mut n_less_one = n.clone();
        n_less_one[length - 1] -= 1;
        let all = vec![0xff; length];
        for r in [&zero[..], &one, &n_less_one, &n, &all, r] {
            for s in [&zero[..], &one, &n_less_one, &n, &all] {
                let token = format!("{input}.{}", encode([r, s].concat()));
                refuse(&stack, &token, RejectionKind::InvalidSignature);
            }
        }
        for r in [&zero[..], &one, &n_less_one, &n, &all] {
            let token = format!("{input}.{}", encode([r, s].concat()));
            refuse(&stack, &token, RejectionKind::InvalidSignature);
        }
        // Another length: cut, filled up, the two halves with zeros before them, nothing at all.
        let der = [der_integer(r), der_integer(s)].concat();
        let der = match der.len() {
            long @ 128.. => [&[0x30, 0x81, long as u8], &der[..]].concat(),
            short => [&[0x30, short as u8], &der[..]].concat(),
        };
        for odd in [
            signature[..2 * length - 1].to_vec(),
            signature[1..].to_vec(),
            [&signature[..], &[0]].concat(),
            [&[0], &signature[..]].concat(),
            [&[0], r, &[0], s].concat(),
            signature.repeat(2),
            vec![0],
            vec![0; 64],
            vec![0; 1024],
            der,
        ] {
            let token = format!("{input}.{}", encode(odd));
            refuse(&stack, &token, RejectionKind::InvalidSignature);
        }
        refuse(
            &stack,
            &format!("{input}.{}", encode(vec![0; 1025])),
            RejectionKind::MalformedToken,
        );
    }
}

/// RFC 8032 §5.1.7: `S` is less than the group's order, or one signature can be made into another.
#[test]
fn rfc8032_ed25519_signatures_are_canonical() {
    let issuer = generated(Algorithm::EdDSA);
    let stack = stack(&issuer);
    let good = issuer.token().sign();
    pass(&stack, &good);
    let (input, signature) = good.rsplit_once('.').unwrap();
    let signature = decode(signature);
    let mut order = hex("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");
    order.reverse();
    let mut more = signature.clone();
    let mut carry = 0;
    for (byte, add) in more[32..].iter_mut().zip(&order) {
        let sum = u16::from(*byte) + u16::from(*add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    let identity = [&[1][..], &[0; 63]].concat();
    for odd in [
        more,
        identity,
        vec![0; 64],
        vec![0xff; 64],
        signature[..63].to_vec(),
        [&signature[..], &[0]].concat(),
        [&signature[..32], &order[..]].concat(),
        [&signature[32..], &signature[..32]].concat(),
    ] {
        let token = format!("{input}.{}", encode(odd));
        refuse(&stack, &token, RejectionKind::InvalidSignature);
    }
}

#[test]
fn rsa_signatures_have_the_length_of_the_modulus() {
    let issuer = rs256_issuer();
    let stack = stack(&issuer);
    let good = issuer.token().sign();
    pass(&stack, &good);
    let (input, signature) = good.rsplit_once('.').unwrap();
    let signature = decode(signature);
    let n = decode(issuer.jwks()["keys"][0]["n"].as_str().unwrap());
    let mut one = vec![0; 256];
    one[255] = 1;
    for odd in [
        vec![0; 256],
        one,
        vec![0xff; 256],
        n,
        [&[0], &signature[..]].concat(),
        [&signature[..], &[0]].concat(),
        signature[..255].to_vec(),
        signature[1..].to_vec(),
        signature.repeat(2),
    ] {
        let token = format!("{input}.{}", encode(odd));
        refuse(&stack, &token, RejectionKind::InvalidSignature);
    }
}
