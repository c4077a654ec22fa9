//! [`MemoryStore`].

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::builder::MemoryStoreBuilder;
use crate::clock::Clock;
#[cfg(feature = "issuer")]
use crate::clock::UnixTime;
use crate::revocation::fingerprint::Fingerprinter;
use crate::revocation::marker::{Class, whole_seconds};
use crate::revocation::table::{Entry, FOREVER, Shards};
use crate::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, StoreError, TokenIdentity,
};

/// Revocations in this process's memory. A clone is a handle on the same store.
///
/// 1. A look-up takes no lock, allocates nothing, asks no clock and answers at once, whatever else
///    goes on.
/// 2. A revocation is in force for every look-up that begins after it returned.
/// 3. The number of entries is bounded. A full store refuses with [`StoreError::full`]: it never
///    gives up a revocation that is in force to make room for another.
/// 4. Expired entries go a few at a time, with each revocation; when the store is full; and by
///    [`purge_expired`](Self::purge_expired). Until it goes, an expired entry still revokes, which
///    only meets tokens that have expired too. Expiry counts in whole seconds, rounded up.
/// 5. Identifiers are not kept, only fingerprints of 96 bits and more under keys that are random
///    per store. Should two ever be the same, a token too many is revoked, never one too few. Only
///    who guesses those keys could make them collide or pile up.
/// 6. A token whose subject has an epoch, or a minimum version, and that lacks `iat`, or the
///    version, is revoked.
///
/// It forgets when the process ends, and other processes do not see it. A clock that runs ahead makes
/// it forget early, and it does not learn again when the clock is set back.
///
/// ```
/// use tower_bearer::revocation::{Identifiers, MemoryStore, Revocation, TokenIdentity};
/// use tower_bearer::clock::UnixTime;
///
/// let store = MemoryStore::builder()
///     .require(Identifiers::SESSION_ID)
///     .capacity(50_000)
///     .build();
/// store.revoke_now(&Revocation::session("s1", UnixTime::from_secs(4_000_000_000)))?;
/// assert!(store.status_now(&TokenIdentity::new().with_session_id("s1")).is_revoked());
/// assert!(!store.status_now(&TokenIdentity::new().with_session_id("s2")).is_revoked());
/// # Ok::<(), tower_bearer::revocation::StoreError>(())
/// ```
#[derive(Clone)]
#[doc(alias("blacklist", "denylist", "blocklist", "logout"))]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

struct Inner {
    keys: Fingerprinter,
    shards: Shards,
    required: Identifiers,
    clock: Arc<dyn Clock>,
    purging: Purging,
}

/// What writers change, away from what readers read.
#[repr(align(128))]
struct Purging {
    /// No entry expires before this, in seconds since 1970. Changed under `lock`, lowered by
    /// anyone.
    earliest: AtomicU64,
    lock: Mutex<()>,
}

/// How many slots each revocation looks at for what has expired.
const SWEEP: usize = 64;

impl MemoryStore {
    /// A store for tokens that carry a `jti`, with the defaults of [`MemoryStore::builder`].
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Sets up a store.
    pub fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder::new()
    }

    pub(super) fn from_builder(builder: MemoryStoreBuilder) -> Self {
        let inner = Inner {
            keys: Fingerprinter::new(),
            shards: Shards::new(builder.capacity),
            required: builder.required,
            clock: builder.clock,
            purging: Purging { earliest: AtomicU64::new(u64::MAX), lock: Mutex::new(()) },
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether anything that was revoked covers the token.
    pub fn status_now(&self, token: &TokenIdentity<'_>) -> RevocationStatus {
        RevocationStatus::revoked_if(self.inner.revoked(token))
    }

    /// Takes back what the revocation covers. One whose `keep_until` has passed changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Full`](crate::revocation::StoreErrorKind::Full) if there is no room and
    /// nothing has expired; the revocation is then not in force. Strengthening an entry needs no
    /// room.
    pub fn revoke_now(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.inner.revoke(revocation)
    }

    /// The time it goes by.
    #[cfg(feature = "issuer")]
    pub(crate) fn now(&self) -> UnixTime {
        self.inner.clock.now()
    }

    /// Removes every expired entry. Look-ups go on meanwhile; revocations wait for one of the
    /// store's 512 parts at most.
    pub fn purge_expired(&self) {
        let now = self.inner.clock.now().as_secs();
        let _guard = self.inner.purging.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.purge(now);
    }

    /// How many entries there are, expired ones that have not gone yet among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.shards.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Inner {
    #[inline]
    fn revoked(&self, token: &TokenIdentity<'_>) -> bool {
        self.shards.cover(token, |marker| self.keys.of(marker))
    }

    fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        let now = self.clock.now();
        if revocation.keep_until() <= now {
            return Ok(());
        }
        let now = now.as_secs();
        let (marker, bound) = revocation.marker();
        let entry = Entry {
            print: self.keys.of(&marker),
            keep_until: whole_seconds(revocation.keep_until()),
            bound,
        };
        let stored = self.insert(marker.class(), &entry, now)
            || (self.make_room(now) && self.insert(marker.class(), &entry, now));
        self.shards.sweep(SWEEP, now);
        if stored { Ok(()) } else { Err(StoreError::full()) }
    }

    fn insert(&self, class: Class, entry: &Entry, now: u64) -> bool {
        let stored = self.shards.insert(class, entry, now).stored;
        if stored {
            let until = u64::from(entry.keep_until);
            self.purging.earliest.fetch_min(until, Ordering::Relaxed);
        }
        stored
    }

    /// Removes what has expired, if anything has; whether there may be room now.
    fn make_room(&self, now: u64) -> bool {
        let _guard = self.purging.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if self.purging.earliest.load(Ordering::Relaxed) <= now {
            self.purge(now);
        }
        self.shards.len() < self.shards.capacity()
    }

    /// Under `purging`.
    fn purge(&self, now: u64) {
        let earliest = &self.purging.earliest;
        // What is added from here on lowers it again.
        earliest.store(u64::MAX, Ordering::Relaxed);
        for part in 0..Shards::PARTS {
            let swept = self.shards.purge_part(part, now);
            if swept.earliest != FOREVER {
                earliest.fetch_min(u64::from(swept.earliest), Ordering::Relaxed);
            }
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("len", &self.len())
            .field("capacity", &self.inner.shards.capacity())
            .field("required", &self.inner.required)
            .finish_non_exhaustive()
    }
}

impl RevocationStore for MemoryStore {
    fn required_identifiers(&self) -> Identifiers {
        self.inner.required
    }

    #[inline]
    fn known(&self, token: &TokenIdentity<'_>) -> Option<Result<RevocationStatus, StoreError>> {
        Some(Ok(self.status_now(token)))
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        Ok(self.status_now(token))
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.revoke_now(revocation)
    }
}

#[cfg(test)]
mod tests;
