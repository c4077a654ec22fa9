//! Scopes as text (RFC 6749 §3.3).

/// The scopes of a text, each once, in order; `None` if one has a character that scopes have not.
pub(super) fn parse(text: &str) -> Option<Vec<Box<str>>> {
    let mut scopes: Vec<Box<str>> = Vec::new();
    for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
        // NQCHAR: %x21 / %x23-5B / %x5D-7E
        if !scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
            return None;
        }
        if !scopes.iter().any(|known| **known == *scope) {
            scopes.push(scope.into());
        }
    }
    Some(scopes)
}

pub(super) fn join(scopes: &[Box<str>]) -> String {
    scopes.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_3_3_scopes() {
        assert_eq!(join(&parse(" a b:c  a ").unwrap()), "a b:c");
        assert!(parse("").unwrap().is_empty());
        for odd in ["a\tb", "a\"b", "a\\b", "é", "a\0"] {
            assert!(parse(odd).is_none(), "{odd:?}");
        }
    }
}
