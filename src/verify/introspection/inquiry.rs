//! [`Inquiry`]: what is known of tokens, and who is asking about which.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::Shared;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::cache::{Name, Namer, Shelf};
use super::endpoint::{Endpoint, retry};
use super::response::{Active, Kinds, read, unavailable};
use crate::claims::TokenClaims;
use crate::clock::{Clock, UnixTime};
use crate::credentials::BearerToken;
use crate::fetch::within;
use crate::key::KeyError;
use crate::rejection::{Rejection, RejectionKind};
use crate::verify::rules::Rules;

/// For each question that may be under way, this many may wait for their turn.
const WAITING: usize = 16;
/// The bytes that are remembered at most, on average for each entry.
const BYTES_PER_ENTRY: usize = 2048;
/// When to come again if too many are waiting.
const BUSY: Duration = Duration::from_secs(1);

/// What came of asking; times are not judged yet.
pub(super) type Answer<C> = Result<Arc<TokenClaims<C>>, Rejection>;
/// An answer that many wait for.
pub(super) type Flight<C> = Shared<oneshot::Receiver<Answer<C>>>;

pub(super) struct Inquiry<C> {
    pub(super) endpoint: Endpoint,
    pub(super) rules: Rules,
    pub(super) kinds: Kinds,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Limits,
    namer: Namer,
    calls: Semaphore,
    room: Arc<Semaphore>,
    state: Mutex<State<C>>,
}

/// How long answers are remembered, and how much goes on at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) remember_active: Duration,
    pub(super) remember_rejected: Duration,
    pub(super) entries: usize,
    pub(super) calls: usize,
}

struct State<C> {
    active: Shelf<Arc<TokenClaims<C>>>,
    rejected: Shelf<Rejection>,
    flights: HashMap<Name, Asked<C>, RandomState>,
    next: u64,
}

/// A question under way.
struct Asked<C> {
    number: u64,
    since: Instant,
    flight: Flight<C>,
}

/// What can be told about a token without waiting.
pub(super) enum Known<C> {
    Answer(Answer<C>),
    /// The endpoint is being asked.
    Asked(Flight<C>),
}

impl<C> Inquiry<C> {
    pub(super) fn new(
        endpoint: Endpoint,
        rules: Rules,
        kinds: Kinds,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> Result<Self, KeyError> {
        let bytes = limits.entries.saturating_mul(BYTES_PER_ENTRY);
        let room = limits.calls.saturating_mul(1 + WAITING).min(Semaphore::MAX_PERMITS);
        Ok(Self {
            endpoint,
            rules,
            kinds,
            clock,
            limits,
            namer: Namer::new()?,
            calls: Semaphore::new(limits.calls.min(Semaphore::MAX_PERMITS)),
            room: Arc::new(Semaphore::new(room)),
            state: Mutex::new(State {
                active: Shelf::new(limits.entries, bytes),
                rejected: Shelf::new(limits.entries, bytes),
                flights: HashMap::default(),
                next: 0,
            }),
        })
    }

    /// Forgets all, answers under way included: whoever comes from now on asks anew.
    pub(super) fn clear(&self) {
        let mut state = self.state();
        state.active.clear();
        state.rejected.clear();
        state.flights.clear();
    }

    /// Forgets one token likewise.
    pub(super) fn forget(&self, token: &BearerToken) {
        // Without a name, nothing was remembered either.
        let Ok(name) = self.namer.name(token) else { return };
        let mut state = self.state();
        state.active.forget(&name);
        state.rejected.forget(&name);
        state.flights.remove(&name);
    }

    /// Held for a look or a note, never while waiting.
    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> Inquiry<C> {
    /// What is known of a token; if nothing is, asks, unless somebody else does already.
    pub(super) fn look_up(self: &Arc<Self>, token: &BearerToken, now: UnixTime) -> Known<C> {
        let name = match self.namer.name(token) {
            Ok(name) => name,
            Err(error) => {
                let reason = "tokens cannot be hashed to be remembered";
                let rejection = Rejection::new(RejectionKind::Misconfigured, reason);
                return Known::Answer(Err(rejection.with_source(error)));
            }
        };
        let mut state = self.state();
        if let Some(token) = state.active.get(&name, now) {
            return Known::Answer(Ok(Arc::clone(token)));
        }
        if let Some(rejection) = state.rejected.get(&name, now) {
            return Known::Answer(Err(rejection.clone()));
        }
        // One that should have ended is on a runtime that does not run: it is asked again on this one.
        let asked = state.flights.get(&name);
        let in_time = |asked: &&Asked<C>| asked.since.elapsed() < self.endpoint.timeout;
        if let Some(asked) = asked.filter(in_time) {
            return Known::Asked(asked.flight.clone());
        }
        let Ok(runtime) = Handle::try_current() else {
            let reason =
                "introspection runs on tokio, and the service does not: serve it with tokio";
            return Known::Answer(Err(Rejection::new(RejectionKind::Misconfigured, reason)));
        };
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            let busy = unavailable("too many tokens are waiting to be introspected");
            return Known::Answer(Err(busy.with_retry_after(BUSY)));
        };
        // Outlives the request, whose buffer it must not hold.
        let token = token.clone().detached();
        let (answer, flight) = oneshot::channel();
        let flight = flight.shared();
        let number = state.next;
        state.next += 1;
        let asked = Asked { number, since: Instant::now(), flight: flight.clone() };
        state.flights.insert(name.clone(), asked);
        // A runtime that is shutting down drops the task at once, and its end takes the lock.
        drop(state);
        let landing = Landing { inquiry: Arc::clone(self), name, token, number, _room: room };
        drop(runtime.spawn(landing.fly(answer)));
        Known::Asked(flight)
    }

    /// Waits for a turn and asks. The caller bounds the time.
    async fn ask(&self, token: &BearerToken) -> Result<Result<Active<C>, Rejection>, Rejection> {
        // Never closed.
        let _turn = self.calls.acquire().await.ok();
        let json = self.endpoint.ask(token, self.clock.now()).await?;
        read(json, &self.rules, self.kinds)
    }
}

/// For who has waited long enough.
pub(super) fn late() -> Rejection {
    unavailable("the introspection endpoint does not answer in time")
}

/// One question under way. However it ends, nobody joins it afterwards.
struct Landing<C> {
    inquiry: Arc<Inquiry<C>>,
    name: Name,
    token: BearerToken,
    number: u64,
    _room: OwnedSemaphorePermit,
}

impl<C: DeserializeOwned + Send + Sync + 'static> Landing<C> {
    async fn fly(self, waiting: oneshot::Sender<Answer<C>>) {
        let asked = self.inquiry.clock.now();
        let given = within(self.inquiry.endpoint.timeout, self.inquiry.ask(&self.token)).await;
        let answer = match given.unwrap_or_else(|| Err(late())) {
            Err(outage) => Err(retry(outage)),
            Ok(answer) => self.remember(answer, asked),
        };
        // Before anybody is told: whoever asks again finds what is remembered.
        drop(self);
        let _nobody_waits = waiting.send(answer);
    }

    /// Notes an answer, unless somebody asked to forget the token meanwhile.
    fn remember(&self, answer: Result<Active<C>, Rejection>, asked: UnixTime) -> Answer<C> {
        let Inquiry { limits, rules, clock, .. } = &*self.inquiry;
        let mut bytes = 256;
        let answer = answer.and_then(|Active { custom, registered }| {
            bytes += 2 * registered.payload().len();
            let expires_at = registered.expires_at();
            let token = Arc::new(TokenClaims { custom, registered });
            // What an endpoint calls active long after its `exp` will not become valid again.
            match rules.check_times(&token.registered, clock.now()) {
                Err(rejection) if rejection.kind() == RejectionKind::Expired => Err(rejection),
                _ => Ok((token, expires_at)),
            }
        });
        let mut state = self.inquiry.state();
        if !self.is_awaited(&state) {
            return answer.map(|(token, _)| token);
        }
        match answer {
            Ok((token, expires_at)) => {
                let until = asked.saturating_add(limits.remember_active);
                let until = expires_at.map_or(until, |expires_at| until.min(expires_at));
                state.active.put(&self.name, Arc::clone(&token), bytes, asked, until);
                Ok(token)
            }
            Err(rejection) => {
                let until = asked.saturating_add(limits.remember_rejected);
                state.rejected.put(&self.name, rejection.clone(), bytes, asked, until);
                Err(rejection)
            }
        }
    }
}

impl<C> Landing<C> {
    /// Whether who asks now would be told this answer.
    fn is_awaited(&self, state: &State<C>) -> bool {
        state.flights.get(&self.name).is_some_and(|asked| asked.number == self.number)
    }
}

impl<C> Drop for Landing<C> {
    fn drop(&mut self) {
        let mut state = self.inquiry.state();
        if self.is_awaited(&state) {
            state.flights.remove(&self.name);
        }
    }
}
