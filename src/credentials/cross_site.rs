//! Requests that another site made a browser send.

use http::header::{HOST, ORIGIN, UPGRADE};
use http::uri::Scheme;
use http::{HeaderName, Method};

use super::origin::{InvalidOrigin, Origin, Place, validate};
use crate::head::RequestHead;
use crate::rejection::{Rejection, RejectionKind};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Tells requests of the service's own pages from those that pages of other sites cause, which a
/// browser sends with the same cookies
/// ([RFC 6265 §8.2](https://www.rfc-editor.org/rfc/rfc6265#section-8.2)).
///
/// A [`Cookie`](super::Cookie) has one, on by default. It can also be asked directly, on endpoints
/// that have other reasons to distrust other sites: see [`check`](Self::check).
///
/// | request | outcome |
/// |---|---|
/// | `GET`, `HEAD`, `OPTIONS`, unless it opens a WebSocket | passes |
/// | `Sec-Fetch-Site`, `Origin` or `Host` twice | rejected |
/// | `Sec-Fetch-Site: same-origin`, or `none`: the user typed the address | passes |
/// | an `Origin` that is trusted | passes |
/// | `Sec-Fetch-Site: same-site`, `cross-site`, or anything else | rejected |
/// | neither `Sec-Fetch-Site` nor `Origin` | passes |
/// | no `Sec-Fetch-Site`, and the `Origin` is the host and port that the request is addressed to | passes |
/// | no `Sec-Fetch-Site`, and the `Origin` is another, or `null` | rejected |
///
/// 1. **Safe methods** pass, so they must change nothing; the answer stays hidden from the scripts of
///    other sites, unless it is a script itself or CORS opens it. A WebSocket handshake is a `GET`
///    too, but no same-origin rule hides what comes over it: it is judged like a `POST`. Whoever
///    changes the method further inside (`?_method=DELETE`), or asks with `GET` about a request of
///    another method as forward authentication does, undoes this: see
///    [`forwarded_method`](Self::forwarded_method).
/// 2. **`same-site` is rejected**: that is another subdomain, or another port of the same host, for
///    which neither cookies nor `SameSite` see a difference. If its pages are yours, trust their
///    origin.
/// 3. **Neither header** means that no page caused the request: browsers have sent `Origin` with
///    what other sites cause since 2020 at the latest, and a page can neither forge nor leave out
///    either header. A program that is no browser has the cookie only if someone gave it.
/// 4. **The host** is the authority of the request's URI where there is one, as in HTTP/2, else
///    `Host`. Case is ignored, and so is the port if it is the scheme's own. A **proxy** that
///    rewrites `Host` breaks the comparison where there is no `Sec-Fetch-Site`: in browsers older
///    than 2023, over plain HTTP, and in all WebSocket handshakes of Chromium. Let it pass `Host`
///    on, or trust the public origin. `X-Forwarded-Host` is never believed. A page with
///    `Referrer-Policy: no-referrer` makes such browsers send `Origin: null`, which is rejected.
/// 5. **The scheme** is compared only where the request tells it is `https`, as HTTP/2 over TLS
///    does: behind a proxy that ends TLS nobody knows it. So where there is no `Sec-Fetch-Site`, a
///    browser may be used by who can forge pages of `http://` with the same host. Send
///    `Strict-Transport-Security`, and there are none.
///
/// ```
/// use http::Request;
/// use tower_bearer::credentials::CrossSiteProtection;
/// use tower_bearer::head::RequestHead;
/// use tower_bearer::rejection::RejectionKind;
///
/// let protection = CrossSiteProtection::new().trusted_origin("https://app.example.com")?;
/// let post = |site: &str, origin: &str| {
///     let request = Request::post("/logout")
///         .header("host", "api.example.com")
///         .header("sec-fetch-site", site)
///         .header("origin", origin)
///         .body(())
///         .unwrap();
///     protection.check(&RequestHead::from(&request))
/// };
/// assert!(post("same-origin", "https://api.example.com").is_ok());
/// assert!(post("same-site", "https://app.example.com").is_ok());
/// let rejection = post("same-site", "https://blog.example.com").unwrap_err();
/// assert_eq!(rejection.kind(), RejectionKind::CrossSite);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
#[doc(alias("csrf", "xsrf"))]
pub struct CrossSiteProtection {
    trusted: Vec<Box<str>>,
    forwarded_method: Option<HeaderName>,
}

impl CrossSiteProtection {
    /// Trusts no origin but the one that the request is addressed to.
    pub const fn new() -> Self {
        Self { trusted: Vec::new(), forwarded_method: None }
    }

    /// For a service that a proxy asks about requests of others (`auth_request`, forward
    /// authentication): the header field in which the proxy says their method, such as
    /// `X-Forwarded-Method`. It asks with `GET` itself, which would pass.
    ///
    /// A request passes by its method only if that field says a safe one too; without the field, or
    /// with two, it is judged like a `POST`. Proxies do not pass `Upgrade` on: check WebSocket
    /// handshakes behind them.
    pub fn forwarded_method(mut self, field: HeaderName) -> Self {
        self.forwarded_method = Some(field);
        self
    }

    /// Lets pages of this origin cause requests too. It is compared byte for byte with `Origin`, so
    /// it has to be written as browsers send it: `https://app.example.com`.
    ///
    /// Whoever can run a script on such a page acts for the user.
    ///
    /// # Errors
    /// If no browser sends this as an origin: it has a path or a slash at its end, lacks a scheme,
    /// has upper case, non-ASCII, a wildcard or the scheme's own port; and for `null`.
    pub fn trusted_origin(mut self, origin: impl Into<Box<str>>) -> Result<Self, InvalidOrigin> {
        let origin = origin.into();
        validate(&origin)?;
        self.trusted.push(origin);
        Ok(self)
    }

    /// Whether the request may act for the user whose cookies it carries. Takes
    /// `&RequestHead::from(&request)`, or `from(&parts)`.
    ///
    /// # Errors
    /// Of kind [`RejectionKind::CrossSite`]; its reason says which header decided.
    pub fn check(&self, head: &RequestHead<'_>) -> Result<(), Rejection> {
        if is_safe(head) && self.is_safe_behind(head) {
            return Ok(());
        }
        let site = only(head, SEC_FETCH_SITE, "Sec-Fetch-Site was sent twice")?;
        let origin = only(head, ORIGIN, "Origin was sent twice")?;
        let host = only(head, HOST, "Host was sent twice")?;
        let reason = match (site, origin) {
            (Some(b"same-origin" | b"none"), _) | (None, None) => return Ok(()),
            (_, Some(origin)) if self.trusts(origin) => return Ok(()),
            (Some(b"same-site"), _) => {
                "Sec-Fetch-Site is same-site: a page of another subdomain or port caused the \
                 request, and its Origin is not trusted"
            }
            (Some(_), _) => {
                "Sec-Fetch-Site says that another site caused the request, and its Origin is not \
                 trusted"
            }
            (None, Some(b"null")) => {
                "Origin is null, and there is no Sec-Fetch-Site: a sandboxed page, a redirect, or \
                 one's own page with Referrer-Policy: no-referrer"
            }
            (None, Some(origin)) => match foreign(origin, host, head) {
                None => return Ok(()),
                Some(reason) => reason,
            },
        };
        Err(cross_site(reason))
    }

    /// Whether the proxy, if it is to say so, says that the method is a safe one.
    fn is_safe_behind(&self, head: &RequestHead<'_>) -> bool {
        let Some(field) = &self.forwarded_method else {
            return true;
        };
        let mut methods = head.headers().get_all(field).iter();
        let safe = [&b"GET"[..], b"HEAD", b"OPTIONS"];
        methods.next().is_some_and(|method| safe.contains(&method.as_bytes()))
            && methods.next().is_none()
    }

    fn trusts(&self, origin: &[u8]) -> bool {
        self.trusted.iter().any(|trusted| trusted.as_bytes() == origin)
    }
}

fn is_safe(head: &RequestHead<'_>) -> bool {
    matches!(*head.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && !head.headers().get_all(UPGRADE).iter().any(|value| names_websocket(value.as_bytes()))
}

/// Whether a server could take it for an offer of `websocket`, however it reads the field.
fn names_websocket(upgrade: &[u8]) -> bool {
    const NAME: &[u8] = b"websocket";
    upgrade.windows(NAME.len()).any(|part| part.eq_ignore_ascii_case(NAME))
}

/// The only value of a field.
fn only<'a>(
    head: &RequestHead<'a>,
    name: HeaderName,
    twice: &'static str,
) -> Result<Option<&'a [u8]>, Rejection> {
    let mut values = head.headers().get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(cross_site(twice));
    }
    Ok(first.map(|value| value.as_bytes()))
}

/// Why the origin is not the one that the request is addressed to.
fn foreign(origin: &[u8], host: Option<&[u8]>, head: &RequestHead<'_>) -> Option<&'static str> {
    let Some(origin) = Origin::parse(origin) else {
        return Some("Origin is ill-formed, and there is no Sec-Fetch-Site");
    };
    let authority = head.uri().authority().map(|authority| authority.as_str().as_bytes());
    let Some(place) = authority.or(host).and_then(Place::parse) else {
        return Some("the request names no well-formed host to compare Origin with");
    };
    if !origin.is_at(&place) {
        return Some(
            "Origin is neither the request's own host and port nor trusted; behind a proxy that \
             rewrites Host, trust the public origin",
        );
    }
    let downgraded = head.uri().scheme() == Some(&Scheme::HTTPS) && origin.scheme != b"https";
    downgraded.then_some("Origin is a page without TLS, the request is https")
}

const fn cross_site(reason: &'static str) -> Rejection {
    Rejection::new(RejectionKind::CrossSite, reason)
}

#[cfg(test)]
mod tests;
