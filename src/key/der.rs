//! A strict reader for the few DER structures that carry keys (X.690, RFC 5280 §4.1, RFC 8017 A.1).
//!
//! Written here rather than taken from a library because it must answer a question that parsers do
//! not: is this, whole and exactly, some key or certificate, so that it cannot be an HMAC secret?
//! It reads structure only; the crypto backend judges the numbers.

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const OID_RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const OID_EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const OID_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const OID_P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// What a DER document is, told by its structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    SubjectPublicKeyInfo,
    RsaPublicKey,
    PrivateKey,
    Certificate,
}

/// The key type that a `SubjectPublicKeyInfo` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SpkiType {
    Rsa,
    RsaPss,
    /// A named curve, by its JWK name.
    Ec(&'static str),
    Ed25519,
    Other,
}

/// Reads one value after the other.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        if tag & 0x1f == 0x1f {
            return None; // multi-byte tags occur in none of the structures
        }
        let (&first, mut rest) = rest.split_first()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            rest = after;
            let length = match *bytes {
                [a] if a >= 0x80 => u32::from(a),
                [a, b] if a != 0 => u32::from_be_bytes([0, 0, a, b]),
                [a, b, c] if a != 0 => u32::from_be_bytes([0, a, b, c]),
                _ => return None, // longer than 16 MiB, indefinite, or not the shortest form
            };
            usize::try_from(length).ok()?
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    fn read(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.next().filter(|(tag, _)| *tag == wanted).map(|(_, value)| value)
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// The content of the one SEQUENCE that is the whole document.
fn whole_sequence(der: &[u8]) -> Option<Reader<'_>> {
    let mut reader = Reader(der);
    let body = reader.read(SEQUENCE)?;
    reader.end()?;
    Some(Reader(body))
}

/// A non-negative INTEGER without its sign octet.
fn unsigned<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    match reader.read(INTEGER)? {
        [] => None,
        [0] => Some(&[]),
        [0, rest @ ..] => (rest[0] >= 0x80).then_some(rest),
        value => (value[0] < 0x80).then_some(value),
    }
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 A.1.1).
pub(super) fn rsa_public_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut body = whole_sequence(der)?;
    let n = unsigned(&mut body)?;
    let e = unsigned(&mut body)?;
    body.end()?;
    Some((n, e))
}

/// Key type and key bits of a `SubjectPublicKeyInfo` (RFC 5280 §4.1).
pub(super) fn subject_public_key_info(der: &[u8]) -> Option<(SpkiType, &[u8])> {
    let mut body = whole_sequence(der)?;
    let mut algorithm = Reader(body.read(SEQUENCE)?);
    let [0, bits @ ..] = body.read(BIT_STRING)? else {
        return None; // a key is whole octets
    };
    body.end()?;
    let oid = algorithm.read(OID)?;
    let parameters = match algorithm.0 {
        [] => None,
        _ => Some(algorithm.next()?),
    };
    algorithm.end()?;
    let kind = match (oid, parameters) {
        // RFC 3279 §2.3.1 asks for NULL; it is left out often enough
        (OID_RSA, None | Some((NULL, []))) => SpkiType::Rsa,
        (OID_RSA_PSS, _) => SpkiType::RsaPss,
        (OID_EC, Some((OID, OID_P256))) => SpkiType::Ec("P-256"),
        (OID_EC, Some((OID, OID_P384))) => SpkiType::Ec("P-384"),
        (OID_EC, Some((OID, OID_P521))) => SpkiType::Ec("P-521"),
        (OID_ED25519, None) => SpkiType::Ed25519,
        _ => SpkiType::Other,
    };
    Some((kind, bits))
}

/// What this is, if it is entirely and exactly a key or a certificate.
///
/// Every length must add up to the last byte, so random bytes that happen to start with 0x30 do not
/// pass: the shortest path through these rules leaves about one in 2^40.
pub(super) fn shape(der: &[u8]) -> Option<Shape> {
    let mut body = whole_sequence(der)?;
    let mut parts = Vec::with_capacity(4);
    while body.end().is_none() {
        parts.push(body.next()?);
    }
    let identifier = |value| Reader(value).read(OID).is_some();
    match *parts.as_slice() {
        [(SEQUENCE, id), (BIT_STRING, _)] if identifier(id) => Some(Shape::SubjectPublicKeyInfo),
        [(SEQUENCE, id), (OCTET_STRING, _)] if identifier(id) => Some(Shape::PrivateKey),
        [(SEQUENCE, _), (SEQUENCE, id), (BIT_STRING, _)] if identifier(id) => {
            Some(Shape::Certificate)
        }
        [(INTEGER, n), (INTEGER, _)] if n.len() >= 64 => Some(Shape::RsaPublicKey),
        [(INTEGER, _), (SEQUENCE, id), (OCTET_STRING, _), ..] if identifier(id) => {
            Some(Shape::PrivateKey)
        }
        [(INTEGER, [1]), (OCTET_STRING, _), ..] => Some(Shape::PrivateKey),
        [(INTEGER, [0 | 1]), ref rest @ ..]
            if rest.len() >= 8 && rest[..8].iter().all(|(tag, _)| *tag == INTEGER) =>
        {
            Some(Shape::PrivateKey)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::pem;
    use super::*;

    fn der(pem: &str) -> Vec<u8> {
        pem::parse(pem.as_bytes()).unwrap().der.to_vec()
    }

    #[test]
    fn shapes_of_real_documents() {
        for (text, expected) in [
            (include_str!("testdata/rsa2048.pub.pem"), Shape::SubjectPublicKeyInfo),
            (include_str!("testdata/p521.pub.pem"), Shape::SubjectPublicKeyInfo),
            (include_str!("testdata/ed25519.pub.pem"), Shape::SubjectPublicKeyInfo),
            (include_str!("testdata/rsa2048.pkcs1.pem"), Shape::RsaPublicKey),
            (include_str!("testdata/rsa2048.key.pem"), Shape::PrivateKey),
            (include_str!("testdata/ed25519.key.pem"), Shape::PrivateKey),
            (include_str!("testdata/p256.sec1.pem"), Shape::PrivateKey),
            (include_str!("testdata/p256.cert.pem"), Shape::Certificate),
        ] {
            let mut bytes = der(text);
            assert_eq!(shape(&bytes), Some(expected), "{text}");
            bytes.push(0);
            assert_eq!(shape(&bytes), None, "a trailing byte");
            bytes.truncate(bytes.len() - 2);
            assert_eq!(shape(&bytes), None, "cut short");
        }
    }

    #[test]
    fn random_looking_bytes_have_no_shape() {
        for secret in [[0x30; 32], [0x02; 32], std::array::from_fn(|i| [0x30, 30, 0x02][i.min(2)])]
        {
            assert_eq!(shape(&secret), None);
        }
        // a consistent outer SEQUENCE alone does not condemn a secret
        let mut secret = [0x41; 32];
        secret[..4].copy_from_slice(&[0x30, 30, 0x04, 28]);
        assert_eq!(shape(&secret), None);
    }

    #[test]
    fn lengths_must_be_shortest_and_definite() {
        for bad in [
            &[0x30, 0x80, 0, 0][..],
            &[0x30, 0x81, 0x03, 2, 1, 1],
            &[0x30, 0x82, 0x00, 0x03, 2, 1, 1],
            &[0x30, 0x84, 0, 0, 0, 3, 2, 1, 1],
            &[0x30, 0x88, 255, 255, 255, 255, 255, 255, 255, 255],
            &[0x3f, 0x03, 2, 1, 1],
            &[0x30],
            &[],
        ] {
            assert!(whole_sequence(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn rfc8017_integers_are_positive_and_minimal() {
        assert_eq!(rsa_public_key(&[0x30, 6, 2, 1, 5, 2, 1, 3]), Some((&[5][..], &[3][..])));
        assert_eq!(
            rsa_public_key(&[0x30, 7, 2, 2, 0, 0x85, 2, 1, 3]),
            Some((&[0x85][..], &[3][..]))
        );
        for bad in [
            &[0x30, 6, 2, 1, 0x85, 2, 1, 3][..],
            &[0x30, 7, 2, 2, 0, 5, 2, 1, 3],
            &[0x30, 5, 2, 0, 2, 1, 3],
            &[0x30, 9, 2, 1, 5, 2, 1, 3, 2, 1, 3],
            &[0x30, 3, 2, 1, 5],
        ] {
            assert!(rsa_public_key(bad).is_none(), "{bad:?}");
        }
    }
}
