//! [`SingleUse`]: opaque tokens that are redeemed once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{SingleUseError, SingleUseErrorKind};
use super::group::Group;
use super::kept::{Kept, New};
use super::records::MOST_IN_GROUP;
use crate::clock::{Clock, SystemClock, UnixTime};
use crate::issuer::compact::Compact;
use crate::issuer::session::{BoxSessionStore, SessionId, SessionStore};
use crate::key::TokenHash;
use crate::key::crypto::{is_base64url, secret};
use crate::revocation::RevocationStore;

/// What every opaque single-use token begins with.
const PREFIX: &str = "tbo1_";
/// Characters of 256 bits.
const SECRET: usize = 43;
/// The longest that a link is valid.
pub(super) const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The longest name of a purpose or a group, in bytes: it may come from a request.
const LONGEST_NAME: usize = 1024;
/// The longest payload as JSON, in bytes.
const LONGEST_PAYLOAD: usize = 16 * 1024;

/// Opaque tokens that are redeemed exactly once: links to sign in, to confirm an address, to reset
/// a password. A clone is a handle on the same.
///
/// Only hashes are stored, of issuer, purpose and token together: a token that is presented for
/// another purpose is not found, and is not used up. If the store loses its data, no token is
/// accepted.
///
/// **What is for a user belongs to the [`subject`](Self::subject)**: a newer link replaces the older
/// ones, and whatever ends all that the subject has ends them too:
/// [`Sessions::end_all`](crate::issuer::session::Sessions::end_all), or a revocation by subject. So the
/// store is the one that the sessions are in. What is for somebody who has no account yet belongs into
/// a [`group`](Self::group), by the address: nobody fills the store by asking for links to one.
///
/// **Links.** Mail scanners follow links. Redeem on a `POST` that the user makes on the page that
/// the link leads to, not on the `GET`.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
/// # futures_util::future::FutureExt::now_or_never(async {
/// use std::time::Duration;
/// use tower_bearer::issuer::session::MemorySessionStore;
/// use tower_bearer::issuer::single_use::SingleUse;
///
/// let store = MemorySessionStore::new(); // that of the sessions
/// let links = SingleUse::new("https://id.example.com", store);
/// let minutes = Duration::from_secs(15 * 60);
/// let ada = links.subject("ada");
/// let older = ada.mint("reset-password", &"ada", minutes).await?;
/// let newer = ada.mint("reset-password", &"ada", minutes).await?;
/// let sign_in = ada.mint("sign-in", &"ada", minutes).await?;
///
/// assert!(links.redeem::<String>("reset-password", older.expose_secret()).await.is_err());
/// assert!(links.redeem::<String>("sign-in", newer.expose_secret()).await.is_err());
/// let user: String = links.redeem("reset-password", newer.expose_secret()).await?;
/// assert_eq!(user, "ada");
///
/// // the password is new: every other link of hers is dead, as after `Sessions::end_all("ada")`
/// ada.revoke().await?;
/// assert!(links.redeem::<String>("sign-in", sign_in.expose_secret()).await.is_err());
/// # Ok::<(), tower_bearer::issuer::single_use::SingleUseError>(())
/// # }).unwrap().unwrap();
/// ```
#[doc(alias = "magic link")]
#[doc(alias = "one-time token")]
#[doc(alias = "password reset")]
#[derive(Clone)]
pub struct SingleUse {
    store: BoxSessionStore,
    issuer: Arc<str>,
    most: u32,
    pub(super) attempts: u32,
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
    /// The token's text: letters, digits, `-`, `_` and `.`, fit for a URL as it is; of a code its
    /// digits.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        self.text.as_str()
    }

    /// When it expires.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }
}

impl SingleUse {
    /// Tokens of this issuer that are kept in this store, which is that of its sessions. Several
    /// issuers that share a store do not know each other's.
    pub fn new(issuer: impl Into<Arc<str>>, store: impl SessionStore + RevocationStore) -> Self {
        Self {
            store: BoxSessionStore::new(store),
            issuer: issuer.into(),
            most: 1,
            attempts: 5,
            clock: Arc::new(SystemClock),
        }
    }

    /// Goes by this clock. The system's by default.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets how many tokens of one group and purpose count at the same time, 1 by default and 16 at
    /// most: a newer one replaces the oldest.
    #[must_use]
    pub fn most(mut self, most: u32) -> Self {
        self.most = most.clamp(1, MOST_IN_GROUP);
        self
    }

    /// Sets how many wrong tries a code survives, 5 by default and 100 at most: with the last one it
    /// is dead. See [`Group::redeem_code`].
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.clamp(1, 100);
        self
    }

    /// The tokens of one subject (`sub`). A revocation by subject that covers what was issued when one
    /// was minted covers it, too.
    #[must_use]
    pub fn subject<'a>(&'a self, subject: &'a str) -> Group<'a> {
        Group::new(self, "subject", subject, Some(subject))
    }

    /// The tokens of an address, or of whatever else they are to be replaced and revoked with, where
    /// there is no subject yet: no revocation of a subject reaches them.
    #[must_use]
    pub fn group<'a>(&'a self, name: &'a str) -> Group<'a> {
        Group::new(self, "group", name, None)
    }

    /// A token for this purpose that yields this payload, valid for at most a week, and that nothing
    /// replaces or revokes. The payload, 16 KiB at most, is kept as JSON in the store, readable to who
    /// reads that.
    ///
    /// Where anyone can ask for one, take a [`subject`](Self::subject) or a [`group`](Self::group).
    ///
    /// # Errors
    /// If the payload cannot be written or is too long, the lifetime is zero or above a week, or the
    /// store did not take it.
    pub async fn mint<T: Serialize + Sync + ?Sized>(
        &self,
        purpose: &str,
        payload: &T,
        lifetime: Duration,
    ) -> Result<SingleUseToken, SingleUseError> {
        let (text, id) = self.new_token(purpose)?;
        let until = self.until(lifetime, LONGEST)?;
        let (place, subject, payload) = (None, None, write(payload)?);
        self.kept().put(&New { id, place, subject, payload, until }).await?;
        Ok(SingleUseToken { text, expires_at: until })
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
        let secret = token.strip_prefix(PREFIX).ok_or_else(SingleUseError::rejected)?;
        if secret.len() != SECRET || !is_base64url(secret) {
            return Err(SingleUseError::rejected());
        }
        read(&self.kept().take(&self.id(purpose, token)?).await?)
    }

    /// A new token, and where it is found.
    pub(super) fn new_token(&self, purpose: &str) -> Result<(Compact, SessionId), SingleUseError> {
        let text = Compact::of(&[PREFIX, &secret()?]);
        let id = self.id(purpose, text.as_str())?;
        Ok((text, id))
    }

    /// When a token that lives for so long expires.
    pub(super) fn until(
        &self,
        lifetime: Duration,
        longest: Duration,
    ) -> Result<UnixTime, SingleUseError> {
        if lifetime.is_zero() || lifetime > longest {
            return Err(SingleUseError::of(SingleUseErrorKind::Lifetime));
        }
        Ok(self.clock.now().saturating_add(lifetime))
    }

    /// How many of a slot count, of links.
    pub(super) const fn most_links(&self) -> u32 {
        self.most
    }

    pub(super) fn kept(&self) -> Kept<'_> {
        Kept { store: &self.store, issuer: &self.issuer, clock: &*self.clock }
    }

    fn id(&self, purpose: &str, token: &str) -> Result<SessionId, SingleUseError> {
        Ok(SessionId::of_hash(&self.hash("single use", &[purpose, token])?))
    }

    /// A hash that no other issuer's records have.
    pub(super) fn hash(&self, what: &str, names: &[&str]) -> Result<TokenHash, SingleUseError> {
        if names.iter().any(|name| name.len() > LONGEST_NAME) {
            return Err(SingleUseError::of(SingleUseErrorKind::TooLong));
        }
        let head = ["single-use token", what, &*self.issuer];
        let parts: Vec<&[u8]> = head.iter().chain(names).map(|part| part.as_bytes()).collect();
        Ok(TokenHash::of(&parts)?)
    }
}

/// The payload as it is kept.
pub(super) fn write<T: Serialize + ?Sized>(payload: &T) -> Result<Vec<u8>, SingleUseError> {
    let json = serde_json::to_vec(payload)
        .map_err(|error| SingleUseError::of(SingleUseErrorKind::Payload).with_source(error))?;
    if json.len() > LONGEST_PAYLOAD {
        return Err(SingleUseError::of(SingleUseErrorKind::TooLong));
    }
    Ok(json)
}

/// The payload as it was given. A parser's message could quote it, so there is no source.
pub(super) fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, SingleUseError> {
    serde_json::from_slice(payload).map_err(|_| SingleUseError::of(SingleUseErrorKind::Payload))
}

impl fmt::Debug for SingleUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleUse").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
