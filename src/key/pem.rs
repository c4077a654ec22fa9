//! PEM ([RFC 7468](https://www.rfc-editor.org/rfc/rfc7468)): one block, known by its label.
//!
//! Not read through `jsonwebtoken`, whose decoder ignores the difference between labels where it
//! matters here and takes the first bit string it meets, which in a certificate or a private key
//! is not the public key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::error::{KeyError, KeyErrorKind};

pub(super) struct Pem<'a> {
    pub(super) label: &'a str,
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// The document's only block. Text before and after it is ignored (RFC 7468 §5.2).
///
/// # Errors
/// Malformed: no block, several blocks, labels that disagree, or not base64.
pub(super) fn parse(input: &[u8]) -> Result<Pem<'_>, KeyError> {
    let text = std::str::from_utf8(input).map_err(|_| not_pem())?;
    let (_, rest) = text.split_once("-----BEGIN ").ok_or_else(not_pem)?;
    if rest.contains("-----BEGIN ") {
        return Err(KeyError::malformed(
            "holds several PEM blocks; give one key at a time, each as a Key of its own",
        ));
    }
    let (label, rest) = rest.split_once("-----").ok_or_else(not_pem)?;
    let (body, rest) = rest.split_once("-----END ").ok_or_else(not_pem)?;
    let end = rest.strip_prefix(label).ok_or_else(not_pem)?;
    if !end.starts_with("-----") || label.len() > 64 || label.contains(['\n', '\r']) {
        return Err(not_pem());
    }
    if body.contains("ENCRYPTED") {
        return Err(KeyError::new(
            KeyErrorKind::PrivateKey,
            "holds an encrypted private key; give the verifier the public key \
             (openssl pkey -in private.pem -pubout)",
        ));
    }
    let mut base64 = Zeroizing::new(Vec::with_capacity(body.len()));
    base64.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let mut der = Zeroizing::new(Vec::with_capacity(base64.len()));
    STANDARD.decode_vec(base64.as_slice(), &mut der).map_err(|_| not_pem())?;
    Ok(Pem { label, der })
}

fn not_pem() -> KeyError {
    KeyError::malformed(
        "not a PEM document: expected one block that starts with -----BEGIN PUBLIC KEY----- \
         and ends with -----END PUBLIC KEY-----; to read a file, use Key::from_pem_file",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7468_one_block_with_text_around_it() {
        let pem =
            parse(b"key of 2024\n-----BEGIN X-----\r\nAAEC\r\nAw==\r\n-----END X-----\r\nend")
                .unwrap();
        assert_eq!((pem.label, pem.der.as_slice()), ("X", &[0, 1, 2, 3][..]));
    }

    #[test]
    fn broken_documents() {
        for bad in [
            "",
            "AAEC",
            "-----BEGIN X-----",
            "-----BEGIN X-----\nAAEC\n",
            "-----BEGIN X-----\nAAEC\n-----END Y-----",
            "-----BEGIN X-----\nAAEC\n-----END X",
            "-----BEGIN X-----\nAA*C\n-----END X-----",
            "-----BEGIN X-----\nAAE\n-----END X-----",
            "-----BEGIN X-----\nAAF=\n-----END X-----",
            "-----BEGIN X-----\nAAEC\n-----END X-----\n-----BEGIN X-----\nAAEC\n-----END X-----",
            "-----BEGIN X\nY-----\nAAEC\n-----END X\nY-----",
        ] {
            let error = parse(bad.as_bytes()).err().unwrap();
            assert_eq!(error.kind(), KeyErrorKind::Malformed, "{bad}");
        }
        assert!(parse(&[0xff, 0xfe]).is_err());
        let encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAEC\n-----END RSA PRIVATE KEY-----";
        assert_eq!(parse(encrypted.as_bytes()).err().unwrap().kind(), KeyErrorKind::PrivateKey);
    }
}
