//! [`Tenants`]: issuers that come and go at run time.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use serde::de::DeserializeOwned;

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
/// ```
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
///     .keys(Key::hs256(Secret::new("a secret of 32 bytes or more, please"))?)
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
pub struct Tenants<C>(Arc<Inner<C>>);

struct Inner<C> {
    /// All issuers as one verifier; `None` while there are none.
    current: ArcSwapOption<Verifier<C>>,
    /// Held while the issuers change.
    changing: Mutex<()>,
    most: usize,
    resolver: Option<Resolver<C>>,
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
    /// When there are `most` issuers already, others are answered with 503.
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
            changing: Mutex::new(()),
            most,
            resolver,
        }))
    }

    /// Adds a verifier for its issuers, in place of what they had.
    ///
    /// # Errors
    /// If the verifier accepts any issuer, or there would be too many.
    pub fn insert(&self, verifier: Verifier<C>) -> Result<(), BuildError> {
        let inner = &*self.0;
        let _changing = inner.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = inner.current.load();
        let all = match before.as_deref() {
            Some(before) => before.replacing(verifier)?,
            None => Verifier::of_issuers([verifier])?,
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

    /// The issuer of a token, looked up if it is allowed and not there.
    fn look_up(&self, token: &BearerToken) -> Result<(), Rejection> {
        let Some(resolver) = &self.0.resolver else { return Ok(()) };
        let payload = Compact::parse(token.as_bytes())?.payload()?;
        let Some(issuer) = peek_issuer(&payload) else { return Ok(()) };
        if self.contains(&issuer) || !(resolver.allow)(&issuer) {
            return Ok(());
        }
        let full = |_| {
            let reason = "there is no room for the token's issuer: raise the bound of `Tenants`";
            Rejection::new(RejectionKind::KeysUnavailable, reason)
        };
        match (resolver.resolve)(&issuer) {
            Some(verifier) => self.insert(verifier).map_err(full),
            None => Ok(()),
        }
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
        if let Err(rejection) = self.look_up(&token) {
            return Step::Now(Err(rejection));
        }
        match &*self.0.current.load() {
            Some(all) => all.verify(token, head),
            None => Step::Now(Err(Rejection::new(
                RejectionKind::WrongIssuer,
                "there are no issuers whose tokens are accepted",
            ))),
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
