//! [`TokenCache`]: tokens that were verified before.

use std::hash::BuildHasher;
use std::mem::size_of;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use foldhash::quality::RandomState;

use super::policy::Policy;
use crate::claims::{SharedToken, TokenHandle, VerifiedToken};
use crate::clock::UnixTime;
use crate::key::crypto::same_bytes;
use crate::threads;

/// How many places are looked at to make room for a new entry.
const PLACES_TO_CLEAR: usize = 32;
/// A token and its payload are hardly smaller than this. More slots than fit into the bytes would
/// stand empty, and room would be looked for in vain.
const SMALL_ENTRY: usize = 1024;

/// What a thread's own count takes: a cache line for it, one for the pointer behind it, and what
/// aligning them may cost.
const SHARD_BYTES: usize = 3 * 64;
/// So much of a token's end is hashed. It is signature, for the most part, which nobody can choose.
const HASHED: usize = 64;

/// Settings of a verifier's cache, for [`Verifier::cache`](super::Verifier::cache).
///
/// 1. A hit means that the whole token, signature included, is the same as one that was verified
///    before: compared in full, in constant time, under the same key set. There is no cache key to
///    choose.
/// 2. The times of the token, its revocation and all guards are judged anew on every request. What
///    a hit saves is the signature check and the parsing.
/// 3. Failures are not cached, so a flood of bad tokens evicts nothing.
/// 4. When the key set changes, all that it verified is void at once.
///
/// It holds tokens and their claims in memory, in the clear, after the requests that brought them: up
/// to the bounds set here, until others take their place. Do without where a memory dump must not
/// yield live tokens, where tokens are used once, and where HMAC signatures make verifying about as
/// cheap as looking up.
#[derive(Debug, Clone, Copy)]
#[must_use = "settings do nothing until they are given to `Verifier::cache`"]
pub struct TokenCache {
    max_entries: usize,
    max_bytes: usize,
}

impl TokenCache {
    /// At most 8,192 tokens and 32 MiB.
    pub const fn new() -> Self {
        Self { max_entries: 8192, max_bytes: 32 << 20 }
    }

    /// At most this many tokens, rounded up to a power of two, and no more than one for each KiB of
    /// the bytes. Zero counts as one.
    pub const fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// At most this many bytes of tokens and payloads, and of what finds and shares them. What the
    /// application's claims type allocates besides is not counted, and comes from the payload.
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }
}

impl TokenCache {
    /// Room for what either has room for.
    pub(super) const fn and(self, other: Self) -> Self {
        Self {
            max_entries: self.max_entries.saturating_add(other.max_entries),
            max_bytes: self.max_bytes.saturating_add(other.max_bytes),
        }
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        Self::new()
    }
}

/// Two slots for each token, by its hash: bounded by its construction, read without locks. With two
/// to choose from, few tokens push each other out before most slots are taken.
pub(super) struct Slots<C> {
    slots: Box<[ArcSwapOption<Entry<C>>]>,
    hasher: RandomState,
    settings: TokenCache,
    /// Of all entries that were not dropped yet.
    bytes: Arc<AtomicUsize>,
    /// How many counts an entry has room for.
    shards: usize,
    /// Where to look next for an entry to clear.
    hand: AtomicUsize,
}

/// A token that was verified.
pub(super) struct Entry<C> {
    pub(super) token: Arc<VerifiedToken<C>>,
    pub(super) policy: Arc<Policy<C>>,
    /// What requests are given: each thread counts its own, which is made when it asks first.
    shards: Box<[OnceLock<Arc<SharedToken<C>>>]>,
    /// Of the key set that verified it.
    epoch: u64,
    /// Its part of what is counted.
    bytes: AtomicUsize,
    all_bytes: Arc<AtomicUsize>,
    /// Of the token: another token's differs without comparing all of it.
    hash: u64,
}

impl<C> Entry<C> {
    /// The token for a request. Writes no count that threads on other cores write, too.
    #[inline]
    pub(super) fn handle(&self, slots: &Slots<C>, now: UnixTime) -> TokenHandle<C> {
        // There are as many as a power of two.
        let own = self.shards.get(threads::number() & self.shards.len().wrapping_sub(1));
        match own.and_then(OnceLock::get) {
            Some(own) => TokenHandle::Shared(Arc::clone(own)),
            None => self.first_handle(own, slots, now),
        }
    }

    /// The first one of a thread.
    #[cold]
    fn first_handle(
        &self,
        own: Option<&OnceLock<Arc<SharedToken<C>>>>,
        slots: &Slots<C>,
        now: UnixTime,
    ) -> TokenHandle<C> {
        match own {
            Some(own) if slots.reserve(SHARD_BYTES, self.hash, now) => {
                self.bytes.fetch_add(SHARD_BYTES, Ordering::Relaxed);
                let make = || Arc::new(SharedToken(Arc::clone(&self.token)));
                TokenHandle::Shared(Arc::clone(own.get_or_init(make)))
            }
            _ => TokenHandle::Own(Arc::clone(&self.token)),
        }
    }
}

impl<C> Drop for Entry<C> {
    fn drop(&mut self) {
        self.all_bytes.fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

impl<C> Slots<C> {
    pub(super) fn settings(&self) -> TokenCache {
        self.settings
    }

    pub(super) fn new(settings: TokenCache) -> Self {
        let fitting = (settings.max_bytes / SMALL_ENTRY).clamp(1, 1 << 24);
        let entries = settings.max_entries.clamp(1, fitting).next_power_of_two();
        Self {
            slots: (0..entries).map(|_| ArcSwapOption::empty()).collect(),
            hasher: RandomState::default(),
            settings,
            bytes: Arc::default(),
            shards: threads::places(),
            hand: AtomicUsize::new(0),
        }
    }

    #[inline]
    fn hash(&self, token: &[u8]) -> u64 {
        self.hasher.hash_one(token.last_chunk::<HASHED>().map_or(token, |end| end))
    }

    /// Hands the entry of exactly this token to `then`, if its key set is still the current one.
    #[inline]
    pub(super) fn find<T>(&self, token: &[u8], then: impl FnOnce(&Entry<C>) -> T) -> Option<T> {
        self.find_at(self.hash(token), token, then)
    }

    #[inline]
    fn find_at<T>(&self, hash: u64, token: &[u8], then: impl FnOnce(&Entry<C>) -> T) -> Option<T> {
        for slot in self.places(hash) {
            let slot = slot.load();
            let Some(entry) = slot.as_ref().filter(|entry| entry.hash == hash) else { continue };
            if same_bytes(entry.token.bearer.as_bytes(), token) {
                return (entry.policy.epoch() == Some(entry.epoch)).then(|| then(entry));
            }
        }
        None
    }

    /// Keeps a verified token: in a slot that it has already or that is free, else in the place of
    /// another.
    pub(super) fn put(
        &self,
        token: &Arc<VerifiedToken<C>>,
        policy: &Arc<Policy<C>>,
        epoch: u64,
        now: UnixTime,
    ) {
        let length = token.bearer.as_bytes().len() + token.registered.payload().len();
        let shards = self.shards;
        let bytes = length
            + size_of::<Entry<C>>()
            + size_of::<VerifiedToken<C>>()
            + shards * size_of::<OnceLock<Arc<SharedToken<C>>>>();
        let hash = self.hash(token.bearer.as_bytes());
        if bytes > self.settings.max_bytes || !self.reserve(bytes, hash, now) {
            return;
        }
        let places = self.places(hash);
        let is_own = |slot: &&ArcSwapOption<Entry<C>>| {
            slot.load().as_ref().is_some_and(|entry| entry.hash == hash)
        };
        let is_free = |slot: &&ArcSwapOption<Entry<C>>| slot.load().is_none();
        // The uppermost bit had no part in choosing the two.
        let [first, second] = places;
        let any = if hash >> 63 == 0 { first } else { second };
        let place = places.into_iter().find(is_own);
        let place = place.or_else(|| places.into_iter().find(is_free)).unwrap_or(any);
        let entry = Entry {
            token: Arc::clone(token),
            policy: Arc::clone(policy),
            shards: (0..shards).map(|_| OnceLock::new()).collect(),
            epoch,
            bytes: AtomicUsize::new(bytes),
            all_bytes: Arc::clone(&self.bytes),
            hash,
        };
        place.store(Some(Arc::new(entry)));
    }

    /// Whether these bytes may be taken, for the token with this hash; then they are counted.
    fn reserve(&self, bytes: usize, hash: u64, now: UnixTime) -> bool {
        self.make_room(bytes, hash, now);
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let there_is = before.saturating_add(bytes) <= self.settings.max_bytes;
        if !there_is {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        there_is
    }

    /// Clears a few slots if the bytes are used up: expired entries first, and otherwise whatever
    /// the hand comes by, but not the one that room is made for.
    fn make_room(&self, bytes: usize, hash: u64, now: UnixTime) {
        for only_expired in [true, false] {
            for _ in 0..PLACES_TO_CLEAR {
                if self.bytes.load(Ordering::Relaxed).saturating_add(bytes)
                    <= self.settings.max_bytes
                {
                    return;
                }
                let place = self.hand.fetch_add(1, Ordering::Relaxed) & (self.slots.len() - 1);
                let Some(slot) = self.slots.get(place) else { return };
                let goes = |entry: &Arc<Entry<C>>| {
                    let expires_at = entry.token.registered.expires_at();
                    let expired = expires_at.is_some_and(|exp| exp <= now);
                    entry.hash != hash && (expired || !only_expired)
                };
                if slot.load().as_ref().is_some_and(goes) {
                    slot.store(None);
                }
            }
        }
    }

    fn places(&self, hash: u64) -> [&ArcSwapOption<Entry<C>>; 2] {
        // As many slots as a power of two, and at least one, so this is always in bounds. There are
        // at most 2^24.
        [hash, hash >> 28].map(|hash| &self.slots[hash as usize & (self.slots.len() - 1)])
    }
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::*;
    use crate::claims::StandardClaims;
    use crate::credentials::BearerToken;
    use crate::head::RequestHead;
    use crate::testing::TestIssuer;
    use crate::verify::{TokenVerifier, Verifier};

    /// A verifier that has verified this many tokens, and those.
    fn verified(count: usize, cache: TokenCache) -> (Verifier<StandardClaims>, Vec<String>) {
        let issuer = TestIssuer::new();
        let verifier = issuer.verifier().build().unwrap().cache(cache);
        let token = |number: usize| issuer.token().token_id(number.to_string()).sign();
        let tokens: Vec<_> = (0..count).map(token).collect();
        for token in &tokens {
            let request = http::Request::new(());
            let bearer = BearerToken::parse(token).unwrap();
            let _ = verifier.verify(bearer, &RequestHead::from(&request));
        }
        (verifier, tokens)
    }

    #[test]
    fn another_token_with_the_very_same_hash_is_no_hit() {
        let (verifier, mut tokens) = verified(1, TokenCache::new());
        let token = tokens.remove(0);
        let slots = verifier.slots().unwrap();
        let hash = slots.hash(token.as_bytes());
        assert!(slots.find_at(hash, token.as_bytes(), |_| ()).is_some());
        let mut other = token.into_bytes();
        let last = other.last_mut().unwrap();
        *last = if *last == b'A' { b'E' } else { b'A' };
        assert!(slots.find_at(hash, &other, |_| ()).is_none());
    }

    #[test]
    fn the_bytes_of_what_is_there_are_counted_whoever_puts_and_clears() {
        let cache = TokenCache::new().max_entries(16).max_bytes(16 << 10);
        let (verifier, tokens) = verified(200, cache);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (verifier, tokens) = (&verifier, &tokens);
                scope.spawn(move || {
                    for token in tokens.iter().cycle().skip(thread * 50).take(600) {
                        let request = http::Request::new(());
                        let bearer = BearerToken::parse(token).unwrap();
                        let _ = verifier.verify(bearer, &RequestHead::from(&request));
                    }
                });
            }
        });
        let slots = verifier.slots().unwrap();
        let entries = slots.slots.iter().filter_map(|slot| slot.load_full());
        let there: usize = entries.map(|entry| entry.bytes.load(Ordering::Relaxed)).sum();
        assert!(there > 0 && there <= slots.settings.max_bytes, "{there}");
        assert_eq!(slots.bytes.load(Ordering::Relaxed), there);
    }

    #[test]
    fn each_thread_has_a_count_of_its_own_and_its_bytes_are_counted() {
        let (verifier, tokens) = verified(1, TokenCache::new());
        let slots = verifier.slots().unwrap();
        let token = tokens[0].as_bytes();
        let now = UnixTime::from_secs(0);
        let count = || slots.bytes.load(Ordering::Relaxed);
        let before = count();
        let handle = || match slots.find(token, |entry| entry.handle(slots, now)) {
            Some(TokenHandle::Shared(own)) => Arc::as_ptr(&own) as usize,
            _ => panic!("a count of its own"),
        };
        let places = threads::places();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..4 * places {
            seen.insert(std::thread::scope(|scope| scope.spawn(handle).join().unwrap()));
        }
        assert_eq!(seen.len(), places);
        assert_eq!(count() - before, places * SHARD_BYTES);
        // Two counts are never on one cache line, nor is what lies behind them.
        let mut seen: Vec<_> = seen.into_iter().collect();
        seen.sort_unstable();
        assert!(seen.windows(2).all(|pair| pair[1] - pair[0] >= 128));
        slots.slots.iter().for_each(|slot| slot.store(None));
        assert_eq!(count(), 0);
    }

    #[test]
    fn where_there_is_no_room_for_counts_one_is_shared() {
        let (verifier, tokens) = verified(1, TokenCache::new());
        let bytes = verifier.slots().unwrap().bytes.load(Ordering::Relaxed);
        let (verifier, again) = verified(1, TokenCache::new().max_bytes(bytes + 100));
        assert_eq!(again[0].len(), tokens[0].len());
        let slots = verifier.slots().unwrap();
        let found = slots.find(again[0].as_bytes(), |entry| {
            matches!(entry.handle(slots, UnixTime::EPOCH), TokenHandle::Own(_))
        });
        assert_eq!(found, Some(true));
        assert!(slots.find(again[0].as_bytes(), |_| ()).is_some(), "it is still there");
        assert!(slots.bytes.load(Ordering::Relaxed) <= bytes + 100);
    }

    #[test]
    fn tokens_for_half_the_slots_hardly_push_each_other_out() {
        let (verifier, tokens) = verified(512, TokenCache::new().max_entries(1024));
        let slots = verifier.slots().unwrap();
        let there = |token: &&String| slots.find(token.as_bytes(), |_| ()).is_some();
        // with one slot for each it would be 403
        let there = tokens.iter().filter(there).count();
        assert!(there > 450, "only {there} of 512");
    }
}
