//! [`MemoryStore`].

use std::fmt;
use std::future::Ready;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::MemoryStoreBuilder;
use super::table::{Entry, FOREVER, Inserted, Shard};
use crate::clock::{Clock, UnixTime};
use crate::revocation::fingerprint::{Fingerprint, Fingerprinter};
use crate::revocation::{
    Identifiers, Revocation, RevocationCheck, RevocationStatus, RevocationStore, RevocationTarget,
    StoreError, TokenIdentity,
};
use crate::step::Step;

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
pub struct MemoryStore {
    inner: Arc<Inner>,
}

struct Inner {
    keys: Fingerprinter,
    /// Tokens and sessions: there or not.
    marks: Box<[Shard]>,
    /// Subjects: there with an epoch or a version.
    bounds: Box<[Shard]>,
    /// One bit for each kind and scope that was ever revoked, so that others are not looked for.
    seen: AtomicU8,
    required: Identifiers,
    capacity: usize,
    clock: Arc<dyn Clock>,
    written: Written,
}

/// What writers change, away from what readers read.
#[repr(align(128))]
struct Written {
    entries: AtomicUsize,
    /// The shard that is swept next.
    hand: AtomicUsize,
    /// No entry expires before this, in seconds since 1970. Changed under `purging`, lowered by
    /// anyone.
    earliest: AtomicU64,
    purging: Mutex<()>,
}

const SHARDS: usize = 128;
/// How many slots each revocation looks at for what has expired.
const SWEEP: usize = 64;

const TOKEN: u8 = 0;
const SESSION: u8 = 1;
const SUBJECT: u8 = 2;
const VERSION: u8 = 3;

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
        let shards = |bounded| (0..SHARDS).map(|_| Shard::new(bounded)).collect();
        let inner = Inner {
            keys: Fingerprinter::new(),
            marks: shards(false),
            bounds: shards(true),
            seen: AtomicU8::new(0),
            required: builder.required,
            capacity: builder.capacity,
            clock: builder.clock,
            written: Written {
                entries: AtomicUsize::new(0),
                hand: AtomicUsize::new(0),
                earliest: AtomicU64::new(u64::MAX),
                purging: Mutex::new(()),
            },
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
    /// store's 256 parts at most.
    pub fn purge_expired(&self) {
        let now = self.inner.clock.now().as_secs();
        let written = &self.inner.written;
        let _guard = written.purging.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.purge(now);
    }

    /// How many entries there are, expired ones that have not gone yet among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.written.entries.load(Ordering::Relaxed)
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Inner {
    fn revoked(&self, token: &TokenIdentity<'_>) -> bool {
        let seen = self.seen.load(Ordering::Acquire);
        if seen == 0 {
            return false;
        }
        let marked = |kind, id: Option<&str>| self.find(seen, kind, token, id, |_| true);
        let subject = token.subject();
        marked(TOKEN, token.token_id())
            || marked(SESSION, token.session_id())
            || self.find(seen, SUBJECT, token, subject, |epoch| {
                let issued_at = token.issued_at().map(nanos);
                epoch == u64::MAX || issued_at.is_none_or(|at| at < epoch)
            })
            || self.find(seen, VERSION, token, subject, |minimum| {
                token.token_version().is_none_or(|own| own < minimum)
            })
    }

    /// Whether there is an entry for this identifier, of the token's issuer or of any, whose bound
    /// covers the token.
    #[inline]
    fn find(
        &self,
        seen: u8,
        kind: u8,
        token: &TokenIdentity<'_>,
        id: Option<&str>,
        covers: impl Fn(u64) -> bool,
    ) -> bool {
        let Some(id) = id else {
            return false;
        };
        let in_scope = |issuer: Option<&str>| {
            if seen & bit(kind, issuer) == 0 {
                return false;
            }
            let print = self.keys.of(kind, issuer, id);
            self.shard(kind, print).get(print).is_some_and(&covers)
        };
        in_scope(None) || token.issuer().is_some_and(|issuer| in_scope(Some(issuer)))
    }

    fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        let now = self.clock.now();
        if revocation.keep_until() <= now {
            return Ok(());
        }
        let now = now.as_secs();
        let (kind, id, bound) = match revocation.target() {
            RevocationTarget::Token { token_id } => (TOKEN, token_id, 0),
            RevocationTarget::Session { session_id } => (SESSION, session_id, 0),
            RevocationTarget::Subject { subject, issued_before } => {
                (SUBJECT, subject, nanos(issued_before))
            }
            RevocationTarget::Version { subject, minimum } => (VERSION, subject, minimum),
        };
        let issuer = revocation.scope();
        let entry = Entry {
            print: self.keys.of(kind, issuer, id),
            keep_until: whole_seconds(revocation.keep_until()),
            bound,
        };
        self.seen.fetch_or(bit(kind, issuer), Ordering::Release);
        let stored = self.insert(kind, &entry, now)
            || (self.make_room(now) && self.insert(kind, &entry, now));
        self.sweep(now);
        if stored { Ok(()) } else { Err(StoreError::full()) }
    }

    fn insert(&self, kind: u8, entry: &Entry, now: u64) -> bool {
        let entries = &self.written.entries;
        let reserve = || {
            let more = |entries| (entries < self.capacity).then_some(entries + 1);
            let reserved = entries.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
            reserved.is_ok()
        };
        let shard = self.shard(kind, entry.print);
        let Inserted { stored, removed } = shard.insert(entry, now, reserve);
        entries.fetch_sub(removed, Ordering::Relaxed);
        if stored {
            let until = u64::from(entry.keep_until);
            self.written.earliest.fetch_min(until, Ordering::Relaxed);
        }
        stored
    }

    /// Removes what has expired, if anything has; whether there may be room now.
    fn make_room(&self, now: u64) -> bool {
        let written = &self.written;
        let _guard = written.purging.lock().unwrap_or_else(PoisonError::into_inner);
        if written.earliest.load(Ordering::Relaxed) <= now {
            self.purge(now);
        }
        written.entries.load(Ordering::Relaxed) < self.capacity
    }

    /// Under `purging`.
    fn purge(&self, now: u64) {
        let Written { entries, earliest, .. } = &self.written;
        // What is added from here on lowers it again.
        earliest.store(u64::MAX, Ordering::Relaxed);
        for shard in self.marks.iter().chain(&self.bounds) {
            let swept = shard.purge(now);
            entries.fetch_sub(swept.removed, Ordering::Relaxed);
            if swept.earliest != FOREVER {
                earliest.fetch_min(u64::from(swept.earliest), Ordering::Relaxed);
            }
        }
    }

    fn sweep(&self, now: u64) {
        let hand = self.written.hand.fetch_add(1, Ordering::Relaxed) % (2 * SHARDS);
        let shard = match self.marks.get(hand) {
            Some(shard) => shard,
            None => &self.bounds[hand - SHARDS],
        };
        let swept = shard.sweep(SWEEP, now);
        self.written.entries.fetch_sub(swept.removed, Ordering::Relaxed);
    }

    fn shard(&self, kind: u8, print: Fingerprint) -> &Shard {
        let shards = if kind < SUBJECT { &self.marks } else { &self.bounds };
        &shards[(print.first >> 32) as usize % SHARDS]
    }
}

fn bit(kind: u8, issuer: Option<&str>) -> u8 {
    1 << (kind * 2 + u8::from(issuer.is_some()))
}

/// Nanoseconds since 1970, at most the year 2554.
pub(crate) fn nanos(time: UnixTime) -> u64 {
    u64::try_from(time.since_epoch().as_nanos()).unwrap_or(u64::MAX)
}

/// Seconds since 1970, rounded up, from the year 2106 on [`FOREVER`].
pub(crate) fn whole_seconds(time: UnixTime) -> u32 {
    let rest = time.since_epoch().subsec_nanos() > 0;
    let seconds = time.as_secs().saturating_add(u64::from(rest));
    u32::try_from(seconds).unwrap_or(FOREVER)
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
            .field("capacity", &self.inner.capacity)
            .field("required", &self.inner.required)
            .finish_non_exhaustive()
    }
}

impl RevocationCheck for MemoryStore {
    type Future = Ready<Result<RevocationStatus, StoreError>>;

    fn required(&self) -> Identifiers {
        self.inner.required
    }

    fn check(
        &self,
        token: &TokenIdentity<'_>,
    ) -> Step<Result<RevocationStatus, StoreError>, Self::Future> {
        Step::Now(Ok(self.status_now(token)))
    }
}

impl RevocationStore for MemoryStore {
    fn required(&self) -> Identifiers {
        self.inner.required
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
