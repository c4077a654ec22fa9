//! [`Policy`]: the keys and rules for tokens of one issuer.

use std::sync::Arc;

use super::checks::Checks;
use super::compact::{Compact, with_signature};
use super::header::Header;
use super::rules::Rules;
use crate::clock::Clock;
use crate::key::{KeySource, KeysUnavailable, Lookup};
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
                let rejection = Rejection::new(RejectionKind::UnknownKey, reason);
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

pub(super) fn keys_unavailable(unavailable: KeysUnavailable) -> Rejection {
    let retry_after = unavailable.retry_after();
    let reason = "the keys of the token's issuer cannot be had at present";
    let rejection = Rejection::new(RejectionKind::KeysUnavailable, reason).with_source(unavailable);
    match retry_after {
        Some(retry_after) => rejection.with_retry_after(retry_after),
        None => rejection,
    }
}
