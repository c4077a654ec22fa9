//! [`Group`]: the single-use tokens of one subject, or one address.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::SingleUseError;
use super::kept::New;
use super::tokens::{LONGEST, SingleUse, SingleUseToken, read, write};
use crate::issuer::compact::Compact;
use crate::issuer::session::SessionId;
use crate::key::crypto::{base64url, random};

/// How many digits a code has.
const DIGITS: usize = 6;
/// A code is typed while it is fresh.
const LONGEST_CODE: Duration = Duration::from_secs(60 * 60);

/// The single-use tokens of one subject, or one address: made with [`SingleUse::subject`] and
/// [`SingleUse::group`].
///
/// Of each purpose the newest token counts, unless [`SingleUse::most`] allows more; of all purposes
/// together 16, the newest.
#[derive(Clone, Copy)]
pub struct Group<'a> {
    tokens: &'a SingleUse,
    kind: &'static str,
    name: &'a str,
    subject: Option<&'a str>,
    version: Option<u64>,
}

impl<'a> Group<'a> {
    pub(super) fn new(
        tokens: &'a SingleUse,
        kind: &'static str,
        name: &'a str,
        subject: Option<&'a str>,
    ) -> Self {
        Self { tokens, kind, name, subject, version: None }
    }

    /// The subject's token version, where the issuer counts one: a revocation by version covers what
    /// was minted with a lower one, or with none.
    #[must_use]
    pub const fn version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }

    /// A token of this group, see [`SingleUse::mint`]. It replaces what was minted here for the same
    /// purpose before.
    ///
    /// # Errors
    /// As for [`SingleUse::mint`]; also if the name of the group is longer than 1 KiB.
    pub async fn mint<T: Serialize + Sync + ?Sized>(
        &self,
        purpose: &str,
        payload: &T,
        lifetime: Duration,
    ) -> Result<SingleUseToken, SingleUseError> {
        let (text, id) = self.tokens.new_token(purpose)?;
        let (slot, until) = (self.slot("link", purpose)?, self.tokens.until(lifetime, LONGEST)?);
        let place = Some((self.id()?, slot, self.tokens.most_links()));
        let (subject, payload) = (self.whose(), write(payload)?);
        self.tokens.kept().put(&New { id, place, subject, payload, until }).await?;
        Ok(SingleUseToken { text, expires_at: until })
    }

    /// A code of six digits, to be typed: valid for at most an hour. It replaces the one before.
    ///
    /// Anyone can guess, so it is redeemed in this group only and dies after a few wrong tries. Each
    /// new code allows as many again: bound how often one account may ask for one.
    ///
    /// # Errors
    /// As for [`mint`](Self::mint).
    #[doc(alias = "otp")]
    #[doc(alias = "one-time password")]
    pub async fn mint_code<T: Serialize + Sync + ?Sized>(
        &self,
        purpose: &str,
        payload: &T,
        lifetime: Duration,
    ) -> Result<SingleUseToken, SingleUseError> {
        // of 2^64 a million is so small a part that no digit is more likely than another
        let number = u64::from_be_bytes(random()?) % 1_000_000;
        let text = Compact::new(format!("{number:0DIGITS$}"));
        let id = self.code_id(purpose, text.as_str())?;
        let slot = self.slot("code", purpose)?;
        let until = self.tokens.until(lifetime, LONGEST_CODE)?;
        let place = Some((self.id()?, slot, 1));
        let (subject, payload) = (self.whose(), write(payload)?);
        self.tokens.kept().put(&New { id, place, subject, payload, until }).await?;
        Ok(SingleUseToken { text, expires_at: until })
    }

    /// Yields the payload of a code, once. A wrong code counts, and with the last one that
    /// [`SingleUse::attempts`] allows the right one is dead, too.
    ///
    /// # Errors
    /// As for [`SingleUse::redeem`].
    #[doc(alias = "redeem_with_attempts")]
    pub async fn redeem_code<T: DeserializeOwned>(
        &self,
        purpose: &str,
        code: &str,
    ) -> Result<T, SingleUseError> {
        if code.len() != DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SingleUseError::rejected());
        }
        let (id, group) = (self.code_id(purpose, code)?, self.id()?);
        let slot = self.slot("code", purpose)?;
        read(&self.tokens.kept().attempt(&id, (&group, &slot), self.tokens.attempts).await?)
    }

    /// Makes all tokens of the group void, of every purpose: when the password changes, when the
    /// account is closed.
    ///
    /// # Errors
    /// If some may be left.
    pub async fn revoke(&self) -> Result<(), SingleUseError> {
        self.tokens.kept().revoke_group(&self.id()?).await
    }

    fn id(&self) -> Result<SessionId, SingleUseError> {
        Ok(SessionId::of_hash(&self.tokens.hash(self.kind, &[self.name])?))
    }

    /// Of a code the id is made with the name of its group: it opens nothing elsewhere. Another code
    /// of the same six digits gets the same id, once the first is gone.
    fn code_id(&self, purpose: &str, code: &str) -> Result<SessionId, SingleUseError> {
        let names = [self.kind, self.name, purpose, code];
        Ok(SessionId::of_hash(&self.tokens.hash("code", &names)?))
    }

    fn slot(&self, kind: &str, purpose: &str) -> Result<String, SingleUseError> {
        let hash = self.tokens.hash("slot", &[kind, purpose])?;
        Ok(base64url(hash.as_bytes().split_at(16).0))
    }

    fn whose(&self) -> Option<(&'a str, Option<u64>)> {
        self.subject.map(|subject| (subject, self.version))
    }
}

impl fmt::Debug for Group<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}
