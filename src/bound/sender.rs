//! [`Sender`]: what a token's sender has to prove, put together.

use std::fmt;

use http::{Extensions, HeaderMap, Method, Uri};

use super::dpop::{Claim, Dpop, wrong_proof};
use super::mtls::ClientCertificates;
use crate::claims::{Binding, Proven};
use crate::credentials::{BearerToken, TokenOrigin, TokenSource};
use crate::head::RequestHead;
use crate::rejection::{Rejection, RejectionKind};
use crate::step::{BoxFuture, Step};
use crate::store::StoreError;
use crate::verify::{Verified, bound};

/// What an authenticator was told about bound tokens.
#[derive(Clone, Default)]
pub(crate) struct Sender {
    pub(crate) dpop: Option<Dpop>,
    pub(crate) certificates: Option<ClientCertificates>,
    /// Whether bearer tokens are rejected.
    pub(crate) only_bound: bool,
}

/// What the sender has proven, if the proof comes for the first time.
pub(crate) struct Proof {
    proven: Proven,
    claim: Option<Box<(Dpop, Claim)>>,
}

/// The answer of the replay memory, where it has to be waited for.
pub(crate) type Claiming = BoxFuture<'static, Result<bool, StoreError>>;

impl Proof {
    /// Of a token that needs none.
    #[inline]
    pub(crate) fn none() -> Self {
        Self { proven: Proven::default(), claim: None }
    }

    /// Asks the replay memory, the last step of all.
    #[inline]
    pub(crate) fn claim(self) -> (Proven, Step<Result<bool, StoreError>, Claiming>) {
        let step = match self.claim {
            None => Step::Now(Ok(true)),
            Some(claim) => claim.0.claim(&claim.1),
        };
        (self.proven, step)
    }

    /// What the answer of the replay memory means.
    #[inline]
    pub(crate) fn claimed(
        proven: Proven,
        answer: Result<bool, StoreError>,
    ) -> Result<Proven, Rejection> {
        match answer {
            Ok(true) => Ok(proven),
            Ok(false) => Err(wrong_proof("the proof was used before, or is too old by now")),
            Err(error) => {
                let reason = "the memory of used proofs cannot be asked at present";
                Err(Rejection::new(RejectionKind::ReplayUnavailable, reason).with_source(error))
            }
        }
    }
}

impl Sender {
    /// The request's token, of the scheme `DPoP` or where others are.
    pub(crate) fn find(
        &self,
        source: &dyn TokenSource,
        head: &RequestHead<'_>,
    ) -> Result<Option<BearerToken>, Rejection> {
        match &self.dpop {
            None => source.find(head),
            Some(dpop) => dpop.authorization().find_or(source, head),
        }
    }

    /// Whether the token is its sender's, as far as the request itself tells.
    pub(crate) fn prove<C>(
        &self,
        token: &Verified<C>,
        head: &RequestHead<'_>,
    ) -> Result<Proof, Rejection> {
        let by_dpop = token.origin() == TokenOrigin::Dpop;
        let Some(confirmation) = token.to_be_proven() else {
            return self.prove_nothing(by_dpop, token.is_waived());
        };
        let refused = |reason| Err(Rejection::new(RejectionKind::BoundToken, reason));
        if !head.is_request() {
            return refused("the token is bound to its sender, and no request came with it");
        }
        if confirmation.has_unknown_methods() || confirmation.methods() == 0 {
            return refused("`cnf` names no method, or one that is not known");
        }
        use TokenOrigin::{Cookie, Query, WebSocketProtocol};
        if matches!(token.origin(), Cookie | Query | WebSocketProtocol) {
            return refused("a bound token belongs into the header field `Authorization`");
        }
        let (jkt, x5t) = (confirmation.jwk_thumbprint(), confirmation.certificate_thumbprint());
        let binding = match (jkt, x5t) {
            (Some(_), Some(_)) => Binding::DpopAndCertificate,
            (Some(_), None) => Binding::Dpop,
            (None, _) => Binding::Certificate,
        };
        // What costs least first.
        if jkt.is_none() && by_dpop {
            return refused("the token is bound to no key, and came by the scheme DPoP");
        }
        if let Some(x5t) = x5t {
            self.certificates.as_ref().ok_or_else(bound)?.prove(x5t, head)?;
        }
        let Some(jkt) = jkt else {
            return Ok(Proof { proven: Proven { binding, nonce_due: false }, claim: None });
        };
        let dpop = self.dpop.as_ref().ok_or_else(bound)?;
        if !by_dpop {
            let reason = "the token is bound to a key, and was sent as a bearer token";
            return Err(Rejection::new(RejectionKind::BoundToken, reason).in_dpop());
        }
        let checked = dpop.check(head, Some((token.bearer().as_bytes(), jkt)))?;
        let proven = Proven { binding, nonce_due: checked.nonce_due };
        Ok(Proof { proven, claim: Some(Box::new((dpop.clone(), checked.claim))) })
    }

    /// Whether a bearer token is good enough.
    fn prove_nothing(&self, by_dpop: bool, waived: bool) -> Result<Proof, Rejection> {
        let refused = |reason| Err(Rejection::new(RejectionKind::UnboundToken, reason).in_dpop());
        if waived {
            return Ok(Proof::none());
        }
        if by_dpop {
            return refused("the token is bound to no key, and came by the scheme DPoP");
        }
        if self.only_bound {
            return refused("the token is bound to nobody, and only bound ones are accepted");
        }
        Ok(Proof::none())
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("dpop", &self.dpop)
            .field("certificates", &self.certificates.is_some())
            .field("only_bound", &self.only_bound)
            .finish()
    }
}

/// The head of a request whose token has to be waited for.
pub(crate) struct KeptHead {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    extensions: Extensions,
    is_request: bool,
}

impl KeptHead {
    pub(crate) fn of(head: &RequestHead<'_>) -> Box<Self> {
        Box::new(Self {
            method: head.method().clone(),
            uri: head.uri().clone(),
            headers: head.headers().clone(),
            extensions: head.extensions().clone(),
            is_request: head.is_request(),
        })
    }

    pub(crate) fn head(&self) -> RequestHead<'_> {
        if !self.is_request {
            return RequestHead::empty();
        }
        RequestHead::from_parts(&self.method, &self.uri, &self.headers, &self.extensions)
    }
}
