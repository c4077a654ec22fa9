//! Each protocol its own.

use bytes::Bytes;
use http::Response;

use crate::rejection::Rejection;
use crate::respond::{Challenge, EmptyBody, RequestInfo, Responder, grpc};

/// Answers gRPC and gRPC-Web requests in their own protocol, and leaves the rest to `H`.
///
/// | content type of the request | response |
/// |---|---|
/// | `application/grpc`, with `+…` or `;…` | trailers-only: 200, `grpc-status`, `grpc-message` |
/// | `application/grpc-web…` | 200, one trailer frame as the body |
/// | `application/grpc-web-text…` | the same in base64 |
/// | anything else, or none | that of `H` |
///
/// All of them carry the challenge in `WWW-Authenticate`, and the content type of the request with
/// `+proto` or `+json` where it had that. `UNAVAILABLE` carries `grpc-retry-pushback-ms` where it
/// is known when to try again.
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct Auto<H = EmptyBody> {
    http: H,
}

impl<H: Responder> Auto<H> {
    /// With this responder for requests that are not gRPC.
    pub const fn new(http: H) -> Self {
        Self { http }
    }
}

impl<H: Responder> Responder for Auto<H> {
    fn respond(
        &self,
        rejection: &Rejection,
        request: &RequestInfo,
        challenge: &Challenge,
    ) -> Response<Bytes> {
        grpc::respond(rejection, request, challenge)
            .unwrap_or_else(|| self.http.respond(rejection, request, challenge))
    }
}
