//! What a store answers: [`RevocationStatus`] or [`StoreError`]; and [`OnOutage`].

use std::error::Error;
use std::fmt;

use crate::rejection::{Rejection, RejectionKind};

/// Whether a token still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a status that nobody looks at revokes nothing"]
pub enum RevocationStatus {
    /// Nothing that was revoked covers the token.
    Active,
    /// The token, its session or its subject's tokens were revoked.
    Revoked,
}

impl RevocationStatus {
    /// [`Revoked`](Self::Revoked) if `revoked` is true, else [`Active`](Self::Active).
    pub const fn revoked_if(revoked: bool) -> Self {
        if revoked { Self::Revoked } else { Self::Active }
    }

    /// Whether this is [`Revoked`](Self::Revoked).
    #[must_use]
    pub const fn is_revoked(self) -> bool {
        matches!(self, Self::Revoked)
    }
}

/// What the layer does while the revocation store cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum OnOutage {
    /// Answers 503: no token passes that might be revoked.
    #[default]
    Reject,
    /// Lets tokens pass **unchecked**. Dangerous: whoever holds a stolen token, and can keep the
    /// store busy or cut off, makes every revocation void for as long as that lasts.
    AcceptUnchecked,
}

/// What kind of failure a [`StoreError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be asked at present, or its answer makes no sense.
    Unavailable,
    /// The store has no room for another entry, and drops none that is still needed.
    Full,
    /// The store cannot hold this kind of revocation.
    Unsupported,
}

/// Why a store gave no answer, or did not take a revocation.
///
/// The text is fixed; what happened is in [`source`](Error::source), for logs.
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// The store cannot be asked, for this reason.
    #[must_use]
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Unavailable, source: Some(source.into()) }
    }

    /// The store has no room left.
    #[must_use]
    pub const fn full() -> Self {
        Self { kind: StoreErrorKind::Full, source: None }
    }

    /// The store does not know this kind of revocation.
    #[must_use]
    pub const fn unsupported() -> Self {
        Self { kind: StoreErrorKind::Unsupported, source: None }
    }

    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

/// For handlers that revoke: with `?`, a revocation that may not be in force is answered 503, and
/// one that the store can never hold 500.
impl From<StoreError> for Rejection {
    fn from(error: StoreError) -> Self {
        let (kind, reason) = match error.kind {
            StoreErrorKind::Unavailable => (
                RejectionKind::RevocationUnavailable,
                "the revocation store cannot be asked at present",
            ),
            StoreErrorKind::Full => {
                (RejectionKind::RevocationUnavailable, "the revocation store is full")
            }
            StoreErrorKind::Unsupported => (
                RejectionKind::Misconfigured,
                "the revocation store does not support this kind of revocation",
            ),
        };
        Self::new(kind, reason).with_source(error)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StoreErrorKind::Unavailable => "the store cannot be asked",
            StoreErrorKind::Full => "the store is full",
            StoreErrorKind::Unsupported => "the store does not support this kind of revocation",
        })
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreError")
            .field("kind", &self.kind)
            .field("source", &self.source().map(ToString::to_string))
            .finish()
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_keep_their_source_apart_from_their_text() {
        let error = StoreError::unavailable("10.0.0.7: connection refused");
        assert_eq!(error.to_string(), "the store cannot be asked");
        let source = error.source().unwrap().to_string();
        assert_eq!(source, "10.0.0.7: connection refused");
        assert!(StoreError::full().source().is_none());
        assert_eq!(StoreError::full().kind(), StoreErrorKind::Full);
        let unsupported = StoreError::unsupported();
        assert_eq!(unsupported.kind(), StoreErrorKind::Unsupported);
    }

    #[test]
    fn a_revocation_that_failed_is_no_success_for_the_client() {
        let status = |error: StoreError| {
            let rejection = Rejection::from(error);
            assert!(rejection.source().is_some());
            rejection.kind().status().as_u16()
        };
        assert_eq!(status(StoreError::unavailable("refused")), 503);
        assert_eq!(status(StoreError::full()), 503);
        assert_eq!(status(StoreError::unsupported()), 500);
    }

    #[test]
    fn outage_fails_closed_unless_told_otherwise() {
        assert_eq!(OnOutage::default(), OnOutage::Reject);
    }
}
