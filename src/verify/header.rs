//! The JOSE header, read once and strictly.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::compact::{decode_into, malformed};
use crate::claims::Str;
use crate::json;
use crate::key::Algorithm;
use crate::rejection::{Rejection, RejectionKind};

/// A header of this many bytes or fewer is decoded without allocating.
const USUAL_LENGTH: usize = 512;
/// A header with more members than this is odd.
const MOST_MEMBERS: usize = 32;
/// A longer `kid`, in bytes, is odd. It is a name to look up, not a place for data.
const LONGEST_KID: usize = crate::key::LONGEST_ID;

/// What the header says, borrowed from its decoded bytes.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    pub(crate) algorithm: Algorithm,
    pub(super) kid: Option<Cow<'a, str>>,
    pub(crate) typ: Option<Cow<'a, str>>,
}

/// Room for a decoded header.
pub(crate) struct HeaderBuffer {
    stack: [u8; USUAL_LENGTH],
    heap: Vec<u8>,
}

impl HeaderBuffer {
    pub(crate) fn new() -> Self {
        Self { stack: [0; USUAL_LENGTH], heap: Vec::new() }
    }

    /// Of a token, whose `jwk` (RFC 7515 §4.1.3) is never looked at.
    pub(super) fn parse(&mut self, segment: &[u8]) -> Result<Header<'_>, Rejection> {
        self.parse_with::<IgnoredAny>(segment).map(|(header, _)| header)
    }

    /// With `jwk` read as a `J`, for what is not signed by a key that is known before.
    pub(crate) fn parse_with<'a, J: Deserialize<'a>>(
        &'a mut self,
        segment: &[u8],
    ) -> Result<(Header<'a>, Option<J>), Rejection> {
        let room = if segment.len() / 4 * 3 + 3 <= USUAL_LENGTH {
            &mut self.stack[..]
        } else {
            // No longer than the token, whose length is bounded.
            self.heap.resize(segment.len(), 0);
            &mut self.heap[..]
        };
        let json =
            decode_into(segment, room).ok_or_else(|| malformed("the header is not base64url"))?;
        json::check(json).map_err(|odd| malformed("the header cannot be read").with_source(odd))?;
        let json = str::from_utf8(json).map_err(|_| malformed("the header is not UTF-8"))?;
        let members: Members<'_, J> = serde_json::from_str(json).map_err(|_| {
            malformed("the header is not a JSON object with members of the right types, each once")
        })?;
        members.check()
    }
}

/// The members this crate knows; the names of all others are only compared.
struct Members<'a, J> {
    alg: Option<Cow<'a, str>>,
    kid: Option<Cow<'a, str>>,
    typ: Option<Cow<'a, str>>,
    jwk: Option<J>,
    crit: bool,
    b64: bool,
}

impl<'a, J> Members<'a, J> {
    fn new() -> Self {
        Self { alg: None, kid: None, typ: None, jwk: None, crit: false, b64: false }
    }

    fn check(self) -> Result<(Header<'a>, Option<J>), Rejection> {
        if self.crit {
            return Err(malformed("the header has `crit`, and no extension is implemented"));
        }
        if self.b64 {
            return Err(malformed("the header has `b64`, which is not implemented (RFC 7797)"));
        }
        if self.kid.as_ref().is_some_and(|kid| kid.len() > LONGEST_KID) {
            return Err(malformed("the header's `kid` is too long"));
        }
        let alg = self.alg.ok_or_else(|| malformed("the header has no `alg`"))?;
        let algorithm = Algorithm::from_name(&alg).ok_or_else(|| {
            Rejection::new(RejectionKind::WrongAlgorithm, "the header's `alg` is not supported")
        })?;
        Ok((Header { algorithm, kid: self.kid, typ: self.typ }, self.jwk))
    }
}

impl<'de, J: Deserialize<'de>> Deserialize<'de> for Members<'de, J> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

struct MembersVisitor<J>(PhantomData<J>);

impl<'de, J: Deserialize<'de>> Visitor<'de> for MembersVisitor<J> {
    type Value = Members<'de, J>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JOSE header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de, J>, A::Error> {
        let mut members = Members::new();
        let mut others: Vec<Str<'de>> = Vec::new();
        let mut count = 0;
        while let Some(Str(name)) = map.next_key()? {
            count += 1;
            if count > MOST_MEMBERS {
                return Err(A::Error::custom("too many members"));
            }
            let repeated = match &*name {
                "alg" => members.alg.replace(map.next_value::<Str<'de>>()?.0).is_some(),
                "kid" => members.kid.replace(map.next_value::<Str<'de>>()?.0).is_some(),
                "typ" => members.typ.replace(map.next_value::<Str<'de>>()?.0).is_some(),
                "jwk" => members.jwk.replace(map.next_value()?).is_some(),
                "crit" => {
                    map.next_value::<IgnoredAny>()?;
                    std::mem::replace(&mut members.crit, true)
                }
                "b64" => {
                    map.next_value::<IgnoredAny>()?;
                    std::mem::replace(&mut members.b64, true)
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    let repeated = others.iter().any(|other| other.0 == name);
                    others.push(Str(name));
                    repeated
                }
            };
            if repeated {
                return Err(A::Error::custom("a member appears twice"));
            }
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn kind(json: &str) -> Result<String, RejectionKind> {
        let segment = URL_SAFE_NO_PAD.encode(json);
        let mut buffer = HeaderBuffer::new();
        let header = buffer.parse(segment.as_bytes()).map_err(|rejection| rejection.kind())?;
        Ok(format!("{} {:?} {:?}", header.algorithm, header.kid, header.typ))
    }

    #[test]
    fn rfc7515_the_usual_header_is_read() {
        let usual = r#"{"alg":"RS256","kid":"k\u0031","typ":"JWT","jku":"https://evil.example"}"#;
        assert_eq!(kind(usual).unwrap(), r#"RS256 Some("k1") Some("JWT")"#);
    }

    #[test]
    fn rfc7515_the_header_is_utf8() {
        let segment = URL_SAFE_NO_PAD.encode(b"{\"alg\":\"HS256\",\"x\":\"\xff\"}");
        assert!(HeaderBuffer::new().parse(segment.as_bytes()).is_err());
    }

    #[test]
    fn rfc7515_a_long_header_is_read_too() {
        let long = format!(r#"{{"alg":"RS256","x5c":["{}"]}}"#, "A".repeat(4000));
        assert!(kind(&long).is_ok());
    }

    #[test]
    fn rfc8725_none_in_any_case_and_unknown_algorithms_are_rejected() {
        for alg in ["none", "None", "NONE", "nOnE", "HS1", "rs256", "RS256 ", "ES256K", ""] {
            let header = format!(r#"{{"alg":"{alg}"}}"#);
            assert_eq!(kind(&header), Err(RejectionKind::WrongAlgorithm), "{alg}");
        }
    }

    #[test]
    fn rfc7515_odd_headers_are_rejected() {
        let many: String = (0..40).map(|n| format!(r#","x{n}":0"#)).collect();
        let odd = [
            "".to_owned(),
            "[]".to_owned(),
            r#""alg""#.to_owned(),
            "{}".to_owned(),
            r#"{"alg":null}"#.to_owned(),
            r#"{"alg":5}"#.to_owned(),
            r#"{"alg":["HS256"]}"#.to_owned(),
            r#"{"alg":"HS256"} "x""#.to_owned(),
            r#"{"alg":"HS256","alg":"HS256"}"#.to_owned(),
            r#"{"alg":"HS256","\u0061lg":"HS256"}"#.to_owned(),
            r#"{"alg":"HS256","x":1,"x":1}"#.to_owned(),
            r#"{"alg":"HS256","kid":5}"#.to_owned(),
            r#"{"alg":"HS256","kid":["a"]}"#.to_owned(),
            r#"{"alg":"HS256","kid":null}"#.to_owned(),
            r#"{"alg":"HS256","typ":{}}"#.to_owned(),
            r#"{"alg":"HS256","crit":[]}"#.to_owned(),
            r#"{"alg":"HS256","crit":["exp"],"exp":1}"#.to_owned(),
            r#"{"alg":"HS256","crit":"b64"}"#.to_owned(),
            r#"{"alg":"HS256","crit":null}"#.to_owned(),
            r#"{"alg":"HS256","crit":["b64"],"b64":false}"#.to_owned(),
            r#"{"alg":"HS256","b64":false}"#.to_owned(),
            r#"{"alg":"HS256","b64":true}"#.to_owned(),
            format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(LONGEST_KID + 1)),
            format!(r#"{{"alg":"HS256"{many}}}"#),
            format!(r#"{{"alg":"HS256","x":{}{}}}"#, "[".repeat(5000), "]".repeat(4999)),
        ];
        for header in odd {
            assert_eq!(kind(&header), Err(RejectionKind::MalformedToken), "{header:.80}");
        }
    }
}
