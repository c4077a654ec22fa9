//! [`RemoteKeysError`]: why there are no new keys.

use std::borrow::Cow;

use crate::fetch::{DocumentError, Problem};

/// In which way getting keys from a provider failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RemoteKeysErrorKind {
    /// A setting cannot be meant, or the HTTP client cannot be set up.
    Configuration,
    /// There is no tokio runtime to fetch keys on.
    NoRuntime,
    /// The provider cannot be reached, or its answer is late or too large.
    Unreachable,
    /// The provider answered with another status than 200.
    Status,
    /// The metadata are not what the standards ask for.
    Metadata,
    /// The metadata are of another issuer.
    WrongIssuer,
    /// The key set is broken, or none of its keys can be used.
    Keys,
    /// The task that fetches keys was stopped, with its runtime or by a panic in a `Fetch`, or its
    /// runtime does not run.
    Stopped,
}

opaque_error! {
    /// Why there are no new keys. For the operator: clients never see it.
    ///
    /// `Display` names the URL without its query, and all that is known of the cause, such as what name
    /// resolution or TLS had to say.
    pub struct RemoteKeysError(RemoteKeysErrorKind);
}

impl RemoteKeysError {
    pub(super) fn configuration(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RemoteKeysErrorKind::Configuration, text)
    }
}

impl From<DocumentError> for RemoteKeysError {
    fn from(error: DocumentError) -> Self {
        let kind = match error.problem {
            Problem::NoRuntime => RemoteKeysErrorKind::NoRuntime,
            Problem::Unreachable => RemoteKeysErrorKind::Unreachable,
            Problem::Status => RemoteKeysErrorKind::Status,
            Problem::Malformed => RemoteKeysErrorKind::Metadata,
            Problem::WrongIssuer => RemoteKeysErrorKind::WrongIssuer,
        };
        let remote = Self::new(kind, error.text);
        match error.source {
            Some(source) => remote.with_source(source),
            None => remote,
        }
    }
}
