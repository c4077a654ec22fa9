use super::*;

const ED: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"ed"}"#;
const RSA: &str = r#"{"kty":"RSA","e":"AQAB","kid":"rsa","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}"#;
const OCT: &str = r#"{"kty":"oct","alg":"HS256","kid":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;

fn set(keys: &[&str]) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

#[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
mod accepted {
    use super::*;

    #[test]
    fn rfc7517_5_one_bad_key_does_not_spoil_the_rest() {
        let json = set(&[
            r#"{"kty":"AKP","kid":"future"}"#,
            ED,
            r#"{"kty":"RSA","kid":"enc","use":"enc","alg":"RS256"}"#,
            "17",
            RSA,
            OCT,
            r#"{"kty":"OKP","crv":"Ed25519","x":"!","kid":7}"#,
            r#"{"kty":"EC","kid":"a","kid":"b"}"#,
        ]);
        let keys = KeySet::from_jwks(&json).unwrap();
        let taken: Vec<_> = keys.iter().map(|key| (key.id().unwrap(), key.algorithm())).collect();
        assert_eq!(taken, [("ed", Algorithm::EdDSA), ("rsa", Algorithm::RS256)]);
        let skipped: Vec<_> = keys
            .skipped()
            .iter()
            .map(|skipped| (skipped.index(), skipped.id(), skipped.reason().kind()))
            .collect();
        assert_eq!(
            skipped,
            [
                (0, Some("future"), KeyErrorKind::Unsupported),
                (2, Some("enc"), KeyErrorKind::Mismatch),
                (3, None, KeyErrorKind::Malformed),
                (5, Some("oct"), KeyErrorKind::Symmetric),
                (6, None, KeyErrorKind::Malformed),
                (7, None, KeyErrorKind::Malformed),
            ]
        );
        assert!(!format!("{keys:?}").contains("AyM1Sys"));
    }

    #[test]
    fn rsa_without_alg_once_per_allowed_algorithm() {
        let options = JwksOptions::new().rsa_algorithms([
            Algorithm::RS256,
            Algorithm::PS256,
            Algorithm::RS256,
        ]);
        let keys = KeySet::from_jwks_with(&set(&[RSA]), &options).unwrap();
        let taken: Vec<_> = keys.iter().map(|key| (key.id().unwrap(), key.algorithm())).collect();
        assert_eq!(taken, [("rsa", Algorithm::RS256), ("rsa", Algorithm::PS256)]);

        // an alg of its own is not widened
        let named = RSA.replace("\"kid\"", "\"alg\":\"RS512\",\"kid\"");
        let keys = KeySet::from_jwks_with(&set(&[&named]), &options).unwrap();
        assert_eq!(keys.iter().next().unwrap().algorithm(), Algorithm::RS512);
        assert_eq!(keys.len(), 1);
    }

    #[test]
    fn symmetric_keys_only_when_asked_for() {
        let options = JwksOptions::new().allow_symmetric();
        let keys = KeySet::from_jwks_with(&set(&[OCT]), &options).unwrap();
        assert_eq!(keys.iter().next().unwrap().algorithm(), Algorithm::HS256);
    }

    #[test]
    fn other_members_of_the_set_are_ignored() {
        let json = format!(r#" {{"x":[1],"keys":[{ED}],"y":{{}}}} "#);
        assert_eq!(KeySet::from_jwks(&json).unwrap().len(), 1);
    }
}

#[test]
fn sets_that_cannot_be_used() {
    let private = ED.replace("\"kid\"", "\"d\":\"AAAA\",\"kid\"");
    for json in [
        set(&[]),
        set(&[OCT]),
        set(&[&private]),
        set(&["{}", "null", "[]", "\"\""]),
        set(&[r#"{"kty":"RSA","n":"AQAB","e":"AQAB","alg":"RS256"}"#]),
    ] {
        let error = KeySet::from_jwks(&json).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::NoUsableKey, "{json}");
        assert!(!error.to_string().contains("AyM1Sys"));
    }
    let none = JwksOptions::new().rsa_algorithms([]);
    let error = KeySet::from_jwks_with(&set(&[RSA]), &none).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::NoUsableKey);
    let odd = JwksOptions::new().rsa_algorithms([Algorithm::HS256]);
    let error = KeySet::from_jwks_with(&set(&[RSA]), &odd).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Mismatch);
}

#[test]
fn documents_that_are_no_set() {
    for json in [
        "",
        "{",
        "[]",
        "null",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"Keys":[]}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[]}x"#,
        r#"{"keys":[{]}"#,
        "<html></html>",
    ] {
        let error = KeySet::from_jwks(json).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Malformed, "{json}");
    }
    let error = KeySet::from_jwks(ED).unwrap_err();
    assert!(error.to_string().contains("Key::from_jwk"));
}
