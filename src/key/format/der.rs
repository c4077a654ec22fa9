//! The few DER structures that carry keys (X.690, RFC 5280 §4.1, RFC 8017 A.1), read by `der`, `spki`
//! and `pkcs1`.
//!
//! [`shape`] answers a question that those do not: is this, whole and exactly, some key or
//! certificate, so that it cannot be an HMAC secret? Structure only; the crypto backend judges the
//! numbers.

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use pkcs1::RsaPublicKey;
use spki::SubjectPublicKeyInfoRef;

const OID_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const OID_RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const OID_EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const OID_P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const OID_P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const OID_P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const OID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// What a DER document is, told by its structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::key) enum Shape {
    SubjectPublicKeyInfo,
    RsaPublicKey,
    PrivateKey,
    Certificate,
}

/// The key type that a `SubjectPublicKeyInfo` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::key) enum SpkiType {
    Rsa,
    RsaPss,
    /// A named curve, by its JWK name.
    Ec(&'static str),
    Ed25519,
    Other,
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 A.1.1).
pub(in crate::key) fn rsa_public_key(document: &[u8]) -> Option<(&[u8], &[u8])> {
    let key = RsaPublicKey::from_der(document).ok()?;
    Some((key.modulus.as_bytes(), key.public_exponent.as_bytes()))
}

/// Key type and key bits of a `SubjectPublicKeyInfo` (RFC 5280 §4.1).
pub(in crate::key) fn subject_public_key_info(document: &[u8]) -> Option<(SpkiType, &[u8])> {
    let info = SubjectPublicKeyInfoRef::from_der(document).ok()?;
    // a key is whole octets
    let bits = info.subject_public_key.as_bytes()?;
    let algorithm = info.algorithm;
    let kind = match (algorithm.oid, algorithm.parameters) {
        (OID_RSA, None) => SpkiType::Rsa,
        // RFC 3279 §2.3.1 asks for NULL; it is left out often enough
        (OID_RSA, Some(parameters)) if parameters.is_null() => SpkiType::Rsa,
        (OID_RSA_PSS, _) => SpkiType::RsaPss,
        (OID_EC, Some(parameters)) => match parameters.decode_as() {
            Ok(OID_P256) => SpkiType::Ec("P-256"),
            Ok(OID_P384) => SpkiType::Ec("P-384"),
            Ok(OID_P521) => SpkiType::Ec("P-521"),
            _ => SpkiType::Other,
        },
        (OID_ED25519, None) => SpkiType::Ed25519,
        _ => SpkiType::Other,
    };
    Some((kind, bits))
}

/// The members of a SEQUENCE, if nothing is left over.
fn members<'a>(sequence: AnyRef<'a>) -> Option<Vec<AnyRef<'a>>> {
    let mut reader = SliceReader::new(sequence.value()).ok()?;
    let mut members = Vec::with_capacity(4);
    while !reader.is_finished() {
        members.push(AnyRef::decode(&mut reader).ok()?);
    }
    Some(members)
}

/// The members of the one SEQUENCE that is the whole document.
fn whole_sequence(document: &[u8]) -> Option<Vec<AnyRef<'_>>> {
    let whole = AnyRef::from_der(document).ok()?;
    if whole.tag() == Tag::Sequence { members(whole) } else { None }
}

/// Whether this SEQUENCE begins with an OBJECT IDENTIFIER, as those that name an algorithm do.
fn is_identifier(sequence: &AnyRef<'_>) -> bool {
    let mut reader = match SliceReader::new(sequence.value()) {
        Ok(reader) => reader,
        Err(_) => return false,
    };
    AnyRef::decode(&mut reader).is_ok_and(|first| first.tag() == Tag::ObjectIdentifier)
}

/// What this is, if it is entirely and exactly a key or a certificate.
///
/// Every length must add up to the last byte, so random bytes that happen to start with 0x30 do not
/// pass: the shortest path through these rules leaves about one in 2^40.
pub(in crate::key) fn shape(document: &[u8]) -> Option<Shape> {
    use Tag::{BitString, Integer, OctetString, Sequence};

    let members = whole_sequence(document)?;
    let tags: Vec<_> = members.iter().map(Tagged::tag).collect();
    let named = |place: usize| members.get(place).is_some_and(is_identifier);
    let number = |place: usize| members.get(place).map_or(&[][..], |member| member.value());
    match *tags {
        [Sequence, BitString] if named(0) => Some(Shape::SubjectPublicKeyInfo),
        [Sequence, OctetString] if named(0) => Some(Shape::PrivateKey),
        [Sequence, Sequence, BitString] if named(1) => Some(Shape::Certificate),
        [Integer, Integer] if number(0).len() >= 64 => Some(Shape::RsaPublicKey),
        [Integer, Sequence, OctetString, ..] if named(1) => Some(Shape::PrivateKey),
        [Integer, OctetString, ..] if *number(0) == [1] => Some(Shape::PrivateKey),
        [Integer, ref rest @ ..]
            if matches!(*number(0), [0 | 1])
                && rest.len() >= 8
                && rest.iter().take(8).all(|tag| *tag == Integer) =>
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
            (include_str!("../testdata/rsa2048.pub.pem"), Shape::SubjectPublicKeyInfo),
            (include_str!("../testdata/p521.pub.pem"), Shape::SubjectPublicKeyInfo),
            (include_str!("../testdata/ed25519.pub.pem"), Shape::SubjectPublicKeyInfo),
            (include_str!("../testdata/rsa2048.pkcs1.pem"), Shape::RsaPublicKey),
            (include_str!("../testdata/rsa2048.key.pem"), Shape::PrivateKey),
            (include_str!("../testdata/ed25519.key.pem"), Shape::PrivateKey),
            (include_str!("../testdata/p256.sec1.pem"), Shape::PrivateKey),
            (include_str!("../testdata/p256.cert.pem"), Shape::Certificate),
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
