//! [`SingleUseError`].

use crate::issuer::error::IssueError;
use crate::key::KeyError;
use crate::rejection::{Rejection, RejectionKind};
use crate::store::{StoreError, StoreErrorKind};

/// What kind of failure a [`SingleUseError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SingleUseErrorKind {
    /// The token is none, was used, was replaced, has expired, is for another purpose or another
    /// browser. Which of them is not told apart, and a client should not learn it.
    Rejected,
    /// It cannot be decided at present. The token may be used up.
    Unavailable,
    /// The payload cannot be written, or does not fit the type that it is read as.
    Payload,
    /// The lifetime is zero or too long.
    Lifetime,
    /// The name of a group or a purpose is longer than 1 KiB, or the payload than 16 KiB.
    TooLong,
    /// A mistake in this service: its keys, or the settings of its store.
    Failed,
}

impl SingleUseErrorKind {
    /// A name in `snake_case`, for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
            Self::Payload => "payload",
            Self::Lifetime => "lifetime",
            Self::TooLong => "too_long",
            Self::Failed => "failed",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Rejected => "the single-use token is not accepted",
            Self::Unavailable => "single-use tokens cannot be handled at present",
            Self::Payload => "the single-use token's payload does not fit",
            Self::Lifetime => "the single-use token's lifetime is zero or too long",
            Self::TooLong => "a group, a purpose or a payload is too long for a single-use token",
            Self::Failed => "single-use tokens cannot be handled: this service is set up wrongly",
        }
    }
}

opaque_error! {
    /// Why a single-use token was not minted or not redeemed.
    pub struct SingleUseError(SingleUseErrorKind);
}

impl SingleUseError {
    pub(super) fn of(kind: SingleUseErrorKind) -> Self {
        Self::new(kind, kind.text())
    }

    pub(super) fn rejected() -> Self {
        Self::of(SingleUseErrorKind::Rejected)
    }
}

impl From<StoreError> for SingleUseError {
    fn from(error: StoreError) -> Self {
        let kind = match error.kind() {
            StoreErrorKind::Unavailable | StoreErrorKind::Full => SingleUseErrorKind::Unavailable,
            StoreErrorKind::Unsupported | StoreErrorKind::Configuration => {
                SingleUseErrorKind::Failed
            }
        };
        Self::of(kind).with_source(error)
    }
}

impl From<KeyError> for SingleUseError {
    fn from(error: KeyError) -> Self {
        Self::of(SingleUseErrorKind::Failed).with_source(error)
    }
}

impl From<IssueError> for SingleUseError {
    fn from(error: IssueError) -> Self {
        Self::of(SingleUseErrorKind::Failed).with_source(error)
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
        Self::of(kind).with_source(rejection)
    }
}
