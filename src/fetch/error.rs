//! [`FetchError`]: a request that got no response.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// In which way a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// No connection, or it broke: name resolution, TCP, TLS, HTTP.
    Transport,
    /// No complete response within [`FetchLimits::timeout`](super::FetchLimits::timeout).
    Timeout,
    /// The body is longer than [`FetchLimits::max_body`](super::FetchLimits::max_body).
    TooLarge,
    /// The HTTP client follows redirects, which it must not.
    Redirected,
    /// There is no tokio runtime where the request is made.
    NoRuntime,
    /// The HTTP client cannot be set up.
    Client,
}

/// Why a request got no response.
///
/// `Display` says it in fixed words; what lies behind it is the [`source`](Error::source). Neither
/// may hold a body or credentials.
#[derive(Clone)]
pub struct FetchError {
    kind: FetchErrorKind,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl FetchError {
    /// An error of this kind.
    #[must_use]
    pub const fn new(kind: FetchErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Adds the error behind it, for the log. Take out URLs that hold credentials first.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into().into());
        self
    }

    /// In which way the request failed.
    #[must_use]
    pub fn kind(&self) -> FetchErrorKind {
        self.kind
    }
}

impl From<FetchErrorKind> for FetchError {
    fn from(kind: FetchErrorKind) -> Self {
        Self::new(kind)
    }
}

impl fmt::Debug for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::opaque::debug(f, "FetchError", &self.kind, self)
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FetchErrorKind::Transport => "the connection failed",
            FetchErrorKind::Timeout => "there was no complete response in time",
            FetchErrorKind::TooLarge => "the response is too large",
            FetchErrorKind::Redirected => "the HTTP client followed a redirect, which it must not",
            FetchErrorKind::NoRuntime => "there is no tokio runtime here to send a request from",
            FetchErrorKind::Client => "the HTTP client cannot be set up",
        })
    }
}

impl Error for FetchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
