//! Which URLs are asked for at all.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use http::uri::Scheme;

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
            Self::Malformed => "is not an absolute https URL",
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
pub(crate) fn checked_url(text: &str, allow_http: bool) -> Result<Uri, UrlProblem> {
    if text.contains('#') {
        return Err(UrlProblem::Fragment);
    }
    let url: Uri = text.parse().map_err(|_| UrlProblem::Malformed)?;
    let authority = url.authority().ok_or(UrlProblem::Malformed)?;
    if authority.as_str().contains('@') {
        return Err(UrlProblem::Credentials);
    }
    if authority.host().is_empty() {
        return Err(UrlProblem::Malformed);
    }
    if is_https(&url) {
        Ok(url)
    } else if url.scheme() != Some(&Scheme::HTTP) {
        Err(UrlProblem::Malformed)
    } else if allow_http || is_loopback(authority.host()) {
        Ok(url)
    } else {
        Err(UrlProblem::NotHttps)
    }
}

pub(crate) fn is_https(url: &Uri) -> bool {
    url.scheme() == Some(&Scheme::HTTPS)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
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
    }

    #[test]
    fn everything_else_is_refused() {
        use UrlProblem::{Credentials, Fragment, Malformed, NotHttps};
        for (bad, problem) in [
            ("http://id.example.com", NotHttps),
            ("http://localhost.example.com", NotHttps),
            ("http://127.0.0.1.example.com", NotHttps),
            ("http://10.0.0.1", NotHttps),
            ("http://[::2]/", NotHttps),
            ("https://user:secret@id.example.com", Credentials),
            ("http://localhost@id.example.com", Credentials),
            ("https://id.example.com/#x", Fragment),
            ("id.example.com", Malformed),
            ("/keys", Malformed),
            ("", Malformed),
            ("ftp://id.example.com", Malformed),
            ("file:///etc/passwd", Malformed),
            ("https://", Malformed),
            ("https://a b", Malformed),
        ] {
            assert_eq!(checked_url(bad, false).unwrap_err(), problem, "{bad}");
        }
        assert!(checked_url("http://id.example.com", true).is_ok());
        assert_eq!(checked_url("ftp://id.example.com", true).unwrap_err(), Malformed);
    }
}
