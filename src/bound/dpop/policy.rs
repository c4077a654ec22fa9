//! [`Dpop`]: all that a proof has to obey.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;

use super::builder::DpopBuilder;
use super::known_keys::KnownKeys;
use super::nonce::Nonces;
use super::proof::{self, ClaimsBuffer, ProofClaims, wrong_proof};
use super::replay::Replay;
use super::target::{Aim, Target};
use super::url::PublicUrl;
use crate::bound::sender::{Claiming, Proof};
use crate::clock::{Clock, UnixTime};
use crate::credentials::DpopAuthorization;
use crate::head::RequestHead;
use crate::key::crypto::{once_id, sha256_of};
use crate::key::{Algorithm, Key, KeyError};
use crate::rejection::{Rejection, RejectionKind};
use crate::step::Step;
use crate::store::{OnceId, StoreError};
use crate::verify::{BuildError, Compact, with_signature};

use super::proven::ProvenKey;

/// What DPoP proofs have to obey at one service, and the memory of those that were used. A clone is a
/// handle on the same.
///
/// `AuthLayer::new(verifier).dpop(Dpop::new("https://api.example.com")?)` is all that a service of one
/// process needs. The [module](crate::bound::dpop) says what is checked, and what belongs to deployment.
#[derive(Clone)]
#[doc(alias("rfc9449", "proof-of-possession", "sender-constrained"))]
pub struct Dpop(Arc<Inner>);

pub(super) struct Inner {
    pub(super) urls: Vec<PublicUrl>,
    pub(super) target: Target,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) max_age: Duration,
    pub(super) leeway: Duration,
    pub(super) nonces: Option<Nonces>,
    pub(super) replay: Replay,
    /// Proofs are used once at each of these.
    pub(super) stage: &'static [u8],
    pub(super) known: KnownKeys,
    pub(super) authorization: DpopAuthorization,
    pub(super) clock: Arc<dyn Clock>,
}

/// A proof that is right, if it comes for the first time.
pub(in crate::bound) struct Checked {
    pub(in crate::bound) claim: Claim,
    pub(in crate::bound) nonce_due: bool,
    /// Of the key, where it was not known before.
    thumbprint: Option<Box<str>>,
}

/// What is asked of the replay memory.
pub(in crate::bound) struct Claim {
    id: OnceId,
    until: UnixTime,
    now: UnixTime,
}

impl Dpop {
    /// For the service whose public URL this is, with everything else by default: bearer tokens are
    /// accepted, too, proofs are remembered by this process, nonces are not used.
    ///
    /// ```
    /// # use tower_bearer::{AuthLayer, StandardClaims, bound::Dpop, testing::TestIssuer};
    /// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
    /// # let verifier = TestIssuer::new().verifier::<StandardClaims>().build()?;
    /// let layer = AuthLayer::new(verifier).dpop(Dpop::new("https://api.example.com")?);
    /// # let _ = layer;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If it is not an absolute `https` URL (`http` does for loopback), or has user info, a query or a
    /// fragment.
    pub fn new(url: impl AsRef<str>) -> Result<Self, BuildError> {
        Self::builder(url).build()
    }

    /// For the service whose public URL this is, as clients have it.
    pub fn builder(url: impl AsRef<str>) -> DpopBuilder {
        DpopBuilder::new(url.as_ref())
    }

    pub(super) fn of(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// For a token endpoint ([RFC 9449 §5](https://www.rfc-editor.org/rfc/rfc9449#section-5)): the key
    /// that the client has proven to hold in this request, or `None` if it sent no proof. The proof is
    /// used up by this.
    ///
    /// A [`Rejection`] of it becomes the endpoint's answer by `SessionError::from`: 400 with
    /// `invalid_dpop_proof` or `use_dpop_nonce`, and a nonce.
    ///
    /// # Errors
    /// Of kind `InvalidDpopProof`, `UseDpopNonce` or `ReplayUnavailable`.
    pub async fn proven_key<'a>(
        &self,
        head: impl Into<RequestHead<'a>>,
    ) -> Result<Option<ProvenKey>, Rejection> {
        let checked = {
            let head = head.into();
            if proof::field(&head)?.is_none() {
                return Ok(None);
            }
            self.check(&head, None)?
        };
        let answer = self.claim(&checked.claim).await;
        Proof::claimed(Default::default(), answer)?;
        let nonce = if checked.nonce_due { self.nonce() } else { None };
        Ok(checked.thumbprint.map(|thumbprint| ProvenKey::new(thumbprint, nonce)))
    }

    /// The names of the algorithms, for challenges and metadata
    /// (`dpop_signing_alg_values_supported`, [RFC 9449 §5.1](https://www.rfc-editor.org/rfc/rfc9449#section-5.1)).
    pub fn algorithm_names(&self) -> impl Iterator<Item = &'static str> {
        self.0.algorithms.iter().flat_map(|algorithm| {
            // RFC 9864 has a new name for what many still call by the old one.
            let new = (*algorithm == Algorithm::EdDSA).then_some("Ed25519");
            std::iter::once(algorithm.as_str()).chain(new)
        })
    }

    /// A nonce for the next proof; `None` where nonces are not used.
    pub(crate) fn nonce(&self) -> Option<HeaderValue> {
        let Inner { nonces, clock, .. } = &*self.0;
        nonces.as_ref()?.issue(clock.now()).ok()
    }

    pub(in crate::bound) fn authorization(&self) -> &DpopAuthorization {
        &self.0.authorization
    }

    pub(in crate::bound) fn claim(
        &self,
        claim: &Claim,
    ) -> Step<Result<bool, StoreError>, Claiming> {
        self.0.replay.claim(&claim.id, claim.until, claim.now)
    }

    /// Checks the proof of a request, for a token that is bound to this thumbprint if one is given.
    /// Whether the proof comes for the first time is not asked yet.
    pub(in crate::bound) fn check(
        &self,
        head: &RequestHead<'_>,
        token: Option<(&[u8], &str)>,
    ) -> Result<Checked, Rejection> {
        let inner = &*self.0;
        let compact = proof::field(head)?
            .ok_or_else(|| wrong_proof("there is no header field `DPoP` with a proof"))?;
        let known = inner.known.get(compact.header);
        if let Some(known) = known.as_ref().and_then(|known| known.as_ref()) {
            return inner.check_by(&known.key, &known.thumbprint, &compact, head, token);
        }
        let (key, thumbprint) = proof::key(compact.header, &inner.algorithms)?;
        let checked = inner.check_by(&key, &thumbprint, &compact, head, token)?;
        if token.is_some() {
            inner.known.put(compact.header, key, thumbprint);
        }
        Ok(checked)
    }
}

impl Inner {
    fn check_by(
        &self,
        key: &Key,
        thumbprint: &str,
        compact: &Compact<'_>,
        head: &RequestHead<'_>,
        token: Option<(&[u8], &str)>,
    ) -> Result<Checked, Rejection> {
        if let Some((_, jkt)) = token
            && jkt != thumbprint
        {
            let reason = "the proof is by another key than the token is bound to";
            return Err(Rejection::new(RejectionKind::BoundToken, reason));
        }
        let mut buffer = ClaimsBuffer::new();
        let claims = buffer.parse(compact.payload)?;
        self.check_target(&claims, head)?;
        if let Some((token, _)) = token {
            check_hash(&claims, token)?;
        }
        let verified = with_signature(compact.signature, |signature| {
            key.verify(compact.signing_input, signature)
        });
        if !verified.unwrap_or(false) {
            return Err(wrong_proof("the proof's signature does not verify"));
        }
        // Only who holds the key learns whether a nonce is missing.
        let now = self.clock.now();
        let (until, nonce_due) = self.check_time(&claims, now)?;
        let parts = [b"dpop proof", self.stage, thumbprint.as_bytes(), claims.id.as_bytes()];
        let id = once_id(&parts).map_err(broken)?;
        let thumbprint = token.is_none().then(|| thumbprint.into());
        Ok(Checked { claim: Claim { id, until, now }, nonce_due, thumbprint })
    }

    fn check_target(
        &self,
        claims: &ProofClaims<'_>,
        head: &RequestHead<'_>,
    ) -> Result<(), Rejection> {
        let Aim { method, path, url } = self.target.of(head)?;
        if claims.method != method {
            return Err(wrong_proof("the proof's `htm` is another method"));
        }
        let urls = url.as_ref().map_or(&*self.urls, std::slice::from_ref);
        if urls.iter().any(|url| url.is(&claims.url, path)) {
            return Ok(());
        }
        let wrong = wrong_proof("the proof's `htu` is another URL than that of the request");
        Err(wrong.with_source(format!("the service is at {urls:?}, and the rest is the path")))
    }

    /// From when on the proof would be refused in any case, and whether the next nonce is due.
    fn check_time(
        &self,
        claims: &ProofClaims<'_>,
        now: UnixTime,
    ) -> Result<(UnixTime, bool), Rejection> {
        if let Some(nonces) = &self.nonces {
            if let Some(good) = claims.nonce.as_deref().and_then(|nonce| nonces.check(nonce, now)) {
                return Ok((good.until, good.due));
            }
            let reason = "the proof has no nonce of this service that counts";
            let nonce = nonces.issue(now).map_err(broken)?;
            return Err(Rejection::new(RejectionKind::UseDpopNonce, reason).with_dpop_nonce(nonce));
        }
        let until = claims.issued_at.saturating_add(self.max_age).saturating_add(self.leeway);
        if now >= until {
            return Err(wrong_proof("the proof's `iat` lies too long ago"));
        }
        if now.saturating_add(self.leeway) < claims.issued_at {
            return Err(wrong_proof("the proof's `iat` lies in the future"));
        }
        Ok((until, false))
    }
}

/// `ath` ([RFC 9449 §4.2](https://www.rfc-editor.org/rfc/rfc9449#section-4.2)).
fn check_hash(claims: &ProofClaims<'_>, token: &[u8]) -> Result<(), Rejection> {
    let ath = claims.token_hash.as_deref();
    let ath = ath.ok_or_else(|| wrong_proof("the proof has no `ath`"))?;
    let mut room = [0; 43];
    let hash = sha256_of(token).map_err(broken)?;
    let written = URL_SAFE_NO_PAD.encode_slice(hash, &mut room);
    if written.is_ok() && ath.as_bytes() == room {
        return Ok(());
    }
    Err(wrong_proof("the proof's `ath` is not the hash of this token"))
}

fn broken(error: KeyError) -> Rejection {
    Rejection::new(RejectionKind::Misconfigured, "the crypto library failed").with_source(error)
}

impl fmt::Debug for Dpop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dpop")
            .field("urls", &self.0.urls)
            .field("algorithms", &self.0.algorithms)
            .field("max_age", &self.0.max_age)
            .field("nonces", &self.0.nonces.is_some())
            .finish_non_exhaustive()
    }
}
