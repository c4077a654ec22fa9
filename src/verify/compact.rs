//! The compact serialization of a JWS, [RFC 7515 §7.1](https://www.rfc-editor.org/rfc/rfc7515#section-7.1).

use base64_simd::{Out, URL_SAFE_NO_PAD};

use crate::rejection::{Rejection, RejectionKind};

/// The longest signature of any supported algorithm: RSA with 8192 bits.
const LONGEST_SIGNATURE: usize = 1024;

/// The three segments of a token, still encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compact<'a> {
    pub(crate) header: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8],
    /// `header.payload`, what the signature is over.
    pub(crate) signing_input: &'a [u8],
}

pub(super) fn malformed(reason: &'static str) -> Rejection {
    Rejection::new(RejectionKind::MalformedToken, reason)
}

impl<'a> Compact<'a> {
    pub(crate) fn parse(token: &'a [u8]) -> Result<Self, Rejection> {
        let split = |text: &'a [u8]| {
            let (before, after) = text.split_at_checked(memchr::memchr(b'.', text)?)?;
            Some((before, after.get(1..)?))
        };
        let parts = split(token).and_then(|(header, rest)| {
            let (payload, signature) = split(rest)?;
            memchr::memchr(b'.', signature).is_none().then_some((header, payload, signature))
        });
        let Some((header, payload, signature)) = parts else {
            return Err(wrong_segments(token));
        };
        let signing_input = token.get(..header.len() + 1 + payload.len()).unwrap_or_default();
        let compact = Self { header, payload, signature, signing_input };
        if compact.signature.is_empty() {
            return Err(malformed("the token has no signature"));
        }
        Ok(compact)
    }

    /// The payload as text.
    pub(super) fn payload(&self) -> Result<String, Rejection> {
        let bytes = URL_SAFE_NO_PAD
            .decode_to_vec(self.payload)
            .map_err(|_| malformed("the payload is not base64url"))?;
        String::from_utf8(bytes).map_err(|_| malformed("the payload is not UTF-8"))
    }
}

/// Counts only where there is something to tell.
#[cold]
fn wrong_segments(token: &[u8]) -> Rejection {
    malformed(match memchr::memchr_iter(b'.', token).count() {
        4 => "the token has five segments: it is encrypted (JWE)",
        _ => "the token does not have three segments",
    })
}

/// Decodes a signature into room on the stack, as much as it may need, and hands it on.
#[inline]
pub(crate) fn with_signature<T>(
    segment: &[u8],
    then: impl FnOnce(&[u8]) -> T,
) -> Result<T, Rejection> {
    #[inline]
    fn within<const ROOM: usize, T>(
        segment: &[u8],
        then: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, Rejection> {
        let mut room = [0; ROOM];
        decode_into(segment, &mut room)
            .map(then)
            .ok_or_else(|| malformed("the signature is not base64url, or too long"))
    }
    match segment.len() {
        // HMAC, ECDSA up to P-384, Ed25519.
        ..=128 => within::<96, T>(segment, then),
        // RSA up to 4096 bits.
        129..=683 => within::<512, T>(segment, then),
        _ => within::<LONGEST_SIGNATURE, T>(segment, then),
    }
}

/// Decodes base64url without padding, exact to the last bit; `None` also if `out` is too small.
pub(crate) fn decode_into<'o>(segment: &[u8], out: &'o mut [u8]) -> Option<&'o [u8]> {
    // Four characters make three bytes; a rest of two or three makes one or two more.
    if segment.len() / 4 * 3 + (segment.len() % 4).saturating_sub(1) > out.len() {
        return None;
    }
    URL_SAFE_NO_PAD.decode(segment, Out::from_slice(out)).ok().map(|decoded| &*decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7515_base64url_is_exact_to_the_bit() {
        let mut out = [0; 16];
        assert_eq!(decode_into(b"_-8", &mut out), Some(&[0xff, 0xef][..]));
        assert_eq!(decode_into(b"", &mut out), Some(&[][..]));
        let odd: [&[u8]; 10] = [
            b"_-8=",
            b"_-9",
            b"/+8",
            b"_ -8",
            b"_-8\n",
            b"A",
            b"AAAAA",
            b"AB",
            b"AAB",
            b"\xff\xff",
        ];
        for segment in odd {
            assert_eq!(decode_into(segment, &mut out), None, "{segment:?}");
        }
    }

    #[test]
    fn a_segment_longer_than_the_room_is_refused_not_cut() {
        let mut out = [0; 3];
        assert!(decode_into(b"AAAA", &mut out).is_some());
        assert!(decode_into(b"AAAAAA", &mut out).is_none());
    }

    #[test]
    fn rfc7515_three_segments_and_no_other_number() {
        assert!(Compact::parse(b"a.b.c").is_ok());
        for odd in ["", "a", "a.b", "a.b.", "a.b.c.d", "a.b.c.d.e", "a.b.c.", "....", "..."] {
            let rejection = Compact::parse(odd.as_bytes()).unwrap_err();
            assert_eq!(rejection.kind(), RejectionKind::MalformedToken, "{odd}");
        }
    }
}
