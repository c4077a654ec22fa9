//! [`Compact`]: the text of a token, wiped when dropped and never shown.

use std::fmt;

use zeroize::Zeroizing;

#[derive(Clone)]
pub(super) struct Compact(Zeroizing<String>);

impl Compact {
    pub(super) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text of these parts one after the other, in a buffer that never grew: growing leaves a
    /// copy behind.
    pub(super) fn of(parts: &[&str]) -> Self {
        let mut text = String::with_capacity(parts.iter().map(|part| part.len()).sum());
        parts.iter().for_each(|part| text.push_str(part));
        Self::new(text)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Compact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
