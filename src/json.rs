//! What JSON from outside may look like, before a parser builds anything of it.
//!
//! The bounds are this crate's own: which features of a JSON library other crates of a program turn on
//! does not move them.

use std::error::Error;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

/// How many arrays and objects may stand in one another.
pub(crate) const MOST_DEPTH: usize = 64;

/// To serde_json, an object whose first member has such a name may be something else than an object.
const PRIVATE: &[u8] = b"$serde_json::private::";

/// What is odd about a JSON text that may be well-formed for all that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Odd {
    /// More than [`MOST_DEPTH`] arrays and objects in one another.
    TooDeep,
    /// A member's name has a meaning of its own to the parser.
    ReservedName,
}

impl Odd {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::TooDeep => "is nested too deeply",
            Self::ReservedName => "has a member whose name is reserved",
        }
    }
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the JSON {}", self.as_str())
    }
}

impl Error for Odd {}

/// Reads a text once, without recursion, and says whether a parser may build values of it. Whether it is
/// well-formed is the parser's to say: up to where it is not, both read the same.
///
/// # Errors
/// If it is nested too deeply at any place, or has a member, at any depth, whose name has a private
/// meaning to the parser, however the name is escaped.
#[inline]
pub(crate) fn check(json: &[u8]) -> Result<(), Odd> {
    if is_plain(json) { Ok(()) } else { check_closely(json) }
}

/// Whether there is so little in it that nothing can be odd, quickly.
fn is_plain(json: &[u8]) -> bool {
    // A reserved name begins with a "$", or with a "\" that stands for one.
    memchr::memchr2(b'$', b'\\', json).is_none()
        && memchr::memchr2_iter(b'[', b'{', json).nth(MOST_DEPTH).is_none()
}

fn check_closely(json: &[u8]) -> Result<(), Odd> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        at += 1;
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > MOST_DEPTH {
                    return Err(Odd::TooDeep);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                let start = at;
                at = end_of_string(json, start);
                let string = json.get(start..at).unwrap_or_default();
                at += 1;
                // Only what a colon follows is a name; a value may say what it likes.
                let next = json.get(at..).unwrap_or_default().trim_ascii_start().first();
                if next == Some(&b':') && is_reserved(string) {
                    return Err(Odd::ReservedName);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Where the string ends whose first byte is at `at`: at its closing quote, or with the text.
fn end_of_string(json: &[u8], mut at: usize) -> usize {
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

/// Whether a name, still escaped, begins with [`PRIVATE`].
fn is_reserved(name: &[u8]) -> bool {
    let mut rest = name;
    PRIVATE.iter().all(|expected| {
        let (byte, after) = match rest {
            // None of its characters has a shorter escape.
            [b'\\', b'u', a, b, c, d, after @ ..] => match hex([*a, *b, *c, *d]) {
                Some(byte) => (byte, after),
                None => return false,
            },
            [byte, after @ ..] => (u32::from(*byte), after),
            [] => return false,
        };
        rest = after;
        byte == u32::from(*expected)
    })
}

fn hex(digits: [u8; 4]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

/// The elements of an array that is a member of the outermost object, each as it stands in the text.
///
/// For lists of which one element must not spoil the others: each can then be read by itself.
/// `None` if the text is not one JSON object in which that member stands exactly once and is an array.
pub(crate) fn elements<'a>(json: &'a str, member: &str) -> Option<Vec<&'a str>> {
    if count_arrays(json, member)? != 1 {
        return None;
    }
    // Well-formed from here on, so that quotes and brackets are all there is to look at.
    let bytes = json.as_bytes();
    let (mut depth, mut inside, mut at) = (0_usize, false, 0);
    let mut start = 0;
    let mut found = Vec::new();
    let mut end_element = |start: usize, end: usize| {
        let element = json.get(start..end).unwrap_or_default().trim_ascii();
        if !element.is_empty() {
            found.push(element);
        }
    };
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let (from, to) = (at - 1, end_of_string(bytes, at) + 1);
                at = to;
                let next = json.get(to..).unwrap_or_default().trim_ascii_start();
                if depth == 1 && next.starts_with(':') {
                    let name = json.get(from..to).unwrap_or_default();
                    inside = serde_json::from_str::<String>(name).ok()? == member;
                }
            }
            b'[' | b'{' => {
                depth += 1;
                if depth == 2 {
                    start = at;
                }
            }
            b']' | b'}' => {
                if inside && depth == 2 {
                    end_element(start, at - 1);
                }
                depth = depth.saturating_sub(1);
            }
            b',' if inside && depth == 2 => {
                end_element(start, at - 1);
                start = at;
            }
            _ => {}
        }
    }
    Some(found)
}

/// How often the member stands in the outermost object; `None` if it is not an array each time, or the
/// text is not one JSON object.
fn count_arrays(json: &str, member: &str) -> Option<usize> {
    struct Members<'m>(&'m str);
    impl<'de> Visitor<'de> for Members<'_> {
        type Value = usize;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
            let mut count = 0;
            while let Some(name) = map.next_key::<String>()? {
                if name == self.0 {
                    map.next_value::<Vec<IgnoredAny>>()?;
                    count += 1;
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(count)
        }
    }
    let mut parser = serde_json::Deserializer::from_str(json);
    let count = parser.deserialize_map(Members(member)).ok()?;
    parser.end().ok()?;
    Some(count)
}

#[cfg(test)]
mod tests;
