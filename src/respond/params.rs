//! The parameters of a challenge, as text that no header field can break out of.

use http::HeaderValue;

/// Text that is quoted already.
pub(super) type Quoted = Box<str>;

/// The text as a `quoted-string` (RFC 9110 §5.6.4) of printable ASCII. `"` and `\` are escaped;
/// each character that is not printable ASCII becomes `?`.
pub(super) fn quote(text: &str) -> Quoted {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            ' '..='~' => quoted.push(char),
            _ => quoted.push('?'),
        }
    }
    quoted.push('"');
    quoted.into()
}

/// A list of scopes (RFC 6749 §3.3) as a `quoted-string`: one space between scopes, and `?` for
/// each character that no scope has. `None` if there are no scopes.
pub(super) fn quote_scope(scope: &str) -> Option<Quoted> {
    let mut quoted = String::with_capacity(scope.len() + 2);
    for word in scope.split(' ').filter(|word| !word.is_empty()) {
        quoted.push(if quoted.is_empty() { '"' } else { ' ' });
        quoted.extend(word.chars().map(|char| match char {
            '"' | '\\' => '?',
            '!'..='~' => char,
            _ => '?',
        }));
    }
    if quoted.is_empty() {
        return None;
    }
    quoted.push('"');
    Some(quoted.into())
}

/// `Scheme name="value", …` out of quoted values; those that are `None` are left out.
pub(super) fn challenge(scheme: &str, params: &[(&str, Option<&str>)]) -> HeaderValue {
    let mut text = format!("{scheme} ");
    let mut separator = "";
    for (name, value) in params {
        if let Some(value) = value {
            text.extend([separator, name, "=", value]);
            separator = ", ";
        }
    }
    // Quoted values are printable ASCII, so the replacement is never taken.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("Bearer realm=\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9110_s5_6_4_quotes_and_escapes() {
        assert_eq!(&*quote("api"), r#""api""#);
        assert_eq!(&*quote(""), r#""""#);
        assert_eq!(&*quote(r#"a "b" \c"#), r#""a \"b\" \\c""#);
        assert_eq!(&*quote("a\r\nx: y\0\t\u{7f}ä€"), r#""a??x: y?????""#);
    }

    #[test]
    fn rfc6749_s3_3_scopes_keep_to_their_charset() {
        assert_eq!(quote_scope("a:b").as_deref(), Some(r#""a:b""#));
        assert_eq!(quote_scope("  a   b ").as_deref(), Some(r#""a b""#));
        assert_eq!(quote_scope("a\"b\\c\nd\te ä").as_deref(), Some(r#""a?b?c?d?e ?""#));
        assert_eq!(quote_scope(""), None);
        assert_eq!(quote_scope("   "), None);
    }
}
