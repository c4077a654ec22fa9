//! [`Scopes`]: what the token's bearer may do.

use std::fmt;

use super::text::{ListShape, Text, TextList};

/// The scopes of a token: `scope` as one space-separated string
/// ([RFC 8693 §4.2](https://www.rfc-editor.org/rfc/rfc8693#section-4.2)), or `scp` as a string or an
/// array, as several identity providers write it. Where there are both, both count. What stands in an
/// array is one scope, spaces and all. A token in which either has another shape was rejected.
///
/// Scopes are compared exactly, case included
/// ([RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)).
#[derive(Clone, Copy)]
pub struct Scopes<'a> {
    pub(super) lists: [&'a TextList<2>; 2],
    pub(super) buffer: &'a str,
}

impl<'a> Scopes<'a> {
    /// Whether this scope is among them. The empty string never is.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.iter().any(|held| held == scope)
    }

    /// Each scope, in the order of the token.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let buffer = self.buffer;
        let held = move |list: &'a TextList<2>| {
            // Only a lone string is split: where no separator is ever found, the item comes back whole.
            let lone = list.shape == Some(ListShape::Lone);
            let split = move |text: Text| text.get(buffer).split(move |c| lone && c == ' ');
            list.iter().flat_map(split)
        };
        self.lists.into_iter().flat_map(held).filter(|scope| !scope.is_empty())
    }

    /// Whether the token has no scope at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl fmt::Debug for Scopes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({} held)", self.iter().count())
    }
}
