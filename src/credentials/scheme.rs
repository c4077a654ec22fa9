//! `scheme 1*SP token`: the credentials of [RFC 9110 §11.4] as a bearer token has them.
//!
//! [RFC 9110 §11.4]: https://www.rfc-editor.org/rfc/rfc9110#section-11.4

use super::token::invalid;
use crate::rejection::Rejection;

/// Where the token begins behind `scheme` and its spaces; `None` if another scheme is spoken.
///
/// What follows another scheme is not looked at: it is that scheme's business.
pub(super) fn token_start(field: &[u8], scheme: &str) -> Result<Option<usize>, Rejection> {
    let space = memchr::memchr(b' ', field);
    let (word, rest) = field.split_at(space.unwrap_or(field.len()));
    // Most clients write it as it is asked for, which is told at once.
    if word != scheme.as_bytes() && !word.eq_ignore_ascii_case(scheme.as_bytes()) {
        return if is_token(word) {
            Ok(None)
        } else {
            Err(invalid("the header field does not begin with a scheme"))
        };
    }
    let start = word.len() + rest.iter().take_while(|byte| **byte == b' ').count();
    if start == field.len() {
        return Err(invalid("no token follows the scheme"));
    }
    Ok(Some(start))
}

/// A `token` of RFC 9110 §5.6.2.
fn is_token(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(|byte| is_tchar(*byte))
}

const fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}
