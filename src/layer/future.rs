//! [`ResponseFuture`]: authentication if it has to wait, then the inner service's answer.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::ResponseBody;
use super::config::Config;
use super::render::{Renderer, keep_from_shared_caches, pending};
use crate::authenticate::AuthenticateFuture;
use crate::rejection::Rejection;
use crate::respond::RequestInfo;
use crate::revocation::RevocationCheck;
use crate::verify::TokenVerifier;

pin_project! {
    /// Resolves to the inner service's response, or to a rejection.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, V, R, ReqB>
    where
        S: Service<Request<ReqB>>,
        V: TokenVerifier,
        R: RevocationCheck,
    {
        #[pin]
        state: State<S, V, R, ReqB>,
        config: Arc<Config<V, R>>,
        info: RequestInfo,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, V, R, ReqB>
    where
        S: Service<Request<ReqB>>,
        V: TokenVerifier,
        R: RevocationCheck,
    {
        Authenticating {
            #[pin]
            future: AuthenticateFuture<V, R>,
            call: Option<(S, Request<ReqB>)>,
        },
        Calling {
            #[pin]
            future: S::Future,
            // Whether shared caches must not keep the response.
            private: bool,
        },
        Rejected {
            rejection: Option<Rejection>,
        },
    }
}

impl<S, V, R, ReqB> ResponseFuture<S, V, R, ReqB>
where
    S: Service<Request<ReqB>>,
    V: TokenVerifier,
    R: RevocationCheck,
{
    pub(super) fn calling(
        config: Arc<Config<V, R>>,
        info: RequestInfo,
        future: S::Future,
        private: bool,
    ) -> Self {
        Self { state: State::Calling { future, private }, config, info }
    }

    pub(super) fn rejected(
        config: Arc<Config<V, R>>,
        info: RequestInfo,
        rejection: Rejection,
    ) -> Self {
        Self { state: State::Rejected { rejection: Some(rejection) }, config, info }
    }

    pub(super) fn authenticating(
        config: Arc<Config<V, R>>,
        info: RequestInfo,
        future: AuthenticateFuture<V, R>,
        ready: S,
        request: Request<ReqB>,
    ) -> Self {
        let call = Some((ready, request));
        Self { state: State::Authenticating { future, call }, config, info }
    }
}

impl<S, V, R, ReqB, ResB> Future for ResponseFuture<S, V, R, ReqB>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
    V: TokenVerifier,
    R: RevocationCheck,
    ResB: Body<Data: From<Bytes>>,
{
    type Output = Result<Response<ResponseBody<ResB>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let renderer = || Renderer {
            info: *this.info,
            challenge: &this.config.challenge,
            responder: &*this.config.responder,
        };
        loop {
            match this.state.as_mut().project() {
                StateProj::Authenticating { future, call } => {
                    let admission = ready!(future.poll(cx));
                    // Polled after completion, against the contract of `Future`.
                    let Some((mut service, mut request)) = call.take() else {
                        return Poll::Pending;
                    };
                    match admission.attach(request.extensions_mut()) {
                        Ok(private) => {
                            let future = service.call(request);
                            this.state.set(State::Calling { future, private });
                        }
                        Err(rejection) => {
                            this.state.set(State::Rejected { rejection: Some(rejection) });
                        }
                    }
                }
                StateProj::Calling { future, private } => {
                    let mut response = ready!(future.poll(cx))?;
                    let mut response = match pending(&mut response) {
                        None => response.map(ResponseBody::service),
                        Some(rejection) => {
                            this.config.authenticator.denied(&rejection);
                            renderer().redo(response, rejection)
                        }
                    };
                    // Last, for rendering anew replaces `Cache-Control`.
                    if *private {
                        keep_from_shared_caches(response.headers_mut());
                    }
                    return Poll::Ready(Ok(response));
                }
                StateProj::Rejected { rejection } => {
                    let Some(rejection) = rejection.take() else {
                        return Poll::Pending;
                    };
                    return Poll::Ready(Ok(renderer().render(rejection)));
                }
            }
        }
    }
}

impl<S, V, R, ReqB> fmt::Debug for ResponseFuture<S, V, R, ReqB>
where
    S: Service<Request<ReqB>>,
    V: TokenVerifier,
    R: RevocationCheck,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
