//! [`StoreError`]: why a store gave no answer.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use crate::rejection::{Rejection, RejectionKind};

/// What kind of failure a [`StoreError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be asked at present, or its answer makes no sense.
    Unavailable,
    /// The store has no room for another entry, and drops none that is still needed.
    Full,
    /// The store cannot hold this kind of entry.
    Unsupported,
    /// The store is set up wrongly, and will not work before that is changed. No outage.
    Configuration,
}

impl StoreErrorKind {
    /// A name in `snake_case`, for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Full => "full",
            Self::Unsupported => "unsupported",
            Self::Configuration => "configuration",
        }
    }
}

opaque_error! {
    /// Why a store gave no answer, or did not take an entry.
    ///
    /// The text is fixed, but for [`Configuration`](StoreErrorKind::Configuration), which says what
    /// to change. What happened is in [`source`](Error::source), for logs; `Debug` shows both.
    pub struct StoreError(StoreErrorKind);
}

impl StoreError {
    /// The store cannot be asked, for this reason.
    #[must_use]
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source: Arc<dyn Error + Send + Sync> = Arc::from(source.into());
        let text = Cow::Borrowed("the store cannot be asked");
        Self { kind: StoreErrorKind::Unavailable, text, source: Some(source) }
    }

    /// The store has no room left.
    #[must_use]
    pub const fn full() -> Self {
        Self::fixed(StoreErrorKind::Full, "the store is full")
    }

    /// The store does not know this kind of entry.
    #[must_use]
    pub const fn unsupported() -> Self {
        let text = "the store does not support this kind of revocation";
        Self::fixed(StoreErrorKind::Unsupported, text)
    }

    /// The store is set up wrongly: the text says what to change, and holds no secret.
    #[must_use]
    pub fn configuration(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StoreErrorKind::Configuration, text)
    }

    const fn fixed(kind: StoreErrorKind, text: &'static str) -> Self {
        Self { kind, text: Cow::Borrowed(text), source: None }
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
            StoreErrorKind::Configuration => {
                (RejectionKind::Misconfigured, "the revocation store is set up wrongly")
            }
        };
        Self::new(kind, reason).with_source(error)
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
    fn what_main_prints_says_what_to_change() {
        let error = StoreError::configuration("write the URL like redis://127.0.0.1:6379/");
        assert_eq!(error.kind(), StoreErrorKind::Configuration);
        let shown = format!("{error:?}");
        assert_eq!(shown, "StoreError(Configuration): write the URL like redis://127.0.0.1:6379/");
        assert_eq!(error.to_string(), "write the URL like redis://127.0.0.1:6379/");
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
        assert_eq!(status(StoreError::configuration("no runtime")), 500);
    }
}
