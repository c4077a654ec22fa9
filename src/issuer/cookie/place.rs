//! Names and paths that a cookie can have.

use crate::issuer::error::{IssueError, IssueErrorKind};

/// So that every refresh token fits into a cookie of any name.
const MAX_NAME: usize = 100;
/// What browsers take of an attribute
/// ([RFC 6265bis §5.6](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis-22#section-5.6)).
const MAX_PATH: usize = 1024;

/// The name with its prefix.
pub(super) fn name(prefix: &str, name: &str) -> Result<Box<str>, IssueError> {
    let wrong = if name.is_empty() {
        "it is empty; `refresh` will do"
    } else if name.len() > MAX_NAME {
        "it is longer than 100 bytes"
    } else if name.starts_with("__") {
        "prefixes begin with two underscores; leave it out, it is added"
    } else if !name.bytes().all(is_tchar) {
        "letters, digits, `-` and `_` are allowed (RFC 6265 section 4.1.1: a token)"
    } else {
        return Ok(format!("{prefix}{name}").into());
    };
    Err(refused("name", name, wrong))
}

/// The path, as it is compared with that of requests.
pub(super) fn path(path: &str) -> Result<Box<str>, IssueError> {
    let wrong = if path == "/" {
        "that is no limit; take `TokenCookie::host`, whose name nobody else can use"
    } else if !path.starts_with('/') {
        "it has to begin with a slash, as in `/auth`"
    } else if path.len() > MAX_PATH {
        "it is longer than 1,024 bytes"
    } else if path.ends_with('/') {
        "leave the slash at its end out: `/auth` covers `/auth` and all that is below"
    } else if path.split('/').skip(1).any(|part| matches!(part, "" | "." | "..")) {
        "browsers send no paths with empty parts, `.` or `..`"
    } else if !path.bytes().all(is_plain) {
        "letters, digits, `/`, `-`, `.`, `_` and `~` are allowed"
    } else {
        return Ok(path.into());
    };
    Err(refused("path", path, wrong))
}

fn refused(what: &str, text: &str, wrong: &str) -> IssueError {
    let text = format!("{text:?} cannot be the {what} of a cookie: {wrong}");
    IssueError::new(IssueErrorKind::Configuration, text)
}

/// A character of a `token` (RFC 9110 §5.6.2).
fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_their_prefix() {
        assert_eq!(&*name("__Host-", "refresh").unwrap(), "__Host-refresh");
        assert_eq!(&*name("__Secure-", "_a.b-1").unwrap(), "__Secure-_a.b-1");
    }

    #[test]
    fn other_names_are_refused_with_what_to_do() {
        let long = "a".repeat(MAX_NAME + 1);
        for (bad, hint) in [
            ("", "empty"),
            ("__Host-refresh", "added"),
            ("__host-refresh", "added"),
            ("__Secure-refresh", "added"),
            ("__Http-x", "added"),
            ("a b", "letters"),
            ("a=b", "letters"),
            ("a;b", "letters"),
            ("a,b", "letters"),
            ("a/b", "letters"),
            ("/auth", "letters"),
            ("\u{e4}", "letters"),
            ("a\r\nb", "letters"),
            ("\"a\"", "letters"),
            (&long, "longer"),
        ] {
            let error = name("__Host-", bad).unwrap_err();
            assert_eq!(error.kind(), IssueErrorKind::Configuration);
            assert!(error.to_string().contains(hint), "{bad}: {error}");
        }
    }

    #[test]
    fn paths_are_those_that_browsers_send() {
        for good in ["/auth", "/api/v1/auth", "/a.b", "/~a", "/.well-known"] {
            assert_eq!(&*path(good).unwrap(), good);
        }
        let long = format!("/{}", "a".repeat(MAX_PATH));
        for (bad, hint) in [
            ("/", "TokenCookie::host"),
            ("", "begin with a slash"),
            ("auth", "begin with a slash"),
            ("refresh", "begin with a slash"),
            ("https://example.com/auth", "begin with a slash"),
            ("/auth/", "at its end"),
            ("//", "at its end"),
            ("//auth", "empty parts"),
            ("/a//b", "empty parts"),
            ("/a/../b", "empty parts"),
            ("/./a", "empty parts"),
            ("/a;Domain=example.com", "letters"),
            ("/a b", "letters"),
            ("/a?b", "letters"),
            ("/a#b", "letters"),
            ("/%61", "letters"),
            ("/\u{e4}", "letters"),
            ("/a\r\nb", "letters"),
            (&long, "longer"),
        ] {
            let error = path(bad).unwrap_err();
            assert_eq!(error.kind(), IssueErrorKind::Configuration);
            assert!(error.to_string().contains(hint), "{bad}: {error}");
        }
    }
}
