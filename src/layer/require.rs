//! [`RequireLayer`]: a guard around a service.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::body::ResponseBody;
use super::render::undecorated;
use super::requirement::{ByHead, Requirement};
use crate::authenticate::Authentication;
use crate::guard::Guard;
use crate::head::RequestHead;
use crate::rejection::Rejection;
use crate::respond::RequestInfo;

/// Lets through whom its guard lets through.
///
/// It has to be inside an [`AuthLayer`](super::AuthLayer); without one, every request is
/// answered 500 and the log says why. A CORS preflight that the `AuthLayer` let pass is answered 401
/// here: had a CORS layer been on its way, it would have answered it before.
///
/// ```
/// use tower_bearer::guard::{all, role, scope};
/// use tower_bearer::layer::RequireLayer;
///
/// let layer = RequireLayer::new(all((scope("orders:write"), role("clerk"))));
/// # let _ = layer;
/// ```
#[must_use = "a layer does nothing until it is put around a service"]
#[doc(alias("authorize", "permission", "rbac", "middleware"))]
pub struct RequireLayer<G> {
    guard: Arc<G>,
}

impl<G: Guard> RequireLayer<G> {
    /// Requires that this guard lets a request's sender pass.
    pub fn new(guard: G) -> Self {
        Self { guard: Arc::new(guard) }
    }
}

impl<F> RequireLayer<F> {
    /// Requires the guard that the closure makes for each request by its head: scopes by the
    /// method's path, for gRPC.
    ///
    /// There is no guard that lets in who has no token. What is open to everyone stands beside the
    /// layers, not behind them: with tonic, put them around one service by
    /// `tonic::service::LayerExt::named_layer`.
    ///
    /// ```
    /// use tower_bearer::guard::{all, authenticated, role, scope, Guard};
    /// use tower_bearer::layer::RequireLayer;
    ///
    /// let layer = RequireLayer::by(|head| match head.uri().path() {
    ///     "/orders.Orders/List" => scope("orders:read").shared(),
    ///     "/orders.Orders/Cancel" => all((scope("orders:write"), role("clerk"))).shared(),
    ///     _ => scope("orders:admin").shared(),
    /// });
    /// # let _ = (layer, authenticated());
    /// ```
    pub fn by<G: Guard>(guard: F) -> RequireLayer<ByHead<F, G>>
    where
        F: Fn(&RequestHead<'_>) -> G + Send + Sync + 'static,
    {
        RequireLayer { guard: Arc::new(ByHead::new(guard)) }
    }
}

impl<S, G> Layer<S> for RequireLayer<G> {
    type Service = RequireService<S, G>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireService { inner, guard: Arc::clone(&self.guard) }
    }
}

/// The service that [`RequireLayer`] makes.
pub struct RequireService<S, G> {
    inner: S,
    guard: Arc<G>,
}

impl<S, G: Requirement> RequireService<S, G> {
    fn check<B>(&self, request: &Request<B>) -> Result<(), Rejection> {
        let principal = Authentication::of(request.extensions())?.principal()?;
        self.guard.check_request(principal, &RequestHead::from(request))
    }
}

impl<S, G, ReqB, ResB> Service<Request<ReqB>> for RequireService<S, G>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
    G: Requirement,
    ResB: Body<Data: From<Bytes>>,
{
    type Response = Response<ResponseBody<ResB>>;
    type Error = S::Error;
    type Future = RequireFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        match self.check(&request) {
            Ok(()) => RequireFuture { state: State::Calling { future: self.inner.call(request) } },
            Err(rejection) => {
                let info = RequestInfo::from(&RequestHead::from(&request));
                RequireFuture { state: State::Denied { denied: Some((rejection, info)) } }
            }
        }
    }
}

pin_project! {
    /// Resolves to the inner service's response, or to a rejection.
    #[must_use = "futures do nothing unless polled"]
    pub struct RequireFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Calling { #[pin] future: F },
        Denied { denied: Option<(Rejection, RequestInfo)> },
    }
}

impl<F, B, E> Future for RequireFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Calling { future } => {
                let response = ready!(future.poll(cx))?;
                Poll::Ready(Ok(response.map(ResponseBody::service)))
            }
            StateProj::Denied { denied } => match denied.take() {
                Some((rejection, info)) => Poll::Ready(Ok(undecorated(rejection, info))),
                // Polled after completion, against the contract of `Future`.
                None => Poll::Pending,
            },
        }
    }
}

impl<G> Clone for RequireLayer<G> {
    fn clone(&self) -> Self {
        Self { guard: Arc::clone(&self.guard) }
    }
}

impl<S: Clone, G> Clone for RequireService<S, G> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), guard: Arc::clone(&self.guard) }
    }
}

impl<G> fmt::Debug for RequireLayer<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireLayer").finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, G> fmt::Debug for RequireService<S, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for RequireFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireFuture").finish_non_exhaustive()
    }
}
