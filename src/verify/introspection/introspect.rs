//! [`Introspection`]: the verifier of tokens that only their issuer can read.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_timer::Delay;
use serde::de::DeserializeOwned;

use super::builder::{At, IntrospectionBuilder};
use super::endpoint::retry;
use super::inquiry::{Answer, Flight, Inquiry, Known, late};
use super::response::unavailable;
use crate::claims::TokenHandle;
use crate::credentials::BearerToken;
use crate::fetch::Fetch;
use crate::head::RequestHead;
use crate::rejection::Rejection;
use crate::step::Step;
use crate::verify::{TokenVerifier, Verified};

/// Verifies tokens by asking their issuer
/// ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)), and reads what it answers into `C`.
///
/// Made with [`Introspection::builder`]; the [module](crate::verify::introspection) has the rules. It is one `Arc`: cheap to
/// clone, and clones share what is remembered.
#[doc(alias("opaque", "reference token", "rfc7662"))]
pub struct Introspection<C> {
    inquiry: Arc<Inquiry<C>>,
}

impl<C> Introspection<C> {
    /// Starts building: asks at this URL, through this HTTP client. How this service authenticates
    /// itself there and the audience have to be decided on.
    pub fn builder(endpoint: impl Into<String>, fetch: impl Fetch) -> IntrospectionBuilder<C> {
        IntrospectionBuilder::new(At::Url(endpoint.into()), Arc::new(fetch))
    }

    /// The same, at the endpoint that the issuer's metadata name as `introspection_endpoint`
    /// ([RFC 8414 §2](https://www.rfc-editor.org/rfc/rfc8414#section-2), or OpenID Connect Discovery).
    /// They are asked for with the first token, and again after an hour; the `issuer` in them is
    /// compared exactly. To require it of tokens, too, call
    /// [`issuer`](IntrospectionBuilder::issuer).
    pub fn discover(issuer: impl Into<String>, fetch: impl Fetch) -> IntrospectionBuilder<C> {
        IntrospectionBuilder::new(At::Issuer(issuer.into()), Arc::new(fetch))
    }

    pub(super) fn new(inquiry: Inquiry<C>) -> Self {
        Self { inquiry: Arc::new(inquiry) }
    }

    /// Forgets what is remembered of one token, an answer under way included: for a logout that
    /// revokes it at the issuer ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)). Takes effect at
    /// once in this process only.
    pub fn forget(&self, token: &BearerToken) {
        self.inquiry.forget(token);
    }

    /// Forgets everything that is remembered, answers under way included.
    pub fn clear(&self) {
        self.inquiry.clear();
    }

    /// Judges the times, which pass while an answer is remembered.
    fn judge(&self, answer: Answer<C>, bearer: BearerToken) -> Result<Verified<C>, Rejection> {
        let token = answer?;
        let at = self.inquiry.clock.now();
        self.inquiry.rules.check_times(&token.registered, at)?;
        let origin = bearer.origin();
        let verified = Verified::new(TokenHandle::presented(token, bearer), at, origin);
        Ok(verified.waiving_proof(self.inquiry.rules.bound_accepted))
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> TokenVerifier for Introspection<C> {
    type Claims = C;
    type Future = IntrospectionFuture<C>;

    fn verify(
        &self,
        token: BearerToken,
        _head: &RequestHead<'_>,
    ) -> Step<Result<Verified<C>, Rejection>, IntrospectionFuture<C>> {
        match self.inquiry.look_up(&token, self.inquiry.clock.now()) {
            Known::Answer(answer) => Step::Now(self.judge(answer, token)),
            Known::Asked(flight) => {
                let deadline = Delay::new(self.inquiry.endpoint.timeout);
                let introspection = self.clone();
                Step::Later(IntrospectionFuture {
                    flight,
                    deadline,
                    bearer: Some(token),
                    introspection,
                })
            }
        }
    }
}

/// Waits for what the endpoint answers.
#[must_use = "futures do nothing unless polled"]
pub struct IntrospectionFuture<C> {
    flight: Flight<C>,
    /// Of this request alone: others may have asked before, on runtimes that do not run.
    deadline: Delay,
    /// `None` once it has been answered.
    bearer: Option<BearerToken>,
    introspection: Introspection<C>,
}

impl<C> Future for IntrospectionFuture<C> {
    type Output = Result<Verified<C>, Rejection>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.bearer.is_none() {
            // Polled after completion, against the contract of `Future`: fail closed.
            return Poll::Pending;
        }
        let landed = match Pin::new(&mut self.flight).poll(cx) {
            Poll::Ready(landed) => landed,
            Poll::Pending => {
                ready!(Pin::new(&mut self.deadline).poll(cx));
                self.bearer = None;
                return Poll::Ready(Err(retry(late())));
            }
        };
        // No answer: the HTTP client panicked, or the runtime shuts down.
        let lost =
            || retry(unavailable("the question to the introspection endpoint came to nothing"));
        let answer = landed.unwrap_or_else(|_| Err(lost()));
        let Some(bearer) = self.bearer.take() else { return Poll::Pending };
        Poll::Ready(self.introspection.judge(answer, bearer))
    }
}

impl<C> Clone for Introspection<C> {
    fn clone(&self) -> Self {
        Self { inquiry: Arc::clone(&self.inquiry) }
    }
}

impl<C> fmt::Debug for Introspection<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("client", &self.inquiry.endpoint.client)
            .field("limits", &self.inquiry.limits)
            .finish_non_exhaustive()
    }
}

impl<C> fmt::Debug for IntrospectionFuture<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionFuture").finish_non_exhaustive()
    }
}
