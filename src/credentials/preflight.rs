//! CORS preflights, which never carry credentials.

use http::Method;
use http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_LENGTH, CONTENT_TYPE, ORIGIN, TRANSFER_ENCODING,
};

use crate::head::RequestHead;

/// Whether this is the head of a CORS preflight: `OPTIONS` with `Origin` and
/// `Access-Control-Request-Method`, and no sign of a body
/// ([Fetch §4.8](https://fetch.spec.whatwg.org/#cors-preflight-fetch)).
///
/// Browsers send it without credentials, so a layer that rejects it breaks every cross-origin
/// caller. A plain `OPTIONS` is none. Over HTTP/2 a head does not tell whether a body follows: whoever
/// lets preflights pass has to look at the body too.
#[must_use]
pub fn is_cors_preflight(head: &RequestHead<'_>) -> bool {
    head.method() == Method::OPTIONS
        && head.headers().contains_key(ORIGIN)
        && head.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && ![CONTENT_TYPE, TRANSFER_ENCODING].iter().any(|name| head.headers().contains_key(name))
        && head.headers().get_all(CONTENT_LENGTH).iter().all(|length| length == "0")
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
        for of_a_body in [CONTENT_TYPE, CONTENT_LENGTH, TRANSFER_ENCODING] {
            assert!(!is("OPTIONS", &[ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, of_a_body]));
        }
        assert!(!is("OPTIONS", &[]));
    }
}
