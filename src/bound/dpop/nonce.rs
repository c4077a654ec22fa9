//! Nonces that nobody has to remember: the time, and a MAC over it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;

use crate::clock::UnixTime;
use crate::key::crypto::same_bytes;
use crate::key::{KeyError, SigningKey};

const TIME: usize = 8;
const MAC: usize = 16;
const PURPOSE: &[u8] = b"tower-bearer dpop nonce";
/// How far the clocks of nodes may differ.
const AHEAD: Duration = Duration::from_secs(60);

/// Nonces of one secret, the same on every node that has it.
#[derive(Clone)]
pub(super) struct Nonces {
    /// The first makes nonces, all of them know their own.
    keys: Vec<SigningKey>,
    lifetime: Duration,
}

/// A nonce of ours that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Good {
    /// From when on it does not count any more.
    pub(super) until: UnixTime,
    /// More than half of its life is over: its client should get the next one.
    pub(super) due: bool,
}

impl Nonces {
    pub(super) fn new(keys: Vec<SigningKey>, lifetime: Duration) -> Self {
        Self { keys, lifetime }
    }

    pub(super) fn issue(&self, now: UnixTime) -> Result<HeaderValue, KeyError> {
        let mut nonce = [0; TIME + MAC];
        let (time, mac) = nonce.split_at_mut(TIME);
        time.copy_from_slice(&now.as_millis().to_be_bytes());
        if let Some(key) = self.keys.first() {
            mac.copy_from_slice(&tag(key, time)?);
        }
        let text = URL_SAFE_NO_PAD.encode(nonce);
        // Base64url, so the replacement is never taken.
        Ok(HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("")))
    }

    /// `None` if it is none of ours, or does not count any more.
    pub(super) fn check(&self, nonce: &str, now: UnixTime) -> Option<Good> {
        let mut bytes = [0; TIME + MAC];
        let length = URL_SAFE_NO_PAD.decode_slice(nonce, &mut bytes).ok()?;
        let (time, mac) = bytes.split_first_chunk::<TIME>()?;
        if length != TIME + MAC {
            return None;
        }
        let issued = UnixTime::from_millis(u64::from_be_bytes(*time));
        let until = issued.saturating_add(self.lifetime);
        if now >= until || issued > now.saturating_add(AHEAD) {
            return None;
        }
        let ours =
            self.keys.iter().any(|key| tag(key, time).is_ok_and(|own| same_bytes(&own, mac)));
        ours.then(|| Good { until, due: now >= issued.saturating_add(self.lifetime / 2) })
    }
}

fn tag(key: &SigningKey, time: &[u8]) -> Result<[u8; MAC], KeyError> {
    let mut message = [0; PURPOSE.len() + TIME];
    let (purpose, rest) = message.split_at_mut(PURPOSE.len());
    purpose.copy_from_slice(PURPOSE);
    rest.copy_from_slice(time);
    let mac = key.sign(&message)?;
    Ok(mac.first_chunk().copied().unwrap_or_default())
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::*;
    use crate::key::{Algorithm, Secret};

    fn key(text: &str) -> SigningKey {
        SigningKey::hmac(Algorithm::HS256, &Secret::new(text)).unwrap()
    }

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(1_000_000 + secs)
    }

    #[test]
    fn rfc9449_s9_a_nonce_counts_for_its_time_on_every_node_with_the_secret() {
        let (one, other) =
            (key("a secret of 32 bytes or more, one"), key("a secret of 32 bytes or more, two"));
        let lifetime = Duration::from_secs(100);
        let here = Nonces::new(vec![one.clone()], lifetime);
        let there = Nonces::new(vec![other.clone(), one], lifetime);
        let stranger = Nonces::new(vec![other], lifetime);
        let nonce = here.issue(at(0)).unwrap();
        let nonce = nonce.to_str().unwrap();
        for nodes in [&here, &there] {
            let good = |due| Some(Good { until: at(100), due });
            assert_eq!(nodes.check(nonce, at(0)), good(false));
            assert_eq!(nodes.check(nonce, at(49)), good(false));
            assert_eq!(nodes.check(nonce, at(50)), good(true));
            assert_eq!(nodes.check(nonce, at(99)), good(true));
            assert_eq!(nodes.check(nonce, at(100)), None);
            assert_eq!(nodes.check(nonce, UnixTime::from_secs(1_000_000 - 61)), None);
        }
        assert_eq!(stranger.check(nonce, at(0)), None);
        for place in 0..nonce.len() {
            let mut odd = nonce.to_owned();
            let other = if odd.as_bytes()[place] == b'A' { "B" } else { "A" };
            odd.replace_range(place..=place, other);
            assert_eq!(here.check(&odd, at(0)), None, "{odd}");
            assert_eq!(here.check(&nonce[..place], at(0)), None);
        }
        for odd in ["", "eyJ7S_zG.eyJH0-Z.HX4w-7v", &format!("{nonce}="), &format!("{nonce}AAAA")] {
            assert_eq!(here.check(odd, at(0)), None, "{odd}");
        }
    }
}
