//! [`Roles`]: who the token's bearer is to the application.

use std::fmt;

use super::text::TextList;

/// The roles of a token, from the places the verifier was told to look at (`roles` by default).
///
/// A role claim is an array of strings, or one string, which is one role, spaces and all; under the
/// access token profile only an array. A token in which it has another shape was rejected: it is not one
/// without roles.
#[derive(Clone, Copy)]
pub struct Roles<'a> {
    pub(super) held: &'a TextList<6>,
    pub(super) buffer: &'a str,
}

impl<'a> Roles<'a> {
    /// Whether this role is among them, compared exactly. The empty string never is.
    #[must_use]
    pub fn contains(&self, role: &str) -> bool {
        !role.is_empty() && self.iter().any(|held| held == role)
    }

    /// Each role, in the order of the token.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let buffer = self.buffer;
        self.held.iter().map(move |text| text.get(buffer))
    }

    /// Whether the token has no role at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.len() == 0
    }
}

impl fmt::Debug for Roles<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roles({} held)", self.held.len())
    }
}
