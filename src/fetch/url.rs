//! Which URLs are asked for at all.

use std::fmt;

use http::Uri;
use url::{Host, Url};

/// What is wrong with a URL from configuration or from a provider's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UrlProblem {
    Malformed,
    NotHttps,
    Credentials,
    Fragment,
}

impl UrlProblem {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Malformed => "is not an absolute https URL, such as https://id.example.com",
            Self::NotHttps => {
                "is not https: anyone on the way could put keys of their own into the answer; \
                 http is taken for loopback only, or where dangerous().allow_http() says so"
            }
            Self::Credentials => "holds a user name or password",
            Self::Fragment => "has a fragment (#)",
        }
    }
}

impl fmt::Display for UrlProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for UrlProblem {}

/// The URL, if it may be asked for: `https`, or `http` on loopback or where it is allowed.
///
/// It is judged in the form in which it is sent: HTTP clients read URLs as
/// [the standard for browsers](https://url.spec.whatwg.org/) has it, where `https:\\a@b` names a
/// host, too.
pub(crate) fn judged_url(text: &str, allow_http: bool) -> Result<Url, UrlProblem> {
    if text.contains('#') {
        return Err(UrlProblem::Fragment);
    }
    // That standard mends what it reads; configuration is to be right as it stands.
    let spelled_out = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let (scheme, rest) = text.split_once("://").ok_or(UrlProblem::Malformed)?;
    if !spelled_out || rest.is_empty() || rest.starts_with(['/', '?', ':']) {
        return Err(UrlProblem::Malformed);
    }
    if rest.split(['/', '?']).next().is_some_and(|authority| authority.contains('@')) {
        return Err(UrlProblem::Credentials);
    }
    let https = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return Err(UrlProblem::Malformed),
    };
    let url = Url::parse(text).map_err(|_| UrlProblem::Malformed)?;
    if https || allow_http || is_loopback(&url) { Ok(url) } else { Err(UrlProblem::NotHttps) }
}

/// [`judged_url`], to be put into a request.
pub(crate) fn checked_url(text: &str, allow_http: bool) -> Result<Uri, UrlProblem> {
    judged_url(text, allow_http).and_then(|url| request_uri(&url))
}

/// The same URL in the type that requests have.
pub(crate) fn request_uri(url: &Url) -> Result<Uri, UrlProblem> {
    url.as_str().parse().map_err(|_| UrlProblem::Malformed)
}

pub(crate) fn is_https(url: &Uri) -> bool {
    url.scheme_str() == Some("https")
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_or_loopback() {
        for good in [
            "https://id.example.com",
            "https://id.example.com:8443/realms/a",
            "http://localhost:8080/",
            "http://127.0.0.1:1/x",
            "http://127.1.2.3",
            "http://[::1]:3000/x?y=z",
        ] {
            assert_eq!(
                checked_url(good, false).unwrap().to_string().trim_end_matches('/'),
                good.trim_end_matches('/')
            );
        }
        assert_eq!(
            checked_url("HTTPS://ID.example.com/A", false).unwrap().to_string(),
            "https://id.example.com/A"
        );
    }

    #[test]
    fn everything_else_is_refused() {
        use UrlProblem::{Credentials, Fragment, Malformed, NotHttps};
        for (bad, problem) in [
            ("http://id.example.com", NotHttps),
            ("http://localhost.example.com", NotHttps),
            ("http://127.0.0.1.example.com", NotHttps),
            ("http://10.0.0.1", NotHttps),
            ("http://0x0a000001/", NotHttps),
            ("http://[::2]/", NotHttps),
            ("https://user:secret@id.example.com", Credentials),
            ("http://localhost@id.example.com", Credentials),
            ("https://@id.example.com", Credentials),
            ("https://id.example.com/#x", Fragment),
            ("id.example.com", Malformed),
            ("/keys", Malformed),
            ("", Malformed),
            ("ftp://id.example.com", Malformed),
            ("file:///etc/passwd", Malformed),
            ("https://", Malformed),
            ("https:///id.example.com", Malformed),
            ("https:id.example.com", Malformed),
            ("https:\\\\id.example.com", Malformed),
            ("http://localhost\\@id.example.com", Malformed),
            ("https://?x", Malformed),
            ("https://:443/", Malformed),
            ("https://a b", Malformed),
            ("https://a\tb", Malformed),
            (" https://id.example.com", Malformed),
            ("https://id.exämple.com", Malformed),
            ("https://id.example.com:99999/", Malformed),
            ("https://%00/", Malformed),
        ] {
            assert_eq!(checked_url(bad, false).unwrap_err(), problem, "{bad}");
        }
        assert!(checked_url("http://id.example.com", true).is_ok());
        assert_eq!(checked_url("ftp://id.example.com", true).unwrap_err(), Malformed);
    }

    #[test]
    fn what_is_judged_is_what_is_sent() {
        for (text, sent) in [
            ("http://0x7f000001/x", "http://127.0.0.1/x"),
            ("http://127.1/x", "http://127.0.0.1/x"),
            ("https://id.example.com/a/../b", "https://id.example.com/b"),
            ("https://id.example.com:443", "https://id.example.com/"),
        ] {
            let uri = checked_url(text, false).unwrap().to_string();
            assert_eq!(uri, sent);
            assert_eq!(Url::parse(&uri).unwrap().as_str(), sent);
        }
    }
}
