//! [`HandoverNonce`] and [`HandoverChallenge`]: which browser asked for a handover.

use std::fmt;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use super::error::SingleUseError;
use crate::issuer::compact::Compact;
use crate::key::crypto::{base64url, is_base64url, same_bytes, secret, sha256_of};

/// The `__Host-` prefix keeps subdomains and plain HTTP from setting it.
const COOKIE_NAME: &str = "__Host-handover";
/// Characters of 256 bits.
const LENGTH: usize = 43;

/// What the browser that asks for a handover keeps, in a cookie of the domain that it goes to: 256
/// random bits. `Debug` redacts it; the text is wiped when it is dropped.
#[derive(Clone)]
pub struct HandoverNonce(Compact);

/// The hash of a [`HandoverNonce`]: what the domain that signs is told. Nobody finds the nonce by it,
/// so it may stand in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoverChallenge(Box<str>);

impl HandoverNonce {
    /// A new one, for one handover.
    ///
    /// # Errors
    /// If the crypto backend is missing or fails.
    pub fn generate() -> Result<Self, SingleUseError> {
        Ok(Self(Compact::of(&[&secret()?])))
    }

    /// What the domain that signs has to be told.
    ///
    /// # Errors
    /// If the crypto backend is missing or fails.
    pub fn challenge(&self) -> Result<HandoverChallenge, SingleUseError> {
        Ok(HandoverChallenge(base64url(&sha256_of(self.expose_secret().as_bytes())?).into()))
    }

    /// The text, for a cookie of one's own. It is for the browser alone.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        self.0.as_str()
    }

    /// The value of a `Set-Cookie` field that keeps it in the browser for ten minutes:
    /// `__Host-handover`, `Secure`, `HttpOnly`, and `SameSite=Lax`, since it is a link from another
    /// domain that comes back.
    #[must_use]
    pub fn set_cookie(&self) -> HeaderValue {
        let attributes = "Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600";
        let text = format!("{COOKIE_NAME}={}; {attributes}", self.expose_secret());
        // The nonce is base64url, so there always is a value.
        let mut value = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }

    /// The value of a `Set-Cookie` field that removes the cookie, for after the handover.
    #[must_use]
    pub fn clear_cookie() -> HeaderValue {
        HeaderValue::from_static(
            "__Host-handover=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0",
        )
    }

    /// What [`set_cookie`](Self::set_cookie) put into the browser, read from a request's header
    /// fields. `None` if it is not there, not well-formed, or there twice.
    #[must_use]
    pub fn from_cookie(headers: &HeaderMap) -> Option<Self> {
        let fields = headers.get_all(COOKIE).iter().filter_map(|field| field.to_str().ok());
        let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| {
            let (name, value) = pair.trim_matches([' ', '\t']).split_once('=')?;
            (name == COOKIE_NAME).then_some(value)
        });
        let mut found = pairs.fuse();
        match (found.next(), found.next()) {
            (Some(value), None) => Self::parse(value),
            _ => None,
        }
    }

    /// The nonce of this text. `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_well_formed(text).then(|| Self(Compact::of(&[text])))
    }

    pub(super) fn answers(&self, challenge: &str) -> Result<bool, SingleUseError> {
        Ok(same_bytes(self.challenge()?.as_str().as_bytes(), challenge.as_bytes()))
    }
}

impl HandoverChallenge {
    /// The challenge of this text, from a query say. `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_well_formed(text).then(|| Self(text.into()))
    }

    /// The text, fit for a URL as it is.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_well_formed(text: &str) -> bool {
    text.len() == LENGTH && is_base64url(text)
}

impl fmt::Debug for HandoverNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandoverNonce([redacted])")
    }
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_comes_back_once_and_whole() {
        let nonce = HandoverNonce::generate().unwrap();
        let set = nonce.set_cookie();
        let text = set.to_str().unwrap();
        for part in ["__Host-handover=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(set.is_sensitive() && !format!("{nonce:?}").contains(nonce.expose_secret()));
        let pair = text.split(';').next().unwrap();
        let read = |fields: &[&str]| {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(COOKIE, HeaderValue::from_str(field).unwrap());
            }
            HandoverNonce::from_cookie(&headers)
        };
        let back = read(&["a=b", &format!("c=d; {pair}; e=f")]).unwrap();
        assert_eq!(back.challenge().unwrap(), nonce.challenge().unwrap());
        let short = &pair[..pair.len() - 1];
        for wrong in [&["a=b"][..], &[], &[pair, pair], &[&pair[2..]], &[short]] {
            assert!(read(wrong).is_none(), "{wrong:?}");
        }
        assert!(nonce.answers(nonce.challenge().unwrap().as_str()).unwrap());
        let other = HandoverNonce::generate().unwrap();
        assert!(!nonce.answers(other.challenge().unwrap().as_str()).unwrap());
        assert!(!nonce.answers("").unwrap());
    }
}
