//! [`Authenticator`]: credentials, verification and revocation as one step.

use std::sync::Arc;
use std::time::Instant;

use super::admission::Admission;
use super::future::{AuthenticateFuture, Waiting};
use super::mode::Mode;
use super::observe::{AuthEvent, Decision, Observer, log, log_accepted};
use crate::credentials::{TokenSource, is_cors_preflight};
use crate::head::RequestHead;
use crate::rejection::{Rejection, RejectionKind};
use crate::revocation::{
    Identifiers, OnOutage, RevocationCheck, RevocationStatus, StoreError, TokenIdentity,
};
use crate::step::Step;
use crate::verify::{TokenVerifier, Verified};

/// How requests are authenticated.
pub(crate) struct Authenticator<V, R> {
    pub(crate) source: Arc<dyn TokenSource>,
    pub(crate) verifier: V,
    pub(crate) revocation: Arc<R>,
    pub(crate) on_outage: OnOutage,
    /// Identifiers that a token may lack although the revocation check asks for them.
    pub(crate) may_lack: Identifiers,
    pub(crate) mode: Mode,
    pub(crate) preflight_passes: bool,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

/// Proof that revocation was asked, and said no; or that the operator chose not to ask.
pub(super) struct NotRevoked(());

type Admitted<V> = Admission<<V as TokenVerifier>::Claims>;

impl<V: TokenVerifier, R: RevocationCheck> Authenticator<V, R> {
    #[inline]
    pub(crate) fn authenticate(
        &self,
        head: &RequestHead<'_>,
        has_body: bool,
    ) -> Step<Admitted<V>, AuthenticateFuture<V, R>> {
        let started = self.observer.is_some().then(Instant::now);
        match self.steps(head, has_body) {
            Step::Now(admission) => Step::Now(self.decided(admission, started)),
            Step::Later(waiting) => {
                Step::Later(AuthenticateFuture::new(waiting, self.clone(), started))
            }
        }
    }

    fn steps(&self, head: &RequestHead<'_>, has_body: bool) -> Step<Admitted<V>, Waiting<V, R>> {
        // A preflight has no body. What has one may be a call that only looks like a preflight, to a
        // service that does not look at the method; gRPC services do not.
        if self.preflight_passes && !has_body && is_cors_preflight(head) {
            return Step::Now(Admission::Preflight);
        }
        let token = match self.source.find(head) {
            Ok(Some(token)) => token,
            Ok(None) if self.mode == Mode::Required => {
                return Step::Now(Admission::Rejected(RejectionKind::MissingToken.into()));
            }
            Ok(None) => return Step::Now(Admission::Anonymous),
            Err(rejection) => return Step::Now(self.rejected(rejection)),
        };
        match self.verifier.verify(token, head) {
            Step::Now(verified) => self.verified(verified),
            Step::Later(future) => Step::Later(Waiting::Verifying { future }),
        }
    }

    pub(super) fn verified(
        &self,
        verified: Result<Verified<V::Claims>, Rejection>,
    ) -> Step<Admitted<V>, Waiting<V, R>> {
        let verified = match verified {
            Ok(verified) => verified,
            Err(rejection) => return Step::Now(self.rejected(rejection)),
        };
        let identity = TokenIdentity::from(verified.registered());
        let missing = self.revocation.required().missing_from(&identity);
        if !self.may_lack.contains(missing) {
            let reason = "the token lacks an identifier that the revocation check requires";
            let rejection = Rejection::new(RejectionKind::Revoked, reason)
                .with_source(format!("the token has no {missing}"));
            return Step::Now(self.rejected(rejection));
        }
        match self.revocation.check(&identity) {
            Step::Now(status) => Step::Now(self.checked(verified, status)),
            Step::Later(future) => {
                Step::Later(Waiting::Checking { future, verified: Some(verified) })
            }
        }
    }

    pub(super) fn checked(
        &self,
        verified: Verified<V::Claims>,
        status: Result<RevocationStatus, StoreError>,
    ) -> Admitted<V> {
        match status {
            Ok(RevocationStatus::Active) => Admission::admit(verified, NotRevoked(())),
            Ok(RevocationStatus::Revoked) => {
                let reason = "the token, its session or its subject's tokens were revoked";
                self.rejected(Rejection::new(RejectionKind::Revoked, reason))
            }
            Err(error) => {
                let reason = "the revocation store cannot be asked at present";
                let rejection =
                    Rejection::new(RejectionKind::RevocationUnavailable, reason).with_source(error);
                match self.on_outage {
                    OnOutage::AcceptUnchecked => {
                        log_accepted(&rejection);
                        Admission::admit(verified, NotRevoked(()))
                    }
                    OnOutage::Reject => self.rejected(rejection),
                }
            }
        }
    }

    fn rejected(&self, rejection: Rejection) -> Admitted<V> {
        if self.mode == Mode::Inspect {
            Admission::Inspected(rejection)
        } else {
            Admission::Rejected(rejection)
        }
    }

    /// Logs and reports a decision.
    pub(super) fn decided(&self, admission: Admitted<V>, started: Option<Instant>) -> Admitted<V> {
        let (outcome, rejection) = match &admission {
            Admission::Admitted { .. } => (Decision::Accepted, None),
            Admission::Anonymous => (Decision::Anonymous, None),
            Admission::Preflight => (Decision::Preflight, None),
            Admission::Inspected(rejection) | Admission::Rejected(rejection) => {
                log(rejection);
                (Decision::Rejected, Some(rejection))
            }
        };
        if let (Some(observer), Some(started)) = (&self.observer, started) {
            let issuer = match &admission {
                Admission::Admitted { claims, .. } => claims.registered().issuer(),
                _ => None,
            };
            let kind = rejection.map(Rejection::kind);
            observer.observe(&AuthEvent { outcome, kind, issuer, latency: started.elapsed() });
        }
        admission
    }
}

impl<V, R> Authenticator<V, R> {
    /// Logs and reports that something behind the layer denied an admitted request.
    pub(crate) fn denied(&self, rejection: &Rejection) {
        log(rejection);
        if let Some(observer) = &self.observer {
            observer.observe(&AuthEvent {
                outcome: Decision::Denied,
                kind: Some(rejection.kind()),
                issuer: None,
                latency: std::time::Duration::ZERO,
            });
        }
    }
}

impl<V: Clone, R> Clone for Authenticator<V, R> {
    fn clone(&self) -> Self {
        Self {
            source: Arc::clone(&self.source),
            verifier: self.verifier.clone(),
            revocation: Arc::clone(&self.revocation),
            on_outage: self.on_outage,
            may_lack: self.may_lack,
            mode: self.mode,
            preflight_passes: self.preflight_passes,
            observer: self.observer.clone(),
        }
    }
}
