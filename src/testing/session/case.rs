//! What the cases are made of.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, SystemClock, UnixTime};
use crate::issuer::session::{
    Commit, Committed, IndexKey, NewSession, RefreshRequest, SessionError, SessionErrorKind,
    SessionEvent, SessionId, SessionStore, SessionTokens, Sessions, SessionsBuilder, StoredSession,
    Write,
};
use crate::issuer::{Issuer, SigningKeys};
use crate::key::Secret;
use crate::revocation::{Revocation, RevocationStore, TokenIdentity};
use crate::testing::{FakeClock, unique};

pub(super) struct Case<S> {
    name: &'static str,
    pub(super) store: Arc<S>,
    start: UnixTime,
}

/// Sessions over the store of a case, the clock they go by, and what their observer was told.
pub(super) struct World {
    pub(super) clock: FakeClock,
    pub(super) sessions: Sessions,
    pub(super) told: Arc<Mutex<Vec<&'static str>>>,
}

impl World {
    pub(super) fn pass(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }

    pub(super) fn clock_now(&self) -> UnixTime {
        self.clock.now()
    }

    /// How often this was told.
    pub(super) fn told(&self, event: &str) -> usize {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().filter(|told| **told == event).count()
    }

    pub(super) async fn refresh(
        &self,
        tokens: &SessionTokens,
    ) -> Result<SessionTokens, SessionError> {
        let token = tokens.refresh_token().expose_secret();
        self.sessions.refresh(RefreshRequest::new(token, "web")).await
    }
}

impl<S: SessionStore + RevocationStore> Case<S> {
    pub(super) fn new(name: &'static str, store: S) -> Self {
        // whole milliseconds, which every store can keep
        let now = SystemClock.now().since_epoch().as_millis();
        let now = Duration::from_millis(u64::try_from(now).unwrap_or_default());
        Self { name, store: Arc::new(store), start: UnixTime::from_duration(now) }
    }

    pub(super) fn at(&self, secs: u64) -> UnixTime {
        self.start.saturating_add(Duration::from_secs(secs))
    }

    pub(super) fn fail(&self, rule: &str, found: &str) -> ! {
        panic!("session store: {}: {rule}: found {found}", self.name)
    }

    pub(super) fn expect(&self, rule: &str, holds: bool) {
        if !holds {
            self.fail(rule, "otherwise");
        }
    }

    pub(super) fn ok<T, E: std::fmt::Debug>(&self, rule: &str, answer: Result<T, E>) -> T {
        answer.unwrap_or_else(|error| self.fail(rule, &format!("{error:?}")))
    }

    pub(super) fn key(&self, name: &str) -> IndexKey {
        self.ok("a key is made", IndexKey::of_subject("https://conformance.test", &unique(name)))
    }

    pub(super) fn id(&self) -> SessionId {
        self.ok("an id is made", SessionId::random())
    }

    /// A record under a key, for a thousand seconds.
    pub(super) fn write(&self, index: &IndexKey, record: &[u8]) -> Write {
        Write {
            id: self.id(),
            replaces: None,
            version: 1,
            record: record.to_vec(),
            was_under: None,
            under: Some(index.clone()),
            remove_at: self.at(1000),
            ends: false,
        }
    }

    /// What comes after this.
    pub(super) fn next(&self, write: &Write, record: &[u8]) -> Write {
        Write {
            replaces: Some(write.version),
            version: write.version + 1,
            record: record.to_vec(),
            was_under: write.under.clone(),
            ..write.clone()
        }
    }

    pub(super) fn step(&self, writes: Vec<Write>) -> Commit {
        Commit {
            unless_revoked: None,
            writes,
            limit: None,
            revocations: Vec::new(),
            now: self.start,
        }
    }

    pub(super) async fn commit(&self, rule: &str, step: &Commit, wanted: Committed) {
        let found = self.ok(rule, self.store.commit(step).await);
        if found != wanted {
            self.fail(rule, &format!("{found:?} and not {wanted:?}"));
        }
    }

    /// Writes, and says what was written.
    pub(super) async fn put(&self, write: Write) -> Write {
        self.commit("a record is written", &self.step(vec![write.clone()]), Committed::Done).await;
        write
    }

    pub(super) async fn load(&self, id: &SessionId) -> Option<StoredSession> {
        self.ok("a record is loaded", self.store.load(id, self.start).await)
    }

    pub(super) async fn expect_kept(&self, rule: &str, write: &Write) {
        match self.load(&write.id).await {
            Some(found)
                if found.id == write.id
                    && found.version == write.version
                    && found.record == write.record => {}
            Some(found) => self.fail(rule, &format!("{found:?}, or other bytes")),
            None => self.fail(rule, "nothing"),
        }
    }

    /// All that is listed under a key, page by page.
    pub(super) async fn listed(&self, index: &IndexKey, now: UnixTime) -> Vec<StoredSession> {
        let mut all = Vec::new();
        let mut after: Option<SessionId> = None;
        loop {
            let rule = "records are listed";
            let page = self.ok(rule, self.store.list(index, after.as_ref(), now).await);
            all.extend(page.sessions);
            match page.next {
                Some(next) => {
                    let on = after.as_ref().is_none_or(|after| *after < next);
                    self.expect("each page leads on", on);
                    after = Some(next);
                }
                None => return all,
            }
        }
    }

    pub(super) async fn revoke(&self, rule: &str, revocation: &Revocation) {
        self.ok(rule, self.store.revoke(revocation).await);
    }

    pub(super) async fn is_revoked(&self, id: &str) -> bool {
        self.is_revoked_of(None, id).await
    }

    /// Of a token of this issuer.
    pub(super) async fn is_revoked_of(&self, issuer: Option<&str>, id: &str) -> bool {
        let mut token = TokenIdentity::new()
            .with_token_id("conformance")
            .with_session_id(id)
            .with_subject("conformance")
            .with_issued_at(self.start)
            .with_token_version(0);
        if let Some(issuer) = issuer {
            token = token.with_issuer(issuer);
        }
        self.ok("a status is told", self.store.status(&token).await).is_revoked()
    }

    /// Of an access token as it is issued for this session now.
    pub(super) async fn is_access_revoked(&self, tokens: &SessionTokens) -> bool {
        let token = self.ok("an access token is issued", tokens.access_token().issue());
        let identity = TokenIdentity::new()
            .with_issuer(tokens.issuer.name())
            .with_token_id(token.token_id())
            .with_session_id(tokens.session().id.as_str())
            .with_subject(&*tokens.session().subject)
            .with_issued_at(token.issued_at());
        self.ok("a status is told", self.store.status(&identity).await).is_revoked()
    }

    pub(super) fn world(&self) -> World {
        self.world_of(&unique("https://id.test/"), |builder| builder)
    }

    /// Sessions of this issuer, that idle for 10,000 seconds, at the case's start.
    pub(super) fn world_of(
        &self,
        issuer: &str,
        set: impl FnOnce(SessionsBuilder) -> SessionsBuilder,
    ) -> World {
        self.world_over(Arc::clone(&self.store), issuer, set)
    }

    pub(super) fn world_over(
        &self,
        store: impl SessionStore + RevocationStore,
        issuer: &str,
        set: impl FnOnce(SessionsBuilder) -> SessionsBuilder,
    ) -> World {
        let clock = FakeClock::at(self.start);
        let secret = Secret::new("a secret of 32 bytes or more, please");
        let keys = self.ok("a key is made", SigningKeys::hs256(&secret));
        let issuer = Issuer::builder().keys(keys).issuer(issuer).audience("api");
        let issuer = self.ok("an issuer is made", issuer.clock(clock.clone()).build());
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let builder = Sessions::builder(issuer, store)
            .idle_lifetime(Duration::from_secs(10_000))
            .absolute_lifetime(Duration::from_secs(20_000))
            .observe(move |event: &SessionEvent<'_>| {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(event.as_str());
            });
        let sessions = self.ok("sessions are set up", set(builder).build());
        World { clock, sessions, told }
    }

    pub(super) async fn begin(&self, world: &World, subject: &str) -> SessionTokens {
        let new = NewSession::new(subject, "web").scope("a b").device("Firefox");
        self.ok("a session begins", world.sessions.begin(new).await)
    }

    pub(super) async fn refresh(
        &self,
        rule: &str,
        world: &World,
        tokens: &SessionTokens,
    ) -> SessionTokens {
        self.ok(rule, world.refresh(tokens).await)
    }

    pub(super) async fn refused(&self, rule: &str, world: &World, tokens: &SessionTokens) {
        match world.refresh(tokens).await {
            Err(error) if error.kind() == SessionErrorKind::InvalidGrant => {}
            Err(error) => self.fail(rule, &format!("{error:?}")),
            Ok(_) => self.fail(rule, "a grant"),
        }
    }

    pub(super) async fn expect_listed(
        &self,
        rule: &str,
        world: &World,
        subject: &str,
        wanted: &[&SessionTokens],
    ) {
        let listed = self.ok(rule, world.sessions.sessions(subject).await);
        let mut found: Vec<_> = listed.iter().map(|session| session.id.as_str()).collect();
        let mut wanted: Vec<_> = wanted.iter().map(|one| one.session().id.as_str()).collect();
        found.sort_unstable();
        wanted.sort_unstable();
        if found != wanted {
            self.fail(rule, &format!("{} sessions and not {}", found.len(), wanted.len()));
        }
    }
}
