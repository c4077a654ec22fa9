//! [`AuthService`]: the service that [`AuthLayer`](super::AuthLayer) makes.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::ResponseBody;
use super::config::Config;
use super::future::ResponseFuture;
use crate::credentials::mark_sensitive;
use crate::head::RequestHead;
use crate::respond::RequestInfo;
use crate::revocation::RevocationCheck;
use crate::step::Step;
use crate::verify::TokenVerifier;

/// Authenticates each request before the inner service sees it.
pub struct AuthService<S, V, R> {
    inner: S,
    config: Arc<Config<V, R>>,
}

impl<S, V, R> AuthService<S, V, R> {
    pub(super) fn new(inner: S, config: Arc<Config<V, R>>) -> Self {
        Self { inner, config }
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
        let config = &self.config;
        let info = RequestInfo::from(&RequestHead::from(&request));
        mark_sensitive(request.headers_mut(), &config.sensitive);
        let has_body = !request.body().is_end_stream();
        match config.authenticator.authenticate(&RequestHead::from(&request), has_body) {
            Step::Now(admission) => match admission.attach(request.extensions_mut()) {
                Ok(private) => {
                    let future = self.inner.call(request);
                    ResponseFuture::calling(Arc::clone(config), info, future, private)
                }
                Err(rejection) => ResponseFuture::rejected(Arc::clone(config), info, rejection),
            },
            Step::Later(future) => {
                // The clone is for the next request; the one that was polled ready serves this.
                let next = self.inner.clone();
                let ready = mem::replace(&mut self.inner, next);
                ResponseFuture::authenticating(Arc::clone(config), info, future, ready, request)
            }
        }
    }
}

impl<S: Clone, V, R> Clone for AuthService<S, V, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), config: Arc::clone(&self.config) }
    }
}

impl<S: fmt::Debug, V, R> fmt::Debug for AuthService<S, V, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
