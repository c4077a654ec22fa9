//! What happens between a step's load and its commit, and what a process that dies at any call of the
//! store leaves behind.

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use tower_bearer::clock::UnixTime;
use tower_bearer::issuer::session::{
    Commit, Committed, EndedBy, Grace, IndexKey, MemorySessionStore, NewSession, Page,
    RefreshRequest, SessionErrorKind, SessionEvent, SessionId, SessionStore, SessionTokens,
    Sessions, StoredSession,
};
use tower_bearer::issuer::{Issuer, SigningKeys};
use tower_bearer::key::Secret;
use tower_bearer::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, TokenIdentity,
};
use tower_bearer::store::StoreError;
use tower_bearer::testing::FakeClock;

const NAME: &str = "https://id.test";

fn clock() -> FakeClock {
    FakeClock::at(UnixTime::from_secs(1_800_000_000))
}

fn memory(clock: &FakeClock) -> MemorySessionStore {
    MemorySessionStore::builder().clock(clock.clone()).build()
}

type Told = Arc<Mutex<Vec<String>>>;

fn sessions(
    clock: &FakeClock,
    store: impl SessionStore + RevocationStore,
    grace: Grace,
    told: &Told,
) -> Sessions {
    let secret = Secret::new("a secret of 32 bytes or more, please");
    let issuer = Issuer::builder()
        .keys(SigningKeys::hs256(&secret).unwrap())
        .issuer(NAME)
        .audience("api")
        .clock(clock.clone())
        .build()
        .unwrap();
    let told = Arc::clone(told);
    Sessions::builder(issuer, store)
        .grace(grace)
        .observe(move |event: &SessionEvent<'_>| {
            let text = match event {
                SessionEvent::Ended { by, .. } => format!("ended {by:?}"),
                event => event.as_str().to_owned(),
            };
            told.lock().unwrap().push(text);
        })
        .build()
        .unwrap()
}

fn text(tokens: &SessionTokens) -> &str {
    tokens.refresh_token().expose_secret()
}

async fn refresh(
    sessions: &Sessions,
    tokens: &SessionTokens,
) -> Result<SessionTokens, SessionErrorKind> {
    let request = RefreshRequest::new(text(tokens), "web");
    sessions.refresh(request).await.map_err(|error| error.kind())
}

type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Lets something else happen before it takes a step: once, when it is told to.
#[derive(Clone)]
struct Paused(MemorySessionStore, Arc<Mutex<Option<Meanwhile>>>);

impl Paused {
    fn before_the_next_step(&self, meanwhile: impl Future<Output = ()> + Send + 'static) {
        *self.1.lock().unwrap() = Some(Box::pin(meanwhile));
    }
}

impl SessionStore for Paused {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        self.0.load(id, now).await
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        let meanwhile = self.1.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
        self.0.commit(step).await
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        self.0.list(index, after, now).await
    }
}

impl RevocationStore for Paused {
    fn required_identifiers(&self) -> Identifiers {
        self.0.required_identifiers()
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        self.0.status(token).await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.0.revoke(revocation).await
    }
}

/// A refresh has loaded the session when all others end, and commits afterwards.
#[tokio::test]
async fn a_session_that_was_kept_lives_through_a_refresh_that_met_the_end_of_the_others() {
    let (clock, told) = (clock(), Told::default());
    let store = Paused(memory(&clock), Arc::default());
    let slow = sessions(&clock, store.clone(), Grace::Never, &told);
    let other = sessions(&clock, store.0.clone(), Grace::Never, &told);
    let kept = slow.begin(NewSession::new("ada", "web")).await.unwrap();
    let gone = slow.begin(NewSession::new("ada", "web")).await.unwrap();
    clock.advance(Duration::from_secs(5));
    let id = kept.session().id.to_string();
    let end = {
        let (other, id) = (other.clone(), id.clone());
        async move { assert!(other.end_all_but("ada", &id).await.unwrap().kept.is_some()) }
    };
    store.before_the_next_step(end);
    let next = refresh(&slow, &kept).await.expect("it was kept");
    // What was granted is what the store has: neither a spent token nor one that never was.
    let last = refresh(&slow, &next).await.expect("its successor counts");
    assert_eq!(last.session().generation, 2);
    assert_eq!(other.sessions("ada").await.unwrap().len(), 1);
    assert!(refresh(&slow, &gone).await.is_err());
    assert_eq!(refresh(&slow, &next).await.unwrap_err(), SessionErrorKind::InvalidGrant);
    let told = told.lock().unwrap();
    assert!(!told.contains(&format!("ended {:?}", EndedBy::Revocation)), "{told:?}");
    assert_eq!(told.iter().filter(|event| *event == "reused").count(), 1, "{told:?}");
}

/// The password is changed twice at once, in the same session.
#[tokio::test]
async fn a_session_that_two_keep_at_once_is_kept_and_can_be_stepped_up() {
    let (clock, told) = (clock(), Told::default());
    let store = Paused(memory(&clock), Arc::default());
    let slow = sessions(&clock, store.clone(), Grace::Never, &told);
    let other = sessions(&clock, store.0.clone(), Grace::Never, &told);
    let kept = slow.begin(NewSession::new("ada", "web")).await.unwrap();
    let id = kept.session().id.to_string();
    for round in 0..2 {
        clock.advance(Duration::from_secs(5));
        let (other, own) = (other.clone(), id.clone());
        store.before_the_next_step(async move {
            assert!(other.end_all_but("ada", &own).await.unwrap().kept.is_some());
        });
        if round == 0 {
            assert!(slow.end_all_but("ada", &id).await.unwrap().kept.is_some());
        } else {
            let stepped = slow.reauthenticated("ada", &id, Some("2"), &[]).await.unwrap();
            assert!(stepped.is_some());
        }
        assert_eq!(slow.sessions("ada").await.unwrap().len(), 1);
    }
    assert!(refresh(&slow, &kept).await.is_ok());
}

/// Answers so many calls and then none any more; the last one reaches the store, or does not.
#[derive(Clone)]
struct Mortal {
    store: MemorySessionStore,
    left: Arc<AtomicUsize>,
    last_is_taken: bool,
}

impl Mortal {
    async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let left = self.left.load(Ordering::Relaxed);
        if left > 0 {
            self.left.store(left - 1, Ordering::Relaxed);
            return call.await;
        }
        if self.last_is_taken {
            let _ = call.await;
        }
        pending().await
    }
}

impl SessionStore for Mortal {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        self.call(self.store.load(id, now)).await
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        self.call(self.store.commit(step)).await
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        self.call(self.store.list(index, after, now)).await
    }
}

impl RevocationStore for Mortal {
    fn required_identifiers(&self) -> Identifiers {
        self.store.required_identifiers()
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        self.store.status(token).await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.call(self.store.revoke(revocation)).await
    }
}

/// A thief comes, the process dies at some call of the store, and another one that starts then may die
/// as well. Whoever starts last tells, unless somebody has; and what was told is not told for ever.
#[test]
fn theft_is_told_wherever_processes_die() {
    let mut deaths = 0;
    for ended_before in [false, true] {
        for first_dies in 0..6 {
            for second_dies in 0..8 {
                for taken in [false, true] {
                    deaths += die(ended_before, first_dies, second_dies, taken);
                }
            }
        }
    }
    assert!(deaths > 50, "{deaths}");
}

fn die(ended_before: bool, first_dies: usize, second_dies: usize, last_is_taken: bool) -> usize {
    let place = format!("{ended_before} {first_dies} {second_dies} {last_is_taken}");
    let (clock, told) = (clock(), Told::default());
    let store = memory(&clock);
    let mortal = |calls: usize| {
        let left = Arc::new(AtomicUsize::new(calls));
        let store = Mortal { store: store.clone(), left, last_is_taken };
        sessions(&clock, store, Grace::Never, &told)
    };
    let well = sessions(&clock, store.clone(), Grace::Never, &told);
    let now = |future: Pin<
        Box<dyn Future<Output = Result<SessionTokens, SessionErrorKind>> + '_>,
    >| { future.now_or_never() };
    let first = well.begin(NewSession::new("ada", "web")).now_or_never().unwrap().unwrap();
    let next = now(Box::pin(refresh(&well, &first))).unwrap().unwrap();
    if ended_before {
        let ended = well.end_by_token(text(&next)).now_or_never().unwrap().unwrap();
        assert!(ended.was_live());
    }
    let dying = mortal(first_dies);
    let answer = now(Box::pin(refresh(&dying, &first)));
    let restarted = mortal(second_dies);
    let second = restarted.tell_pending().now_or_never();
    let _ = well.tell_pending().now_or_never().unwrap().unwrap();
    let count = || told.lock().unwrap().iter().filter(|event| *event == "reused").count();
    let before = count();
    // Either nothing was noticed, because not even the step was taken, or it was told.
    let noticed = before > 0;
    assert!(noticed || answer.is_none(), "{place}: refused, and nobody was told");
    assert_eq!(well.tell_pending().now_or_never().unwrap().unwrap(), 0, "{place}: told for ever");
    let again = now(Box::pin(refresh(&well, &first))).unwrap();
    assert_eq!(again.unwrap_err(), SessionErrorKind::InvalidGrant, "{place}");
    assert_eq!(count() - before, usize::from(!noticed), "{place}: told by now");
    let id = TokenIdentity::new().with_session_id(first.session().id.as_str());
    assert!(store.revocations().status_now(&id).is_revoked(), "{place}: its tokens live");
    usize::from(answer.is_none()) + usize::from(second.is_none())
}
