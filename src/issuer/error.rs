//! [`IssueError`]: why a token could not be issued, or an issuer not be set up.

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

impl IssueErrorKind {
    /// A name in `snake_case`, for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::KeyState => "key_state",
            Self::Configuration => "configuration",
            Self::Claims => "claims",
            Self::ReservedClaim => "reserved_claim",
            Self::Scope => "scope",
            Self::Incomplete => "incomplete",
            Self::TooLong => "too_long",
        }
    }
}

opaque_error! {
    /// Why a token could not be issued, or an issuer not be set up; says what to change.
    pub struct IssueError(IssueErrorKind);
}

/// The text is the key's; what is beneath it is the source.
impl From<KeyError> for IssueError {
    fn from(error: KeyError) -> Self {
        let (text, source) = error.into_parts();
        Self { kind: IssueErrorKind::Key, text, source }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::key::{Algorithm, SigningKey};

    #[test]
    fn a_keys_text_is_said_once() {
        let path = "no/such/file.pem";
        let key = SigningKey::from_pem_file(Algorithm::EdDSA, path).unwrap_err();
        let error = IssueError::from(key);
        let source = error.source().unwrap().to_string();
        assert!(error.to_string().contains(path) && !source.contains(path), "{error:?}");
    }
}
