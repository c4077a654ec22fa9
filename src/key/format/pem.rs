//! PEM ([RFC 7468](https://www.rfc-editor.org/rfc/rfc7468)): one block, known by its label.
//!
//! `pem-rfc7468` reads it. It is strict about line ends and what stands around the block, and people
//! are not: files have text before and after, and in an environment variable or an `.env` file the
//! line ends have become blanks. So the block is found and its lines are joined here.

use pem_rfc7468::Decoder;
use zeroize::Zeroizing;

use crate::key::error::{KeyError, KeyErrorKind};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

pub(in crate::key) struct Pem<'a> {
    pub(in crate::key) label: &'a str,
    pub(in crate::key) der: Zeroizing<Vec<u8>>,
}

/// The document's only block. Text before and after it is ignored (RFC 7468 §5.2).
///
/// # Errors
/// Malformed: no block, several blocks, labels that disagree, or not base64.
pub(in crate::key) fn parse(input: &[u8]) -> Result<Pem<'_>, KeyError> {
    let text = std::str::from_utf8(input).map_err(|_| not_pem())?;
    let (_, rest) = text.split_once(BEGIN).ok_or_else(not_pem)?;
    if rest.contains(BEGIN) {
        return Err(KeyError::malformed(
            "holds several PEM blocks; give one key at a time, each as a Key of its own",
        ));
    }
    let (label, rest) = rest.split_once("-----").ok_or_else(not_pem)?;
    let (body, rest) = rest.split_once(END).ok_or_else(not_pem)?;
    let (end, _) = rest.split_once("-----").ok_or_else(not_pem)?;
    if body.contains("ENCRYPTED") {
        return Err(KeyError::new(
            KeyErrorKind::PrivateKey,
            "holds an encrypted private key; give the verifier the public key \
             (openssl pkey -in private.pem -pubout)",
        ));
    }
    // Room for all of it: a buffer that grows leaves a copy behind.
    let mut pem = Zeroizing::new(String::with_capacity(text.len() + 64));
    pem.extend([BEGIN, label, "-----\n"]);
    let start = pem.len();
    pem.extend(body.split_ascii_whitespace());
    let width = pem.len() - start;
    pem.extend(["\n", END, end, "-----\n"]);
    let decoded = Decoder::new_wrapped(pem.as_bytes(), width.max(4)).and_then(|mut decoder| {
        let mut der = Zeroizing::new(Vec::with_capacity(decoder.remaining_len()));
        decoder.decode_to_end(&mut der)?;
        Ok(der)
    });
    let der = decoded.map_err(|error| not_pem().with_source(error))?;
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
        for text in [
            "key of 2024\n-----BEGIN X-----\r\nAAEC\r\nAw==\r\n-----END X-----\r\nend",
            "-----BEGIN X-----\nAAEC\nAw==\n-----END X-----",
            "-----BEGIN X----- AAEC Aw== -----END X-----",
            "-----BEGIN X-----\n  AAECAw==  \n\t-----END X-----\n",
            "-----BEGIN X-----\nA\nAECAw\n=\n=\n-----END X-----\n",
            "\u{feff}-----BEGIN X-----\n\nAAECAw==\n\n-----END X-----\n",
        ] {
            let pem = parse(text.as_bytes()).unwrap();
            assert_eq!((pem.label, pem.der.as_slice()), ("X", &[0, 1, 2, 3][..]), "{text}");
        }
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
            "-----BEGIN X-----\nA=AA\n-----END X-----",
            "-----BEGIN X-----\nAAEC\n-----END X-----\n-----BEGIN X-----\nAAEC\n-----END X-----",
            "-----BEGIN X\nY-----\nAAEC\n-----END X\nY-----",
            "-----BEGIN é-----\nAAEC\n-----END é-----",
        ] {
            let error = parse(bad.as_bytes()).err().unwrap();
            assert_eq!(error.kind(), KeyErrorKind::Malformed, "{bad}");
        }
        assert!(parse(&[0xff, 0xfe]).is_err());
        let encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAEC\n-----END RSA PRIVATE KEY-----";
        assert_eq!(parse(encrypted.as_bytes()).err().unwrap().kind(), KeyErrorKind::PrivateKey);
    }
}
