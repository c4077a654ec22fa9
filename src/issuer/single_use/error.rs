//! [`SingleUseError`].

use std::error::Error;
use std::fmt;

use crate::issuer::error::IssueError;
use crate::key::KeyError;
use crate::rejection::{Rejection, RejectionKind};
use crate::store::StoreError;

/// What kind of failure a [`SingleUseError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SingleUseErrorKind {
    /// The token is none, was used, has expired or is for another purpose. Which of them is not
    /// told apart, and a client should not learn it.
    Rejected,
    /// It cannot be decided at present. The token may be used up.
    Unavailable,
    /// The payload cannot be written, or does not fit the type that it is read as.
    Payload,
    /// The lifetime is zero or too long.
    Lifetime,
}

/// Why a single-use token was not minted or not redeemed.
#[derive(Debug)]
pub struct SingleUseError {
    kind: SingleUseErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl SingleUseError {
    pub(super) const fn new(kind: SingleUseErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(super) fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> SingleUseErrorKind {
        self.kind
    }
}

impl From<StoreError> for SingleUseError {
    fn from(error: StoreError) -> Self {
        Self::new(SingleUseErrorKind::Unavailable).with_source(error)
    }
}

impl From<KeyError> for SingleUseError {
    fn from(error: KeyError) -> Self {
        Self::new(SingleUseErrorKind::Unavailable).with_source(error)
    }
}

impl From<IssueError> for SingleUseError {
    fn from(error: IssueError) -> Self {
        Self::new(SingleUseErrorKind::Unavailable).with_source(error)
    }
}

impl From<Rejection> for SingleUseError {
    fn from(rejection: Rejection) -> Self {
        let unavailable = rejection.kind() == RejectionKind::KeysUnavailable;
        let kind = if unavailable {
            SingleUseErrorKind::Unavailable
        } else {
            SingleUseErrorKind::Rejected
        };
        Self::new(kind).with_source(rejection)
    }
}

impl fmt::Display for SingleUseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            SingleUseErrorKind::Rejected => "the single-use token is not accepted",
            SingleUseErrorKind::Unavailable => "single-use tokens cannot be handled at present",
            SingleUseErrorKind::Payload => "the single-use token's payload does not fit",
            SingleUseErrorKind::Lifetime => "the single-use token's lifetime is zero or too long",
        })
    }
}

impl Error for SingleUseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
