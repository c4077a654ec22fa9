//! Web origins: those that are trusted, and the one that a request is addressed to.

use std::error::Error;
use std::fmt;
use std::net::Ipv6Addr;

/// Why a text is no origin to trust; `Display` says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidOrigin(Box<str>);

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for InvalidOrigin {}

/// An `Origin` that has a host: `scheme://host[:port]`.
pub(super) struct Origin<'a> {
    pub(super) scheme: &'a [u8],
    pub(super) place: Place<'a>,
}

/// `host[:port]`. An IPv6 address keeps its brackets.
pub(super) struct Place<'a> {
    host: &'a [u8],
    port: Option<u16>,
}

impl<'a> Origin<'a> {
    /// `None` for `null`, and for all that browsers do not send.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let colon = text.iter().position(|byte| *byte == b':')?;
        let (scheme, rest) = text.split_at(colon);
        let place = Place::parse(rest.strip_prefix(b"://")?)?;
        let is_scheme = scheme.first()?.is_ascii_lowercase()
            && scheme.iter().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(byte)
            });
        is_scheme.then_some(Self { scheme, place })
    }

    /// The port that is meant where none is written.
    fn default_port(&self) -> Option<u16> {
        match self.scheme {
            b"https" => Some(443),
            b"http" => Some(80),
            _ => None,
        }
    }

    /// Whether its pages are served from this place. A place without a port may be of either scheme:
    /// a proxy that ends TLS leaves no trace of it.
    pub(super) fn is_at(&self, place: &Place<'_>) -> bool {
        self.default_port().is_some_and(|default| {
            self.place.host.eq_ignore_ascii_case(place.host)
                && self.place.port.unwrap_or(default) == place.port.unwrap_or(default)
        })
    }
}

impl<'a> Place<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let is_v6 = text.first() == Some(&b'[');
        let end = if is_v6 {
            text.iter().position(|byte| *byte == b']')? + 1
        } else {
            text.iter().position(|byte| *byte == b':').unwrap_or(text.len())
        };
        let (host, rest) = text.split_at(end);
        let good = match host {
            [b'[', address @ .., b']'] => {
                !address.is_empty()
                    && address.iter().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte))
            }
            name => {
                !name.is_empty()
                    && name
                        .iter()
                        .all(|byte| byte.is_ascii_graphic() && !b"/?#@\\,[]:*\"<>".contains(byte))
            }
        };
        let port = match rest {
            [] => None,
            [b':', digits @ ..] => Some(port(digits)?),
            _ => return None,
        };
        good.then_some(Self { host, port })
    }
}

/// As browsers write it: no sign, no leading zero.
fn port(digits: &[u8]) -> Option<u16> {
    let text = str::from_utf8(digits).ok()?;
    let port: u16 = text.parse().ok()?;
    text.starts_with(|first: char| matches!(first, '1'..='9')).then_some(port)
}

/// That browsers send exactly this as the `Origin` of somebody's pages.
pub(super) fn validate(text: &str) -> Result<(), InvalidOrigin> {
    match what_is_wrong(text) {
        None => Ok(()),
        Some(wrong) => {
            Err(InvalidOrigin(format!("`{text}` is no origin to trust: {wrong}").into()))
        }
    }
}

fn what_is_wrong(text: &str) -> Option<String> {
    const FORM: &str = "write scheme, host and, unless it is the scheme's own, port, as in \
         `https://app.example.com` or `http://localhost:5173`";
    let fixed = |wrong: &str| Some(wrong.to_owned());
    if text == "null" {
        return fixed("every sandboxed page of the web sends it");
    }
    if text.contains('*') {
        return fixed("there are no wildcards; name each origin");
    }
    if !text.is_ascii() {
        return fixed("browsers send the host in ASCII; write its `xn--` form");
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Some(format!("it has no scheme; {FORM}"));
    };
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(format!("browsers send lower case; write `{}`", text.to_ascii_lowercase()));
    }
    if let Some(bare) = text.strip_suffix('/').filter(|_| rest.matches('/').count() == 1) {
        return Some(format!("an origin has no slash at its end; write `{bare}`"));
    }
    if rest.contains(['/', '?', '#', '@', '\\']) {
        return Some(format!("an origin has no path, query or user; {FORM}"));
    }
    if scheme == "file" {
        return fixed("it would be every file of every device");
    }
    let Some(origin) = Origin::parse(text.as_bytes()) else {
        return Some(format!("scheme, host or port is ill-formed; {FORM}"));
    };
    if origin.place.port.is_some() && origin.place.port == origin.default_port() {
        let (bare, _) = text.rsplit_once(':')?;
        return Some(format!("browsers leave the scheme's own port out; write `{bare}`"));
    }
    if let [b'[', address @ .., b']'] = origin.place.host {
        return match str::from_utf8(address).unwrap_or_default().parse::<Ipv6Addr>() {
            // Browsers write those in another way than the standard library does.
            Ok(address) if address.to_ipv4_mapped().is_some() => None,
            Ok(parsed) if parsed.to_string().as_bytes() == address => None,
            Ok(parsed) => Some(format!("browsers write this address as `[{parsed}]`")),
            Err(_) => fixed("that is no IPv6 address"),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_that_browsers_send_can_be_trusted() {
        for good in [
            "https://app.example.com",
            "http://localhost:5173",
            "https://xn--exmple-cua.com:8443",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "https://[2001:db8::1]",
            "https://a_b.example.com",
            // webviews and browser extensions
            "capacitor://localhost",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        ] {
            assert_eq!(validate(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn others_are_refused_with_what_to_write() {
        for (bad, hint) in [
            ("", "no scheme"),
            ("null", "sandboxed"),
            ("*", "wildcards"),
            ("https://*.example.com", "wildcards"),
            ("app.example.com", "no scheme"),
            ("app.example.com:443", "no scheme"),
            ("//app.example.com", "no scheme"),
            ("https:app.example.com", "no scheme"),
            ("HTTPS://app.example.com", "`https://app.example.com`"),
            ("https://App.Example.com", "`https://app.example.com`"),
            ("https://app.example.com/", "`https://app.example.com`"),
            ("https://app.example.com//", "no path"),
            ("https://app.example.com/app", "no path"),
            ("https://app.example.com/app/", "no path"),
            ("https://app.example.com?x", "no path"),
            ("https://app.example.com#x", "no path"),
            ("https://user@app.example.com", "no path"),
            ("https://ex\u{e4}mple.com", "xn--"),
            ("https://app.example.com:443", "`https://app.example.com`"),
            ("http://app.example.com:80", "`http://app.example.com`"),
            ("https://app.example.com:", "ill-formed"),
            ("https://app.example.com:0443", "ill-formed"),
            ("https://app.example.com:65536", "ill-formed"),
            ("https://app.example.com:+1", "ill-formed"),
            ("https://:8443", "ill-formed"),
            ("https://", "ill-formed"),
            ("://app.example.com", "ill-formed"),
            (" https://app.example.com", "ill-formed"),
            ("https://app.example.com ", "ill-formed"),
            ("https://a.example.com https://b.example.com", "no path"),
            ("https://a.example.com,b.example.com", "ill-formed"),
            ("https://::1", "ill-formed"),
            ("https://[::1", "ill-formed"),
            ("https://[::1]x", "ill-formed"),
            ("https://[::g]", "ill-formed"),
            ("https://[1:2]", "no IPv6"),
            ("https://[0:0:0:0:0:0:0:1]", "`[::1]`"),
            ("file://", "every file"),
            ("file:///index.html", "no path"),
        ] {
            let error = validate(bad).unwrap_err().to_string();
            assert!(error.contains(hint) && error.contains(bad), "{bad}: {error}");
        }
    }
}
