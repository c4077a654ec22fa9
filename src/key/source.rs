//! [`KeySource`]: where a verifier gets its keys from.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::Guard;

use super::algorithm::Algorithm;
use super::set::KeySet;
pub use crate::step::BoxFuture;

/// A place that keys come from: fixed, replaced by hand ([`SharedKeys`](super::SharedKeys)), or
/// fetched.
pub trait KeySource: Send + Sync + 'static {
    /// The keys as they are now. Asked on every request: it never waits and never locks.
    ///
    /// # Errors
    /// [`KeysUnavailable`] if there are none to be had: never fetched, or too old to be trusted.
    fn current(&self) -> Result<KeySnapshot, KeysUnavailable>;

    /// Called when [`current`](Self::current) has no key for a token.
    ///
    /// `None`: there is no more to be had, the token is rejected. A future: worth waiting for;
    /// afterwards `current` is asked once more. It must bound its own waiting, and how often
    /// strangers can make it do work: the `kid` is whatever the client sent.
    fn refresh(
        &self,
        missing: &MissingKey<'_>,
    ) -> Option<BoxFuture<'static, Result<(), KeysUnavailable>>>;

    /// Waits until there are keys, for a readiness check: fetches them if need be, and bounds its own
    /// waiting. By default [`current`](Self::current) is asked, and nothing is waited for.
    fn ready(&self) -> BoxFuture<'static, Result<(), KeysUnavailable>> {
        Box::pin(std::future::ready(self.current().map(drop)))
    }

    /// The issuer that these keys belong to, where the source knows it: a verifier for another
    /// issuer is then refused when it is built.
    fn issuer(&self) -> Option<&str> {
        None
    }
}

/// A [`KeySet`] as it was at one moment. Reading it shares no counter with other threads.
///
/// Meant to be held for the length of a request, not stored.
pub struct KeySnapshot(Guard<Arc<KeySet>>);

impl KeySnapshot {
    pub(super) fn from_guard(guard: Guard<Arc<KeySet>>) -> Self {
        Self(guard)
    }

    /// The set, to be kept for longer.
    pub(crate) fn share(&self) -> Arc<KeySet> {
        Arc::clone(&self.0)
    }
}

impl Deref for KeySnapshot {
    type Target = KeySet;

    fn deref(&self) -> &KeySet {
        &self.0
    }
}

impl From<Arc<KeySet>> for KeySnapshot {
    fn from(keys: Arc<KeySet>) -> Self {
        Self(Guard::from_inner(keys))
    }
}

impl fmt::Debug for KeySnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        KeySet::fmt(self, f)
    }
}

/// What a token asked for and the keys did not have.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct MissingKey<'a> {
    kid: Option<&'a str>,
    algorithm: Algorithm,
    epoch: Option<u64>,
}

impl<'a> MissingKey<'a> {
    /// A token with this `kid` and `alg`.
    #[must_use]
    pub fn new(kid: Option<&'a str>, algorithm: Algorithm) -> Self {
        Self { kid, algorithm, epoch: None }
    }

    /// Adds the [epoch](KeySet::epoch) of the keys that were looked at.
    #[must_use]
    pub fn with_epoch(mut self, epoch: u64) -> Self {
        self.epoch = Some(epoch);
        self
    }

    /// The epoch of the keys that were looked at; `None` if there were none. If the keys have
    /// another by now, looking again is enough.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        self.epoch
    }

    /// The token's `kid`: text from the client, to be compared and not to be trusted.
    #[must_use]
    pub fn kid(&self) -> Option<&'a str> {
        self.kid
    }

    /// The token's `alg`.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// The keys cannot be fetched at present. Requests are answered with 503, never with `invalid_token`.
#[derive(Clone, Default)]
pub struct KeysUnavailable {
    source: Option<Arc<dyn Error + Send + Sync>>,
    retry_after: Option<Duration>,
}

impl KeysUnavailable {
    /// Without a reason given.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the error behind it, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into().into());
        self
    }

    /// Adds when to try again, for `Retry-After`.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// When to try again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Debug for KeysUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeysUnavailable")
            .field("source", &self.source)
            .field("retry_after", &self.retry_after)
            .finish()
    }
}

impl fmt::Display for KeysUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the keys cannot be fetched at present")
    }
}

impl Error for KeysUnavailable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

/// What a verifier takes for its keys: a [`Key`](super::Key), several, a [`KeySet`], or any [`KeySource`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a source of keys",
    note = "give a `Key`, a `KeySet`, a `Vec<Key>`, `SharedKeys`, an `Arc<dyn KeySource>` or your own `KeySource`",
    note = "a constructor such as `Key::hs256(..)` returns a `Result`: add `?`",
    note = "a `RemoteKeysBuilder` is not built yet: end it with `.eager().await?` or `.spawn()?`"
)]
pub trait IntoKeySource {
    /// The source, ready to be shared.
    fn into_key_source(self) -> Arc<dyn KeySource>;
}

impl<T: KeySource> IntoKeySource for T {
    fn into_key_source(self) -> Arc<dyn KeySource> {
        Arc::new(self)
    }
}

impl IntoKeySource for Arc<dyn KeySource> {
    fn into_key_source(self) -> Arc<dyn KeySource> {
        self
    }
}
