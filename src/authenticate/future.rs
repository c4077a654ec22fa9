//! [`AuthenticateFuture`]: authentication that has to wait for keys or for a store.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use pin_project_lite::pin_project;

use super::admission::Admission;
use super::authenticator::Authenticator;
use crate::revocation::RevocationCheck;
use crate::step::Step;
use crate::verify::{TokenVerifier, Verified};

pin_project! {
    /// Resolves to the decision on a request.
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct AuthenticateFuture<V: TokenVerifier, R: RevocationCheck> {
        #[pin]
        waiting: Waiting<V, R>,
        authenticator: Authenticator<V, R>,
        started: Option<Instant>,
    }
}

pin_project! {
    /// What is being waited for.
    #[project = WaitingProj]
    pub(super) enum Waiting<V: TokenVerifier, R: RevocationCheck> {
        Verifying {
            #[pin]
            future: V::Future,
        },
        Checking {
            #[pin]
            future: R::Future,
            verified: Option<Verified<V::Claims>>,
        },
    }
}

impl<V: TokenVerifier, R: RevocationCheck> AuthenticateFuture<V, R> {
    pub(super) fn new(
        waiting: Waiting<V, R>,
        authenticator: Authenticator<V, R>,
        started: Option<Instant>,
    ) -> Self {
        Self { waiting, authenticator, started }
    }
}

impl<V: TokenVerifier, R: RevocationCheck> Future for AuthenticateFuture<V, R> {
    type Output = Admission<V::Claims>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let admission = loop {
            match this.waiting.as_mut().project() {
                WaitingProj::Verifying { future } => {
                    let verified = ready!(future.poll(cx));
                    match this.authenticator.verified(verified) {
                        Step::Now(admission) => break admission,
                        Step::Later(next) => this.waiting.set(next),
                    }
                }
                WaitingProj::Checking { future, verified } => {
                    let status = ready!(future.poll(cx));
                    match verified.take() {
                        Some(verified) => break this.authenticator.checked(verified, status),
                        // Polled after completion, against the contract of `Future`.
                        None => return Poll::Pending,
                    }
                }
            }
        };
        Poll::Ready(this.authenticator.decided(admission, *this.started))
    }
}
