//! [`Cached`].

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::slots::{Key, Remembered, Slots};
use crate::clock::{Clock, SystemClock, UnixTime};
use crate::revocation::{
    Identifiers, IntoRevocation, RevocationCheck, RevocationStatus, StoreError, TokenIdentity,
};
use crate::step::Step;

/// Remembers what another check answered, for tokens that come again.
///
/// 1. That a token is active is remembered for `staleness`, counted from when the question was
///    asked. So a revocation takes effect after at most `staleness`; with zero, at once.
/// 2. That it is revoked is remembered until the token expires, for
///    [`revoked_for`](Self::revoked_for) at most, an hour by default.
/// 3. Errors are not remembered, and what was remembered before is not used beyond its time: an
///    outage shows as soon as it has passed.
/// 4. An answer is for one token: all its identifiers, issuer and times go into a 128-bit key under
///    random keys of this cache.
/// 5. The number of answers is bounded, at 100,000 by default, at 24 bytes each, taken when it is
///    made. Where there is no room, the oldest of four goes.
/// 6. Whoever asks while an answer is under way asks too.
///
/// A clone shares what is remembered. Hits take no lock and allocate nothing.
///
/// ```
/// use std::time::Duration;
/// use tower_bearer::revocation::{Cached, RevocationStatus, check_async_fn};
///
/// let slow = check_async_fn(|_| async { Ok(RevocationStatus::Active) });
/// let check = Cached::new(slow, Duration::from_secs(5)).capacity(10_000);
/// ```
pub struct Cached<R> {
    inner: R,
    staleness: Duration,
    revoked_for: Duration,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
}

struct Shared {
    slots: Slots,
    generation: AtomicU64,
    /// The latest time that was asked at, in milliseconds.
    latest: AtomicU64,
}

impl<R: RevocationCheck> Cached<R> {
    /// Remembers what a check, or a store, answers; that a token is active, for at most `staleness`.
    pub fn new<M>(inner: impl IntoRevocation<M, Check = R>, staleness: Duration) -> Self {
        Self {
            inner: inner.into_check(),
            staleness,
            revoked_for: Duration::from_secs(60 * 60),
            clock: Arc::new(SystemClock),
            shared: Arc::new(Shared::new(100_000)),
        }
    }
}

impl<R> Cached<R> {
    /// Sets how long a revoked token is remembered as such at most. Give less if the check can
    /// change its mind, such as about an account that is reinstated.
    #[must_use]
    pub fn revoked_for(mut self, at_most: Duration) -> Self {
        self.revoked_for = at_most;
        self
    }

    /// Sets how many answers are remembered at most, rounded up to a multiple of four. Forgets what
    /// there is, and no longer shares it with clones made before.
    #[must_use]
    pub fn capacity(mut self, entries: usize) -> Self {
        self.shared = Arc::new(Shared::new(entries));
        self
    }

    /// Sets the clock that staleness and expiry are told by.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Forgets every answer, those under way too. Call it after a revocation for it to take effect
    /// at once in this process.
    pub fn clear(&self) {
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// The check whose answers are remembered.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }
}

impl<R: RevocationCheck> RevocationCheck for Cached<R> {
    type Future = CachedFuture<R::Future>;

    fn required(&self) -> Identifiers {
        self.inner.required()
    }

    fn check(
        &self,
        token: &TokenIdentity<'_>,
    ) -> Step<Result<RevocationStatus, StoreError>, Self::Future> {
        let asked = millis(self.clock.now());
        self.shared.note_time(asked);
        let generation = self.shared.generation.load(Ordering::SeqCst);
        let key = self.shared.slots.key(token, generation);
        let found = self.shared.slots.get(key);
        if let Some(status) = found.and_then(|found| self.still(found, asked)) {
            return Step::Now(Ok(status));
        }
        let note = Note { key, asked, until: self.revoked_until(token, asked) };
        match self.inner.check(token) {
            Step::Now(answer) => {
                self.shared.remember(&note, &answer);
                Step::Now(answer)
            }
            Step::Later(future) => {
                Step::Later(CachedFuture { future, note, shared: Arc::clone(&self.shared) })
            }
        }
    }
}

impl<R> Cached<R> {
    /// What is remembered, if it still holds. A clock that was set back makes a miss of it.
    fn still(&self, found: Remembered, now: u64) -> Option<RevocationStatus> {
        match found {
            Remembered::Active { asked } => {
                let age = Duration::from_millis(now.checked_sub(asked)?);
                // Both moments were cut to the millisecond: that can shorten the time, not stretch it.
                (age < self.staleness).then_some(RevocationStatus::Active)
            }
            Remembered::Revoked { until } => (now < until).then_some(RevocationStatus::Revoked),
        }
    }

    fn revoked_until(&self, token: &TokenIdentity<'_>, now: u64) -> u64 {
        let at_most = u64::try_from(self.revoked_for.as_millis()).unwrap_or(u64::MAX);
        let expiry = token.expires_at().map_or(u64::MAX, millis);
        now.saturating_add(at_most).min(expiry).min(u64::MAX >> 1)
    }
}

impl Shared {
    fn new(entries: usize) -> Self {
        let (generation, latest) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { slots: Slots::new(entries), generation, latest }
    }

    /// A clock that is set back would come by the same moments again, and answers of back then would
    /// look fresh. So every answer is forgotten.
    fn note_time(&self, now: u64) {
        let latest = self.latest.load(Ordering::Relaxed);
        if now > latest {
            self.latest.fetch_max(now, Ordering::Relaxed);
        } else if latest - now > BACKWARDS {
            self.latest.store(now, Ordering::Relaxed);
            self.generation.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn remember(&self, note: &Note, answer: &Result<RevocationStatus, StoreError>) {
        let remembered = match answer {
            Ok(RevocationStatus::Active) => Remembered::Active { asked: note.asked },
            Ok(RevocationStatus::Revoked) => Remembered::Revoked { until: note.until },
            Err(_) => return,
        };
        self.slots.put(note.key, remembered);
    }
}

/// What is needed to remember an answer once it comes.
struct Note {
    key: Key,
    asked: u64,
    until: u64,
}

pin_project! {
    /// The future of [`Cached`]: waits for the answer and remembers it.
    pub struct CachedFuture<F> {
        #[pin]
        future: F,
        note: Note,
        shared: Arc<Shared>,
    }
}

impl<F> Future for CachedFuture<F>
where
    F: Future<Output = Result<RevocationStatus, StoreError>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.future.poll(cx));
        this.shared.remember(this.note, &answer);
        Poll::Ready(answer)
    }
}

/// Threads that ask at once may note their times in another order, up to this many milliseconds.
const BACKWARDS: u64 = 1000;

/// Milliseconds since 1970, rounded down, in 63 bits.
fn millis(time: UnixTime) -> u64 {
    let millis = u64::try_from(time.since_epoch().as_millis());
    millis.unwrap_or(u64::MAX).min(u64::MAX >> 1)
}

impl<R: Clone> Clone for Cached<R> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            staleness: self.staleness,
            revoked_for: self.revoked_for,
            clock: Arc::clone(&self.clock),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<R> fmt::Debug for Cached<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("staleness", &self.staleness)
            .field("revoked_for", &self.revoked_for)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
