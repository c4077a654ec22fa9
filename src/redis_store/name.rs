//! [`Name`] and [`Value`]: what stands in Redis for an identifier and its revocation.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::revocation::{Revocation, RevocationTarget, TokenIdentity, nanos, whole_seconds};

/// How many kinds of names there are: four of revocations, of one issuer or of any.
pub(in crate::redis_store) const KINDS: usize = 8;

/// One letter for each kind, upper case if it is of one issuer.
const LETTERS: [u8; KINDS] = *b"tTsSuUvV";

const TOKEN: u8 = 0;
const SESSION: u8 = 2;
const SUBJECT: u8 = 4;
const VERSION: u8 = 6;

/// The kind of an identifier and 96 bits of a SHA-256 of kind, issuer and identifier.
///
/// What is hashed: a byte for the kind; 16 bytes for the issuer, the beginning of its own SHA-256,
/// or zeros; and the identifier, to the end. For most identifiers that is one block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Name {
    pub(super) kind: u8,
    pub(super) digest: [u8; 12],
}

/// What is known of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Value {
    /// Seconds since 1970, rounded up; from the year 2106 on `u32::MAX`.
    pub(super) keep_until: u32,
    /// The epoch in nanoseconds since 1970 or the minimum version; else zero.
    pub(super) bound: u64,
}

impl Name {
    fn new(kind: u8, issuer: &[u8; 16], id: &str) -> Self {
        let hash = Sha256::new().chain_update([kind]).chain_update(issuer).chain_update(id);
        let mut digest = [0; 12];
        digest.copy_from_slice(&hash.finalize()[..12]);
        Self { kind, digest }
    }

    pub(super) fn of(revocation: &Revocation) -> (Self, Value) {
        let (kind, id, bound) = match revocation.target() {
            RevocationTarget::Token { token_id } => (TOKEN, token_id, 0),
            RevocationTarget::Session { session_id } => (SESSION, session_id, 0),
            RevocationTarget::Subject { subject, issued_before } => {
                (SUBJECT, subject, nanos(issued_before))
            }
            RevocationTarget::Version { subject, minimum } => (VERSION, subject, minimum),
        };
        let scope = revocation.scope();
        let issuer = scope.map_or([0; 16], issuer_digest);
        let name = Self::new(kind + u8::from(scope.is_some()), &issuer, id);
        (name, Value { keep_until: whole_seconds(revocation.keep_until()), bound })
    }

    /// The names that a token could be revoked by, of the kinds whose bit is set in `kinds`.
    pub(super) fn each_of(
        token: &TokenIdentity<'_>,
        kinds: u8,
        mut each: impl FnMut(Self) -> bool,
    ) {
        let ids = [
            (TOKEN, token.token_id()),
            (SESSION, token.session_id()),
            (SUBJECT, token.subject()),
            (VERSION, token.subject()),
        ];
        let mut issuer = None;
        for (kind, id) in ids {
            let Some(id) = id else {
                continue;
            };
            if kinds & (1 << kind) != 0 && !each(Self::new(kind, &[0; 16], id)) {
                return;
            }
            let Some(name) = token.issuer().filter(|_| kinds & (2 << kind) != 0) else {
                continue;
            };
            let issuer = issuer.get_or_insert_with(|| issuer_digest(name));
            if !each(Self::new(kind + 1, issuer, id)) {
                return;
            }
        }
    }

    /// Whether entries of this kind have a bound.
    pub(super) const fn is_bounded(kind: u8) -> bool {
        kind >= SUBJECT
    }

    /// Whether an entry of this name with this bound covers the token.
    pub(super) fn covers(self, bound: u64, token: &TokenIdentity<'_>) -> bool {
        match self.kind & !1 {
            SUBJECT => {
                let issued_at = token.issued_at().map(nanos);
                bound == u64::MAX || issued_at.is_none_or(|at| at < bound)
            }
            VERSION => token.token_version().is_none_or(|own| own < bound),
            _ => true,
        }
    }

    /// The bound that an entry of this name has to exceed to cover the token; `None` if any does.
    #[cfg(feature = "issuer")]
    pub(super) fn least_bound(self, token: &TokenIdentity<'_>) -> Option<u64> {
        match self.kind & !1 {
            // The last bound there is covers every token.
            SUBJECT => token.issued_at().map(|at| nanos(at).min(u64::MAX - 1)),
            VERSION => token.token_version(),
            _ => None,
        }
    }

    /// A letter for the kind and 16 characters of base64url.
    pub(super) fn text(self) -> String {
        let mut text = String::with_capacity(17);
        text.push(char::from(LETTERS[usize::from(self.kind) % KINDS]));
        URL_SAFE_NO_PAD.encode_string(self.digest, &mut text);
        text
    }

    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (letter, digest) = text.split_first()?;
        let kind = LETTERS.iter().position(|own| own == letter)?;
        let digest = URL_SAFE_NO_PAD.decode(digest).ok()?;
        Some(Self { kind: u8::try_from(kind).ok()?, digest: digest.try_into().ok()? })
    }
}

impl Value {
    /// 10 digits and 20 digits.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (keep_until, bound) = std::str::from_utf8(text).ok()?.split_at_checked(10)?;
        Some(Self { keep_until: keep_until.parse().ok()?, bound: bound.parse().ok()? })
    }

    pub(super) fn keep_until_text(self) -> String {
        format!("{:010}", self.keep_until)
    }

    pub(super) fn bound_text(self) -> String {
        format!("{:020}", self.bound)
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
    fn names_and_values_read_back() {
        let revocation = Revocation::subject("ada", UnixTime::from_secs(7), UnixTime::MAX);
        let (name, value) = Name::of(&revocation.issuer("https://id"));
        assert_eq!(Name::parse(name.text().as_bytes()), Some(name));
        assert!(name.text().starts_with('U'));
        assert_eq!(value, Value { keep_until: u32::MAX, bound: 7_000_000_000 });
        let text = value.keep_until_text() + &value.bound_text();
        assert_eq!(text, "429496729500000000007000000000");
        assert_eq!(Value::parse(text.as_bytes()), Some(value));
        for odd in [&b""[..], b"x", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff1", b"tAAAA"] {
            assert_eq!(Name::parse(odd), None);
            assert_eq!(Value::parse(odd), None);
        }
    }

    #[test]
    fn a_token_asks_for_exactly_the_names_that_revocations_get() {
        let token = TokenIdentity::new()
            .with_issuer("i")
            .with_token_id("a")
            .with_session_id("a")
            .with_subject("a");
        let mut asked = Vec::new();
        Name::each_of(&token, u8::MAX, |name| {
            asked.push(name);
            true
        });
        let (at, end) = (UnixTime::EPOCH, UnixTime::MAX);
        let revocations = [
            Revocation::token("a", end),
            Revocation::session("a", end),
            Revocation::subject("a", at, end),
            Revocation::version("a", 1, end),
        ];
        let scoped = |one: &Revocation| [one.clone(), one.clone().issuer("i")];
        let names: Vec<_> = revocations.iter().flat_map(scoped).map(|r| Name::of(&r).0).collect();
        assert_eq!(asked, names);
        let kinds: Vec<_> = names.iter().map(|name| name.kind).collect();
        assert_eq!(kinds, [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
