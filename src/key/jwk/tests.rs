use super::super::single::Key;
use super::*;

// RFC 7517 appendix A.1
const EC: &str = r#"{"kty":"EC","crv":"P-256",
 "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
 "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"}"#;
const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
// RFC 8037 appendix A.2
const ED: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const X: &str = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4";
const Y: &str = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM";

fn rsa(more: &str) -> String {
    format!(r#"{{"kty":"RSA","n":"{N}","e":"AQAB"{more}}}"#)
}

fn ec(more: &str) -> String {
    format!(r#"{{"kty":"EC","crv":"P-256","x":"{X}","y":"{Y}"{more}}}"#)
}

#[track_caller]
fn refused(json: &str, kind: KeyErrorKind) {
    let error = Key::from_jwk(json).unwrap_err();
    assert_eq!(error.kind(), kind, "{json}: {error}");
}

#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod accepted {
    use super::*;

    #[test]
    fn rfc7517_a_1_public_keys() {
        let key = Key::from_jwk(&rsa(r#","alg":"RS256","kid":"2011-04-29""#)).unwrap();
        assert_eq!((key.algorithm(), key.id()), (Algorithm::RS256, Some("2011-04-29")));
        let key = Key::from_jwk(&EC.replace("\"enc\"", "\"sig\"")).unwrap();
        assert_eq!((key.algorithm(), key.id()), (Algorithm::ES256, Some("1")));
    }

    #[test]
    fn rfc8037_a_2_and_rfc9864() {
        assert_eq!(Key::from_jwk(ED).unwrap().algorithm(), Algorithm::EdDSA);
        for name in ["EdDSA", "Ed25519"] {
            let json = ED.replace('}', &format!(r#","alg":"{name}"}}"#));
            assert_eq!(Key::from_jwk(&json).unwrap().algorithm(), Algorithm::EdDSA);
            Key::from_jwk_as(Algorithm::EdDSA, &json).unwrap();
        }
    }

    #[test]
    fn rfc7517_a_3_symmetric_key() {
        let json = r#"{"kty":"oct","alg":"HS256","kid":"HMAC key used in JWS spec Appendix A.1 example",
            "k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
        let key = Key::from_jwk(json).unwrap();
        assert!(!format!("{key:?}").contains("AyM1Sys"));
        // RFC 7515 appendix A.1
        let message = b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature =
            URL_SAFE_NO_PAD.decode("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert!(key.verify(message, &signature));
    }

    #[test]
    fn unknown_members_leading_zeros_and_operations() {
        Key::from_jwk(&ec(
            r#","x5c":["AAAA"],"x5u":"http://example.com","ext":true,"alg":"ES256""#,
        ))
        .unwrap();
        Key::from_jwk(&ec(r#","key_ops":["sign","verify"]"#)).unwrap();
        let padded =
            URL_SAFE_NO_PAD.encode([&[0], URL_SAFE_NO_PAD.decode(N).unwrap().as_slice()].concat());
        Key::from_jwk_as(Algorithm::PS256, &rsa("").replace(N, &padded).replace("AQAB", "AAEAAQ"))
            .unwrap();
        Key::from_jwk_as(Algorithm::RS512, &rsa("")).unwrap();
    }
}

#[test]
fn rsa_and_oct_without_alg_need_one() {
    refused(&rsa(""), KeyErrorKind::AlgorithmNeeded);
    refused(
        r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}"#,
        KeyErrorKind::AlgorithmNeeded,
    );
    let error = Key::from_jwk(&rsa("")).unwrap_err();
    assert!(error.to_string().contains("from_jwk_as"));
}

#[test]
fn rfc7517_4_2_4_3_purpose() {
    refused(EC, KeyErrorKind::Mismatch);
    for more in [
        r#","use":"SIG""#,
        r#","use":"""#,
        r#","key_ops":[]"#,
        r#","key_ops":["encrypt"]"#,
        r#","key_ops":["sign"]"#,
        r#","use":"sig","key_ops":["wrapKey"]"#,
    ] {
        refused(&ec(more), KeyErrorKind::Mismatch);
    }
    for more in [
        r#","use":1"#,
        r#","use":null"#,
        r#","key_ops":"verify""#,
        r#","key_ops":["verify",1]"#,
        r#","key_ops":["verify","verify"]"#,
        r#","key_ops":null"#,
    ] {
        refused(&ec(more), KeyErrorKind::Malformed);
    }
}

#[test]
fn rfc7517_a_2_private_keys() {
    for json in [
        rsa(r#","alg":"RS256","d":"AQAB""#),
        rsa(r#","alg":"RS256","p":"AQAB""#),
        ec(r#","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE""#),
        ec(r#","d":null"#),
        ED.replace('}', r#","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#),
    ] {
        refused(&json, KeyErrorKind::PrivateKey);
        let error = Key::from_jwk(&json).unwrap_err();
        assert!(error.to_string().contains("only the public members"));
        assert!(!format!("{error:?}").contains("870MB6"));
    }
}

#[test]
fn alg_must_fit_the_key() {
    for (json, kind) in [
        (rsa(r#","alg":"ES256""#), KeyErrorKind::Mismatch),
        (rsa(r#","alg":"HS256""#), KeyErrorKind::Mismatch),
        (rsa(r#","alg":"RSA-OAEP""#), KeyErrorKind::Unsupported),
        (rsa(r#","alg":"none""#), KeyErrorKind::Unsupported),
        (rsa(r#","alg":"""#), KeyErrorKind::Unsupported),
        (rsa(r#","alg":256"#), KeyErrorKind::Malformed),
        (ec(r#","alg":"ES384""#), KeyErrorKind::Mismatch),
        (ec(r#","alg":"ES256K""#), KeyErrorKind::Unsupported),
        (ec(r#","alg":"EdDSA""#), KeyErrorKind::Mismatch),
        (ED.replace('}', r#","alg":"ES256"}"#), KeyErrorKind::Mismatch),
    ] {
        refused(&json, kind);
    }
    let named = rsa(r#","alg":"RS256""#);
    let error = Key::from_jwk_as(Algorithm::RS512, &named).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Mismatch);
    assert!(Key::from_jwk_as(Algorithm::ES384, &ec("")).is_err());
    assert!(Key::from_jwk_as(Algorithm::HS256, &rsa("")).is_err());
}

#[test]
fn unknown_types_and_curves() {
    for json in [
        ec("").replace("\"EC\"", "\"ec\""),
        ec("").replace("P-256", "secp256k1"),
        ec("").replace("P-256", "p-256"),
        ec("").replace("P-256", "Ed25519"),
        ED.replace("Ed25519", "X25519"),
        ED.replace("Ed25519", "Ed448"),
        ED.replace("Ed25519", "P-256"),
        r#"{"kty":"AKP"}"#.to_owned(),
    ] {
        refused(&json, KeyErrorKind::Unsupported);
    }
}

#[test]
fn rfc7518_6_2_1_2_coordinates_have_exact_length() {
    for json in [
        ec("").replace(X, &X[..40]),
        ec("").replace(Y, &format!("AAAA{Y}")),
        ec("").replace(X, ""),
        ec("").replace("P-256", "P-384"),
        ED.replace("11qYAYKx", "11qY"),
    ] {
        refused(&json, KeyErrorKind::Mismatch);
    }
    #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
    refused(&ec("").replace(Y, X), KeyErrorKind::Malformed);
}

#[test]
fn rfc7515_2_base64url_is_strict() {
    for bad in ["AQAB=", "AQ AB", "AQAB\\n", "AQA+", "AQA/", "AR", "A", "ÄQAB"] {
        refused(&rsa(r#","alg":"RS256""#).replace("AQAB", bad), KeyErrorKind::Malformed);
    }
}

#[test]
fn duplicates_and_shapes() {
    for json in [
        ec(r#","kid":"1","kid":"2""#),
        ec(r#","kty":"EC""#),
        ec(r#","\u006bid":"1","kid":"1""#),
        ec(r#","ext":1,"ext":1"#),
        ec(r#","kid":1"#),
        ec(r#","kid":null"#),
        ec(r#","kid":["1"]"#),
        ec("").replace("\"x\"", "\"X\""),
        ec("") + "x",
        ec("").replace(&format!("\"{X}\""), "1"),
        r#"{"kty":"oct","alg":"HS256","k":5}"#.to_owned(),
        r#"{"kty":"oct","alg":"HS256"}"#.to_owned(),
        r#"{"keys":[]}"#.to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        String::new(),
        "{".to_owned(),
    ] {
        refused(&json, KeyErrorKind::Malformed);
    }
    let error = Key::from_jwk(r#"{"keys":[]}"#).unwrap_err();
    assert!(error.to_string().contains("KeySet::from_jwks"));
}
