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
use super::render::{Renderer, pending};
use super::shards::Shard;
use crate::authenticate::{AfterEffects, Deciding};
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
        config: Arc<Shard<Config<V, R>>>,
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
        Deciding {
            #[pin]
            deciding: Deciding<V, R>,
            call: Option<(S, Request<ReqB>)>,
        },
        // The request was let through, and its service is not ready yet.
        Readying {
            call: Option<(S, Request<ReqB>)>,
            after: AfterEffects,
        },
        Calling {
            #[pin]
            future: S::Future,
            after: AfterEffects,
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
        config: Arc<Shard<Config<V, R>>>,
        info: RequestInfo,
        future: S::Future,
        after: AfterEffects,
    ) -> Self {
        Self { state: State::Calling { future, after }, config, info }
    }

    pub(super) fn rejected(
        config: Arc<Shard<Config<V, R>>>,
        info: RequestInfo,
        rejection: Rejection,
    ) -> Self {
        Self { state: State::Rejected { rejection: Some(rejection) }, config, info }
    }

    /// The service need not be ready yet.
    pub(super) fn deciding(
        config: Arc<Shard<Config<V, R>>>,
        info: RequestInfo,
        deciding: Deciding<V, R>,
        service: S,
        request: Request<ReqB>,
    ) -> Self {
        let call = Some((service, request));
        Self { state: State::Deciding { deciding, call }, config, info }
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
                StateProj::Deciding { deciding, call } => {
                    let config = &**this.config;
                    let admission =
                        ready!(deciding.poll(cx, &config.authenticator, config.realm()));
                    // Polled after completion, against the contract of `Future`.
                    let Some((service, mut request)) = call.take() else {
                        return Poll::Pending;
                    };
                    let next = match admission.attach(request.extensions_mut()) {
                        Ok(after) => State::Readying { call: Some((service, request)), after },
                        Err(rejection) => State::Rejected { rejection: Some(rejection) },
                    };
                    this.state.set(next);
                }
                StateProj::Readying { call, after } => {
                    let after = *after;
                    if let Some((service, _)) = call {
                        ready!(service.poll_ready(cx))?;
                    }
                    let Some((mut service, request)) = call.take() else {
                        return Poll::Pending;
                    };
                    let future = service.call(request);
                    this.state.set(State::Calling { future, after });
                }
                StateProj::Calling { future, after } => {
                    let mut response = ready!(future.poll(cx))?;
                    let mut response = match pending(&mut response) {
                        None => response.map(ResponseBody::service),
                        Some(rejection) => {
                            this.config.denied(&rejection);
                            renderer().redo(response, rejection)
                        }
                    };
                    this.config.authenticator.finish(*after, response.headers_mut());
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
