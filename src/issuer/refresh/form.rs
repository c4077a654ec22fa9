//! The form of a refresh token: [`RefreshToken`].

use std::fmt;

use super::family::{HANDLE, PARTITION, SessionId, SubjectKey};
use crate::clock::UnixTime;
use crate::issuer::compact::Compact;
use crate::key::KeyError;
use crate::key::crypto::{TokenHash, is_base64url, secret};

/// What every refresh token begins with, for secret scanners and for telling it from others.
const PREFIX: &str = "tbr1_";
/// Characters of 256 bits.
const SECRET: usize = 43;

/// A refresh token, to be given to its client and nobody else. `Debug` redacts it; the text is
/// wiped when it is dropped.
///
/// `tbr1_`, the subject's partition (48 bits), the family's handle (128 random bits, the same in
/// all of its tokens), `.`, and the token's own 256 random bits. The session id is a hash of the
/// handle: who knows the id cannot make a token that would pass for a spent one, and so cannot end
/// the session.
#[derive(Clone)]
pub struct RefreshToken {
    text: Compact,
    expires_at: UnixTime,
}

impl RefreshToken {
    /// The token's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// When it expires unless it is used before: for a cookie's `Max-Age`.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    pub(super) fn with_expiry(mut self, expires_at: UnixTime) -> Self {
        self.expires_at = expires_at;
        self
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken").field("text", &self.text).finish_non_exhaustive()
    }
}

/// The parts of a token that look right. Nothing is proven by that.
pub(super) struct Presented<'a> {
    stem: &'a str,
    pub(super) family: SessionId,
    pub(super) hash: TokenHash,
}

/// `None` if the text is no refresh token.
pub(super) fn parse(text: &str) -> Result<Option<Presented<'_>>, KeyError> {
    let Some((stem, secret)) = text.split_once('.') else {
        return Ok(None);
    };
    let Some(body) = stem.strip_prefix(PREFIX) else {
        return Ok(None);
    };
    let fits = body.len() == PARTITION + HANDLE && secret.len() == SECRET;
    if !fits || !is_base64url(body) || !is_base64url(secret) {
        return Ok(None);
    }
    let (partition, handle) = body.split_at(PARTITION);
    let family = SessionId::of_handle(partition, handle)?;
    Ok(Some(Presented { stem, family, hash: hash(text)? }))
}

fn hash(text: &str) -> Result<TokenHash, KeyError> {
    TokenHash::of(&[b"refresh", text.as_bytes()])
}

fn with_stem(stem: &str) -> Result<(RefreshToken, TokenHash), KeyError> {
    let text = Compact::of(&[stem, ".", &secret()?]);
    let hash = hash(text.as_str())?;
    Ok((RefreshToken { text, expires_at: UnixTime::EPOCH }, hash))
}

impl Presented<'_> {
    /// A token that may follow this one.
    pub(super) fn successor(&self) -> Result<(RefreshToken, TokenHash), KeyError> {
        with_stem(self.stem)
    }
}

/// The id of a new family and its first token.
pub(super) fn new_family(
    subject: &SubjectKey,
) -> Result<(SessionId, RefreshToken, TokenHash), KeyError> {
    let (id, handle) = SessionId::unique(subject)?;
    let (token, hash) = with_stem(&format!("{PREFIX}{}{handle}", subject.partition()))?;
    Ok((id, token, hash))
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_family_and_no_other_text_is_one() {
        let ada = SubjectKey::new("ada").unwrap();
        let (id, token, hash) = new_family(&ada).unwrap();
        assert_eq!(id.partition(), ada.partition());
        assert_eq!(SessionId::parse(id.as_str()), Some(id.clone()));
        let presented = parse(token.as_str()).unwrap().unwrap();
        assert_eq!((&presented.family, presented.hash), (&id, hash));
        let (next, _) = presented.successor().unwrap();
        let next = parse(next.as_str()).unwrap().unwrap();
        assert_eq!(next.family, id);
        assert_ne!(next.hash, hash);

        let good = token.as_str();
        let shorter = good.get(..good.len() - 1).unwrap();
        let other_prefix = good.replacen("tbr1", "tbr2", 1);
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";
        for odd in [
            "",
            ".",
            "tbr1_.",
            jwt,
            shorter,
            &other_prefix,
            &format!("{good}A"),
            &format!(" {good}"),
            &good.replace('.', ":"),
            &format!("{shorter}="),
        ] {
            assert!(parse(odd).unwrap().is_none(), "{odd}");
        }
        assert!(!good.contains(id.as_str().get(8..).unwrap()));
    }

    #[test]
    fn debug_is_redacted() {
        let (_, token, _) = new_family(&SubjectKey::new("ada").unwrap()).unwrap();
        let text = format!("{token:?} {token:#?}");
        assert!(!text.contains("tbr1_"), "{text}");
    }
}
