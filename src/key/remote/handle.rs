//! [`RemoteKeys`]: the handle.

use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::builder::RemoteKeysBuilder;
use super::config::{Config, LONGEST};
use super::error::{RemoteKeysError, RemoteKeysErrorKind};
use super::flight::{Claim, Missing};
use super::machine::PATIENCE;
use super::seed::{Seed, SeedKeys};
use super::state::Shared;
use super::status::RemoteStatus;
use crate::key::{BoxFuture, KeySnapshot, KeySource, KeysUnavailable, MissingKey};

/// Keys that an identity provider publishes. See the [module](super) for what it promises.
///
/// Clones are handles to the same keys. Keep one for [`status`](Self::status) and
/// [`ready`](Self::ready), and give one to the verifier; when the last is dropped, the background
/// task stops.
#[derive(Clone)]
#[doc(alias("jwks", "oidc", "openid", "discovery", "keycloak", "auth0"))]
pub struct RemoteKeys(Arc<Owner>);

/// Its drop is that of the last handle; the task and the requests that wait hold only what is
/// shared.
struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl RemoteKeys {
    /// Keys of the issuer with this identifier, found by its metadata: OpenID Connect Discovery,
    /// or else RFC 8414. The identifier is what tokens have as `iss`, slash and all.
    pub fn discover(issuer: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::discover(issuer.into())
    }

    /// Keys at this URL of a JWK Set (RFC 7517 §5).
    pub fn jwks(url: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::jwks(url.into())
    }

    pub(super) fn new(config: Config, seed: Option<Seed>) -> Self {
        Self(Arc::new(Owner(Arc::new(Shared::new(config, seed)))))
    }

    pub(super) fn start(&self) -> Result<(), RemoteKeysError> {
        self.0.0.attend().1
    }

    /// The issuer whose metadata named these keys; `None` if they are from a URL.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.0.0.issuer()
    }

    /// The keys as they are now.
    ///
    /// # Errors
    /// If there are none, or the provider has not confirmed them for longer than
    /// [`keep_for`](RemoteKeysBuilder::keep_for).
    pub fn current(&self) -> Result<KeySnapshot, KeysUnavailable> {
        let shared = &self.0.0;
        if shared.is_quiet() {
            return Ok(shared.keys());
        }
        // Not yet used, or used on a runtime that is gone; outside of one this is no error yet.
        let (usable, _started) = shared.attend();
        if usable {
            return Ok(shared.keys());
        }
        let at = shared.moment();
        Err(shared.unavailable(&shared.lock(), at))
    }

    /// Waits until there are keys, as long as a request would
    /// ([`wait`](RemoteKeysBuilder::wait)). For readiness checks: it asks the provider only if
    /// there are no keys, and no more often than requests do.
    ///
    /// # Errors
    /// If there are still none.
    pub async fn ready(&self) -> Result<(), KeysUnavailable> {
        let shared = &self.0.0;
        match shared.claim(None) {
            Claim::There => Ok(()),
            Claim::Wait { number, had_begun } => {
                Arc::clone(shared).wait(None, number, had_begun).await
            }
            Claim::Unavailable(unavailable) => Err(unavailable),
            // Not reached: nothing is denied to who asks for any keys.
            Claim::Denied => Err(KeysUnavailable::new()),
        }
    }

    /// Asks the provider now, past every cache on the way (`Cache-Control: no-cache`, and no
    /// validator), and waits for the answer: at most the time of three requests
    /// ([`timeout`](RemoteKeysBuilder::timeout)), and as much again if a refresh is under way or its
    /// runtime does not run. For emergencies: afterwards a key that was withdrawn verifies nothing.
    ///
    /// # Errors
    /// Why it failed. Keys that are there keep serving.
    pub async fn refresh(&self) -> Result<(), RemoteKeysError> {
        self.ask(true).await
    }

    pub(super) async fn ask(&self, unconditional: bool) -> Result<(), RemoteKeysError> {
        let shared = &self.0.0;
        let number = shared.want(unconditional)?;
        let most = shared.longest.saturating_mul(2).saturating_add(PATIENCE * 4);
        if shared.landed(number, Instant::now() + most).await {
            return shared.result();
        }
        let text = "the keys were not fetched in time: the runtime that fetches them is blocked, or \
                    driven by nobody";
        Err(RemoteKeysError::new(RemoteKeysErrorKind::Stopped, text))
    }

    /// The public keys as they are now and when the provider last confirmed them, to be kept for the
    /// next start: see [`RemoteKeysBuilder::seed`]. `None` if there are none, or only such as are not
    /// public: shared secrets are never exported.
    ///
    /// Worth writing to a file whenever [`RemoteStatus::epoch`] or a good part of
    /// [`keep_for`](RemoteKeysBuilder::keep_for) has changed, and before the process ends.
    #[must_use]
    pub fn export(&self) -> Option<SeedKeys> {
        self.0.0.export()
    }

    /// Waits until there are keys; the task tries again meanwhile.
    pub(super) async fn within(&self, time: Duration) -> Result<(), RemoteKeysError> {
        let shared = &self.0.0;
        self.start()?;
        let until = Instant::now() + time.min(LONGEST);
        loop {
            let next = {
                let at = shared.moment();
                let state = shared.lock();
                if state.machine.usable(at) {
                    return Ok(());
                }
                state.machine.ended() + 1
            };
            if !shared.landed(next, until).await {
                return Err(shared.result().err().unwrap_or_else(|| {
                    let text = format!("there were no keys within {time:?}");
                    RemoteKeysError::new(RemoteKeysErrorKind::Unreachable, text)
                }));
            }
        }
    }

    /// Whether there are keys that may be used.
    pub(super) fn usable(&self) -> bool {
        self.current().is_ok()
    }

    /// The state: age, source, key ids, last error, next refresh.
    #[must_use]
    pub fn status(&self) -> RemoteStatus {
        self.0.0.status()
    }
}

impl KeySource for RemoteKeys {
    fn current(&self) -> Result<KeySnapshot, KeysUnavailable> {
        Self::current(self)
    }

    fn refresh(
        &self,
        missing: &MissingKey<'_>,
    ) -> Option<BoxFuture<'static, Result<(), KeysUnavailable>>> {
        let shared = &self.0.0;
        match shared.claim(Some(missing)) {
            Claim::There => Some(Box::pin(ready(Ok(())))),
            Claim::Denied => None,
            Claim::Unavailable(unavailable) => Some(Box::pin(ready(Err(unavailable)))),
            Claim::Wait { number, had_begun } => {
                let missing = Some(Missing::from(missing));
                Some(Box::pin(Arc::clone(shared).wait(missing, number, had_begun)))
            }
        }
    }

    fn ready(&self) -> BoxFuture<'static, Result<(), KeysUnavailable>> {
        let keys = self.clone();
        Box::pin(async move { Self::ready(&keys).await })
    }

    fn issuer(&self) -> Option<&str> {
        Self::issuer(self)
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteKeys").field(&self.status()).finish()
    }
}
