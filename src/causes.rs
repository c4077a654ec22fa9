//! [`Causes`]: an error and what lies behind it, for the log.

use std::error::Error;
use std::fmt;

/// Whoever nests errors deeper than this is read so far.
const DEEPEST: usize = 16;
/// In bytes. A text of a peer must not fill the log.
const LONGEST: usize = 600;

/// Displays an error and its sources, outermost first, each text once: many errors repeat in their
/// own text what their source says.
pub(crate) struct Causes<'a>(pub(crate) &'a (dyn Error + 'a));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = self.0.to_string();
        let mut source = self.0.source();
        for _ in 0..DEEPEST {
            let Some(error) = source else { break };
            let text = error.to_string();
            if !told.contains(&text) {
                told.push_str(": ");
                told.push_str(&text);
            }
            source = error.source();
        }
        let mut length = 0;
        for c in told.chars() {
            length += c.len_utf8();
            if length > LONGEST {
                return f.write_str("…");
            }
            if c.is_control() {
                write!(f, "{}", c.escape_default())?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Nested(String, Option<Box<Nested>>);

    impl fmt::Display for Nested {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl Error for Nested {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            let source = self.1.as_deref()?;
            Some(source)
        }
    }

    fn told(texts: &[&str]) -> String {
        let error = texts
            .iter()
            .rev()
            .fold(None, |source, text| Some(Box::new(Nested((*text).to_owned(), source))));
        Causes(&*error.unwrap()).to_string()
    }

    #[test]
    fn every_cause_once() {
        assert_eq!(told(&["a"]), "a");
        assert_eq!(
            told(&["no keys", "connect", "dns error", "no such host"]),
            "no keys: connect: dns error: no such host"
        );
        assert_eq!(told(&["store: refused", "refused", "refused"]), "store: refused");
        assert_eq!(told(&["refused", "refused", "because"]), "refused: because");
    }

    #[test]
    fn what_a_peer_says_is_bounded_and_escaped() {
        assert_eq!(told(&["a", "b\r\nWARN forged"]), "a: b\\r\\nWARN forged");
        assert!(told(&["a", &"ö".repeat(10_000)]).len() < LONGEST + 10);
        assert!(told(&["x"; 1]).len() == 1 && told(&vec!["y"; 100]).len() == 1);
    }
}
