//! [`Checks`]: verification and revocation as one step, and what it waits for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::log::Log;
use crate::claims::Claims;
use crate::credentials::BearerToken;
use crate::head::RequestHead;
use crate::rejection::{Rejection, RejectionKind};
use crate::revocation::{
    Identifiers, OnOutage, RevocationCheck, RevocationStatus, StoreError, TokenIdentity,
};
use crate::step::Step;
use crate::verify::{TokenVerifier, Verified};

/// What every token goes through, wherever it was found.
pub(super) struct Checks<V, R> {
    pub(super) verifier: V,
    pub(super) revocation: Arc<R>,
    /// Identifiers that a token may lack although the revocation check asks for them.
    pub(super) may_lack: Identifiers,
    pub(super) on_outage: OnOutage,
    pub(super) log: Arc<Log>,
}

/// Proof that revocation was asked, and said no; or that the operator chose not to ask.
struct NotRevoked(());

type Judged<V> = Result<Claims<<V as TokenVerifier>::Claims>, Rejection>;

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

impl<V: TokenVerifier, R: RevocationCheck> Checks<V, R> {
    #[inline]
    pub(super) fn run(
        &self,
        token: BearerToken,
        head: &RequestHead<'_>,
    ) -> Step<Judged<V>, Waiting<V, R>> {
        match self.verifier.verify(token, head) {
            Step::Now(verified) => self.verified(verified),
            Step::Later(future) => Step::Later(Waiting::Verifying { future }),
        }
    }

    fn verified(
        &self,
        verified: Result<Verified<V::Claims>, Rejection>,
    ) -> Step<Judged<V>, Waiting<V, R>> {
        let verified = match verified {
            Ok(verified) => verified,
            Err(rejection) => return Step::Now(Err(rejection)),
        };
        let identity = TokenIdentity::from(verified.registered());
        let missing = self.revocation.required().missing_from(&identity);
        if !self.may_lack.contains(missing) {
            let reason = "the token lacks an identifier that the revocation check requires";
            let rejection = Rejection::new(RejectionKind::MissingIdentifier, reason)
                .with_source(format!("the token has no {missing}"));
            return Step::Now(Err(rejection));
        }
        match self.revocation.check(&identity) {
            Step::Now(status) => Step::Now(self.checked(verified, status)),
            Step::Later(future) => {
                Step::Later(Waiting::Checking { future, verified: Some(verified) })
            }
        }
    }

    fn checked(
        &self,
        verified: Verified<V::Claims>,
        status: Result<RevocationStatus, StoreError>,
    ) -> Judged<V> {
        match status {
            Ok(RevocationStatus::Active) => Ok(clear(verified, NotRevoked(()))),
            Ok(RevocationStatus::Revoked) => {
                let reason = "the token, its session or its subject's tokens were revoked";
                Err(Rejection::new(RejectionKind::Revoked, reason))
            }
            Err(error) => {
                let reason = "the revocation store cannot be asked at present";
                let rejection =
                    Rejection::new(RejectionKind::RevocationUnavailable, reason).with_source(error);
                match self.on_outage {
                    OnOutage::Reject => Err(rejection),
                    OnOutage::AcceptUnchecked => {
                        self.log.accepted_unchecked(&rejection);
                        Ok(clear(verified, NotRevoked(())))
                    }
                }
            }
        }
    }
}

impl<V: TokenVerifier, R: RevocationCheck> Waiting<V, R> {
    /// Goes on where [`Checks::run`] had to wait. The checks are borrowed: a future that holds the
    /// configuration need not hold it twice.
    pub(super) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        checks: &Checks<V, R>,
    ) -> Poll<Judged<V>> {
        loop {
            match self.as_mut().project() {
                WaitingProj::Verifying { future } => {
                    let verified = ready!(future.poll(cx));
                    match checks.verified(verified) {
                        Step::Now(judged) => return Poll::Ready(judged),
                        Step::Later(next) => self.set(next),
                    }
                }
                WaitingProj::Checking { future, verified } => {
                    let status = ready!(future.poll(cx));
                    // `None` where it is polled after completion, against the contract of `Future`.
                    return verified.take().map_or(Poll::Pending, |verified| {
                        Poll::Ready(checks.checked(verified, status))
                    });
                }
            }
        }
    }
}

/// The only way from a verified token to claims.
fn clear<C>(verified: Verified<C>, _: NotRevoked) -> Claims<C> {
    let (token, at, origin) = verified.into_parts();
    Claims::new(token, at, origin)
}

impl<V: Clone, R> Clone for Checks<V, R> {
    fn clone(&self) -> Self {
        Self {
            verifier: self.verifier.clone(),
            revocation: Arc::clone(&self.revocation),
            may_lack: self.may_lack,
            on_outage: self.on_outage,
            log: Arc::clone(&self.log),
        }
    }
}
