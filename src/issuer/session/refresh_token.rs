//! The form of a refresh token: [`RefreshToken`].

use std::fmt;

use super::id::{HANDLE, SessionId};
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
/// `tbr1_`, the session's handle (128 random bits, the same in all of its tokens), `.`, and the
/// token's own 256 random bits. The session id is a hash of the issuer and the handle: who knows the
/// id cannot make a token that would pass for a spent one, and so cannot end the session; and a
/// token of one issuer names no session of another.
#[derive(Clone)]
pub struct RefreshToken {
    text: Compact,
    expires_at: UnixTime,
}

impl RefreshToken {
    /// The token's text, to be given to its client and nobody else.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
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
    text: &'a str,
    stem: &'a str,
    pub(super) session: SessionId,
    pub(super) hash: TokenHash,
}

/// The token as its session and hash; `None` if the text is none.
pub(super) fn parse<'a>(issuer: &str, text: &'a str) -> Result<Option<Presented<'a>>, KeyError> {
    // The length first: the text is whatever a client sends.
    if text.len() != PREFIX.len() + HANDLE + 1 + SECRET {
        return Ok(None);
    }
    let Some((stem, secret)) = text.split_once('.') else {
        return Ok(None);
    };
    let Some(handle) = stem.strip_prefix(PREFIX) else {
        return Ok(None);
    };
    let fits = handle.len() == HANDLE && secret.len() == SECRET;
    if !fits || !is_base64url(handle) || !is_base64url(secret) {
        return Ok(None);
    }
    let session = SessionId::of_handle(issuer, handle)?;
    Ok(Some(Presented { text, stem, session, hash: hash(text)? }))
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

    /// This token once more.
    pub(super) fn again(&self) -> RefreshToken {
        RefreshToken { text: Compact::of(&[self.text]), expires_at: UnixTime::EPOCH }
    }
}

/// The id of a new session and its first token.
pub(super) fn new_session(issuer: &str) -> Result<(SessionId, RefreshToken, TokenHash), KeyError> {
    let (id, handle) = SessionId::unique(issuer)?;
    let (token, hash) = with_stem(&format!("{PREFIX}{handle}"))?;
    Ok((id, token, hash))
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_session_at_its_issuer_and_no_other_text_is_one() {
        let (id, token, hash) = new_session("https://a").unwrap();
        assert_eq!(SessionId::parse(id.as_str()), Some(id.clone()));
        let good = token.expose_secret();
        let presented = parse("https://a", good).unwrap().unwrap();
        assert_eq!((&presented.session, presented.hash), (&id, hash));
        assert_eq!(presented.again().expose_secret(), good);
        let (next, _) = presented.successor().unwrap();
        let next = parse("https://a", next.expose_secret()).unwrap().unwrap();
        assert_eq!(next.session, id);
        assert_ne!(next.hash, hash);
        assert_ne!(parse("https://b", good).unwrap().unwrap().session, id);

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
            &"é".repeat(good.len() / 2),
        ] {
            assert!(parse("https://a", odd).unwrap().is_none(), "{odd}");
        }
        assert!(!good.contains(id.as_str()));
    }

    #[test]
    fn debug_is_redacted() {
        let (_, token, _) = new_session("https://a").unwrap();
        let text = format!("{token:?} {token:#?}");
        assert!(!text.contains("tbr1_"), "{text}");
    }
}
