//! [`Policy`]: the keys and rules for tokens of one issuer.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::checks::Checks;
use super::compact::{Compact, with_signature};
use super::header::Header;
use super::rules::Rules;
use crate::clock::Clock;
use crate::key::{Key, KeySet, KeySource, KeysUnavailable, Lookup};
use crate::rejection::{Rejection, RejectionKind};

/// The keys and rules for tokens of one issuer.
pub(super) struct Policy<C> {
    pub(super) keys: Arc<dyn KeySource>,
    pub(super) rules: Rules,
    pub(super) checks: Checks<C>,
    pub(super) clock: Arc<dyn Clock>,
}

/// What the keys at hand say of a signature that they do not refuse outright.
pub(super) enum Signature {
    Right {
        /// Of the key set that holds the key.
        epoch: u64,
    },
    /// No key fits the token; the rejection to give if none can be fetched, and the epoch of the
    /// keys that do not fit.
    NoKey(Rejection, Option<u64>),
}

impl<C> Policy<C> {
    /// Of the keys as they are now; `None` if there are none to be had.
    #[inline]
    pub(super) fn epoch(&self) -> Option<u64> {
        self.keys.current().ok().map(|keys| keys.epoch())
    }

    /// # Errors
    /// If a key that the token names does not verify it, or the signature is ill-formed.
    pub(super) fn check_signature(
        &self,
        compact: &Compact<'_>,
        header: &Header<'_>,
    ) -> Result<Signature, Rejection> {
        let keys = match self.keys.current() {
            Ok(keys) => keys,
            Err(unavailable) => return Ok(Signature::NoKey(keys_unavailable(unavailable), None)),
        };
        let mut candidates = match keys.find(header.kid.as_deref(), header.algorithm) {
            Lookup::Found(candidates) => candidates,
            Lookup::WrongAlgorithm => {
                let reason = "the header's `alg` is not the algorithm of the key";
                let rejection = Rejection::new(RejectionKind::WrongAlgorithm, reason);
                // Without a `kid`, a key of that algorithm may have been added since.
                return match header.kid {
                    None => Ok(Signature::NoKey(rejection, Some(keys.epoch()))),
                    Some(_) => Err(rejection),
                };
            }
            Lookup::UnknownKey => {
                let reason = "no key of the token's issuer has the `kid` that the token names";
                let unknown = UnknownKid::new(header.kid.as_deref(), keys.share());
                let rejection = Rejection::new(RejectionKind::UnknownKey, reason);
                let rejection = rejection.with_source(unknown);
                return Ok(Signature::NoKey(rejection, Some(keys.epoch())));
            }
        };
        let verified = with_signature(compact.signature, |signature| {
            candidates.any(|key| key.verify(compact.signing_input, signature))
        })?;
        if verified {
            return Ok(Signature::Right { epoch: keys.epoch() });
        }
        let reason = "the signature does not verify with the key that the token names";
        let rejection = Rejection::new(RejectionKind::InvalidSignature, reason);
        // A key that was tried for want of a better one may have been replaced since.
        let named = header.kid.as_deref().is_some_and(|kid| keys.has_id(kid));
        if named { Err(rejection) } else { Ok(Signature::NoKey(rejection, Some(keys.epoch()))) }
    }
}

/// Which key the token names and which there are, for the log.
#[derive(Debug)]
struct UnknownKid {
    kid: Option<Box<str>>,
    keys: Arc<KeySet>,
}

impl UnknownKid {
    /// How many characters of an id are told, and how many ids of a set.
    const MOST: usize = 64;
    const MOST_KEYS: usize = 8;

    fn new(kid: Option<&str>, keys: Arc<KeySet>) -> Self {
        let kid = kid.map(|kid| kid.chars().take(Self::MOST).collect::<String>().into());
        Self { kid, keys }
    }
}

impl fmt::Display for UnknownKid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "the token names {kid:?}, ")?,
            None => f.write_str("the token names none, ")?,
        }
        let ids = || self.keys.iter().filter_map(Key::id);
        f.write_str("there are")?;
        for (position, id) in ids().take(Self::MOST_KEYS).enumerate() {
            let id: String = id.chars().take(Self::MOST).collect();
            write!(f, "{} {id:?}", if position == 0 { "" } else { "," })?;
        }
        match (ids().count(), self.keys.len()) {
            (0, 0) => f.write_str(" no keys"),
            (0, keys) => write!(f, " {keys} keys without an id"),
            (named, _) if named > Self::MOST_KEYS => {
                write!(f, " and {} more", named - Self::MOST_KEYS)
            }
            _ => Ok(()),
        }
    }
}

impl Error for UnknownKid {}

pub(super) fn keys_unavailable(unavailable: KeysUnavailable) -> Rejection {
    let retry_after = unavailable.retry_after();
    let reason = "the keys of the token's issuer cannot be fetched at present";
    let rejection = Rejection::new(RejectionKind::KeysUnavailable, reason).with_source(unavailable);
    match retry_after {
        Some(retry_after) => rejection.with_retry_after(retry_after),
        None => rejection,
    }
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::*;
    use crate::key::{Algorithm, Secret};

    #[test]
    fn the_log_of_an_unknown_kid_is_escaped_and_bounded() {
        let key = |id: &str| {
            let secret = Secret::new("a secret of 32 bytes or more, please");
            Key::hmac(Algorithm::HS256, secret).unwrap().with_id(id)
        };
        let told = |kid: Option<&str>, ids: &[&str]| {
            let keys = KeySet::new(ids.iter().map(|id| key(id)));
            UnknownKid::new(kid, Arc::new(keys)).to_string()
        };
        assert_eq!(told(Some("new"), &["a", "b"]), r#"the token names "new", there are "a", "b""#);
        assert_eq!(told(None, &[]), "the token names none, there are no keys");
        let forged = told(Some("x\r\nWARN all is well"), &["a\nb"]);
        assert_eq!(forged, r#"the token names "x\r\nWARN all is well", there are "a\nb""#);
        let long = "ä".repeat(5000);
        let many = told(Some(&long), &[&*long; 20]);
        assert!(many.len() < 2000 && many.ends_with(" and 12 more"), "{}", many.len());
    }
}
