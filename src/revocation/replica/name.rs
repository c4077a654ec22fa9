//! [`EntryName`] and [`LogEntry`]: what a shared store keeps in place of an identifier, and of its
//! revocation.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::revocation::marker::{Class, Classes, Marker, whole_seconds};
use crate::revocation::{Revocation, TokenIdentity};

/// What stands for an identifier in a shared store: its kind, and 96 bits of a SHA-256 of kind,
/// issuer and identifier.
///
/// As text it is a letter and 16 characters of base64url. The letter is `t` for tokens, `s` for
/// sessions, `u` for a subject's epoch, `v` for a subject's version; upper case if the revocation is
/// of one issuer. What is hashed: a byte for the kind, 0 to 7 for `t T s S u U v V`; 16 bytes for
/// the issuer, the beginning of its own SHA-256, or zeros; and the identifier, to the end. For most
/// identifiers that is one block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct EntryName {
    pub(super) class: Class,
    pub(super) digest: [u8; 12],
}

/// What a shared store keeps of a revocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogEntry {
    pub(super) name: EntryName,
    pub(super) keep_until: u32,
    pub(super) bound: u64,
}

/// Names what belongs to one token, or to one revocation, and hashes its issuer once.
#[derive(Default)]
pub(super) struct Namer {
    issuer: Option<[u8; 16]>,
}

impl Namer {
    pub(super) fn name(&mut self, marker: &Marker<'_>) -> EntryName {
        let class = marker.class();
        let issuer = match marker.issuer {
            Some(issuer) => *self.issuer.get_or_insert_with(|| issuer_digest(issuer)),
            None => [0; 16],
        };
        let kind = [u8::try_from(class.index()).unwrap_or(u8::MAX)];
        let hash = Sha256::new().chain_update(kind).chain_update(issuer).chain_update(marker.id);
        let mut digest = [0; 12];
        digest.copy_from_slice(&hash.finalize()[..12]);
        EntryName { class, digest }
    }
}

impl EntryName {
    /// How many bytes a name is as text.
    pub const LENGTH: usize = 17;

    /// The names of everything that a token could be revoked by.
    #[must_use]
    pub fn all_of(token: &TokenIdentity<'_>) -> Vec<Self> {
        let mut names = Vec::with_capacity(Class::COUNT);
        let mut namer = Namer::default();
        token.any_marker(Classes::ALL, |marker| {
            names.push(namer.name(&marker));
            false
        });
        names
    }

    /// The bound that an entry of this name has to exceed to cover a token that has the name; `None`
    /// if any does.
    #[must_use]
    pub fn least_bound(&self, token: &TokenIdentity<'_>) -> Option<u64> {
        self.class.kind.least_bound(token)
    }

    /// The name that this text is of.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (letter, digest) = text.split_first()?;
        let class = Class::all().find(|class| class.letter() == *letter)?;
        let digest = URL_SAFE_NO_PAD.decode(digest).ok()?;
        Some(Self { class, digest: digest.try_into().ok()? })
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; Self::LENGTH];
        text[0] = self.class.letter();
        // 12 bytes are 16 characters.
        let _ = URL_SAFE_NO_PAD.encode_slice(self.digest, &mut text[1..]);
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl LogEntry {
    /// An entry that was read from a store.
    #[must_use]
    pub const fn new(name: EntryName, keep_until: u32, bound: u64) -> Self {
        Self { name, keep_until, bound }
    }

    /// What it is kept under.
    #[must_use]
    pub const fn name(&self) -> EntryName {
        self.name
    }

    /// Until when it has to be kept, in seconds since 1970, rounded up; `u32::MAX`, in 2106, is for
    /// ever.
    #[must_use]
    pub const fn keep_until(&self) -> u32 {
        self.keep_until
    }

    /// The epoch in nanoseconds since 1970, or the lowest version that lives; zero for tokens and
    /// sessions. `u64::MAX` as an epoch covers every token. Of two entries of one name the later
    /// `keep_until` and the higher bound hold.
    #[must_use]
    pub const fn bound(&self) -> u64 {
        self.bound
    }

    /// Whether this covers a token that [has its name](EntryName::all_of).
    #[must_use]
    pub fn covers(&self, token: &TokenIdentity<'_>) -> bool {
        self.name.class.kind.covers(self.bound, token)
    }
}

impl From<&Revocation> for LogEntry {
    fn from(revocation: &Revocation) -> Self {
        let (marker, bound) = revocation.marker();
        let name = Namer::default().name(&marker);
        Self { name, keep_until: whole_seconds(revocation.keep_until()), bound }
    }
}

fn issuer_digest(issuer: &str) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.copy_from_slice(&Sha256::digest(issuer)[..16]);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;

    #[test]
    fn names_read_back() {
        let revocation = Revocation::subject("ada", UnixTime::from_secs(7), UnixTime::MAX);
        let entry = LogEntry::from(&revocation.issuer("https://id"));
        let text = entry.name().to_string();
        assert_eq!(EntryName::parse(text.as_bytes()), Some(entry.name()));
        assert!(text.starts_with('U') && text.len() == EntryName::LENGTH, "{text}");
        assert_eq!((entry.keep_until(), entry.bound()), (u32::MAX, 7_000_000_000));
        for odd in [&b""[..], b"x", b"tAAAA", b"xAAAAAAAAAAAAAAAA", b"\xff\xff"] {
            assert_eq!(EntryName::parse(odd), None);
        }
    }

    /// What stands in a store must mean the same for every version of this crate.
    #[test]
    fn names_are_what_they_always_were() {
        let end = UnixTime::MAX;
        let text = |revocation: &Revocation| LogEntry::from(revocation).name().to_string();
        assert_eq!(text(&Revocation::token("a", end)), TOKEN_A);
        assert_eq!(text(&Revocation::session("a", end).issuer("i")), SESSION_A_OF_I);
    }

    const TOKEN_A: &str = "tAN0mkFoBH3aXEJAl";
    const SESSION_A_OF_I: &str = "S3EKkoVoWlzF3m-W4";

    #[test]
    fn a_token_has_exactly_the_names_that_revocations_get() {
        let token = TokenIdentity::new().with_issuer("i").with_token_id("a").with_subject("a");
        let end = UnixTime::MAX;
        let revocations = [
            Revocation::token("a", end),
            Revocation::subject("a", UnixTime::EPOCH, end),
            Revocation::version("a", 1, end),
        ];
        let scoped = |one: &Revocation| [one.clone(), one.clone().issuer("i")];
        let names: Vec<_> =
            revocations.iter().flat_map(scoped).map(|one| LogEntry::from(&one).name()).collect();
        assert_eq!(EntryName::all_of(&token), names);
    }
}
