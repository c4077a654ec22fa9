//! What a client is told: a [`Responder`] turns a [`Rejection`](crate::rejection::Rejection) into
//! a response, in the protocol that the request speaks.
//!
//! | kind | HTTP | `WWW-Authenticate` | gRPC |
//! |---|---|---|---|
//! | no token | 401 | realm, no `error` | 16 |
//! | ill-formed or repeated credentials | 400 | `invalid_request` | 16 |
//! | invalid, expired or inactive token | 401 | `invalid_token` | 16 |
//! | DPoP proof missing or wrong | 401 | `invalid_dpop_proof` in the `DPoP` challenge | 16 |
//! | DPoP nonce wanted | 401 | `use_dpop_nonce` in the `DPoP` challenge, and `DPoP-Nonce` | 16 |
//! | scope missing | 403 | `insufficient_scope` and the scopes | 7 |
//! | another guard denied | 403 | none | 7 |
//! | token in a cookie, request of another site | 403 | none | 7 |
//! | authentication too old or too weak | 401 | `insufficient_user_authentication` | 16 |
//! | keys, revocation store, introspection or replay memory unreachable | 503, `Retry-After` if known | none | 14 |
//! | service misconfigured | 500 | none | 13 |
//!
//! 1. A request with content type `application/grpc` gets HTTP 200 and a trailers-only response;
//!    one with `application/grpc-web` or `application/grpc-web-text` gets its trailers in the body,
//!    where browsers can read them. [`Auto`] chooses, and [`EmptyBody`] or [`ProblemJson`] answers
//!    the rest.
//! 2. The texts are fixed or come from the configuration; nothing of the request, and nothing that
//!    only the operator should know, is ever sent.
//! 3. No `Cache-Control` is set: caches do not store 400, 401, 403, 500 and 503, nor responses to
//!    `POST`, unless told that they may
//!    ([RFC 9111 §3](https://www.rfc-editor.org/rfc/rfc9111#section-3)).
//! 4. Behind a CORS layer, scripts of other origins see the challenge only if the layer exposes
//!    `WWW-Authenticate` (`Access-Control-Expose-Headers`).
//!
//! ```
//! use http::{Request, StatusCode};
//! use tower_bearer::head::RequestHead;
//! use tower_bearer::rejection::{Rejection, RejectionKind};
//! use tower_bearer::respond::{Auto, Challenge, ProblemJson, RequestInfo, Responder};
//!
//! let responder = Auto::new(ProblemJson::new());
//! let challenge = Challenge::new().realm("orders");
//! let rejection = Rejection::from(RejectionKind::Expired);
//!
//! let request = Request::get("/orders").body(())?;
//! let info = RequestInfo::from(&RequestHead::from(&request));
//! let response = responder.respond(&rejection, &info, &challenge);
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! assert_eq!(
//!     response.headers()["www-authenticate"],
//!     "Bearer realm=\"orders\", error=\"invalid_token\", \
//!      error_description=\"The access token expired\"",
//! );
//!
//! let request = Request::post("/orders.v1/List")
//!     .header("content-type", "application/grpc")
//!     .body(())?;
//! let info = RequestInfo::from(&RequestHead::from(&request));
//! let response = responder.respond(&rejection, &info, &challenge);
//! assert_eq!(response.status(), StatusCode::OK);
//! assert_eq!(response.headers()["grpc-status"], "16");
//! # Ok::<(), http::Error>(())
//! ```

mod auto;
mod bytes_body;
mod challenge;
mod empty;
mod grpc;
mod params;
mod problem;
mod request_info;
mod responder;

#[cfg(test)]
mod tests;

pub use auto::Auto;
pub use bytes_body::BytesBody;
#[cfg(feature = "issuer")]
pub(crate) use bytes_body::json_response;
pub use challenge::Challenge;
pub use empty::EmptyBody;
pub use problem::ProblemJson;
pub use request_info::{Protocol, RequestInfo};
pub use responder::{Responder, from_fn};
