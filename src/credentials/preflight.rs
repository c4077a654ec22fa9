//! CORS preflights, which never carry credentials.

use http::Method;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};

use crate::head::RequestHead;

/// Whether this is a CORS preflight: `OPTIONS` with `Origin` and `Access-Control-Request-Method`
/// ([Fetch §4.8](https://fetch.spec.whatwg.org/#cors-preflight-fetch)).
///
/// Browsers send it without credentials, so a layer that rejects it breaks every cross-origin
/// caller. A plain `OPTIONS` is none.
#[must_use]
pub fn is_cors_preflight(head: &RequestHead<'_>) -> bool {
    head.method() == Method::OPTIONS
        && head.headers().contains_key(ORIGIN)
        && head.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, Request};

    use super::*;

    #[test]
    fn all_three_marks_are_needed() {
        let is = |method: &str, names: &[HeaderName]| {
            let mut request = Request::builder().method(method);
            for name in names {
                request = request.header(name, "x");
            }
            is_cors_preflight(&RequestHead::from(&request.body(()).unwrap()))
        };
        let both = [ORIGIN, ACCESS_CONTROL_REQUEST_METHOD];
        assert!(is("OPTIONS", &both));
        assert!(!is("GET", &both));
        assert!(!is("options", &both));
        assert!(!is("OPTIONS", &[ORIGIN]));
        assert!(!is("OPTIONS", &[ACCESS_CONTROL_REQUEST_METHOD]));
        assert!(!is("OPTIONS", &[]));
    }
}
