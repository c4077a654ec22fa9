//! [`Step`]: an answer that is there now, or comes later.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// A future in a box, for what has to wait for the network anyway.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a step on the path of a request answers.
///
/// Most steps know at once: the keys are in memory, so is the list of revoked tokens. They say
/// [`Step::Now`] and nothing is allocated, polled or cloned. Only a step that must wait for the
/// network says [`Step::Later`]. Whoever waits anyway may `.await` a step.
#[derive(Debug)]
#[must_use = "a step that nobody looks at has decided nothing"]
pub enum Step<T, F> {
    /// The answer.
    Now(T),
    /// A future that yields the answer.
    Later(F),
}

/// For callers that wait anyway: `verifier.verify(token, &head).await`.
impl<T, F: Future<Output = T>> IntoFuture for Step<T, F> {
    type Output = T;
    type IntoFuture = StepFuture<T, F>;

    fn into_future(self) -> StepFuture<T, F> {
        StepFuture {
            state: match self {
                Self::Now(answer) => State::Now { answer: Some(answer) },
                Self::Later(future) => State::Later { future },
            },
        }
    }
}

pin_project! {
    /// Resolves to the answer of a [`Step`], at once where it is there.
    #[must_use = "futures do nothing unless polled"]
    pub struct StepFuture<T, F> {
        #[pin]
        state: State<T, F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<T, F> {
        Now { answer: Option<T> },
        Later { #[pin] future: F },
    }
}

impl<T, F: Future<Output = T>> Future for StepFuture<T, F> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match self.project().state.project() {
            // `None` where it is polled after completion, against the contract of `Future`.
            StateProj::Now { answer } => answer.take().map_or(Poll::Pending, Poll::Ready),
            StateProj::Later { future } => future.poll(cx),
        }
    }
}

impl<T, F> fmt::Debug for StepFuture<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepFuture").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_step_can_be_awaited_whether_it_waits_or_not() {
        let now: Step<u8, Ready<u8>> = Step::Now(7);
        assert_eq!(async { now.await }.now_or_never(), Some(7));
        let later: Step<u8, Ready<u8>> = Step::Later(ready(8));
        assert_eq!(async { later.await }.now_or_never(), Some(8));
    }
}
