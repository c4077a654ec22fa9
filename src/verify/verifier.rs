//! [`Verifier`]: keys and rules, applied to a token.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use foldhash::fast::RandomState;
use serde::de::DeserializeOwned;

use super::cache::{Slots, TokenCache};
use super::compact::Compact;
use super::error::BuildError;
use super::header::HeaderBuffer;
use super::known_headers::KnownHeaders;
use super::policy::{Policy, Signature, keys_unavailable};
use super::rules::Accept;
use super::token_verifier::TokenVerifier;
use super::verified::Verified;
use crate::claims::{RegisteredClaims, VerifiedToken, decode_into, peek_issuer};
use crate::credentials::BearerToken;
use crate::head::RequestHead;
use crate::key::{BoxFuture, KeysUnavailable, MissingKey};
use crate::rejection::{Rejection, RejectionKind};
use crate::step::Step;

/// Verifies signed tokens (JWS, [RFC 7519](https://www.rfc-editor.org/rfc/rfc7519)) and reads their
/// claims into `C`.
///
/// Made with [`Verifier::builder`]. It is one `Arc`: cheap to clone and to share.
///
/// ```no_run
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// use serde::Deserialize;
/// use tower_bearer::{key::{Key, Secret}, verify::Verifier};
///
/// #[derive(Deserialize)]
/// struct User {
///     sub: String,
///     tenant: String,
/// }
///
/// let verifier = Verifier::<User>::builder()
///     .keys(Key::hs256(Secret::from_env("JWT_SECRET")?)?)
///     .issuer("https://id.example.com")
///     .audience("orders-api")
///     .build()?;
/// # let _ = verifier;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias("jwt", "decode", "validate", "Validation"))]
pub struct Verifier<C> {
    policies: Arc<Policies<C>>,
    cache: Option<Arc<Slots<C>>>,
}

struct Policies<C> {
    by: ByIssuer<C>,
    headers: KnownHeaders,
}

enum ByIssuer<C> {
    One(Arc<Policy<C>>),
    Several(IssuerMap<C>),
}

type IssuerMap<C> = HashMap<Box<str>, Arc<Policy<C>>, RandomState>;

impl<C> Verifier<C> {
    pub(super) fn new(policy: Policy<C>) -> Self {
        Self::with(ByIssuer::One(Arc::new(policy)))
    }

    fn with(by: ByIssuer<C>) -> Self {
        Self { policies: Arc::new(Policies { by, headers: KnownHeaders::new() }), cache: None }
    }

    /// One verifier for tokens of several issuers, each with its own keys and rules.
    ///
    /// A token's `iss` chooses among the issuers given here, and only that issuer's keys are tried:
    /// a token of one issuer signed with a key of another is rejected, even if both use the same
    /// `kid`. The cost does not depend on the number of issuers.
    ///
    /// If all of them have a [`cache`](Self::cache), so has this one, with room for all; or give it one
    /// afterwards.
    ///
    /// # Errors
    /// If there is no verifier, if one of them accepts any issuer, if two name the same issuer, or if
    /// some have a cache and some have none.
    pub fn of_issuers(verifiers: impl IntoIterator<Item = Self>) -> Result<Self, BuildError> {
        let mut by_issuer = IssuerMap::default();
        let (mut cached, mut uncached) = (None::<TokenCache>, false);
        for verifier in verifiers {
            match verifier.cache_settings() {
                Some(one) => cached = Some(cached.map_or(one, |others| others.and(one))),
                None => uncached = true,
            }
            let policies: Vec<_> = match &verifier.policies.by {
                ByIssuer::One(policy) => vec![policy],
                ByIssuer::Several(by_issuer) => by_issuer.values().collect(),
            };
            for policy in policies {
                let Accept::OneOf(issuers) = &policy.rules.issuers else {
                    return Err(BuildError::new(
                        "a verifier that accepts any issuer cannot be one of several: call `issuer(..)` on its builder",
                    ));
                };
                for issuer in issuers {
                    let before = by_issuer.insert(issuer.clone(), Arc::clone(policy));
                    if before.is_some_and(|before| !Arc::ptr_eq(&before, policy)) {
                        return Err(BuildError::new(
                            "two verifiers are for the same issuer: give one of them all its keys",
                        ));
                    }
                }
            }
        }
        if by_issuer.is_empty() {
            return Err(BuildError::new("there is no verifier, so no token could be accepted"));
        }
        let all = Self::with(ByIssuer::Several(by_issuer));
        match cached {
            None => Ok(all),
            Some(settings) if !uncached => Ok(all.cache(settings)),
            Some(_) => Err(BuildError::new(
                "some of the verifiers have a cache and some have none: give it to the one that `of_issuers` yields",
            )),
        }
    }

    /// Remembers tokens that were verified, so that seeing one again costs no signature check. What
    /// that means is said at [`TokenCache`]. Clones of the verifier share the cache; without this
    /// call there is none.
    #[must_use]
    pub fn cache(self, settings: TokenCache) -> Self {
        Self { cache: Some(Arc::new(Slots::new(settings))), ..self }
    }
}

/// What [`Tenants`](super::Tenants) is made of; of verifiers from [`Verifier::of_issuers`].
impl<C> Verifier<C> {
    fn by_issuer(&self) -> Option<&IssuerMap<C>> {
        match &self.policies.by {
            ByIssuer::One(_) => None,
            ByIssuer::Several(by_issuer) => Some(by_issuer),
        }
    }

    pub(super) fn issuers(&self) -> usize {
        self.by_issuer().map_or(1, HashMap::len)
    }

    pub(super) fn knows(&self, issuer: &str) -> bool {
        self.by_issuer().is_some_and(|by_issuer| by_issuer.contains_key(issuer))
    }

    pub(super) fn cache_settings(&self) -> Option<TokenCache> {
        self.cache.as_ref().map(|slots| slots.settings())
    }

    /// Without what it remembers, and without remembering.
    pub(super) fn without_cache(self) -> Self {
        Self { cache: None, ..self }
    }

    /// For this issuer alone; `None` if its tokens are not accepted by name.
    pub(super) fn only(&self, issuer: &str) -> Option<Self> {
        let policy = match &self.policies.by {
            ByIssuer::One(policy) => match &policy.rules.issuers {
                Accept::OneOf(issuers) if issuers.iter().any(|known| **known == *issuer) => policy,
                _ => return None,
            },
            ByIssuer::Several(by_issuer) => by_issuer.get(issuer)?,
        };
        let by_issuer = IssuerMap::from_iter([(issuer.into(), Arc::clone(policy))]);
        Some(Self::with(ByIssuer::Several(by_issuer)))
    }

    /// These issuers and those of the other, whose word counts where both have one. What is
    /// remembered stays, unless it may be of a verifier that was replaced.
    pub(super) fn replacing(&self, other: Self) -> Result<Self, BuildError> {
        let other = Self::of_issuers([other.without_cache()])?;
        let mut all = self.by_issuer().cloned().unwrap_or_default();
        let before = all.len();
        let more = other.by_issuer().cloned().unwrap_or_default();
        let adds = more.len();
        all.extend(more);
        let replaced = all.len() < before + adds;
        let all = Self::with(ByIssuer::Several(all));
        Ok(match &self.cache {
            Some(slots) if replaced => all.cache(slots.settings()),
            cache => Self { cache: cache.clone(), ..all },
        })
    }

    /// The others, with nothing remembered; `None` if there are none.
    pub(super) fn without(&self, issuer: &str) -> Option<Self> {
        let mut others = self.by_issuer()?.clone();
        others.remove(issuer);
        if others.is_empty() {
            return None;
        }
        let others = Self::with(ByIssuer::Several(others));
        Some(match self.cache_settings() {
            Some(settings) => others.cache(settings),
            None => others,
        })
    }

    /// Each set of keys and rules once.
    pub(super) fn each_policy(&self) -> Vec<&Arc<Policy<C>>> {
        match &self.policies.by {
            ByIssuer::One(policy) => vec![policy],
            ByIssuer::Several(by_issuer) => {
                let mut policies: Vec<_> = by_issuer.values().collect();
                policies.sort_unstable_by_key(|policy| Arc::as_ptr(policy));
                policies.dedup_by_key(|policy| Arc::as_ptr(policy));
                policies
            }
        }
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> TokenVerifier for Verifier<C> {
    type Claims = C;
    type Future = VerifyFuture<C>;

    #[inline]
    fn verify(
        &self,
        token: BearerToken,
        _head: &RequestHead<'_>,
    ) -> Step<Result<Verified<C>, Rejection>, VerifyFuture<C>> {
        if let Some(seen) = self.seen_before(&token) {
            return Step::Now(seen);
        }
        match self.attempt(token, true) {
            Ok(verified) => Step::Now(Ok(verified)),
            Err(Failure::Rejected(rejection)) => Step::Now(Err(rejection)),
            Err(Failure::Refresh(refresh, token)) => {
                Step::Later(VerifyFuture { refresh, verifier: self.clone(), token: Some(token) })
            }
        }
    }
}

/// What came of a try with the keys at hand.
enum Failure {
    Rejected(Rejection),
    /// No key fits the token, and fetching the keys may change that.
    Refresh(BoxFuture<'static, Result<(), KeysUnavailable>>, BearerToken),
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl<C> Verifier<C> {
    #[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
    pub(super) fn slots(&self) -> Option<&Slots<C>> {
        self.cache.as_deref()
    }

    /// The verdict on a token that the cache knows: all that may have changed is judged anew.
    #[inline]
    fn seen_before(&self, token: &BearerToken) -> Option<Result<Verified<C>, Rejection>> {
        let slots = self.cache.as_deref()?;
        slots.find(token.as_bytes(), |entry| {
            let Policy { rules, checks, clock, .. } = &*entry.policy;
            let at = clock.now();
            rules.check_times(&entry.token.registered, at)?;
            checks.apply(&entry.token.custom, &entry.token.registered)?;
            let verified = Verified::new(entry.handle(slots, at), at, token.origin());
            Ok(verified.waiving_proof(rules.bound_accepted))
        })
    }
}

impl<C: DeserializeOwned> Verifier<C> {
    fn attempt(&self, bearer: BearerToken, may_refresh: bool) -> Result<Verified<C>, Failure> {
        let compact = Compact::parse(bearer.as_bytes())?;
        let known = self.policies.headers.get(compact.header);
        let known = known.as_ref().and_then(|known| known.as_ref());
        let mut buffer;
        let header = match known {
            Some(known) => known.header(),
            None => {
                buffer = HeaderBuffer::new();
                buffer.parse(compact.header)?
            }
        };

        // Only where several issuers are trusted does the payload decide anything before the
        // signature was checked: whose keys to check it with.
        let (policy, payload) = match &self.policies.by {
            ByIssuer::One(policy) => (policy, None),
            ByIssuer::Several(by_issuer) => {
                let payload = compact.payload()?;
                let policy = peek_issuer(&payload).and_then(|issuer| by_issuer.get(&*issuer));
                let untrusted = || {
                    let reason = "the token's `iss` is absent or not trusted here";
                    Rejection::new(RejectionKind::WrongIssuer, reason)
                };
                (policy.ok_or_else(untrusted)?, Some(payload))
            }
        };
        policy.rules.types.check(header.typ.as_deref())?;

        let epoch = match policy.check_signature(&compact, &header)? {
            Signature::Right { epoch } => epoch,
            Signature::NoKey(rejection, epoch) => {
                let missing = MissingKey::new(header.kid.as_deref(), header.algorithm);
                let missing = epoch.map_or(missing, |epoch| missing.with_epoch(epoch));
                let refresh = may_refresh.then(|| policy.keys.refresh(&missing)).flatten();
                return Err(match refresh {
                    Some(refresh) => Failure::Refresh(refresh, bearer),
                    None => Failure::Rejected(rejection),
                });
            }
        };
        if known.is_none() {
            self.policies.headers.put(compact.header, &header);
        }

        let payload = payload.map_or_else(|| compact.payload(), Ok)?;
        let mut registered = RegisteredClaims::default();
        let custom =
            decode_into(&mut registered, payload, &policy.rules.names).map_err(|error| {
                let reason = "the claims cannot be read into the application's claims type";
                Rejection::new(RejectionKind::InvalidClaims, reason).with_source(error)
            })?;
        let at = policy.clock.now();
        policy.rules.check(&registered, at)?;
        policy.checks.apply(&custom, &registered)?;
        let origin = bearer.origin();
        let token = match &self.cache {
            None => Arc::new(VerifiedToken::new(custom, registered, bearer)),
            Some(cache) => {
                // What the cache keeps must not keep a whole read buffer of the server alive.
                let bearer = bearer.detached();
                let token = Arc::new(VerifiedToken::new(custom, registered, bearer));
                cache.put(&token, policy, epoch, at);
                token
            }
        };
        Ok(Verified::new(token, at, origin).waiving_proof(policy.rules.bound_accepted))
    }
}

/// Waits for keys and then verifies once more.
#[must_use = "futures do nothing unless polled"]
pub struct VerifyFuture<C> {
    refresh: BoxFuture<'static, Result<(), KeysUnavailable>>,
    verifier: Verifier<C>,
    token: Option<BearerToken>,
}

impl<C: DeserializeOwned> Future for VerifyFuture<C> {
    type Output = Result<Verified<C>, Rejection>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.token.is_none() {
            // Polled after completion, against the contract of `Future`: fail closed.
            return Poll::Pending;
        }
        let refreshed = ready!(this.refresh.as_mut().poll(cx));
        let Some(token) = this.token.take() else { return Poll::Pending };
        if let Err(unavailable) = refreshed {
            return Poll::Ready(Err(keys_unavailable(unavailable)));
        }
        Poll::Ready(this.verifier.attempt(token, false).map_err(|failure| match failure {
            Failure::Rejected(rejection) => rejection,
            // Not reached: this attempt was told not to refresh.
            Failure::Refresh(..) => RejectionKind::KeysUnavailable.into(),
        }))
    }
}

impl<C> Clone for Verifier<C> {
    fn clone(&self) -> Self {
        Self { policies: Arc::clone(&self.policies), cache: self.cache.clone() }
    }
}

impl<C> fmt::Debug for Verifier<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers = match &self.policies.by {
            ByIssuer::One(_) => 1,
            ByIssuer::Several(by_issuer) => by_issuer.len(),
        };
        f.debug_struct("Verifier")
            .field("issuers", &issuers)
            .field("cache", &self.cache.is_some())
            .finish_non_exhaustive()
    }
}

impl<C> fmt::Debug for VerifyFuture<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyFuture").finish_non_exhaustive()
    }
}
