//! The page, in three files that are part of the program, and the headers that protect it.

use axum::Router;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderValue, Response};
use axum::routing::get;

/// Scripts and styles from here and in files only, no frames, no forms that a browser would send by
/// itself (the password would be in the address), no text that becomes HTML.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'";

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let file = |kind: &'static str, text: &'static str| {
        get(async move || ([(header::CONTENT_TYPE, kind)], text))
    };
    Router::new()
        .route("/", file("text/html; charset=utf-8", include_str!("page.html")))
        .route("/page.css", file("text/css; charset=utf-8", include_str!("page.css")))
        .route("/app.js", file("text/javascript; charset=utf-8", include_str!("app.js")))
}

/// On every answer. What is not said to be cacheable, is not: most answers are somebody's own.
pub(crate) async fn protect<B>(mut response: Response<B>) -> Response<B> {
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CACHE_CONTROL, "no-store");
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // With `no-referrer` older browsers would call the page's own requests foreign: `Origin: null`.
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    response
}
