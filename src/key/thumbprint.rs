//! The thumbprint of a public key: a name that everyone who has the key finds by himself.

use serde_json::Value;

use super::crypto::{base64url, sha256_of};
use super::error::KeyError;

/// The SHA-256 thumbprint of a public JWK, as base64url
/// ([RFC 7638](https://www.rfc-editor.org/rfc/rfc7638)).
pub(super) fn thumbprint(jwk: &Value) -> Result<String, KeyError> {
    Ok(base64url(&sha256_of(input(jwk).as_bytes())?))
}

/// The required members in lexicographic order, without whitespace (RFC 7638 §3.2).
fn input(jwk: &Value) -> String {
    let members = ["crv", "e", "kty", "n", "x", "y"];
    let member = |name: &&str| Some(format!("\"{name}\":{}", jwk.get(*name)?));
    format!("{{{}}}", members.iter().filter_map(member).collect::<Vec<_>>().join(","))
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::*;

    #[test]
    fn rfc7638_3_1_thumbprint() {
        let jwk: Value = serde_json::from_str(
            r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
        )
        .unwrap();
        assert_eq!(thumbprint(&jwk).unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}
