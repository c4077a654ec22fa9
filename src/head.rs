//! [`RequestHead`]: all that authentication may look at.

use std::sync::LazyLock;

use http::{Extensions, HeaderMap, Method, Request, Uri, request::Parts};

/// What stands in for the request of a token that came without one.
static NO_REQUEST: LazyLock<Request<()>> = LazyLock::new(|| Request::new(()));

/// A borrowed view of a request without its body: the input of every step.
///
/// It is the whole head, not the headers alone, because sender-constrained tokens need method and
/// URI, mutual TLS an extension, and a CORS preflight is told by its method.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
    is_request: bool,
}

impl RequestHead<'static> {
    /// The head of no request at all, for a token that came some other way: in a message of a
    /// queue, or the first one of a WebSocket.
    ///
    /// It has no header field and no extension, and [`is_request`](Self::is_request) says `false`:
    /// what has to be proven by the request itself (RFC 9449, RFC 8705) cannot be proven by it.
    #[must_use]
    pub fn empty() -> Self {
        Self { is_request: false, ..Self::from(&*NO_REQUEST) }
    }
}

impl<'a> RequestHead<'a> {
    /// The head that has these parts, for servers that do not use [`http::Request`].
    #[must_use]
    pub const fn from_parts(
        method: &'a Method,
        uri: &'a Uri,
        headers: &'a HeaderMap,
        extensions: &'a Extensions,
    ) -> Self {
        Self { method, uri, headers, extensions, is_request: true }
    }

    /// Whether a request stands behind it: `false` for [`empty`](RequestHead::empty), whose method
    /// and target then mean nothing.
    #[must_use]
    pub const fn is_request(&self) -> bool {
        self.is_request
    }

    /// The request's method.
    #[must_use]
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// The request's target as it was received.
    #[must_use]
    pub fn uri(&self) -> &'a Uri {
        self.uri
    }

    /// The request's header fields.
    #[must_use]
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// What earlier layers and the server attached to the request.
    #[must_use]
    pub fn extensions(&self) -> &'a Extensions {
        self.extensions
    }
}

impl<'a, B> From<&'a Request<B>> for RequestHead<'a> {
    fn from(request: &'a Request<B>) -> Self {
        Self::from_parts(request.method(), request.uri(), request.headers(), request.extensions())
    }
}

impl<'a> From<&'a Parts> for RequestHead<'a> {
    fn from(parts: &'a Parts) -> Self {
        Self::from_parts(&parts.method, &parts.uri, &parts.headers, &parts.extensions)
    }
}

impl<'a> From<&'a mut Parts> for RequestHead<'a> {
    fn from(parts: &'a mut Parts) -> Self {
        Self::from(&*parts)
    }
}

impl<'a> From<&Self> for RequestHead<'a> {
    fn from(head: &Self) -> Self {
        *head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_request_has_nothing_to_prove_by() {
        let head = RequestHead::empty();
        assert!(!head.is_request());
        assert!(head.headers().is_empty());
        assert!(head.extensions().is_empty());
    }

    #[test]
    fn parts_make_the_head_of_a_request() {
        let (method, uri) = (Method::PUT, Uri::from_static("/a?b"));
        let (headers, extensions) = (HeaderMap::new(), Extensions::new());
        let head = RequestHead::from_parts(&method, &uri, &headers, &extensions);
        assert!(head.is_request());
        assert_eq!((head.method(), head.uri()), (&Method::PUT, &uri));
        assert!(RequestHead::from(&head).is_request());
    }
}
