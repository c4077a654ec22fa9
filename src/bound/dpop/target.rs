//! Which method and URL a proof has to name: those of the request, or those that a proxy tells of.

use http::{HeaderMap, HeaderName};

use super::proof::wrong_proof;
use super::url::PublicUrl;
use crate::bound::peers::TrustedPeers;
use crate::head::RequestHead;
use crate::rejection::Rejection;

/// In which header fields a proxy tells of the request that it asks about: nginx's `auth_request`,
/// Traefik's `ForwardAuth`, Caddy's `forward_auth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardAuth {
    /// `X-Forwarded-Method` and `X-Forwarded-Uri`: Traefik, Caddy.
    XForwarded,
    /// `X-Original-Method` and `X-Original-URL` (a URL, of which the path counts, or a path): nginx and its
    /// ingress controller.
    XOriginal,
}

/// Where the public scheme and host of a request stand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Forwarded {
    /// RFC 7239.
    Standard,
    /// `X-Forwarded-Proto`, `-Host`, `-Prefix`.
    X,
}

#[derive(Debug, Clone)]
pub(super) enum Target {
    /// The request's own method and path, at a configured URL.
    Own,
    /// The request's own method and path, where a trusted proxy says.
    Forwarded(TrustedPeers, Forwarded),
    /// The method and path that a trusted proxy tells of, at a configured URL.
    ForwardAuth(TrustedPeers, ForwardAuth),
}

/// What a proof has to name.
pub(super) struct Aim<'h> {
    pub(super) method: &'h str,
    pub(super) path: &'h str,
    /// In place of the configured URLs.
    pub(super) url: Option<PublicUrl>,
}

impl Target {
    #[inline]
    pub(super) fn of<'h>(&self, head: &RequestHead<'h>) -> Result<Aim<'h>, Rejection> {
        let own = Aim { method: head.method().as_str(), path: head.uri().path(), url: None };
        match self {
            Self::Own => Ok(own),
            Self::Forwarded(peers, _) if !peers.trust(head) => Ok(own),
            Self::Forwarded(_, forwarded) => {
                let url = match forwarded {
                    Forwarded::Standard => standard(head.headers()),
                    Forwarded::X => x_forwarded(head.headers()),
                };
                let reason = "the proxy does not tell the request's public URL, or more than one";
                Ok(Aim { url: Some(url.ok_or_else(|| wrong_proof(reason))?), ..own })
            }
            Self::ForwardAuth(peers, names) => {
                if !peers.trust(head) {
                    return Err(wrong_proof(
                        "who asks about a request is no proxy that is trusted",
                    ));
                }
                let reason = "the proxy does not tell the request's method and URL";
                names.of(head.headers()).ok_or_else(|| wrong_proof(reason))
            }
        }
    }
}

impl ForwardAuth {
    fn of(self, headers: &HeaderMap) -> Option<Aim<'_>> {
        let [method, url] = match self {
            Self::XForwarded => ["x-forwarded-method", "x-forwarded-uri"],
            Self::XOriginal => ["x-original-method", "x-original-url"],
        };
        let method = only(headers, HeaderName::from_static(method))?;
        let url = only(headers, HeaderName::from_static(url))?;
        let after_host = match url.split_once("://") {
            Some((_, rest)) if !url.starts_with('/') => {
                rest.find('/').map_or("/", |at| &rest[at..])
            }
            _ => url,
        };
        let path = after_host.split(['?', '#']).next().unwrap_or_default();
        path.starts_with('/').then_some(Aim { method, path, url: None })
    }
}

/// The one value of a field that is there once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok().map(str::trim)
}

fn x_forwarded(headers: &HeaderMap) -> Option<PublicUrl> {
    let proto = only(headers, HeaderName::from_static("x-forwarded-proto"))?;
    let host = only(headers, HeaderName::from_static("x-forwarded-host"))?;
    let prefix = HeaderName::from_static("x-forwarded-prefix");
    let prefix = if headers.contains_key(&prefix) { only(headers, prefix)? } else { "" };
    at(proto, host, prefix)
}

/// One element with `proto` and `host` (RFC 7239 §4).
fn standard(headers: &HeaderMap) -> Option<PublicUrl> {
    let field = only(headers, HeaderName::from_static("forwarded"))?;
    if field.contains(',') {
        return None;
    }
    let (mut proto, mut host) = (None, None);
    for pair in field.split(';') {
        let (name, value) = pair.split_once('=')?;
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(value);
        let slot = match name.trim().to_ascii_lowercase().as_str() {
            "proto" => &mut proto,
            "host" => &mut host,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return None;
        }
    }
    at(proto?, host?, "")
}

fn at(proto: &str, host: &str, prefix: &str) -> Option<PublicUrl> {
    if host.contains(['/', ',']) || !(prefix.is_empty() || prefix.starts_with('/')) {
        return None;
    }
    PublicUrl::parse(&format!("{proto}://{host}{prefix}"))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn aim(target: &Target, fields: &[(&'static str, &'static str)]) -> Option<String> {
        let mut request = Request::post("/own?q");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let aim = target.of(&RequestHead::from(&request)).ok()?;
        let url = aim.url.map_or_else(String::new, |url| format!("{url:?}"));
        Some(format!("{} {url}{}", aim.method, aim.path))
    }

    #[test]
    fn only_trusted_peers_tell_of_another_url() {
        let fields = [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "API.example.com:443"),
            ("x-forwarded-method", "DELETE"),
            ("x-forwarded-uri", "/orders/1?q=2"),
            ("x-original-method", "PUT"),
            ("x-original-url", "https://api.example.com/orders/2?q"),
            ("forwarded", "for=1.2.3.4;Proto=https; host=\"api.example.com:8443\""),
        ];
        let (trusted, strangers) =
            (TrustedPeers::since_only_proxies_connect(), TrustedPeers::when(|_| false));
        let x = |peers: &TrustedPeers| Target::Forwarded(peers.clone(), Forwarded::X);
        let standard = |peers: &TrustedPeers| Target::Forwarded(peers.clone(), Forwarded::Standard);
        let auth = |peers: &TrustedPeers, names| Target::ForwardAuth(peers.clone(), names);
        for (target, expected) in [
            (Target::Own, Some("POST /own")),
            (x(&trusted), Some("POST https://api.example.com/own")),
            (x(&strangers), Some("POST /own")),
            (standard(&trusted), Some("POST https://api.example.com:8443/own")),
            (standard(&strangers), Some("POST /own")),
            (auth(&trusted, ForwardAuth::XForwarded), Some("DELETE /orders/1")),
            (auth(&trusted, ForwardAuth::XOriginal), Some("PUT /orders/2")),
            (auth(&strangers, ForwardAuth::XForwarded), None),
        ] {
            assert_eq!(aim(&target, &fields).as_deref(), expected, "{target:?}");
            let alone = aim(&target, &[]);
            let own = matches!(&target, Target::Own) || expected == Some("POST /own");
            assert_eq!(alone.is_some(), own, "{target:?}");
        }
    }

    #[test]
    fn what_is_not_clear_is_refused() {
        let trusted = TrustedPeers::since_only_proxies_connect;
        let x = Target::Forwarded(trusted(), Forwarded::X);
        for (proto, host) in [
            ("https,http", "a.test"),
            ("https", "a.test, b.test"),
            ("https", "a.test/x"),
            ("https", "u@a.test"),
            ("javascript", "a.test"),
            ("https", ""),
        ] {
            let fields = [("x-forwarded-proto", proto), ("x-forwarded-host", host)];
            assert_eq!(aim(&x, &fields), None, "{proto} {host}");
        }
        let twice = [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "a.test"),
            ("x-forwarded-host", "b.test"),
        ];
        assert_eq!(aim(&x, &twice), None);
        let standard = Target::Forwarded(trusted(), Forwarded::Standard);
        for odd in [
            "proto=https",
            "host=a.test",
            "proto=https;host=a;host=b",
            "proto=https;host=a, proto=http;host=b",
            "x",
        ] {
            assert_eq!(aim(&standard, &[("forwarded", odd)]), None, "{odd}");
        }
        let auth = Target::ForwardAuth(trusted(), ForwardAuth::XForwarded);
        for odd in ["orders", "*", ""] {
            let fields = [("x-forwarded-method", "GET"), ("x-forwarded-uri", odd)];
            assert_eq!(aim(&auth, &fields), None, "{odd}");
        }
    }
}
