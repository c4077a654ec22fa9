//! [`Revocation`]: what is taken back, and for how long that must be remembered.

use std::fmt;

use super::TokenIdentity;
use crate::clock::UnixTime;

/// An order to a store: these tokens no longer count.
///
/// `keep_until` says how long a store must remember it: until the last token that it covers has
/// expired everywhere, which is that token's `exp` and the leeway of the verifiers. After that a
/// store may forget, and says either answer until it does.
///
/// Without [`issuer`](Self::issuer) a revocation holds for every issuer. With several trusted
/// issuers give it, because nothing keeps two of them from using the same `sub`.
///
/// `Debug` shows the kind and no identifier.
#[derive(Clone, PartialEq, Eq)]
#[must_use = "a revocation does nothing until a store has it"]
#[doc(alias("logout", "revoke", "invalidate"))]
pub struct Revocation {
    what: What,
    issuer: Option<Box<str>>,
    keep_until: UnixTime,
}

#[derive(Clone, PartialEq, Eq)]
enum What {
    Token(Box<str>),
    Session(Box<str>),
    Subject(Box<str>, UnixTime),
    Version(Box<str>, u64),
}

/// What a [`Revocation`] covers.
///
/// Not `non_exhaustive`, on purpose: a store that skips a kind it does not know would leave those
/// tokens alive, so a new kind has to be a breaking change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RevocationTarget<'a> {
    /// The one token with this `jti`.
    Token {
        /// The token's `jti`.
        token_id: &'a str,
    },
    /// Every token with this `sid`.
    Session {
        /// The tokens' `sid`.
        session_id: &'a str,
    },
    /// Every token of the subject whose `iat` is earlier than this moment, or absent.
    Subject {
        /// The tokens' `sub`.
        subject: &'a str,
        /// The first `iat` that is not covered. A store that cannot hold it to the nanosecond
        /// rounds it **up**, by no more than a millisecond.
        issued_before: UnixTime,
    },
    /// Every token of the subject whose version is lower than this, or absent.
    Version {
        /// The tokens' `sub`.
        subject: &'a str,
        /// The lowest version that is not covered: any `u64`. Where a database has no such type,
        /// shift it into a signed one; clamping would revoke too little.
        minimum: u64,
    },
}

impl Revocation {
    /// Takes back the one token with this `jti`.
    pub fn token(token_id: impl Into<Box<str>>, keep_until: UnixTime) -> Self {
        Self::new(What::Token(token_id.into()), keep_until)
    }

    /// Takes back every token of this session or refresh-token family (`sid`).
    pub fn session(session_id: impl Into<Box<str>>, keep_until: UnixTime) -> Self {
        Self::new(What::Session(session_id.into()), keep_until)
    }

    /// Takes back every token of the subject that was issued before `issued_before`: "log out
    /// everywhere", or the password changed.
    ///
    /// A token is dead if `iat < issued_before`, compared to the nanosecond, or if it has no `iat`.
    /// From the year 2554 on every moment is the same, and later than any `iat`.
    ///
    /// **The second of the change.** Most issuers write `iat` in whole seconds, rounded down. A
    /// token stolen at 12:00:00.2 and one issued after a password change at 12:00:00.7 then both
    /// say 12:00:00, and nothing in them tells one from the other. So both are dead: this fails
    /// closed. For a user who signs in again within that second, the issuer has two ways out, both
    /// without a hole: write `iat` with its fraction (RFC 7519 §2 allows it), or write
    /// [`reissue_from`](Self::reissue_from), less than a second ahead and within any leeway, as
    /// the `iat` of a token that it issues *after* the change.
    ///
    /// Give the moment as the clock tells it. Rounded down to the second, it spares the tokens of
    /// that second which were issued before the change.
    pub fn subject(
        subject: impl Into<Box<str>>,
        issued_before: UnixTime,
        keep_until: UnixTime,
    ) -> Self {
        Self::new(What::Subject(subject.into(), issued_before), keep_until)
    }

    /// Takes back every token of the subject whose token version is lower than `minimum`, or
    /// absent.
    ///
    /// A counter has no second that is in doubt. It needs a claim that the issuer keeps per
    /// subject.
    pub fn version(subject: impl Into<Box<str>>, minimum: u64, keep_until: UnixTime) -> Self {
        Self::new(What::Version(subject.into(), minimum), keep_until)
    }

    /// Limits this to tokens of one issuer. A token without `iss` is then not covered.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Has it remembered at least until this moment: for stores of sessions, where what a session is
    /// covered by must outlast the session and not only its access tokens.
    pub fn keep_at_least(mut self, until: UnixTime) -> Self {
        self.keep_until = self.keep_until.max(until);
        self
    }

    /// What is covered.
    #[must_use]
    pub fn target(&self) -> RevocationTarget<'_> {
        match &self.what {
            What::Token(token_id) => RevocationTarget::Token { token_id },
            What::Session(session_id) => RevocationTarget::Session { session_id },
            What::Subject(subject, issued_before) => {
                RevocationTarget::Subject { subject, issued_before: *issued_before }
            }
            What::Version(subject, minimum) => {
                RevocationTarget::Version { subject, minimum: *minimum }
            }
        }
    }

    /// The issuer that this is limited to.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Until when a store must remember this.
    #[must_use]
    pub const fn keep_until(&self) -> UnixTime {
        self.keep_until
    }

    /// The first whole second that a new token of the subject may carry as `iat` and live;
    /// `None` unless this is a [`subject`](Self::subject) revocation.
    #[must_use]
    pub fn reissue_from(&self) -> Option<UnixTime> {
        let What::Subject(_, issued_before) = self.what else {
            return None;
        };
        let whole = UnixTime::from_secs(issued_before.as_secs());
        let rounded_down = whole < issued_before;
        let second = std::time::Duration::from_secs(u64::from(rounded_down));
        Some(whole.saturating_add(second))
    }

    /// Whether the token is covered. This is what a store has to answer, as a definition; it does
    /// not look at [`keep_until`](Self::keep_until).
    #[must_use]
    pub fn applies_to(&self, token: &TokenIdentity<'_>) -> bool {
        let (marker, bound) = self.marker();
        marker.is_of(token) && marker.kind.covers(bound, token)
    }

    fn new(what: What, keep_until: UnixTime) -> Self {
        Self { what, issuer: None, keep_until }
    }
}

impl fmt::Debug for RevocationTarget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token { .. } => "Token",
            Self::Session { .. } => "Session",
            Self::Subject { .. } => "Subject",
            Self::Version { .. } => "Version",
        })
    }
}

impl fmt::Debug for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocation")
            .field("target", &self.target())
            .field("of_one_issuer", &self.issuer.is_some())
            .field("keep_until", &self.keep_until)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(millis: u64) -> UnixTime {
        UnixTime::from_duration(Duration::from_millis(millis))
    }

    fn of_ada(issued_at: UnixTime) -> TokenIdentity<'static> {
        TokenIdentity::new().with_subject("ada").with_issued_at(issued_at)
    }

    #[test]
    fn an_epoch_fails_closed_within_its_second() {
        let revocation = Revocation::subject("ada", at(100_700), UnixTime::MAX);
        for dead in [at(0), at(99_999), at(100_000), at(100_699)] {
            assert!(revocation.applies_to(&of_ada(dead)), "{dead:?}");
        }
        for alive in [at(100_700), at(100_701), at(101_000)] {
            assert!(!revocation.applies_to(&of_ada(alive)), "{alive:?}");
        }
        let reissued = revocation.reissue_from().unwrap();
        assert_eq!(reissued, at(101_000));
        assert!(!revocation.applies_to(&of_ada(reissued)));
    }

    #[test]
    fn an_epoch_on_the_second_needs_no_rounding() {
        let revocation = Revocation::subject("ada", at(100_000), UnixTime::MAX);
        assert_eq!(revocation.reissue_from(), Some(at(100_000)));
        assert!(!revocation.applies_to(&of_ada(at(100_000))));
        let last = Revocation::subject("ada", UnixTime::MAX, UnixTime::MAX);
        assert_eq!(last.reissue_from(), Some(UnixTime::MAX));
        assert_eq!(Revocation::token("t", at(0)).reissue_from(), None);
    }

    #[test]
    fn what_cannot_be_compared_is_dead() {
        let token = TokenIdentity::new().with_subject("ada");
        let epoch = Revocation::subject("ada", at(1), UnixTime::MAX);
        let version = Revocation::version("ada", 1, UnixTime::MAX);
        assert!(epoch.applies_to(&token));
        assert!(version.applies_to(&token));
        assert!(version.applies_to(&token.clone().with_token_version(0)));
        assert!(!version.applies_to(&token.with_token_version(1)));
        assert!(!version.applies_to(&TokenIdentity::new()));
    }

    #[test]
    fn debug_shows_no_identifier() {
        let revocation = Revocation::subject("ada", at(1), at(2)).issuer("https://id");
        let text = format!("{revocation:?}");
        assert!(!text.contains("ada") && !text.contains("https"), "{text}");
        assert!(text.contains("Subject"), "{text}");
    }
}
