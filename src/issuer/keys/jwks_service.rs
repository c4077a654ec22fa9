//! [`JwksService`]: the public keys over HTTP.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tower_service::Service;

use super::SigningKeys;
use crate::respond::BytesBody;

/// A tower service that publishes the keys as a JWK Set, usually at `/.well-known/jwks.json`.
///
/// | request | answer |
/// |---|---|
/// | `GET`, `HEAD` | 200, `application/json`, `Cache-Control: public, max-age=…`, `ETag` |
/// | the same with the `ETag` in `If-None-Match` | 304 |
/// | anything else | 405 |
///
/// The path is not looked at, nor the body. It follows every change of the keys. Put no
/// authentication around it: the keys are public.
#[derive(Debug, Clone)]
pub struct JwksService {
    keys: SigningKeys,
    cache_control: HeaderValue,
}

impl JwksService {
    /// Publishes these keys, to be cached for five minutes.
    #[must_use]
    pub fn new(keys: SigningKeys) -> Self {
        Self { keys, cache_control: HeaderValue::from_static("public, max-age=300") }
    }

    /// Sets for how long clients and proxies may cache the keys, in whole seconds. An announced key
    /// has to be published for longer than this before it signs.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        if let Ok(value) = HeaderValue::try_from(format!("public, max-age={}", max_age.as_secs())) {
            self.cache_control = value;
        }
        self
    }

    fn respond(&self, method: &Method, headers: &HeaderMap) -> Response<BytesBody> {
        if method != Method::GET && method != Method::HEAD {
            let mut response = Response::new(BytesBody::default());
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let (jwks, etag) = self.keys.published();
        let mut response = Response::new(BytesBody::default());
        if has_etag(headers, &etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response.headers_mut().insert(CONTENT_LENGTH, jwks.len().into());
            if method == Method::GET {
                *response.body_mut() = BytesBody::new(jwks);
            }
        }
        response.headers_mut().insert(ETAG, etag);
        response.headers_mut().insert(CACHE_CONTROL, self.cache_control.clone());
        response
    }
}

/// Compared weakly, as `If-None-Match` asks (RFC 9110 §13.1.2).
fn has_etag(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| {
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == etag.as_bytes()
    })
}

impl<B> Service<Request<B>> for JwksService {
    type Response = Response<BytesBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.respond(request.method(), request.headers())))
    }
}
