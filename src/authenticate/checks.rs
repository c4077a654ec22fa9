//! [`Checks`]: verification, proof and revocation as one step, and what it waits for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::log::Log;
use crate::bound::{Claiming, KeptHead, Proof, Sender};
use crate::claims::{Claims, Proven};
use crate::credentials::BearerToken;
use crate::head::RequestHead;
use crate::rejection::{Rejection, RejectionKind};
use crate::revocation::{
    Identifiers, OnOutage, RevocationCheck, RevocationStatus, StoreError, TokenIdentity,
};
use crate::step::Step;
use crate::verify::{TokenVerifier, Verified, bound};

/// What every token goes through, wherever it was found.
pub(super) struct Checks<V, R> {
    pub(super) verifier: V,
    pub(super) revocation: Arc<R>,
    /// Identifiers that a token may lack although the revocation check asks for them.
    pub(super) may_lack: Identifiers,
    pub(super) on_outage: OnOutage,
    /// What senders have to prove; `None` if no bound token is accepted.
    pub(super) sender: Option<Arc<Sender>>,
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
            head: Option<Box<KeptHead>>,
        },
        Checking {
            #[pin]
            future: R::Future,
            verified: Option<(Verified<V::Claims>, Proof)>,
        },
        Claiming {
            future: Claiming,
            verified: Option<(Verified<V::Claims>, NotRevoked, Proven)>,
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
            Step::Now(verified) => self.verified(verified, head),
            Step::Later(future) => {
                let head = self.sender.as_ref().map(|_| KeptHead::of(head));
                Step::Later(Waiting::Verifying { future, head })
            }
        }
    }

    fn verified(
        &self,
        verified: Result<Verified<V::Claims>, Rejection>,
        head: &RequestHead<'_>,
    ) -> Step<Judged<V>, Waiting<V, R>> {
        let verified = match verified {
            Ok(verified) => verified,
            Err(rejection) => return Step::Now(Err(rejection)),
        };
        let proof = match &self.sender {
            Some(sender) => match sender.prove(&verified, head) {
                Ok(proof) => proof,
                Err(rejection) => return Step::Now(Err(rejection)),
            },
            None if verified.to_be_proven().is_some() => return Step::Now(Err(bound())),
            None => Proof::none(),
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
            Step::Now(status) => self.checked(verified, proof, status),
            Step::Later(future) => {
                Step::Later(Waiting::Checking { future, verified: Some((verified, proof)) })
            }
        }
    }

    fn checked(
        &self,
        verified: Verified<V::Claims>,
        proof: Proof,
        status: Result<RevocationStatus, StoreError>,
    ) -> Step<Judged<V>, Waiting<V, R>> {
        match self.not_revoked(status) {
            Ok(not_revoked) => used_once(verified, not_revoked, proof),
            Err(rejection) => Step::Now(Err(rejection)),
        }
    }

    fn not_revoked(
        &self,
        status: Result<RevocationStatus, StoreError>,
    ) -> Result<NotRevoked, Rejection> {
        match status {
            Ok(RevocationStatus::Active) => Ok(NotRevoked(())),
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
                        Ok(NotRevoked(()))
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
                WaitingProj::Verifying { future, head } => {
                    let verified = ready!(future.poll(cx));
                    let head = head.take();
                    let head = match &head {
                        Some(head) => head.head(),
                        None => RequestHead::empty(),
                    };
                    match checks.verified(verified, &head) {
                        Step::Now(judged) => return Poll::Ready(judged),
                        Step::Later(next) => self.set(next),
                    }
                }
                WaitingProj::Checking { future, verified } => {
                    let status = ready!(future.poll(cx));
                    // `None` where it is polled after completion, against the contract of `Future`.
                    let Some((verified, proof)) = verified.take() else { return Poll::Pending };
                    match checks.checked(verified, proof, status) {
                        Step::Now(judged) => return Poll::Ready(judged),
                        Step::Later(next) => self.set(next),
                    }
                }
                WaitingProj::Claiming { future, verified } => {
                    let answer = ready!(future.as_mut().poll(cx));
                    let Some((verified, not_revoked, proven)) = verified.take() else {
                        return Poll::Pending;
                    };
                    let proven = Proof::claimed(proven, answer);
                    return Poll::Ready(proven.map(|proven| clear(verified, not_revoked, proven)));
                }
            }
        }
    }
}

/// The last step: whether the proof, if one was asked for, comes for the first time.
#[inline]
fn used_once<V: TokenVerifier, R: RevocationCheck>(
    verified: Verified<V::Claims>,
    not_revoked: NotRevoked,
    proof: Proof,
) -> Step<Judged<V>, Waiting<V, R>> {
    let (proven, claimed) = proof.claim();
    match claimed {
        Step::Now(answer) => {
            let proven = Proof::claimed(proven, answer);
            Step::Now(proven.map(|proven| clear(verified, not_revoked, proven)))
        }
        Step::Later(future) => {
            let verified = Some((verified, not_revoked, proven));
            Step::Later(Waiting::Claiming { future, verified })
        }
    }
}

/// The only way from a verified token to claims.
fn clear<C>(verified: Verified<C>, _: NotRevoked, proven: Proven) -> Claims<C> {
    let (token, at, origin) = verified.into_parts();
    Claims::new(token, at, origin).with_proof(proven)
}

impl<V: Clone, R> Clone for Checks<V, R> {
    fn clone(&self) -> Self {
        Self {
            verifier: self.verifier.clone(),
            revocation: Arc::clone(&self.revocation),
            may_lack: self.may_lack,
            on_outage: self.on_outage,
            sender: self.sender.clone(),
            log: Arc::clone(&self.log),
        }
    }
}
