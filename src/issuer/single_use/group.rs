//! [`Group`]: the single-use tokens of one account.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::SingleUseError;
use super::store::{Attempt, SingleUseStore};
use super::tokens::{SingleUse, SingleUseToken, read, write};
use crate::issuer::compact::Compact;
use crate::key::TokenHash;
use crate::key::crypto::random;

/// How many digits a code has.
const DIGITS: usize = 6;
/// A code is typed while it is fresh.
const LONGEST_CODE: Duration = Duration::from_secs(60 * 60);

/// The single-use tokens of one account: made with [`SingleUse::group`].
///
/// Of each purpose the newest token counts, unless [`SingleUse::most`] allows more; of all purposes
/// together 16, the newest.
#[derive(Clone, Copy)]
pub struct Group<'a, S> {
    tokens: &'a SingleUse<S>,
    name: &'a str,
}

impl<'a, S: SingleUseStore> Group<'a, S> {
    pub(super) fn new(tokens: &'a SingleUse<S>, name: &'a str) -> Self {
        Self { tokens, name }
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
        self.tokens.mint_in(Some(self.name), purpose, payload, lifetime).await
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
        let tokens = self.tokens;
        let id = tokens.hash("code", &[self.name, purpose, text.as_str()])?;
        let (group, slot) = (tokens.hash("group", &[self.name])?, self.slot(purpose)?);
        let when = (tokens.clock.now(), lifetime, LONGEST_CODE);
        let expires_at = tokens.put(&id, &group, &slot, 1, &write(payload)?, when).await?;
        Ok(SingleUseToken { text, expires_at })
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
        let tokens = self.tokens;
        let attempt = Attempt {
            group: &tokens.hash("group", &[self.name])?,
            slot: &self.slot(purpose)?,
            id: &tokens.hash("code", &[self.name, purpose, code])?,
            most: tokens.attempts,
        };
        let taken = tokens.store.attempt(&attempt, tokens.clock.now()).await?;
        read(&taken.ok_or_else(SingleUseError::rejected)?)
    }

    /// Makes all tokens of the group void, of every purpose: when the password changes, when the
    /// account is closed.
    ///
    /// # Errors
    /// If some may be left.
    pub async fn revoke(&self) -> Result<(), SingleUseError> {
        let group = self.tokens.hash("group", &[self.name])?;
        Ok(self.tokens.store.revoke_group(&group, self.tokens.clock.now()).await?)
    }

    fn slot(&self, purpose: &str) -> Result<TokenHash, SingleUseError> {
        self.tokens.hash("slot", &["code", purpose])
    }
}

impl<S> fmt::Debug for Group<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}
