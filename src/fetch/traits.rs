//! [`Fetch`]: one request, one response.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

use super::error::FetchError;
use super::limits::FetchLimits;
use crate::step::BoxFuture;

/// Sends requests to identity providers.
///
/// ```
/// use bytes::Bytes;
/// use tower_bearer::fetch::{Fetch, FetchError, FetchErrorKind, FetchLimits};
/// use tower_bearer::step::BoxFuture;
///
/// /// Lets nothing out.
/// struct Offline;
///
/// impl Fetch for Offline {
///     fn fetch(
///         &self,
///         _request: http::Request<Bytes>,
///         _limits: FetchLimits,
///     ) -> BoxFuture<'static, Result<http::Response<Bytes>, FetchError>> {
///         Box::pin(async { Err(FetchError::new(FetchErrorKind::Transport)) })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not send requests",
    note = "use `ReqwestFetch` (feature `reqwest`), or implement `Fetch` over your HTTP client"
)]
pub trait Fetch: Send + Sync + 'static {
    /// Sends the request and collects the response.
    ///
    /// It must not follow redirects: the answer to one is the redirect itself. It must stop reading
    /// at `limits.max_body` bytes with an error, and give up after `limits.timeout`. It must not
    /// decompress a body, unless it counts the bytes that come out. The request may hold
    /// credentials: it must not be logged. The future is polled on a tokio runtime.
    fn fetch(
        &self,
        request: Request<Bytes>,
        limits: FetchLimits,
    ) -> BoxFuture<'static, Result<Response<Bytes>, FetchError>>;
}

impl<T: Fetch + ?Sized> Fetch for Arc<T> {
    fn fetch(
        &self,
        request: Request<Bytes>,
        limits: FetchLimits,
    ) -> BoxFuture<'static, Result<Response<Bytes>, FetchError>> {
        (**self).fetch(request, limits)
    }
}
