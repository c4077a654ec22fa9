//! Keyed fingerprints: what stores keep in place of identifiers.

use std::hash::{BuildHasher, Hasher, RandomState};

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;

use super::marker::Marker;

/// Two independent halves of a keyed hash. The keys are random per value, so that nobody outside
/// can tell which identifiers fall together.
pub(super) struct Fingerprinter {
    shared: [SharedSeed; 2],
    seeds: [u64; 2],
}

/// 128 bits that stand for one identifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fingerprint {
    pub(crate) first: u64,
    pub(crate) second: u64,
}

impl Fingerprinter {
    pub(super) fn new() -> Self {
        Self {
            shared: [SharedSeed::from_u64(random()), SharedSeed::from_u64(random())],
            seeds: [random(), random()],
        }
    }

    /// The fingerprint of what is looked up.
    ///
    /// Lengths are hashed before texts, so no two inputs feed the same bytes.
    #[inline]
    pub(super) fn of(&self, marker: &Marker<'_>) -> Fingerprint {
        let Marker { kind, issuer, id } = *marker;
        let scope = issuer.map_or(0, |issuer| issuer.len() as u64 + 1);
        let half = |which: usize| {
            let mut hasher = FoldHasher::with_seed(self.seeds[which], &self.shared[which]);
            hasher.write_u64(((kind as u64) << 56) ^ scope);
            hasher.write_u64(id.len() as u64);
            if let Some(issuer) = issuer {
                hasher.write(issuer.as_bytes());
            }
            hasher.write(id.as_bytes());
            hasher.finish()
        };
        Fingerprint { first: half(0), second: half(1) }
    }
}

/// 64 bits of the operating system's randomness, by way of the standard library's hash keys.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0_u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revocation::marker::Kind;
    use std::collections::HashSet;

    #[test]
    fn no_two_inputs_look_alike() {
        let keyed = Fingerprinter::new();
        let long = "x".repeat(16 * 1024);
        let texts = ["", "\0", "a", "a:b", "b", "b:c", "c", "a\0", "é", &long];
        let mut seen = HashSet::new();
        for kind in [Kind::Token, Kind::Session, Kind::Subject, Kind::Version] {
            for id in texts {
                let scopes = texts.iter().map(|issuer| Some(*issuer)).chain([None]);
                for issuer in scopes {
                    let print = keyed.of(&Marker { kind, issuer, id });
                    assert!(seen.insert(print.first), "{kind:?} {issuer:?} {id:?}");
                    assert!(seen.insert(print.second), "{kind:?} {issuer:?} {id:?}");
                }
            }
        }
    }

    #[test]
    fn each_store_has_its_own_keys() {
        let (one, other) = (Fingerprinter::new(), Fingerprinter::new());
        let marker = Marker { kind: Kind::Token, issuer: None, id: "id" };
        assert_ne!(one.of(&marker), other.of(&marker));
        assert_eq!(one.of(&marker), one.of(&marker));
    }
}
