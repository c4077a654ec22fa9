//! Random bytes, and good tokens with something changed, are never let through.

use std::fmt::Debug;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;
use tower_bearer::claims::StandardClaims;
use tower_bearer::key::Algorithm;
use tower_bearer::layer::AuthLayer;
use tower_bearer::testing::TestIssuer;
use tower_bearer::verify::Verifier;

use super::stack::{CLOCK, ISSUER, cases, through, verify};

fn field() -> impl Strategy<Value = Vec<u8>> {
    let good = ISSUER.token().sign();
    let scheme = select(vec!["", "Bearer ", "bearer  ", "Bearer", "BEARER\t", "Basic ", "DPoP "]);
    let rest = prop_oneof![
        vec(any::<u8>(), 0..80),
        "[A-Za-z0-9._~+/=-]{0,80}".prop_map(String::into_bytes),
        "[A-Za-z0-9_-]{0,20}(\\.[A-Za-z0-9_-]{0,20}){0,5}".prop_map(String::into_bytes),
        (any::<Index>(), vec(any::<u8>(), 1..4)).prop_map(move |(at, bytes)| {
            let mut token = good.clone().into_bytes();
            let at = at.index(token.len());
            token.splice(at..at, bytes);
            token
        }),
    ];
    (scheme, rest).prop_map(|(scheme, rest)| [scheme.as_bytes(), &rest].concat())
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn rfc6750_random_bytes_are_never_let_through(field in field()) {
        if let Ok(value) = HeaderValue::from_bytes(&field) {
            let layer = AuthLayer::new(ISSUER.verifier::<StandardClaims>().build().unwrap());
            let (status, seen) = through(&layer, value);
            prop_assert!(seen.is_none());
            let expected = [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED];
            prop_assert!(expected.contains(&status), "{status}");
        }
    }
}

struct Signed {
    verifier: Verifier<Value>,
    good: [String; 2],
}

static SIGNED: LazyLock<Vec<Signed>> = LazyLock::new(|| {
    let algorithms = [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    let of = |algorithm| {
        let issuer = match algorithm {
            Algorithm::RS256 => {
                let pem = include_str!("../../src/key/testdata/rsa2048.key.pem");
                TestIssuer::from_pem(algorithm, pem).unwrap()
            }
            _ => TestIssuer::with_algorithm(algorithm).unwrap(),
        };
        let issuer = issuer.clock(CLOCK);
        let good = ["alice", "bob"].map(|name| issuer.token().subject(name).scope("a b").sign());
        let verifier = issuer.verifier().build().unwrap();
        assert!(good.iter().all(|token| verify(&verifier, token).is_ok()));
        Signed { verifier, good }
    };
    algorithms.into_iter().map(of).collect()
});

#[derive(Debug, Clone)]
enum Mutation {
    FlipBit(Index, u8),
    Insert(Index, u8),
    Delete(Index),
    Replace(Index, u8),
    SwapSegments(usize, usize),
    SegmentOfTheOther(usize),
    Splice(Index, Index),
    Case(Index),
    Append(&'static str),
    Prepend(&'static str),
    /// A bit of the decoded segment, encoded again.
    FlipDecoded(usize, Index, u8),
    /// The last character, which may have bits that are not used.
    LastCharacter(usize, u8),
    Truncate(Index),
    DoubleSegment(usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    use Mutation::*;
    let edges = vec!["=", "==", ".", "..", ".e30", " ", "\n", "A", "%00", "\0"];
    prop_oneof![
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| FlipBit(at, bit)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Insert(at, byte)),
        any::<Index>().prop_map(Delete),
        (any::<Index>(), 0x20..0x7f_u8).prop_map(|(at, byte)| Replace(at, byte)),
        (0..3_usize, 0..3_usize).prop_map(|(one, two)| SwapSegments(one, two)),
        (0..3_usize).prop_map(SegmentOfTheOther),
        (any::<Index>(), any::<Index>()).prop_map(|(one, two)| Splice(one, two)),
        any::<Index>().prop_map(Case),
        select(edges.clone()).prop_map(Append),
        select(edges).prop_map(Prepend),
        (0..3_usize, any::<Index>(), 0..8_u8).prop_map(|(s, at, bit)| FlipDecoded(s, at, bit)),
        (0..3_usize, any::<u8>()).prop_map(|(segment, bits)| LastCharacter(segment, bits)),
        any::<Index>().prop_map(Truncate),
        (0..3_usize).prop_map(DoubleSegment),
    ]
}

fn mutate(token: Vec<u8>, other: &[u8], mutation: &Mutation) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut token = token;
    let segments = |token: &[u8]| -> Vec<Vec<u8>> {
        token.split(|byte| *byte == b'.').map(<[u8]>::to_vec).collect()
    };
    let mut parts = segments(&token);
    match mutation {
        _ if token.is_empty() => {}
        Mutation::FlipBit(at, bit) => {
            let at = at.index(token.len());
            token[at] ^= 1 << bit;
        }
        Mutation::Insert(at, byte) => token.insert(at.index(token.len()), *byte),
        Mutation::Delete(at) => drop(token.remove(at.index(token.len()))),
        Mutation::Replace(at, byte) => {
            let at = at.index(token.len());
            token[at] = *byte;
        }
        Mutation::SwapSegments(one, two) => {
            if *one < parts.len() && *two < parts.len() {
                parts.swap(*one, *two);
            }
            token = parts.join(&b'.');
        }
        Mutation::SegmentOfTheOther(which) => {
            if let (Some(part), Some(theirs)) = (parts.get_mut(*which), segments(other).get(*which))
            {
                part.clone_from(theirs);
            }
            token = parts.join(&b'.');
        }
        Mutation::Splice(one, two) => {
            token = [&token[..one.index(token.len())], &other[two.index(other.len())..]].concat();
        }
        Mutation::Case(at) => {
            let at = at.index(token.len());
            token[at] ^= if token[at].is_ascii_alphabetic() { 0x20 } else { 0 };
        }
        Mutation::Append(text) => token.extend(text.as_bytes()),
        Mutation::Prepend(text) => drop(token.splice(0..0, text.bytes())),
        Mutation::FlipDecoded(which, at, bit) => {
            if let Some(part) = parts.get_mut(*which)
                && let Ok(mut bytes) = URL_SAFE_NO_PAD.decode(&*part)
                && !bytes.is_empty()
            {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
                *part = URL_SAFE_NO_PAD.encode(bytes).into_bytes();
            }
            token = parts.join(&b'.');
        }
        Mutation::LastCharacter(which, bits) => {
            if let Some(last) = parts.get_mut(*which).and_then(|part| part.last_mut())
                && let Some(value) = ALPHABET.iter().position(|letter| letter == last)
            {
                *last = ALPHABET[value ^ usize::from(bits & 0x3f)];
            }
            token = parts.join(&b'.');
        }
        Mutation::Truncate(at) => token.truncate(at.index(token.len())),
        Mutation::DoubleSegment(which) => {
            if let Some(part) = parts.get(*which).cloned() {
                parts.insert(*which, part);
            }
            token = parts.join(&b'.');
        }
    }
    token
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn rfc7515_a_mutated_token_is_accepted_only_where_it_is_a_good_one(
        which in any::<Index>(),
        swap in any::<bool>(),
        mutations in vec(mutation(), 1..4),
    ) {
        let Signed { verifier, good } = &SIGNED[which.index(SIGNED.len())];
        let (token, other) = if swap { (&good[1], &good[0]) } else { (&good[0], &good[1]) };
        let mut mutated = token.clone().into_bytes();
        for mutation in &mutations {
            mutated = mutate(mutated, other.as_bytes(), mutation);
        }
        let is_good = good.iter().any(|good| good.as_bytes() == mutated);
        let accepted = str::from_utf8(&mutated).is_ok_and(|token| verify(verifier, token).is_ok());
        prop_assert_eq!(accepted, is_good);
        if let Ok(value) = HeaderValue::from_bytes(&[b"Bearer ", mutated.as_slice()].concat()) {
            let (status, seen) = through(&AuthLayer::new(verifier.clone()), value);
            // RFC 6750 §2.1: one space or more stand before the token
            let spaces = mutated.iter().take_while(|byte| **byte == b' ').count();
            let is_good = good.iter().any(|good| good.as_bytes() == &mutated[spaces..]);
            prop_assert_eq!(status == StatusCode::OK, is_good);
            prop_assert_eq!(seen.is_some(), is_good);
        }
    }
}
