//! A DPoP proof, [RFC 9449 §4.2](https://www.rfc-editor.org/rfc/rfc9449#section-4.2), read strictly: the
//! grammar is that of tokens.

use std::borrow::Cow;
use std::fmt;

use http::HeaderName;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::claims::Str;
use crate::clock::UnixTime;
use crate::head::RequestHead;
use crate::json;
use crate::key::{Algorithm, Jwk, Key, KeyError};
use crate::rejection::{Rejection, RejectionKind};
use crate::verify::{Compact, HeaderBuffer, decode_into};

pub(super) const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The longest proof, in bytes.
const LONGEST: usize = 8 * 1024;
/// The longest `jti`, in bytes.
const LONGEST_ID: usize = 512;
/// Claims of this many bytes or fewer are decoded without allocating.
const USUAL_LENGTH: usize = 1024;
/// More members than this are odd.
const MOST_MEMBERS: usize = 32;

/// The rejection of a proof that is wrong, for this reason.
#[cold]
pub(in crate::bound) fn wrong_proof(reason: &'static str) -> Rejection {
    Rejection::new(RejectionKind::InvalidDpopProof, reason)
}

/// The field `DPoP` of a request, if it has one; two are an error.
pub(super) fn field<'h>(head: &RequestHead<'h>) -> Result<Option<Compact<'h>>, Rejection> {
    let mut fields = head.headers().get_all(DPOP).iter();
    let Some(field) = fields.next() else { return Ok(None) };
    if fields.next().is_some() {
        return Err(wrong_proof("there is more than one header field `DPoP`"));
    }
    if field.len() > LONGEST {
        return Err(wrong_proof("the proof is longer than 8 KiB"));
    }
    let compact = Compact::parse(field.as_bytes());
    compact.map(Some).map_err(|_| wrong_proof("the proof is no compact JWS"))
}

/// The key that a proof is signed with, and its thumbprint.
pub(super) fn key(segment: &[u8], allowed: &[Algorithm]) -> Result<(Key, String), Rejection> {
    let mut buffer = HeaderBuffer::new();
    let (header, jwk) = buffer.parse_with::<Jwk>(segment).map_err(|rejection| {
        wrong_proof("the proof's header cannot be read").with_source(rejection.reason())
    })?;
    if header.typ.as_deref() != Some("dpop+jwt") {
        return Err(wrong_proof("the proof's `typ` is not dpop+jwt"));
    }
    if !allowed.contains(&header.algorithm) {
        return Err(wrong_proof("the proof's `alg` is not one of those that are accepted"));
    }
    let jwk = jwk.ok_or_else(|| wrong_proof("the proof's header has no `jwk`"))?;
    jwk.embedded(header.algorithm).map_err(|error: KeyError| {
        wrong_proof("the proof's `jwk` is no sound public key for its `alg`").with_source(error)
    })
}

/// Room for decoded claims.
pub(super) struct ClaimsBuffer {
    stack: [u8; USUAL_LENGTH],
    heap: Vec<u8>,
}

/// What a proof says, of the right types.
pub(super) struct ProofClaims<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) method: Cow<'a, str>,
    pub(super) url: Cow<'a, str>,
    pub(super) issued_at: UnixTime,
    pub(super) token_hash: Option<Cow<'a, str>>,
    pub(super) nonce: Option<Cow<'a, str>>,
}

impl ClaimsBuffer {
    pub(super) fn new() -> Self {
        Self { stack: [0; USUAL_LENGTH], heap: Vec::new() }
    }

    pub(super) fn parse(&mut self, segment: &[u8]) -> Result<ProofClaims<'_>, Rejection> {
        let room = if segment.len() / 4 * 3 + 3 <= USUAL_LENGTH {
            &mut self.stack[..]
        } else {
            // No longer than the proof, whose length is bounded.
            self.heap.resize(segment.len(), 0);
            &mut self.heap[..]
        };
        let unreadable = || wrong_proof("the proof's claims cannot be read");
        let json = decode_into(segment, room).ok_or_else(unreadable)?;
        json::check(json).map_err(|odd| unreadable().with_source(odd))?;
        let json = str::from_utf8(json).map_err(|_| unreadable())?;
        let members: Members<'_> = serde_json::from_str(json).map_err(|_| {
            wrong_proof(
                "the proof's claims are no JSON object with members of the right types, each once",
            )
        })?;
        members.check()
    }
}

#[derive(Default)]
struct Members<'a> {
    jti: Option<Cow<'a, str>>,
    htm: Option<Cow<'a, str>>,
    htu: Option<Cow<'a, str>>,
    iat: Option<UnixTime>,
    ath: Option<Cow<'a, str>>,
    nonce: Option<Cow<'a, str>>,
}

impl<'a> Members<'a> {
    fn check(self) -> Result<ProofClaims<'a>, Rejection> {
        let Self { jti: Some(id), htm: Some(method), htu: Some(url), iat: Some(issued_at), .. } =
            self
        else {
            return Err(wrong_proof("the proof lacks `jti`, `htm`, `htu` or `iat`"));
        };
        if !(1..=LONGEST_ID).contains(&id.len()) {
            return Err(wrong_proof("the proof's `jti` is empty or longer than 512 bytes"));
        }
        let (token_hash, nonce) = (self.ath, self.nonce);
        Ok(ProofClaims { id, method, url, issued_at, token_hash, nonce })
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the claims of a DPoP proof")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        let mut others: Vec<Str<'de>> = Vec::new();
        let mut count = 0;
        while let Some(Str(name)) = map.next_key()? {
            count += 1;
            if count > MOST_MEMBERS {
                return Err(A::Error::custom("too many members"));
            }
            let repeated = match &*name {
                "jti" => members.jti.replace(map.next_value::<Str<'de>>()?.0).is_some(),
                "htm" => members.htm.replace(map.next_value::<Str<'de>>()?.0).is_some(),
                "htu" => members.htu.replace(map.next_value::<Str<'de>>()?.0).is_some(),
                "iat" => members.iat.replace(map.next_value()?).is_some(),
                "ath" => members.ath.replace(map.next_value::<Str<'de>>()?.0).is_some(),
                "nonce" => members.nonce.replace(map.next_value::<Str<'de>>()?.0).is_some(),
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
