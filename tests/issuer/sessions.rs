//! Sessions as an application holds them: what is refused before a store sees it, what is told, and
//! what a store that lies or fails leads to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use tower_bearer::clock::{Clock, UnixTime};
use tower_bearer::issuer::session::{
    Apart, BoxSessionStore, Commit, Committed, EndedBy, Ending, Grace, IndexKey,
    MemorySessionStore, NewSession, Page, Policy, RefreshRequest, SessionErrorKind, SessionEvent,
    SessionId, SessionStore, SessionTokens, Sessions, SessionsBuilder, StoredSession,
};
use tower_bearer::issuer::{Issuer, SigningKeys};
use tower_bearer::key::Secret;
use tower_bearer::revocation::{
    Identifiers, MemoryStore, Revocation, RevocationStatus, RevocationStore, RevocationTarget,
    TokenIdentity,
};
use tower_bearer::store::StoreError;
use tower_bearer::testing::FakeClock;

const NAME: &str = "https://id.test";

fn clock() -> FakeClock {
    FakeClock::at(UnixTime::from_secs(1_800_000_000))
}

fn issuer(clock: &FakeClock, lifetime: u64) -> Issuer {
    let secret = Secret::new("a secret of 32 bytes or more, please");
    Issuer::builder()
        .keys(SigningKeys::hs256(&secret).unwrap())
        .issuer(NAME)
        .audience("api")
        .lifetime(Duration::from_secs(lifetime))
        .clock(clock.clone())
        .build()
        .unwrap()
}

fn builder(clock: &FakeClock, store: impl SessionStore + RevocationStore) -> SessionsBuilder {
    Sessions::builder(issuer(clock, 900), store)
}

fn memory(clock: &FakeClock) -> MemorySessionStore {
    MemorySessionStore::builder().clock(clock.clone()).build()
}

fn text(tokens: &SessionTokens) -> &str {
    tokens.refresh_token().expose_secret()
}

async fn kind(sessions: &Sessions, token: &str, client: &str) -> Option<SessionErrorKind> {
    let answer = sessions.refresh(RefreshRequest::new(token, client)).await;
    answer.err().map(|error| error.kind())
}

/// What an application would find in its log of events.
fn observed(builder: SessionsBuilder) -> (Sessions, Arc<Mutex<Vec<String>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let sessions = builder
        .observe(move |event: &SessionEvent<'_>| {
            let text = match event {
                SessionEvent::Ended { by, .. } => format!("ended {by:?}"),
                SessionEvent::Reused(reuse) => format!("reused {:?}", reuse.ended_before),
                SessionEvent::WrongClient { client_id, .. } => format!("wrong {client_id}"),
                event => event.as_str().to_owned(),
            };
            assert!(!format!("{event:?}").contains("ada@"), "{event:?}");
            seen.lock().unwrap().push(text);
        })
        .build()
        .unwrap();
    (sessions, events)
}

#[tokio::test]
async fn each_transition_is_told() {
    let clock = clock();
    let (sessions, events) = observed(builder(&clock, memory(&clock)).most_sessions(2));
    let new = || NewSession::new("ada@example.com", "web");
    let expect = |wanted: &[&str]| {
        let found = std::mem::take(&mut *events.lock().unwrap());
        assert_eq!(found, wanted);
    };
    let first = sessions.begin(new()).await.unwrap();
    let second = sessions.refresh(RefreshRequest::new(text(&first), "web")).await.unwrap();
    let _ = sessions.refresh(RefreshRequest::new(text(&first), "web")).await.unwrap();
    expect(&["begun", "refreshed", "retried"]);
    assert_eq!(kind(&sessions, text(&second), "evil").await, Some(SessionErrorKind::InvalidGrant));
    expect(&["wrong evil"]);
    let id = first.session().id.as_str();
    let stepped =
        sessions.reauthenticated("ada@example.com", id, Some("2"), &["otp"]).await.unwrap();
    assert_eq!(stepped.unwrap().acr.as_deref(), Some("2"));
    expect(&["reauthenticated"]);
    clock.advance(Duration::from_secs(1));
    let (third, fourth) =
        (sessions.begin(new()).await.unwrap(), sessions.begin(new()).await.unwrap());
    expect(&["begun", "ended Limit", "begun"]);
    assert!(sessions.end_by_token(text(&third)).await.unwrap().was_live());
    let unknown = "tbr1_".to_owned() + &"A".repeat(22) + "." + &"A".repeat(43);
    assert_eq!(sessions.end_by_token(&unknown).await.unwrap(), Ending::Unknown);
    expect(&["ended RefreshToken"]);
    // a token that never was, of a session that has ended
    let forged = format!("{}.{}", text(&third).split_once('.').unwrap().0, "A".repeat(43));
    for _ in 0..2 {
        assert_eq!(kind(&sessions, &forged, "web").await, Some(SessionErrorKind::InvalidGrant));
    }
    expect(&["reused Some(RefreshToken)"]);
    clock.advance(Duration::from_secs(90 * 86_400));
    assert!(kind(&sessions, text(&fourth), "web").await.is_some());
}

#[tokio::test]
async fn a_client_has_the_policy_that_it_is_given() {
    let clock = clock();
    let policy = |client: &str, usual: Policy| match client {
        "kiosk" => Some(usual.absolute_lifetime(Duration::from_secs(1000))),
        "server" => Some(usual.without_rotation()),
        "strict" => Some(usual.grace(Grace::Never)),
        "machine" => None,
        _ => Some(usual),
    };
    let sessions = builder(&clock, memory(&clock)).policy(policy).build().unwrap();
    let begin = async |client: &str| sessions.begin(NewSession::new("ada", client)).await;
    let refused = begin("machine").await.unwrap_err();
    assert_eq!(refused.kind(), SessionErrorKind::UnauthorizedClient);
    assert_eq!(refused.kind().code(), "unauthorized_client");
    let kiosk = begin("kiosk").await.unwrap();
    let end = clock.now().saturating_add(Duration::from_secs(1000));
    assert_eq!((kiosk.session().idle_until, kiosk.session().expires_at), (end, end));
    let server = begin("server").await.unwrap();
    let again = sessions.refresh(RefreshRequest::new(text(&server), "server")).await.unwrap();
    assert_eq!(text(&again), text(&server));
    let strict = begin("strict").await.unwrap();
    assert_eq!(kind(&sessions, text(&strict), "strict").await, None);
    assert_eq!(
        kind(&sessions, text(&strict), "strict").await,
        Some(SessionErrorKind::InvalidGrant)
    );
    // who is not allowed any more is refused at the next refresh
    assert_eq!(
        kind(&sessions, text(&kiosk), "machine").await,
        Some(SessionErrorKind::UnauthorizedClient)
    );
}

/// A store that counts what it is asked.
#[derive(Clone)]
struct Counting(MemorySessionStore, Arc<Mutex<usize>>);

impl Counting {
    fn note(&self) {
        *self.1.lock().unwrap() += 1;
    }
}

impl SessionStore for Counting {
    async fn load(
        &self,
        id: &SessionId,
        now: UnixTime,
    ) -> Result<Option<StoredSession>, StoreError> {
        self.note();
        self.0.load(id, now).await
    }

    async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
        self.note();
        for write in &step.writes {
            assert!(write.record.len() <= 32 * 1024 && write.version < 1 << 63);
        }
        self.0.commit(step).await
    }

    async fn list(
        &self,
        index: &IndexKey,
        after: Option<&SessionId>,
        now: UnixTime,
    ) -> Result<Page, StoreError> {
        self.note();
        self.0.list(index, after, now).await
    }
}

impl RevocationStore for Counting {
    fn required_identifiers(&self) -> Identifiers {
        self.0.required_identifiers()
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        self.0.status(token).await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.note();
        self.0.revoke(revocation).await
    }
}

#[tokio::test]
async fn what_is_too_long_reaches_no_store_and_what_is_just_long_enough_does() {
    let clock = clock();
    let store = Counting(memory(&clock), Arc::default());
    let sessions = builder(&clock, store.clone()).build().unwrap();
    let (fits, long) = ("\u{1}".repeat(1024), "x".repeat(1_000_000));
    let made_up = "tbr1_".to_owned() + &"A".repeat(22) + "." + &"A".repeat(43);
    for token in [made_up.as_str(), &long, "", "tbr1_.", "é"] {
        let refused = kind(&sessions, token, &long).await;
        assert_eq!(refused, Some(SessionErrorKind::InvalidGrant));
    }
    let new = |subject: &str| NewSession::new(subject, "web");
    let begin = [
        new(&long),
        NewSession::new("ada", &*long),
        new("ada").acr("x".repeat(257)),
        new("ada").amr(["x".repeat(65)]),
        new("ada").amr(vec!["x"; 17]),
        new("ada").amr(std::iter::repeat_n("x", 100_000)),
        new(""),
    ];
    for new in begin {
        let error = sessions.begin(new).await.unwrap_err();
        assert_eq!(error.kind(), SessionErrorKind::InvalidRequest);
    }
    for id in ["", &long, "x", "../../x", &"é".repeat(11)] {
        let error = sessions.end_session("ada", id).await.unwrap_err();
        assert_eq!(error.kind(), SessionErrorKind::InvalidRequest);
        assert!(sessions.end_all_but("ada", id).await.is_err());
        assert!(sessions.reauthenticated("ada", id, None, &[]).await.is_err());
        let token = TokenIdentity::new().with_issuer(NAME).with_session_id(id);
        assert!(sessions.end_verified(&token).await.is_err());
    }
    assert_eq!(sessions.end_by_token(&long).await.unwrap(), Ending::Unknown);
    assert_eq!(*store.1.lock().unwrap(), 0, "a store was asked");

    // the longest of everything, of what JSON escapes at the greatest length
    let scope: String = (0..256).map(|number| format!("{number:014} ")).collect();
    let new = NewSession::new(&*fits, &*fits)
        .scope(scope)
        .device(&long)
        .acr("\u{1}".repeat(256))
        .amr(vec!["\u{1}".repeat(64); 16]);
    let tokens = sessions.begin(new).await.unwrap();
    assert_eq!(tokens.session().device.as_ref().unwrap().len(), 200);
    let next = sessions.refresh(RefreshRequest::new(text(&tokens), &fits)).await.unwrap();
    assert!(sessions.end_by_token(text(&next)).await.unwrap().was_live());
}

#[tokio::test]
async fn a_verified_token_of_another_issuer_ends_nothing() {
    let clock = clock();
    let sessions = builder(&clock, memory(&clock)).build().unwrap();
    let tokens = sessions.begin(NewSession::new("ada", "web")).await.unwrap();
    let id = tokens.session().id.as_str();
    for issuer in [None, Some("https://other.test")] {
        let token = TokenIdentity::new().with_session_id(id);
        let token = match issuer {
            Some(issuer) => token.with_issuer(issuer),
            None => token,
        };
        let error = sessions.end_verified(&token).await.unwrap_err();
        assert_eq!(error.kind(), SessionErrorKind::InvalidRequest);
    }
    assert_eq!(sessions.sessions("ada").await.unwrap().len(), 1);
}

/// The process that ends it is set up with a shorter lifetime than the one that issued.
#[tokio::test]
async fn a_revocation_lives_as_long_as_the_tokens_that_were_issued() {
    let clock = clock();
    let store = memory(&clock);
    let long = Sessions::builder(issuer(&clock, 4000), store.clone());
    let long = long.verifier_leeway(Duration::ZERO).build().unwrap();
    let short = Sessions::builder(issuer(&clock, 60), store.clone());
    let short = short.verifier_leeway(Duration::ZERO).build().unwrap();
    for way in 0..3 {
        let subject = format!("user-{way}");
        let tokens = long.begin(NewSession::new(&*subject, "web")).await.unwrap();
        let access = tokens.access_token().issue().unwrap();
        let id = tokens.session().id.as_str();
        match way {
            0 => assert!(short.end_session(&subject, id).await.unwrap().was_live()),
            1 => assert!(short.end_by_token(text(&tokens)).await.unwrap().was_live()),
            _ => assert_eq!(short.end_all(&subject).await.unwrap().sessions.len(), 1),
        }
        clock.set(UnixTime::from_secs(access.expires_at().as_secs() - 1));
        store.revocations().purge_expired();
        let token = TokenIdentity::new().with_session_id(id);
        let token = token.with_subject("other").with_issued_at(clock.now());
        assert!(store.revocations().status_now(&token).is_revoked(), "way {way}");
    }
}

#[tokio::test]
async fn a_step_up_raises_the_tokens_of_the_same_session_and_revives_none() {
    let clock = clock();
    let sessions = builder(&clock, memory(&clock)).build().unwrap();
    let new = NewSession::new("ada", "web").acr("1").amr(["pwd"]);
    let tokens = sessions.begin(new.authenticated_at(UnixTime::EPOCH)).await.unwrap();
    let id = tokens.session().id.to_string();
    let claims = |tokens: &SessionTokens| {
        use base64::Engine;
        let token = tokens.access_token().issue().unwrap();
        let payload = token.expose_secret().split('.').nth(1).unwrap().to_owned();
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        serde_json::from_slice::<serde_json::Value>(&engine.decode(payload).unwrap()).unwrap()
    };
    let before = claims(&tokens);
    assert!(before["acr"] == "1" && before["auth_time"] == 0, "{before}");
    clock.advance(Duration::from_secs(100));
    assert!(sessions.reauthenticated("bob", &id, Some("2"), &[]).await.unwrap().is_none());
    let session = sessions.reauthenticated("ada", &id, Some("2"), &["pwd", "otp"]).await.unwrap();
    assert_eq!(session.unwrap().authenticated_at, clock.now());
    let next = sessions.refresh(RefreshRequest::new(text(&tokens), "web")).await.unwrap();
    let after = claims(&next);
    assert!(after["sid"] == *id && after["acr"] == "2", "{after}");
    assert_eq!(after["amr"], serde_json::json!(["pwd", "otp"]));
    assert_eq!(after["auth_time"], clock.now().as_secs());
    let soon = clock.now().saturating_add(Duration::from_secs(1));
    sessions.store().revoke(&Revocation::session(&*id, soon)).await.unwrap();
    assert!(sessions.reauthenticated("ada", &id, Some("3"), &[]).await.unwrap().is_none());
    assert!(kind(&sessions, text(&next), "web").await.is_some());
}

/// Sessions here, revocations in a store that has no room, or knows sessions only.
#[derive(Clone)]
struct OnlySessions(MemoryStore);

impl RevocationStore for OnlySessions {
    fn required_identifiers(&self) -> Identifiers {
        Identifiers::SESSION_ID
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        self.0.status(token).await
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        match revocation.target() {
            RevocationTarget::Session { .. } => self.0.revoke(revocation).await,
            _ => Err(StoreError::unsupported()),
        }
    }
}

#[tokio::test]
async fn a_store_without_revocations_by_subject_says_so_and_ends_what_it_can() {
    let clock = clock();
    let revocations = MemoryStore::builder().clock(clock.clone()).build();
    let day = Duration::from_secs(86_400);
    let store = Apart::new(memory(&clock), OnlySessions(revocations), day * 90);
    let sessions = builder(&clock, store).build().unwrap();
    let tokens = sessions.begin(NewSession::new("ada", "web")).await.unwrap();
    let error = sessions.end_all("ada").await.unwrap_err();
    assert_eq!(error.kind(), SessionErrorKind::Unsupported);
    assert!(error.to_string().contains("by subject"), "{error}");
    assert!(sessions.sessions("ada").await.unwrap().is_empty());
    assert!(kind(&sessions, text(&tokens), "web").await.is_some());
}

#[tokio::test]
async fn a_store_without_room_for_revocations_leaves_no_session_to_refresh() {
    let clock = clock();
    let full = || MemoryStore::builder().clock(clock.clone()).capacity(0).build();
    let day = Duration::from_secs(86_400);
    let stores = [
        BoxSessionStore::new(
            MemorySessionStore::builder().revocations(full()).capacity(10).build(),
        ),
        BoxSessionStore::new(Apart::new(memory(&clock), full(), day * 90)),
    ];
    for store in stores {
        let (sessions, events) = observed(builder(&clock, store).grace(Grace::Never));
        for way in 0..4 {
            let first = sessions.begin(NewSession::new("ada", "web")).await.unwrap();
            let next = sessions.refresh(RefreshRequest::new(text(&first), "web")).await.unwrap();
            let id = first.session().id.as_str();
            let failed = match way {
                0 => sessions.end_session("ada", id).await.err(),
                1 => sessions.end_by_token(text(&next)).await.err(),
                2 => sessions.end_all("ada").await.err(),
                _ => sessions.refresh(RefreshRequest::new(text(&first), "web")).await.err(),
            };
            assert_eq!(failed.unwrap().kind(), SessionErrorKind::Unavailable, "way {way}");
            assert!(kind(&sessions, text(&next), "web").await.is_some(), "way {way}");
            assert!(sessions.sessions("ada").await.unwrap().is_empty(), "way {way}");
        }
        let told = events.lock().unwrap().iter().any(|event| event.starts_with("reused"));
        assert!(told, "what cannot be revoked mutes no alarm");
    }
}

/// A crash right after the revocation was put, where the two stores are not one.
#[tokio::test]
async fn a_crash_between_two_stores_leaves_no_live_token_of_a_dead_session() {
    let clock = clock();
    let (records, revocations) =
        (memory(&clock), MemoryStore::builder().clock(clock.clone()).build());
    let day = Duration::from_secs(86_400);
    let whole = Apart::new(records.clone(), revocations.clone(), day * 90);
    let sessions = builder(&clock, whole).build().unwrap();
    let tokens = sessions.begin(NewSession::new("ada", "web")).await.unwrap();
    let id = tokens.session().id.clone();
    /// Dies before it writes.
    #[derive(Clone)]
    struct Dead(MemorySessionStore);
    impl SessionStore for Dead {
        async fn load(
            &self,
            id: &SessionId,
            now: UnixTime,
        ) -> Result<Option<StoredSession>, StoreError> {
            self.0.load(id, now).await
        }
        async fn commit(&self, _: &Commit) -> Result<Committed, StoreError> {
            Err(StoreError::unavailable("the process died"))
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
    let dying = Apart::new(Dead(records), revocations.clone(), day * 90);
    let dying = builder(&clock, dying).build().unwrap();
    assert!(dying.end_session("ada", id.as_str()).await.is_err());
    let token = TokenIdentity::new().with_session_id(id.as_str());
    assert!(revocations.status_now(&token).is_revoked(), "no token of it lives");
    assert!(kind(&sessions, text(&tokens), "web").await.is_some(), "and it is not refreshed");
    assert_eq!(sessions.end_session("ada", id.as_str()).await.unwrap(), Ending::Before);
}

#[test]
fn a_future_that_is_dropped_right_after_the_step_loses_no_theft() {
    /// Takes each step, and then never answers.
    #[derive(Clone)]
    struct Silent(MemorySessionStore);
    impl SessionStore for Silent {
        async fn load(
            &self,
            id: &SessionId,
            now: UnixTime,
        ) -> Result<Option<StoredSession>, StoreError> {
            self.0.load(id, now).await
        }
        async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
            let _ = self.0.commit(step).await;
            std::future::pending().await
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
    impl RevocationStore for Silent {
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
    let clock = clock();
    let store = memory(&clock);
    let (sessions, events) = observed(builder(&clock, store.clone()).grace(Grace::Never));
    let silent = builder(&clock, Silent(store)).grace(Grace::Never).build().unwrap();
    let first = sessions.begin(NewSession::new("ada", "web")).now_or_never().unwrap().unwrap();
    let next = sessions.refresh(RefreshRequest::new(text(&first), "web"));
    let next = next.now_or_never().unwrap().unwrap();
    let spent = silent.refresh(RefreshRequest::new(text(&first), "web"));
    assert!(spent.now_or_never().is_none(), "its client has gone");
    events.lock().unwrap().clear();
    // whoever comes next
    assert!(kind(&sessions, text(&next), "web").now_or_never().unwrap().is_some());
    assert_eq!(*events.lock().unwrap(), ["reused None"]);
    assert_eq!(sessions.tell_pending().now_or_never().unwrap().unwrap(), 0);
}

#[test]
fn what_a_store_answers_that_makes_no_sense_is_an_error() {
    /// Answers with the record of another session, or a page without end.
    #[derive(Clone)]
    struct Liar(MemorySessionStore, Arc<Mutex<Option<SessionId>>>);
    impl SessionStore for Liar {
        async fn load(
            &self,
            id: &SessionId,
            now: UnixTime,
        ) -> Result<Option<StoredSession>, StoreError> {
            let other = self.1.lock().unwrap().clone();
            self.0.load(&other.unwrap_or_else(|| id.clone()), now).await
        }
        async fn commit(&self, step: &Commit) -> Result<Committed, StoreError> {
            self.0.commit(step).await
        }
        async fn list(
            &self,
            _: &IndexKey,
            _: Option<&SessionId>,
            _: UnixTime,
        ) -> Result<Page, StoreError> {
            let next = SessionId::parse(&"A".repeat(22));
            Ok(Page { sessions: Vec::new(), next })
        }
    }
    impl RevocationStore for Liar {
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
    let clock = clock();
    let other = Arc::new(Mutex::new(None));
    let store = Liar(memory(&clock), Arc::clone(&other));
    let sessions = builder(&clock, store).build().unwrap();
    let run = async {
        let ada = sessions.begin(NewSession::new("ada", "web")).await.unwrap();
        let bob = sessions.begin(NewSession::new("bob", "web")).await.unwrap();
        *other.lock().unwrap() = Some(bob.session().id.clone());
        let unavailable = SessionErrorKind::Unavailable;
        assert_eq!(kind(&sessions, text(&ada), "web").await, Some(unavailable));
        let id = ada.session().id.as_str();
        assert_eq!(sessions.end_session("ada", id).await.unwrap_err().kind(), unavailable);
        assert_eq!(sessions.sessions("ada").await.unwrap_err().kind(), unavailable);
        assert_eq!(sessions.end_all("ada").await.unwrap_err().kind(), unavailable);
        assert_eq!(sessions.tell_pending().await.unwrap_err().kind(), unavailable);
    };
    run.now_or_never().expect("nothing goes on without end");
}

#[tokio::test]
async fn a_few_accounts_keep_nobody_out_of_a_full_store_and_what_gives_way_has_ended() {
    let clock = clock();
    let store = MemorySessionStore::builder().clock(clock.clone()).capacity(50).build();
    let (sessions, events) = observed(builder(&clock, store.clone()));
    let mut greedy = Vec::new();
    for _ in 0..60 {
        greedy.push(sessions.begin(NewSession::new("eve", "web")).await.unwrap());
        clock.advance(Duration::from_secs(1));
    }
    let mut others = Vec::new();
    for number in 0..40 {
        let new = NewSession::new(format!("user-{number}"), "web");
        others.push(sessions.begin(new).await.unwrap());
    }
    assert_eq!(sessions.sessions("eve").await.unwrap().len(), 10);
    let told = events.lock().unwrap().iter().filter(|event| *event == "ended Limit").count();
    assert_eq!(told, 50);
    for (place, tokens) in greedy.iter().enumerate() {
        let id = TokenIdentity::new().with_session_id(tokens.session().id.as_str());
        let revoked = store.revocations().status_now(&id).is_revoked();
        assert_eq!(revoked, place < 50, "{place}: its access tokens");
        assert_eq!(kind(&sessions, text(tokens), "web").await.is_some(), place < 50, "{place}");
    }
    for tokens in &others {
        assert_eq!(kind(&sessions, text(tokens), "web").await, None);
    }
    // Another issuer over the same store takes nobody's place.
    let secret = Secret::new("a secret of 32 bytes or more, please");
    let other =
        Issuer::builder().keys(SigningKeys::hs256(&secret).unwrap()).issuer("https://b.test");
    let other = other.audience("api").clock(clock.clone()).build().unwrap();
    let other = Sessions::builder(other, store).build().unwrap();
    let refused = other.begin(NewSession::new("ada", "web")).await.unwrap_err();
    assert_eq!(refused.kind(), SessionErrorKind::Unavailable);
}

#[test]
fn ids_tell_nothing_of_the_subject_and_sessions_show_what_their_owner_may_see() {
    let clock = clock();
    let sessions = builder(&clock, memory(&clock)).build().unwrap();
    let begin = |subject: &str| {
        sessions.begin(NewSession::new(subject, "web").device("Firefox")).now_or_never().unwrap()
    };
    let (one, two) = (begin("ada@example.com").unwrap(), begin("ada@example.com").unwrap());
    let (one, two) = (one.session(), two.session());
    assert_ne!(one.id.as_str()[..4], two.id.as_str()[..4], "what they have in common is a name");
    assert!(!format!("{one:?}").contains("example.com"));
    let shown = serde_json::to_value(one).unwrap();
    assert_eq!(shown["id"], one.id.as_str());
    assert_eq!(shown["device"], "Firefox");
    assert_eq!(shown["created_at"], 1_800_000_000);
    assert!(!shown.to_string().contains("example.com"));
    assert_eq!(format!("{:?}", EndedBy::Theft), "Theft");
}

#[tokio::test]
async fn theft_is_told_although_nothing_can_be_revoked_and_again_until_it_can() {
    let clock = clock();
    let revocations = MemoryStore::builder().clock(clock.clone()).capacity(1).build();
    let other = Revocation::session("another", clock.now().saturating_add(Duration::from_secs(60)));
    revocations.revoke_now(&other).unwrap();
    let store = MemorySessionStore::builder().revocations(revocations).capacity(50).build();
    let (sessions, events) = observed(builder(&clock, store).grace(Grace::Never));
    let first = sessions.begin(NewSession::new("ada", "web")).await.unwrap();
    let _ = sessions.refresh(RefreshRequest::new(text(&first), "web")).await.unwrap();
    let told = || events.lock().unwrap().iter().filter(|event| event.starts_with("reused")).count();
    let mut before = told();
    for round in 0..3 {
        // Ended, and an error until its access tokens are dead too.
        let unavailable = Some(SessionErrorKind::Unavailable);
        assert_eq!(kind(&sessions, text(&first), "web").await, unavailable, "{round}");
        assert!(round == 0 || told() > before, "{round}");
        before = told();
    }
    assert!(sessions.tell_pending().await.is_err());
    assert!(told() > before, "one that cannot be revoked mutes no alarm");
    clock.advance(Duration::from_secs(61));
    let invalid = Some(SessionErrorKind::InvalidGrant);
    assert_eq!(kind(&sessions, text(&first), "web").await, invalid);
    let last = told();
    assert_eq!(kind(&sessions, text(&first), "web").await, invalid);
    assert_eq!((told(), sessions.tell_pending().await.unwrap()), (last, 0));
}

#[tokio::test]
async fn apart_a_revocation_whose_time_has_passed_keeps_sessions_from_going_on() {
    for keep_until in [UnixTime::EPOCH, UnixTime::from_secs(1_800_000_000 - 90)] {
        let clock = clock();
        let revocations = MemoryStore::builder().clock(clock.clone()).build();
        let longest = Duration::from_secs(90 * 24 * 60 * 60);
        let store = Apart::new(memory(&clock), revocations, longest).clock(clock.clone());
        let sessions = builder(&clock, store).build().unwrap();
        let tokens = sessions.begin(NewSession::new("ada", "web")).await.unwrap();
        let id = tokens.session().id.as_str();
        sessions.store().revoke(&Revocation::session(id, keep_until)).await.unwrap();
        clock.advance(Duration::from_secs(60 * 60));
        assert_eq!(
            kind(&sessions, text(&tokens), "web").await,
            Some(SessionErrorKind::InvalidGrant),
            "{keep_until:?}"
        );
    }
}
