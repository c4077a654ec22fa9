//! What stands behind every middleware: a service that reads `sub` and answers 200.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::task::{Context, Poll};

use axum::body::Body;
use http::{Extensions, Request, Response};
use tower::Service;

thread_local! {
    // A handler would use the claims for something; here they are copied to where they can be
    // looked at, without an allocation that would have to be subtracted again.
    static SEEN: RefCell<String> = const { RefCell::new(String::new()) };
}

/// How a peer's users get at `sub` of a request.
pub(crate) type ReadSubject = fn(&Extensions) -> Option<&str>;

/// The innermost service. Its response body is of whatever type the layer around it wants.
pub(crate) struct Inner<R = Body> {
    subject: ReadSubject,
    body: PhantomData<fn() -> R>,
}

impl<R> Inner<R> {
    pub(crate) fn new(subject: ReadSubject) -> Self {
        Self { subject, body: PhantomData }
    }
}

impl<R> Clone for Inner<R> {
    fn clone(&self) -> Self {
        Self::new(self.subject)
    }
}

impl<R: Default> Service<Request<Body>> for Inner<R> {
    type Response = Response<R>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let subject = (self.subject)(request.extensions());
        ready(Ok(answer(&request, subject)))
    }
}

/// The answer to a request of this subject. Peers that are no layer come here by themselves.
pub(crate) fn answer<R: Default>(_: &Request<Body>, subject: Option<&str>) -> Response<R> {
    SEEN.with_borrow_mut(|seen| {
        seen.clear();
        seen.push_str(subject.unwrap_or_default());
    });
    Response::new(R::default())
}

/// Who the last request was from that reached the innermost service of this thread.
pub(crate) fn take_seen() -> Option<String> {
    let seen = SEEN.with_borrow_mut(std::mem::take);
    (!seen.is_empty()).then_some(seen)
}
