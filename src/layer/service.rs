//! [`AuthService`]: the service that [`AuthLayer`](super::AuthLayer) makes.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::ResponseBody;
use super::config::Config;
use super::future::ResponseFuture;
use super::shards::{Handle, Shards};
use crate::credentials::mark_sensitive;
use crate::head::RequestHead;
use crate::revocation::RevocationCheck;
use crate::step::Step;
use crate::verify::TokenVerifier;

/// Authenticates each request before the inner service sees it.
pub struct AuthService<S, V, R> {
    inner: S,
    config: Handle<Config<V, R>>,
}

impl<S, V, R> AuthService<S, V, R> {
    pub(super) fn new(inner: S, shards: Arc<Shards<Config<V, R>>>) -> Self {
        Self { inner, config: Handle::All(shards) }
    }

    /// The service behind authentication.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }
}

impl<S, V, R, ReqB, ResB> Service<Request<ReqB>> for AuthService<S, V, R>
where
    S: Service<Request<ReqB>, Response = Response<ResB>> + Clone,
    V: TokenVerifier,
    R: RevocationCheck,
    ReqB: Body,
    ResB: Body<Data: From<Bytes>>,
{
    type Response = Response<ResponseBody<ResB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, V, R, ReqB>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqB>) -> Self::Future {
        let config = self.config.get();
        mark_sensitive(request.headers_mut(), config.authenticator.sensitive());
        let has_body = !request.body().is_end_stream();
        let head = RequestHead::from(&request);
        let info = config.info(&head);
        match config.authenticator.admit(&head, has_body, config.realm()) {
            Step::Now(admission) => match admission.attach(request.extensions_mut()) {
                Ok(after) => {
                    let future = self.inner.call(request);
                    ResponseFuture::calling(Arc::clone(config), info, future, after)
                }
                Err(rejection) => ResponseFuture::rejected(Arc::clone(config), info, rejection),
            },
            Step::Later(deciding) => {
                // A service that is ready may hold a permit, which no stranger's token is to keep
                // while it waits: the ready one is dropped, and a clone becomes ready once the
                // request is let through.
                let service = self.inner.clone();
                self.inner = service.clone();
                ResponseFuture::deciding(Arc::clone(config), info, deciding, service, request)
            }
        }
    }
}

impl<S: Clone, V, R> Clone for AuthService<S, V, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), config: self.config.clone() }
    }
}

impl<S: fmt::Debug, V, R> fmt::Debug for AuthService<S, V, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
