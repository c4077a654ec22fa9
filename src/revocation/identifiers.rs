//! [`Identifiers`]: which parts of a token a store decides by.

use std::fmt;
use std::ops::BitOr;

use super::TokenIdentity;

/// A set of identifiers that a token may carry.
///
/// ```
/// use tower_bearer::revocation::{Identifiers, TokenIdentity};
///
/// let required = Identifiers::TOKEN_ID | Identifiers::SESSION_ID;
/// let token = TokenIdentity::new().with_token_id("5f0c");
/// assert_eq!(required.missing_from(&token), Identifiers::SESSION_ID);
/// assert_eq!(required.to_string(), "jti, sid");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Identifiers(u8);

const NAMES: [(Identifiers, &str); 5] = [
    (Identifiers::TOKEN_ID, "jti"),
    (Identifiers::SESSION_ID, "sid"),
    (Identifiers::SUBJECT, "sub"),
    (Identifiers::ISSUED_AT, "iat"),
    (Identifiers::TOKEN_VERSION, "version"),
];

impl Identifiers {
    /// No identifier.
    pub const NONE: Self = Self(0);
    /// The identifier of one token, `jti`.
    pub const TOKEN_ID: Self = Self(1);
    /// The session or family, `sid`.
    pub const SESSION_ID: Self = Self(1 << 1);
    /// The subject, `sub`.
    pub const SUBJECT: Self = Self(1 << 2);
    /// The moment of issue, `iat`.
    pub const ISSUED_AT: Self = Self(1 << 3);
    /// The token version.
    pub const TOKEN_VERSION: Self = Self(1 << 4);
    /// What [`Revocation::subject`](super::Revocation::subject) needs: `sub` and `iat`.
    pub const SUBJECT_EPOCH: Self = Self::SUBJECT.and(Self::ISSUED_AT);
    /// What [`Revocation::version`](super::Revocation::version) needs: `sub` and the version.
    pub const SUBJECT_VERSION: Self = Self::SUBJECT.and(Self::TOKEN_VERSION);

    /// The identifiers of both sets; `|` in constants.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every identifier of `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The identifiers of this set that the token does not carry.
    #[must_use]
    #[inline]
    pub const fn missing_from(self, token: &TokenIdentity<'_>) -> Self {
        Self(self.0 & !token.identifiers().0)
    }

    /// The claim names of the set, in a fixed order. Fixed texts, safe to log.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let named = NAMES.iter().filter(move |(one, _)| self.contains(*one));
        named.map(|(_, name)| *name)
    }
}

impl BitOr for Identifiers {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}

impl fmt::Display for Identifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.names().enumerate() {
            f.write_str(if position == 0 { "" } else { ", " })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Identifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifiers({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;

    #[test]
    fn an_epoch_needs_subject_and_moment_of_issue() {
        let token = TokenIdentity::new().with_subject("ada");
        let epoch = Identifiers::SUBJECT_EPOCH;
        assert_eq!(epoch.missing_from(&token), Identifiers::ISSUED_AT);
        let token = token.with_issued_at(UnixTime::EPOCH);
        assert!(epoch.missing_from(&token).is_empty());
    }

    #[test]
    fn nothing_required_is_never_missing() {
        let nothing = TokenIdentity::new();
        assert!(Identifiers::NONE.missing_from(&nothing).is_empty());
        assert_eq!(Identifiers::NONE.to_string(), "");
        assert_eq!(Identifiers::default(), Identifiers::NONE);
    }

    #[test]
    fn every_identifier_has_a_name() {
        let all = NAMES.iter().fold(Identifiers::NONE, |all, one| all | one.0);
        assert_eq!(format!("{all:?}"), "Identifiers(jti, sid, sub, iat, version)");
        assert!(all.contains(Identifiers::SUBJECT_VERSION));
        assert!(!Identifiers::TOKEN_ID.contains(all));
    }
}
