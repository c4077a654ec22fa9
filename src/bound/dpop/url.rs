//! URLs as proofs name them, compared as
//! [RFC 9449 §4.3](https://www.rfc-editor.org/rfc/rfc9449#section-4.3) has it: after the normalisation of
//! [RFC 3986 §6.2.2 and §6.2.3](https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2), without query and
//! fragment.

use std::fmt;
use std::net::Ipv4Addr;

/// The public URL of a service, normalised, without a slash at its end.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PublicUrl(Box<str>);

impl PublicUrl {
    /// `None` if it is no `http` or `https` URL, or has user info, a query or a fragment.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.contains(['?', '#']) {
            return None;
        }
        let url = normalised(text)?;
        Some(Self(url.strip_suffix('/').unwrap_or(&url).into()))
    }

    pub(super) fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    pub(super) fn is_loopback(&self) -> bool {
        let authority = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or_default();
        let host = match authority.find(']') {
            Some(end) => authority.get(..=end).unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        let is_ipv4_loopback = host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
        host == "localhost" || host == "[::1]" || is_ipv4_loopback
    }

    /// Whether `htu` is this URL with this path, which came in a request.
    pub(super) fn is(&self, htu: &str, path: &str) -> bool {
        // As nearly every client writes it. What is the same letter by letter needs no other comparison.
        let rest = htu.strip_prefix(&*self.0).map(without_query);
        if rest == Some(path) && path.starts_with('/') {
            return true;
        }
        self.is_normalised(htu, path)
    }

    #[cold]
    fn is_normalised(&self, htu: &str, path: &str) -> bool {
        let path = if path.is_empty() { "/" } else { path };
        let (Some(htu), Some(path)) = (normalised(without_query(htu)), normalised_path(path))
        else {
            return false;
        };
        htu.strip_prefix(&*self.0) == Some(&*path)
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// `scheme://host[:port]/path`, if it is such a URL of `http` or `https`.
fn normalised(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match &*scheme {
        "http" => "80",
        "https" => "443",
        _ => return None,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // What closes an IPv6 address is no part of a port.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let is_of_host =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[]:!$&'()*+,;=%".contains(&byte);
    let has_colon = host.contains(':') && !host.starts_with('[');
    if host.is_empty() || has_colon || !host.bytes().all(is_of_host) {
        return None;
    }
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut url = format!("{scheme}://{}", host.to_ascii_lowercase());
    if !port.is_empty() && port != default_port {
        url.push(':');
        url.push_str(port);
    }
    url.push_str(&normalised_path(if path.is_empty() { "/" } else { path })?);
    Some(url)
}

/// A path that begins with a slash: percent-encoding in one form, dot segments resolved.
fn normalised_path(path: &str) -> Option<String> {
    let path = normalised_percent(path)?;
    let path = path.strip_prefix('/')?;
    let mut segments: Vec<&str> = Vec::new();
    let mut all = path.split('/').peekable();
    while let Some(segment) = all.next() {
        let is_last = all.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    segments.pop();
                }
                if is_last {
                    segments.push("");
                }
            }
            segment => segments.push(segment),
        }
    }
    Some(format!("/{}", segments.join("/")))
}

/// `%7e` becomes `~`, `%2f` becomes `%2F`; `None` for characters that no URL has.
fn normalised_percent(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let value = u8::try_from(digit()? << 4 | digit()?).ok()?;
                if value.is_ascii_alphanumeric() || b"-._~".contains(&value) {
                    normal.push(char::from(value));
                } else {
                    normal.push_str(&format!("%{value:02X}"));
                }
            }
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'?' | b'#' => {
                return None;
            }
            byte if byte.is_ascii_graphic() => normal.push(char::from(byte)),
            _ => return None,
        }
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> PublicUrl {
        PublicUrl::parse(text).unwrap()
    }

    #[test]
    fn rfc3986_s6_2_equivalent_urls_are_the_same() {
        let api = url("HTTPS://API.Example.com:443/");
        for (htu, path) in [
            ("https://api.example.com/a/b", "/a/b"),
            ("https://api.example.com/a/b?q=1", "/a/b"),
            ("https://api.example.com/a/b#f", "/a/b"),
            ("https://api.example.com/a/b?q=/c#f?", "/a/b"),
            ("Https://API.example.COM/a/b", "/a/b"),
            ("https://api.example.com:443/a/b", "/a/b"),
            ("https://api.example.com:/a/b", "/a/b"),
            ("https://api.example.com/a/./b/../b", "/a/b"),
            ("https://api.example.com/a/%2e%2E/a/b", "/a/b"),
            ("https://api.example.com/%61/b", "/a/b"),
            ("https://api.example.com/a/b", "/%61/%62"),
            ("https://api.example.com/a%2fb", "/a%2Fb"),
            ("https://api.example.com/%7Eada", "/~ada"),
            ("https://api.example.com", "/"),
            ("https://api.example.com/", "/"),
            ("https://api.example.com", ""),
            ("https://api.example.com/%C3%A4", "/%c3%a4"),
            // Not to be normalised, and the same all the same.
            ("https://api.example.com/a|b", "/a|b"),
        ] {
            assert!(api.is(htu, path), "{htu} {path}");
        }
        assert!(url("http://[::1]:3000").is("http://[::1]:3000/a", "/a"));
        assert!(url("https://x.test/v1/").is("https://x.test/v1/a", "/a"));
        assert!(url("https://x.test/v1").is("https://x.test/v1/", "/"));
    }

    #[test]
    fn rfc9449_s4_3_another_url_is_another() {
        let api = url("https://api.example.com");
        for (htu, path) in [
            ("http://api.example.com/a", "/a"),
            ("https://api.example.com:8443/a", "/a"),
            ("https://api.example.org/a", "/a"),
            ("https://api.example.com./a", "/a"),
            ("https://api.example.com.evil.test/a", "/a"),
            ("https://api.example.com@evil.test/a", "/a"),
            ("https://evil@api.example.com/a", "/a"),
            ("https://api.example.com/a/", "/a"),
            ("https://api.example.com/A", "/a"),
            ("https://api.example.com//a", "/a"),
            ("https://api.example.com/a%2Fb", "/a/b"),
            ("https://api.example.com/a%252Fb", "/a%2Fb"),
            ("https://api.example.com/a/../b", "/a"),
            ("https://api.example.com/a;b", "/a"),
            ("https://api.example.com/a%00", "/a"),
            ("https://api.example.com/a%", "/a"),
            ("https://api.example.com/a%2", "/a"),
            ("https://api.example.com\\a", "/a"),
            ("https:/api.example.com/a", "/a"),
            ("//api.example.com/a", "/a"),
            ("/a", "/a"),
            ("https://api.example.com/a ", "/a"),
            (" https://api.example.com/a", "/a"),
            ("https://api.example.com/ä", "/%C3%A4"),
            ("https://api.example.com*", "*"),
            ("", "/a"),
            ("https://api.example.com/b?/a", "/a"),
        ] {
            assert!(!api.is(htu, path), "{htu} {path}");
        }
        assert!(!url("https://x.test/v1").is("https://x.test/v1a", "/a"));
        assert!(!url("https://x.test/v1").is("https://x.test/v2/a", "/a"));
        assert!(!url("https://x.test/v1").is("https://x.test/a", "/a"));
    }

    #[test]
    fn a_public_url_is_one() {
        for odd in [
            "",
            "api.example.com",
            "ftp://a",
            "https://",
            "https:///a",
            "https://a@b",
            "https://a?b",
            "https://a#b",
            "https://a b",
            "https://a:x",
            "https://a:b:1",
            "https://a/\\",
            "https://ä",
        ] {
            assert!(PublicUrl::parse(odd).is_none(), "{odd}");
        }
        for (text, loopback) in [
            ("http://localhost", true),
            ("http://localhost:3000/x", true),
            ("http://127.0.0.1:3000", true),
            ("http://[::1]", true),
            ("http://[::1]:80", true),
            ("http://localhost.evil.test", false),
            ("http://api.example.com:80", false),
        ] {
            assert_eq!(url(text).is_loopback(), loopback, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_compared_without_panic_and_itself_is_itself(
            htu in ".{0,60}",
            path in "/[a-z0-9%./~;-]{0,20}",
        ) {
            let api = url("https://api.example.com");
            let _ = api.is(&htu, &path);
            let same = format!("https://api.example.com{path}");
            prop_assert!(api.is(&same, &path));
            // Normalising is done after one time.
            if let Some(once) = normalised(&same) {
                let again = normalised(&once);
                prop_assert_eq!(again.as_deref(), Some(&*once));
            }
        }
    }
}
