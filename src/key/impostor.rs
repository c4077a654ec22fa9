//! What is no secret although it was given as one.
//!
//! A verifier that takes a *public* key for its HMAC secret accepts tokens that anybody can make
//! ([RFC 8725 §2.1](https://www.rfc-editor.org/rfc/rfc8725#section-2.1)). A private key or a JWK
//! given as a secret is at best a mistake, so all of them are refused.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use super::error::{KeyError, KeyErrorKind};
use super::format::der::{self, Shape};
use super::secret::decode_base64;

/// # Errors
/// [`KeyErrorKind::NotASecret`] for a key, certificate, JWK or JWK Set in any of the usual forms,
/// also base64-encoded once more.
pub(super) fn refuse(secret: &[u8]) -> Result<(), KeyError> {
    let found = find(secret).or_else(|| {
        let mut text = Zeroizing::new(Vec::with_capacity(secret.len()));
        text.extend(secret.iter().filter(|byte| !byte.is_ascii_whitespace()));
        let decoded = [decode_base64(&text), decode_hex(&text), decode_utf16(secret)];
        decoded.into_iter().flatten().find_map(|bytes| find(&bytes))
    });
    match found {
        None => Ok(()),
        Some(what) => Err(KeyError::new(
            KeyErrorKind::NotASecret,
            format!(
                "the HMAC secret is {what}, which is not a shared secret; load it with \
                 Key::from_pem, Key::from_der, Key::from_jwk or KeySet::from_jwks and its own \
                 algorithm, or make a secret with: openssl rand -base64 48"
            ),
        )),
    }
}

fn find(bytes: &[u8]) -> Option<&'static str> {
    if let Some(shape) = padded_der(bytes) {
        return Some(match shape {
            Shape::SubjectPublicKeyInfo | Shape::RsaPublicKey => "a DER public key",
            Shape::PrivateKey => "a DER private key",
            Shape::Certificate => "a DER certificate",
        });
    }
    if matches!((bytes.first(), bytes.len()), (Some(4), 65 | 97 | 133)) {
        return Some("an uncompressed elliptic curve point, a public key");
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    if contains(text, b"-----BEGIN ") || text.starts_with(b"---- BEGIN SSH2 ") {
        return Some("a PEM document");
    }
    const SSH: [&[u8]; 5] =
        [b"ssh-rsa ", b"ssh-ed25519 ", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-"];
    if SSH.iter().any(|prefix| text.starts_with(prefix)) {
        return Some("an SSH public key");
    }
    match text.first() {
        Some(b'{') => {
            let members: HashMap<String, Inner> = serde_json::from_slice(text).ok()?;
            if members.contains_key("kty") {
                Some("a JWK")
            } else if members.contains_key("keys") {
                Some("a JWK Set")
            } else {
                let holds = members.values().any(|inner| inner.is_key);
                holds.then_some("an object that holds a JWK or a JWK Set")
            }
        }
        // JSON or PEM that was quoted once more.
        Some(b'"') => {
            let unquoted = Zeroizing::new(serde_json::from_slice::<String>(text).ok()?);
            find(unquoted.as_bytes())
        }
        Some(b'[') => {
            let list: Vec<HashMap<String, IgnoredAny>> = serde_json::from_slice(text).ok()?;
            list.iter().any(|members| members.contains_key("kty")).then_some("a list of JWKs")
        }
        _ => None,
    }
}

/// A value, of which nothing is kept but whether it is an object with a member of a JWK or JWK Set.
struct Inner {
    is_key: bool,
}

impl<'de> Deserialize<'de> for Inner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Telling;
        impl<'de> Visitor<'de> for Telling {
            type Value = bool;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
                let mut is_key = false;
                while let Some(name) = map.next_key::<String>()? {
                    is_key |= matches!(name.as_str(), "kty" | "keys");
                    map.next_value::<IgnoredAny>()?;
                }
                Ok(is_key)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(false)
            }
            fn visit_str<E>(self, _: &str) -> Result<bool, E> {
                Ok(false)
            }
            fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
                Ok(false)
            }
            fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
                Ok(false)
            }
            fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
                Ok(false)
            }
            fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
                Ok(false)
            }
            fn visit_unit<E>(self) -> Result<bool, E> {
                Ok(false)
            }
        }
        deserializer.deserialize_any(Telling).map(|is_key| Self { is_key })
    }
}

/// Read from a file, DER may have white space around it, or NULs behind; but its own last bytes may
/// be such, so each end is tried.
fn padded_der(bytes: &[u8]) -> Option<Shape> {
    const MOST_PADDING: usize = 16;
    let padding = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    let core = bytes.trim_ascii_start();
    let ends = (0..=MOST_PADDING).filter_map(|cut| {
        let (core, rest) = core.split_at_checked(core.len().checked_sub(cut)?)?;
        rest.iter().all(padding).then_some(core)
    });
    ends.chain([bytes]).find_map(der::shape)
}

fn decode_hex(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = text.chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    bytes.collect::<Option<Vec<_>>>().map(Zeroizing::new)
}

/// UTF-16 with its byte order mark, as some shells redirect text.
fn decode_utf16(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (of_pair, rest): (fn([u8; 2]) -> u16, _) = match bytes {
        [0xff, 0xfe, rest @ ..] => (u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => (u16::from_be_bytes, rest),
        _ => return None,
    };
    let units: Vec<u16> = rest.as_chunks::<2>().0.iter().map(|pair| of_pair(*pair)).collect();
    String::from_utf16(&units).ok().map(|text| Zeroizing::new(text.into_bytes()))
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::super::format::pem;
    use super::*;

    fn is_refused(secret: impl AsRef<[u8]>) {
        let error = refuse(secret.as_ref()).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::NotASecret);
        assert!(error.to_string().contains("openssl rand"));
    }

    #[test]
    fn rfc8725_2_1_pem_in_every_dress() {
        for pem in [
            include_str!("testdata/rsa2048.pub.pem"),
            include_str!("testdata/rsa2048.pkcs1.pem"),
            include_str!("testdata/rsa2048.key.pem"),
            include_str!("testdata/p256.pub.pem"),
            include_str!("testdata/p256.sec1.pem"),
            include_str!("testdata/p256.cert.pem"),
            include_str!("testdata/ed25519.pub.pem"),
        ] {
            is_refused(pem);
            is_refused(format!("\n \t{pem}"));
            is_refused(format!("\u{feff}{pem}"));
            is_refused(format!("\u{feff}\r\n# our key\r\n{pem}"));
            is_refused(pem.trim_end());
            is_refused(STANDARD.encode(pem));
            let der = pem::parse(pem.as_bytes()).unwrap().der;
            is_refused(&der);
            is_refused(STANDARD.encode(&der));
            is_refused([b"\n", &der[..], b"\n\0\0"].concat());
            is_refused(der.iter().map(|byte| format!("{byte:02X}")).collect::<String>());
            is_refused(serde_json::to_string(pem).unwrap());
            let marked = format!("\u{feff}{pem}");
            let utf16 = marked.encode_utf16().flat_map(u16::to_le_bytes);
            is_refused(utf16.collect::<Vec<_>>());
            is_refused(URL_SAFE_NO_PAD.encode(&der));
            let body: String =
                pem.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n");
            is_refused(body);
        }
        is_refused("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC somebody@somewhere");
        is_refused("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI somebody@somewhere");
    }

    #[test]
    fn rfc8725_2_1_jwk_and_jwks_in_every_dress() {
        for json in [
            r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
            r#"{"kty":"oct","k":"AQAB"}"#,
            r#"{"keys":[]}"#,
            r#"{"keys":[{"kty":"RSA"}]}"#,
            r#"[{"kty":"RSA"}]"#,
            r#"{"jwks":{"keys":[]}}"#,
            r#""{\"kty\":\"RSA\"}""#,
            "{\n  \"use\": \"sig\",\n  \"\\u006bty\": \"RSA\"\n}\n",
        ] {
            is_refused(json);
            is_refused(format!("\t \r\n{json}\n"));
            is_refused(format!("\u{feff}{json}"));
            is_refused(STANDARD.encode(json));
        }
    }

    #[test]
    fn good_secrets_pass() {
        for secret in [
            &b"0123456789abcdef0123456789abcdef"[..],
            b"{not json, just a strange password with brackets}",
            br#"{"password":"json, but not a key"}"#,
            b"SdDLRnZ1ZgFhmCjrDxFsXaJGN9v5ibAmfVOJQWbm/VbE4xwo4t7UGSFWuXQDchZM",
            b"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A-starts-like-a-key-but-is-none",
            &[0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d],
            &[0xff; 64],
        ] {
            refuse(secret).unwrap();
        }
    }
}
