//! [`SingleUse`]: opaque tokens that are redeemed once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{SingleUseError, SingleUseErrorKind};
use super::store::SingleUseStore;
use crate::clock::{Clock, SystemClock, UnixTime};
use crate::issuer::compact::Compact;
use crate::key::TokenHash;
use crate::key::crypto::{is_base64url, secret};

/// What every opaque single-use token begins with.
const PREFIX: &str = "tbo1_";
/// Characters of 256 bits.
const SECRET: usize = 43;
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Opaque tokens that are redeemed exactly once: links to sign in, to confirm an address, to reset
/// a password. A clone is a handle on the same.
///
/// Only hashes are stored, of token and purpose together: a token that is presented for another
/// purpose is not found, and is not used up. If the store loses its data, no token is accepted.
///
/// **Links.** Mail scanners follow links. Redeem on a `POST` that the user makes on the page that
/// the link leads to, not on the `GET`.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
/// # futures_util::future::FutureExt::now_or_never(async {
/// use std::time::Duration;
/// use tower_bearer::issuer::single_use::{MemorySingleUseStore, SingleUse};
///
/// let links = SingleUse::new(MemorySingleUseStore::new());
/// let minutes = Duration::from_secs(15 * 60);
/// let token = links.mint("sign-in", &"ada@example.com", minutes).await?;
///
/// assert!(links.redeem::<String>("reset-password", token.as_str()).await.is_err());
/// let address: String = links.redeem("sign-in", token.as_str()).await?;
/// assert_eq!(address, "ada@example.com");
/// assert!(links.redeem::<String>("sign-in", token.as_str()).await.is_err());
/// # Ok::<(), tower_bearer::issuer::single_use::SingleUseError>(())
/// # }).unwrap().unwrap();
/// ```
pub struct SingleUse<S> {
    store: Arc<S>,
    clock: Arc<dyn Clock>,
}

/// A single-use token, to be given to whom it is for. `Debug` redacts it; the text is wiped when it
/// is dropped.
#[derive(Debug, Clone)]
pub struct SingleUseToken {
    pub(super) text: Compact,
    pub(super) expires_at: UnixTime,
}

impl SingleUseToken {
    /// The token's text: letters, digits, `-`, `_` and `.`, fit for a URL as it is.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// When it expires.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }
}

impl<S: SingleUseStore> SingleUse<S> {
    /// Tokens that are kept in this store.
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store), clock: Arc::new(SystemClock) }
    }

    /// Goes by this clock. The system's by default.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// A token for this purpose that yields this payload, valid for at most a week. The payload is
    /// kept as JSON in the store, readable to who reads that.
    ///
    /// # Errors
    /// If the payload cannot be written, the lifetime is zero or above a week, or the store did not
    /// take it.
    pub async fn mint<T: Serialize + Sync + ?Sized>(
        &self,
        purpose: &str,
        payload: &T,
        lifetime: Duration,
    ) -> Result<SingleUseToken, SingleUseError> {
        if lifetime.is_zero() || lifetime > LONGEST {
            return Err(SingleUseError::new(SingleUseErrorKind::Lifetime));
        }
        let payload = serde_json::to_string(payload)
            .map_err(|error| SingleUseError::new(SingleUseErrorKind::Payload).with_source(error))?;
        let text = Compact::of(&[PREFIX, &secret()?]);
        let now = self.clock.now();
        let expires_at = now.saturating_add(lifetime);
        self.store.put(&id(purpose, text.as_str())?, &payload, expires_at, now).await?;
        Ok(SingleUseToken { text, expires_at })
    }

    /// Yields the payload, once. A token that was minted for another purpose is rejected and stays
    /// as it is.
    ///
    /// # Errors
    /// [`Rejected`](SingleUseErrorKind::Rejected) for every token that does not count,
    /// [`Payload`](SingleUseErrorKind::Payload) if the payload is of another type (the token is then
    /// used up), [`Unavailable`](SingleUseErrorKind::Unavailable) if it cannot be decided.
    pub async fn redeem<T: DeserializeOwned>(
        &self,
        purpose: &str,
        token: &str,
    ) -> Result<T, SingleUseError> {
        let rejected = || SingleUseError::new(SingleUseErrorKind::Rejected);
        let secret = token.strip_prefix(PREFIX).ok_or_else(rejected)?;
        if secret.len() != SECRET || !is_base64url(secret) {
            return Err(rejected());
        }
        let taken = self.store.take(&id(purpose, token)?, self.clock.now()).await?;
        // a parser's message could quote the payload
        serde_json::from_str(&taken.ok_or_else(rejected)?)
            .map_err(|_| SingleUseError::new(SingleUseErrorKind::Payload))
    }
}

fn id(purpose: &str, token: &str) -> Result<TokenHash, SingleUseError> {
    Ok(TokenHash::of(&[b"single use", purpose.as_bytes(), token.as_bytes()])?)
}

impl<S> Clone for SingleUse<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), clock: Arc::clone(&self.clock) }
    }
}

impl<S> fmt::Debug for SingleUse<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleUse").finish_non_exhaustive()
    }
}
