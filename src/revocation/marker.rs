//! What a revocation covers, said once: [`Kind`], [`Class`], [`Marker`].
//!
//! [`Revocation::applies_to`] is made of what is here, and so are the memory store, the names of
//! entries in a shared log, and a replica's table. A fifth kind is an arm in `entry.rs` and a few
//! here.

use super::entry::{Revocation, RevocationTarget};
use super::identity::TokenIdentity;
use crate::clock::UnixTime;

/// What tokens are revoked by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Kind {
    Token,
    Session,
    Subject,
    Version,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Token, Self::Session, Self::Subject, Self::Version];

    /// The identifier that a revocation of this kind names.
    fn id<'a>(self, token: &'a TokenIdentity<'_>) -> Option<&'a str> {
        match self {
            Self::Token => token.token_id(),
            Self::Session => token.session_id(),
            Self::Subject | Self::Version => token.subject(),
        }
    }

    /// Whether its revocations cover only what lies below a bound.
    const fn is_bounded(self) -> bool {
        matches!(self, Self::Subject | Self::Version)
    }

    /// Whether a revocation with this bound covers a token that carries its identifier. A token
    /// that lacks what is compared is covered.
    #[inline]
    pub(crate) fn covers(self, bound: u64, token: &TokenIdentity<'_>) -> bool {
        match self {
            Self::Token | Self::Session => true,
            Self::Subject => {
                let issued_at = token.issued_at().map(nanos);
                bound == u64::MAX || issued_at.is_none_or(|at| at < bound)
            }
            Self::Version => token.token_version().is_none_or(|own| own < bound),
        }
    }

    /// The bound that a revocation has to exceed to cover a token that carries its identifier, or
    /// `None` if any does: [`covers`](Self::covers) for stores that compare by themselves.
    #[cfg(feature = "replica")]
    pub(crate) fn least_bound(self, token: &TokenIdentity<'_>) -> Option<u64> {
        match self {
            Self::Token | Self::Session => None,
            // the last epoch covers every token
            Self::Subject => token.issued_at().map(|at| nanos(at).min(u64::MAX - 1)),
            Self::Version => token.token_version(),
        }
    }

    #[cfg(feature = "replica")]
    const fn letter(self) -> u8 {
        match self {
            Self::Token => b't',
            Self::Session => b's',
            Self::Subject => b'u',
            Self::Version => b'v',
        }
    }
}

/// A kind, and whether its revocations are of one issuer or of any.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Class {
    pub(crate) kind: Kind,
    pub(crate) scoped: bool,
}

impl Class {
    pub(crate) const COUNT: usize = Kind::ALL.len() * 2;

    pub(crate) fn all() -> impl Iterator<Item = Self> + Clone {
        Kind::ALL.into_iter().flat_map(|kind| [false, true].map(|scoped| Self { kind, scoped }))
    }

    /// Its place among [`all`](Self::all).
    pub(crate) const fn index(self) -> usize {
        self.kind as usize * 2 + self.scoped as usize
    }

    const fn bit(self) -> u32 {
        1 << self.index()
    }

    pub(crate) const fn is_bounded(self) -> bool {
        self.kind.is_bounded()
    }

    /// A letter that stands for it: upper case if it is of one issuer.
    #[cfg(feature = "replica")]
    pub(crate) const fn letter(self) -> u8 {
        let letter = self.kind.letter();
        if self.scoped { letter.to_ascii_uppercase() } else { letter }
    }
}

/// A set of classes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Classes(u32);

impl Classes {
    #[cfg(any(test, feature = "replica"))]
    pub(crate) const ALL: Self = Self(u32::MAX);

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    pub(crate) const fn of(class: Class) -> u32 {
        class.bit()
    }

    pub(crate) const fn contains(self, class: Class) -> bool {
        self.0 & class.bit() != 0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// What is looked up in a store: an identifier of some kind, of one issuer or of any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Marker<'a> {
    pub(crate) kind: Kind,
    pub(crate) issuer: Option<&'a str>,
    pub(crate) id: &'a str,
}

impl Marker<'_> {
    pub(crate) const fn class(&self) -> Class {
        Class { kind: self.kind, scoped: self.issuer.is_some() }
    }

    /// Whether the token carries this identifier, of this issuer.
    pub(super) fn is_of(&self, token: &TokenIdentity<'_>) -> bool {
        self.kind.id(token) == Some(self.id)
            && (self.issuer.is_none() || self.issuer == token.issuer())
    }
}

impl Revocation {
    /// What a store keeps this under, and the bound of what it covers: zero where there is none.
    pub(crate) fn marker(&self) -> (Marker<'_>, u64) {
        let (kind, id, bound) = match self.target() {
            RevocationTarget::Token { token_id } => (Kind::Token, token_id, 0),
            RevocationTarget::Session { session_id } => (Kind::Session, session_id, 0),
            RevocationTarget::Subject { subject, issued_before } => {
                (Kind::Subject, subject, nanos(issued_before))
            }
            RevocationTarget::Version { subject, minimum } => (Kind::Version, subject, minimum),
        };
        (Marker { kind, issuer: self.scope(), id }, bound)
    }
}

impl TokenIdentity<'_> {
    /// Whether `found` says so of anything that this token could be revoked by, of these classes.
    #[inline]
    pub(crate) fn any_marker(
        &self,
        classes: Classes,
        mut found: impl FnMut(Marker<'_>) -> bool,
    ) -> bool {
        for kind in Kind::ALL {
            let Some(id) = kind.id(self) else {
                continue;
            };
            let any = Class { kind, scoped: false };
            if classes.contains(any) && found(Marker { kind, issuer: None, id }) {
                return true;
            }
            let own = Class { kind, scoped: true };
            if classes.contains(own)
                && let Some(issuer) = self.issuer()
                && found(Marker { kind, issuer: Some(issuer), id })
            {
                return true;
            }
        }
        false
    }
}

/// Nanoseconds since 1970, at most the year 2554.
pub(crate) fn nanos(time: UnixTime) -> u64 {
    u64::try_from(time.since_epoch().as_nanos()).unwrap_or(u64::MAX)
}

/// Seconds since 1970, rounded up; from the year 2106 on `u32::MAX`, which never passes.
pub(crate) fn whole_seconds(time: UnixTime) -> u32 {
    let rest = time.since_epoch().subsec_nanos() > 0;
    let seconds = time.as_secs().saturating_add(u64::from(rest));
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_looked_for_under_exactly_what_revocations_are_kept_under() {
        let token = TokenIdentity::new()
            .with_issuer("i")
            .with_token_id("a")
            .with_session_id("a")
            .with_subject("a");
        let mut asked = Vec::new();
        token.any_marker(Classes::ALL, |marker| {
            asked.push((marker.class(), marker.issuer.is_some(), marker.id.to_owned()));
            false
        });
        let end = UnixTime::MAX;
        let revocations = [
            Revocation::token("a", end),
            Revocation::session("a", end),
            Revocation::subject("a", UnixTime::EPOCH, end),
            Revocation::version("a", 1, end),
        ];
        let scoped = |one: &Revocation| [one.clone(), one.clone().issuer("i")];
        let kept: Vec<_> = revocations
            .iter()
            .flat_map(scoped)
            .map(|one| {
                let (marker, bound) = one.marker();
                assert_eq!(marker.is_of(&token), marker.issuer.is_none_or(|own| own == "i"));
                assert!(!marker.is_of(&TokenIdentity::new()));
                assert!(bound == 0 || marker.class().is_bounded());
                (marker.class(), marker.issuer.is_some(), marker.id.to_owned())
            })
            .collect();
        assert_eq!(asked, kept);
        let classes: Vec<_> = Class::all().collect();
        assert_eq!(classes, kept.iter().map(|one| one.0).collect::<Vec<_>>());
        assert!(classes.iter().enumerate().all(|(at, class)| class.index() == at));
        assert_eq!(classes.len(), Class::COUNT);
    }

    #[test]
    fn only_the_classes_asked_for_are_looked_for_and_the_first_find_ends_it() {
        let token = TokenIdentity::new().with_issuer("i").with_token_id("a").with_subject("a");
        let class = Class { kind: Kind::Subject, scoped: true };
        let mut asked = Vec::new();
        token.any_marker(Classes::from_bits(Classes::of(class)), |marker| {
            asked.push(marker.class());
            false
        });
        assert_eq!(asked, [class]);
        let mut count = 0;
        assert!(token.any_marker(Classes::ALL, |_| {
            count += 1;
            true
        }));
        assert_eq!(count, 1);
    }
}
