//! [`IssueError`]: why a token could not be issued, or an issuer not be set up.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::key::KeyError;

/// What kind of failure an [`IssueError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IssueErrorKind {
    /// A key is refused, or the crypto library failed.
    Key,
    /// The keys are not in the state that the call needs.
    KeyState,
    /// A setting contradicts another or makes no sense.
    Configuration,
    /// The application's claims are not a JSON object, or cannot be written.
    Claims,
    /// The application's claims hold one that the issuer writes itself, or one twice.
    ReservedClaim,
    /// A scope is not what RFC 6749 §3.3 allows.
    Scope,
    /// The token lacks what its profile requires.
    Incomplete,
    /// The token does not fit where it is to go.
    TooLong,
}

/// Why a token could not be issued, or an issuer not be set up; says what to change.
pub struct IssueError {
    kind: IssueErrorKind,
    text: Cow<'static, str>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl IssueError {
    pub(super) fn new(kind: IssueErrorKind, text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, text: text.into(), source: None }
    }

    pub(super) fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> IssueErrorKind {
        self.kind
    }
}

impl From<KeyError> for IssueError {
    fn from(error: KeyError) -> Self {
        Self::new(IssueErrorKind::Key, error.to_string()).with_source(error)
    }
}

impl fmt::Debug for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssueError").field("kind", &self.kind).field("text", &self.text).finish()
    }
}

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for IssueError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
