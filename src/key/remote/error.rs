//! [`RemoteKeysError`]: why there are no new keys.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

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

/// Why there are no new keys. For the operator: clients never see it.
///
/// `Display` names the URL without its query, and all that is known of the cause, such as what name
/// resolution or TLS had to say.
#[derive(Clone)]
pub struct RemoteKeysError {
    kind: RemoteKeysErrorKind,
    text: Cow<'static, str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl RemoteKeysError {
    pub(super) fn new(kind: RemoteKeysErrorKind, text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, text: text.into(), source: None }
    }

    pub(super) fn configuration(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(RemoteKeysErrorKind::Configuration, text)
    }

    pub(super) fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// In which way it failed.
    #[must_use]
    pub fn kind(&self) -> RemoteKeysErrorKind {
        self.kind
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

impl fmt::Debug for RemoteKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeysError")
            .field("kind", &self.kind)
            .field("text", &self.text)
            .field("source", &self.source)
            .finish()
    }
}

impl fmt::Display for RemoteKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for RemoteKeysError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
