//! The seam for your own responses.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;

use crate::rejection::Rejection;
use crate::respond::{Challenge, RequestInfo};

/// Renders a rejection.
///
/// [`from_fn`] makes one of a closure. It should start from what is already there, so that status
/// and challenge stay right:
///
/// ```
/// use bytes::Bytes;
/// use http::HeaderValue;
/// use tower_bearer::respond::{Auto, EmptyBody, Responder, from_fn};
///
/// let html = from_fn(|rejection, request, challenge| {
///     let mut response = EmptyBody.respond(rejection, request, challenge);
///     let html = HeaderValue::from_static("text/html; charset=utf-8");
///     response.headers_mut().insert("content-type", html);
///     *response.body_mut() = Bytes::from_static(b"<h1>Please sign in</h1>");
///     response
/// });
/// let responder = Auto::new(html);
/// # fn is_responder(_: impl Responder) {}
/// # is_responder(responder);
/// ```
///
/// Only [`Rejection::kind`] and its fixed
/// [`description`](crate::rejection::RejectionKind::description) are meant for the client; the
/// reason and the source are not.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no responder",
    label = "expected a `Responder`",
    note = "a closure is wrapped: `respond::from_fn(|rejection, request, challenge| ..)`"
)]
pub trait Responder: Send + Sync + 'static {
    /// The response for this rejection.
    ///
    /// A status of 401 needs a `WWW-Authenticate`
    /// ([RFC 9110 §15.5.2](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2)), for which the
    /// challenge writes.
    fn respond(
        &self,
        rejection: &Rejection,
        request: &RequestInfo,
        challenge: &Challenge,
    ) -> Response<Bytes>;
}

/// A responder by a closure, whose arguments then need no types.
#[must_use]
pub fn from_fn<F>(respond: F) -> impl Responder + Clone
where
    F: Fn(&Rejection, &RequestInfo, &Challenge) -> Response<Bytes> + Clone + Send + Sync + 'static,
{
    respond
}

impl<F> Responder for F
where
    F: Fn(&Rejection, &RequestInfo, &Challenge) -> Response<Bytes> + Send + Sync + 'static,
{
    fn respond(
        &self,
        rejection: &Rejection,
        request: &RequestInfo,
        challenge: &Challenge,
    ) -> Response<Bytes> {
        self(rejection, request, challenge)
    }
}

impl<T: Responder + ?Sized> Responder for Arc<T> {
    fn respond(
        &self,
        rejection: &Rejection,
        request: &RequestInfo,
        challenge: &Challenge,
    ) -> Response<Bytes> {
        (**self).respond(rejection, request, challenge)
    }
}

impl Responder for Box<dyn Responder> {
    fn respond(
        &self,
        rejection: &Rejection,
        request: &RequestInfo,
        challenge: &Challenge,
    ) -> Response<Bytes> {
        (**self).respond(rejection, request, challenge)
    }
}
