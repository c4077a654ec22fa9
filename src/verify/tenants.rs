//! [`Tenants`]: issuers that come and go at run time.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use foldhash::fast::RandomState;
use serde::de::DeserializeOwned;

use super::cache::TokenCache;
use super::compact::Compact;
use super::error::BuildError;
use super::token_verifier::TokenVerifier;
use super::verified::Verified;
use super::verifier::{Verifier, VerifyFuture};
use crate::claims::peek_issuer;
use crate::credentials::BearerToken;
use crate::head::RequestHead;
use crate::rejection::{Rejection, RejectionKind};
use crate::step::Step;

/// Default of [`Tenants::most`].
const MOST: usize = 1024;
/// Issuers that are resolved at the same time wait for each other if they share one of so many locks.
const LOCKS: usize = 16;

/// Tokens of many issuers, added and removed while requests run.
///
/// 1. A token's `iss` chooses among the issuers that were put in here. It is compared, and never
///    becomes a URL or a file name.
/// 2. The number of issuers is bounded, [1,024 by default](Self::most).
/// 3. Requests read the issuers without locks; one that is under way keeps those it began with.
///    Adding or removing costs time in proportion to their number.
/// 4. With a [`resolver`](Self::resolver), an issuer that is not there is looked up, if it passes
///    the allow-list. The `iss` is then text from a token that nobody has verified: the allow-list
///    is what keeps strangers from filling the bound.
///
/// Clones are handles to the same issuers.
///
/// ```no_run
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// use tower_bearer::claims::StandardClaims;
/// use tower_bearer::key::{Key, Secret};
/// use tower_bearer::layer::AuthLayer;
/// use tower_bearer::verify::{Tenants, Verifier};
///
/// let tenants = Tenants::<StandardClaims>::new();
/// let layer = AuthLayer::new(tenants.clone());
/// // later, when a tenant signs up
/// let verifier = Verifier::builder()
///     .keys(Key::hs256(Secret::from_env("JWT_SECRET")?)?)
///     .issuer("https://id.example.com/acme")
///     .audience("orders-api")
///     .build()?;
/// tenants.insert(verifier)?;
/// // and when it leaves
/// assert!(tenants.remove("https://id.example.com/acme"));
/// # let _ = layer;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias("multitenant", "multi-tenancy"))]
pub struct Tenants<C>(Arc<Inner<C>>);

struct Inner<C> {
    /// All issuers as one verifier; `None` while there are none.
    current: ArcSwapOption<Verifier<C>>,
    /// Held while the issuers change.
    changing: Mutex<Option<TokenCache>>,
    most: usize,
    resolver: Option<Resolver<C>>,
    /// Held while an issuer is resolved, which is put in before the next one looks.
    resolving: [Mutex<()>; LOCKS],
    hasher: RandomState,
}

type Ask<T> = Box<dyn Fn(&str) -> T + Send + Sync>;

struct Resolver<C> {
    allow: Ask<bool>,
    resolve: Ask<Option<Verifier<C>>>,
}

impl<C> Tenants<C> {
    /// No issuers yet, 1,024 at most, no resolver.
    #[must_use]
    pub fn new() -> Self {
        Self::with(MOST, None)
    }

    /// No issuers yet, and this many at most.
    #[must_use]
    pub fn most(issuers: usize) -> Self {
        Self::with(issuers, None)
    }

    /// Looks up issuers when their first token comes: where `allow` says that an `iss` may be one
    /// of ours, `resolve` makes its verifier, which is then kept.
    ///
    /// Both run on the path of a request, for tokens that nobody has verified, and again each time
    /// as long as there is no verifier: they must answer from memory, and `resolve` must know which
    /// tenants there are. Do not turn the `iss` into a URL unless it is one that you have listed.
    ///
    /// However many first tokens of an issuer come at once, it is resolved once; the others wait for
    /// it. Of what `resolve` yields only the rules for the issuer that was asked for are kept. If there
    /// are none, and when there are `most` issuers already, the token is answered with 503, and the log
    /// says so.
    #[must_use]
    pub fn resolver(
        most: usize,
        allow: impl Fn(&str) -> bool + Send + Sync + 'static,
        resolve: impl Fn(&str) -> Option<Verifier<C>> + Send + Sync + 'static,
    ) -> Self {
        let resolver = Resolver { allow: Box::new(allow), resolve: Box::new(resolve) };
        Self::with(most, Some(resolver))
    }

    fn with(most: usize, resolver: Option<Resolver<C>>) -> Self {
        Self(Arc::new(Inner {
            current: ArcSwapOption::empty(),
            changing: Mutex::new(None),
            most,
            resolver,
            resolving: Default::default(),
            hasher: RandomState::default(),
        }))
    }

    /// Remembers tokens of all issuers, as [`Verifier::cache`] has it. What is remembered is void when
    /// an issuer is removed or replaced.
    #[must_use]
    pub fn cache(self, settings: TokenCache) -> Self {
        {
            let inner = &*self.0;
            let mut cache = inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
            *cache = Some(settings);
            if let Some(all) = inner.current.load_full() {
                inner.current.store(Some(Arc::new(Verifier::clone(&all).cache(settings))));
            }
        }
        self
    }

    /// Adds a verifier for its issuers, in place of what they had.
    ///
    /// # Errors
    /// If the verifier accepts any issuer, or has a cache where `Tenants` has none, or there would be
    /// too many.
    pub fn insert(&self, verifier: Verifier<C>) -> Result<(), BuildError> {
        let inner = &*self.0;
        let cache = inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.is_none() && verifier.cache_settings().is_some() {
            return Err(BuildError::new(
                "the verifier has a cache and the tenants have none: call `Tenants::cache`",
            ));
        }
        let before = inner.current.load();
        let all = match (before.as_deref(), *cache) {
            (Some(before), _) => before.replacing(verifier)?,
            (None, None) => Verifier::of_issuers([verifier])?,
            (None, Some(cache)) => Verifier::of_issuers([verifier.without_cache()])?.cache(cache),
        };
        if all.issuers() > inner.most {
            return Err(BuildError::new(
                "there are too many issuers: raise the bound of `Tenants`",
            ));
        }
        inner.current.store(Some(Arc::new(all)));
        Ok(())
    }

    /// Removes an issuer. Its tokens are rejected from the next request on. Says whether it was
    /// there.
    pub fn remove(&self, issuer: &str) -> bool {
        let inner = &*self.0;
        let _changing = inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = inner.current.load();
        let Some(before) = before.as_deref().filter(|before| before.knows(issuer)) else {
            return false;
        };
        inner.current.store(before.without(issuer).map(Arc::new));
        true
    }

    /// Whether tokens of this issuer are accepted at present, without asking a resolver.
    #[must_use]
    pub fn contains(&self, issuer: &str) -> bool {
        self.0.current.load().as_deref().is_some_and(|all| all.knows(issuer))
    }

    /// How many issuers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.current.load().as_deref().map_or(0, Verifier::issuers)
    }

    /// Whether there are no issuers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The issuers as one verifier; `None` while there are none.
    pub(super) fn current(&self) -> Option<Arc<Verifier<C>>> {
        self.0.current.load_full()
    }

    /// Resolves the issuer of a token that no issuer here accepts. Says whether it is there now.
    fn resolve(&self, token: &BearerToken) -> Result<bool, Rejection> {
        let Some(resolver) = &self.0.resolver else { return Ok(false) };
        let payload = Compact::parse(token.as_bytes())?.payload()?;
        let Some(issuer) = peek_issuer(&payload) else { return Ok(false) };
        if self.contains(&issuer) {
            return Ok(true);
        }
        if !(resolver.allow)(&issuer) {
            return Ok(false);
        }
        let lock = self.0.hasher.hash_one(&*issuer) % LOCKS as u64;
        let lock = usize::try_from(lock).ok().and_then(|lock| self.0.resolving.get(lock));
        let _one_at_a_time = lock.map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner));
        if self.contains(&issuer) {
            return Ok(true);
        }
        let Some(verifier) = (resolver.resolve)(&issuer) else { return Ok(false) };
        let unavailable = |reason| Rejection::new(RejectionKind::KeysUnavailable, reason);
        let verifier = verifier.only(&issuer).ok_or_else(|| {
            unavailable("the resolver's verifier does not name the issuer that it was asked for")
        })?;
        self.insert(verifier).map_err(|_| {
            unavailable("there is no room for the token's issuer: raise the bound of `Tenants`")
        })?;
        Ok(true)
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> TokenVerifier for Tenants<C> {
    type Claims = C;
    type Future = VerifyFuture<C>;

    fn verify(
        &self,
        token: BearerToken,
        head: &RequestHead<'_>,
    ) -> Step<Result<Verified<C>, Rejection>, VerifyFuture<C>> {
        let attempt = |token| match &*self.0.current.load() {
            Some(all) => all.verify(token, head),
            None => Step::Now(Err(Rejection::new(
                RejectionKind::WrongIssuer,
                "there are no issuers whose tokens are accepted",
            ))),
        };
        if self.0.resolver.is_none() {
            return attempt(token);
        }
        // The issuers that are there come first, so that their tokens are read once.
        match attempt(token.clone()) {
            Step::Now(Err(rejection)) if rejection.kind() == RejectionKind::WrongIssuer => {
                match self.resolve(&token) {
                    Ok(true) => attempt(token),
                    Ok(false) => Step::Now(Err(rejection)),
                    Err(unavailable) => Step::Now(Err(unavailable)),
                }
            }
            step => step,
        }
    }
}

impl<C> Default for Tenants<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Clone for Tenants<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> fmt::Debug for Tenants<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenants").field("issuers", &self.len()).finish_non_exhaustive()
    }
}
