//! Scopes as text (RFC 6749 §3.3).

/// The longest text, in bytes, and the most scopes in it: it may come from anyone, and each scope is
/// compared with all others.
const LONGEST: usize = 4096;
const MOST: usize = 256;

/// The scopes of a text, each once, in order; `None` if one has a character that scopes have not, or
/// there are too many.
pub(super) fn parse(text: &str) -> Option<Vec<Box<str>>> {
    if text.len() > LONGEST {
        return None;
    }
    let mut scopes: Vec<Box<str>> = Vec::new();
    for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
        // NQCHAR: %x21 / %x23-5B / %x5D-7E
        if !scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
            return None;
        }
        if !scopes.iter().any(|known| **known == *scope) {
            if scopes.len() == MOST {
                return None;
            }
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
        let many = |count: usize| (0..count).map(|n| format!("{n} ")).collect::<String>();
        assert_eq!(parse(&many(256)).unwrap().len(), 256);
        assert!(parse(&many(257)).is_none());
        assert!(parse(&"a ".repeat(2048)).is_some());
        assert!(parse(&"a ".repeat(2049)).is_none());
    }
}
