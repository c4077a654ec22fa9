//! Sessions against a model: whatever order sign-ins, refreshes, replays, logouts and the passing of
//! time come in, a store answers as the model does.
//!
//! The model knows nothing of the crate's state machine. It keeps every token that was ever given
//! out, with its whole history, and decides from that alone.

use std::time::Duration;

use proptest::prelude::*;
use tower_bearer::clock::{Clock, UnixTime};
use tower_bearer::issuer::session::{
    Grace, NewSession, RefreshRequest, SessionErrorKind, SessionStore, SessionTokens, Sessions,
};
use tower_bearer::issuer::{Issuer, SigningKeys};
use tower_bearer::key::Secret;
use tower_bearer::revocation::{Revocation, RevocationStore, TokenIdentity};
use tower_bearer::testing::FakeClock;

const IDLE: u64 = 2000;
const ABSOLUTE: u64 = 5000;
const ACCESS: u64 = 900;
/// How often a token that was just spent may come again.
const RETRIES: usize = 2;
/// How long a crowd is one.
const CROWD: u64 = 10;

/// In place of a token's number: one that was spent last in its session.
const PREDECESSOR: usize = 5000;

/// A token that was given out.
struct Token {
    text: String,
    /// Which session, counted over all.
    session: usize,
    /// How many rotations lie before it.
    depth: u64,
}

/// A session that was begun. When it was ended, if it was.
struct Session {
    subject: usize,
    id: String,
    /// Which token was spent first of each depth, and when: that made the session deeper.
    deepened: Vec<(usize, u64)>,
    began: u64,
    last_use: u64,
    ended: bool,
    /// Was revoked through the store, of which its record knows nothing yet.
    revoked: bool,
    /// An epoch that is later ends it.
    valid_from: u64,
}

struct Model {
    grace: Grace,
    now: u64,
    sessions: Vec<Session>,
    tokens: Vec<Token>,
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum Answer {
    Granted,
    Invalid,
    Scope,
    Later,
}

impl Model {
    fn alive(&self, session: usize) -> bool {
        let session = &self.sessions[session];
        !session.ended && !session.revoked && self.lasts(session)
    }

    fn lasts(&self, session: &Session) -> bool {
        self.now < session.began + ABSOLUTE && self.now < session.last_use + IDLE
    }

    /// A token that was spent last in its session.
    fn predecessor(&self) -> usize {
        let spent = self.sessions.iter().rev().find_map(|session| session.deepened.last());
        spent.map_or(0, |(token, _)| *token)
    }

    /// Presents a token; the next one, if granted, is added by the caller.
    fn present(&mut self, token: usize, right_client: bool, wider: bool) -> Answer {
        let (index, depth) = (self.tokens[token].session, self.tokens[token].depth);
        let session = &self.sessions[index];
        if session.ended || !self.lasts(session) {
            return Answer::Invalid;
        }
        let deepest = session.deepened.len() as u64;
        let peers =
            self.tokens.iter().filter(|one| one.session == index && one.depth == deepest).count();
        let often = peers > RETRIES;
        let unspent = depth == deepest;
        let last = session.deepened.last().filter(|(spent, _)| *spent == token);
        let lost = last.is_some_and(|(_, at)| match self.grace {
            Grace::Never => false,
            Grace::Within(window) => self.now < at + window.as_secs(),
            _ => !often || self.now < at + CROWD,
        });
        let session = &mut self.sessions[index];
        if !unspent && !lost {
            session.ended = true;
            return Answer::Invalid;
        }
        if !right_client {
            return Answer::Invalid;
        }
        if wider {
            return Answer::Scope;
        }
        if !unspent && often {
            return Answer::Later;
        }
        if session.revoked {
            session.ended = true;
            return Answer::Invalid;
        }
        session.last_use = self.now;
        if unspent {
            session.deepened.push((token, self.now));
        }
        Answer::Granted
    }
}

#[derive(Debug, Clone)]
pub enum Event {
    Begin { subject: usize },
    Refresh { token: usize, right_client: bool, wider: bool },
    LogOutByToken { token: usize },
    EndSession { session: usize },
    EndSessionOf { subject: usize, session: usize },
    EndAll { subject: usize },
    EndAllBut { subject: usize, session: usize },
    RevokeSession { session: usize },
    RevokeSubject { subject: usize },
    Pass { secs: u64 },
}

fn event() -> impl Strategy<Value = Event> {
    let any = 0_usize..1000;
    let subject = 0_usize..3;
    prop_oneof![
        3 => subject.clone().prop_map(|subject| Event::Begin { subject }),
        // the newest tokens most often, so that sessions live long enough to be worth a test
        16 => (any.clone(), prop::bool::weighted(0.9), prop::bool::weighted(0.1), 0..6_usize)
            .prop_map(|(token, right_client, wider, recent)| Event::Refresh {
                token: if recent > 0 { 1000 + recent - 1 } else { token },
                right_client,
                wider,
            }),
        6 => Just(Event::Refresh { token: PREDECESSOR, right_client: true, wider: false }),
        1 => any.clone().prop_map(|token| Event::LogOutByToken { token }),
        1 => any.clone().prop_map(|session| Event::EndSession { session }),
        1 => (subject.clone(), any.clone())
            .prop_map(|(subject, session)| Event::EndSessionOf { subject, session }),
        1 => subject.clone().prop_map(|subject| Event::EndAll { subject }),
        1 => (subject.clone(), any.clone())
            .prop_map(|(subject, session)| Event::EndAllBut { subject, session }),
        1 => any.prop_map(|session| Event::RevokeSession { session }),
        1 => subject.prop_map(|subject| Event::RevokeSubject { subject }),
        8 => prop_oneof![3 => 0_u64..8, 1 => 8_u64..13, 1 => 700_u64..2100].prop_map(|secs| Event::Pass { secs }),
    ]
}

/// Sessions in a store, and the clock that they go by.
struct System {
    clock: FakeClock,
    tokens: Sessions,
}

impl System {
    fn new(store: impl SessionStore + RevocationStore, clock: FakeClock, grace: Grace) -> Self {
        let secret = Secret::new("a secret of 32 bytes or more, please");
        let issuer = Issuer::builder()
            .keys(SigningKeys::hs256(&secret).unwrap())
            .issuer("https://id.test")
            .audience("api")
            .lifetime(Duration::from_secs(ACCESS))
            .clock(clock.clone())
            .build()
            .unwrap();
        let tokens = Sessions::builder(issuer, store)
            .idle_lifetime(Duration::from_secs(IDLE))
            .absolute_lifetime(Duration::from_secs(ABSOLUTE))
            .grace(grace)
            .build()
            .unwrap();
        Self { clock, tokens }
    }
}

/// Runs these events in this store, whose time starts now and passes by this clock only.
pub async fn run(
    store: impl SessionStore + RevocationStore,
    clock: FakeClock,
    grace: Grace,
    events: &[Event],
) {
    let now = clock.now().as_secs();
    clock.set(UnixTime::from_secs(now));
    let system = System::new(store, clock, grace);
    let mut model = Model { grace, now, sessions: Vec::new(), tokens: Vec::new() };
    step(&system, &mut model, &Event::Begin { subject: 0 }).await;
    for event in events {
        step(&system, &mut model, event).await;
        check(&system, &model).await;
    }
}

/// Each mode there is.
pub fn grace() -> impl Strategy<Value = Grace> {
    let window = Grace::Within(Duration::from_secs(10));
    prop_oneof![Just(Grace::Never), Just(window), Just(Grace::UntilUsed)]
}

pub fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(), 1..120)
}

fn subject(number: usize) -> String {
    format!("user-{number}")
}

fn remember(model: &mut Model, grant: &SessionTokens, session: usize) {
    let text = grant.refresh_token().expose_secret().to_owned();
    let depth = grant.session().generation;
    model.tokens.push(Token { text, session, depth });
}

async fn step(system: &System, model: &mut Model, event: &Event) {
    let tokens = &system.tokens;
    let newest = |index: usize, len: usize| {
        if index >= 1000 { len.saturating_sub(index - 999) } else { index % len.max(1) }
    };
    match *event {
        Event::Begin { subject: number } => {
            let new = NewSession::new(subject(number), "web").scope("a b");
            let grant = tokens.begin(new).await.unwrap();
            model.sessions.push(Session {
                subject: number,
                id: grant.session().id.to_string(),
                deepened: Vec::new(),
                began: model.now,
                last_use: model.now,
                ended: false,
                revoked: false,
                valid_from: model.now,
            });
            remember(model, &grant, model.sessions.len() - 1);
        }
        Event::Refresh { token, right_client, wider } => {
            let index = match token {
                PREDECESSOR => model.predecessor(),
                token => newest(token, model.tokens.len()),
            };
            let Some(token) = model.tokens.get(index) else { return };
            let (text, session) = (token.text.clone(), token.session);
            let client = if right_client { "web" } else { "other" };
            let scope = if wider { "a c" } else { "b" };
            let request = RefreshRequest::new(&text, client).scope(scope);
            let answer = tokens.refresh(request).await;
            let wanted = model.present(index, right_client, wider);
            let found = match &answer {
                Ok(_) => Answer::Granted,
                Err(error) => match error.kind() {
                    SessionErrorKind::InvalidGrant => Answer::Invalid,
                    SessionErrorKind::InvalidScope => Answer::Scope,
                    SessionErrorKind::Unavailable => Answer::Later,
                    kind => panic!("{kind:?}"),
                },
            };
            assert_eq!(found, wanted, "{event:?}");
            if let Ok(grant) = answer {
                remember(model, &grant, session);
                let depth = model.sessions[session].deepened.len() as u64;
                assert_eq!(grant.session().generation, depth);
            }
        }
        Event::LogOutByToken { token } => {
            let Some(token) = model.tokens.get(newest(token, model.tokens.len())) else { return };
            let session = token.session;
            let ended = tokens.end_by_token(&token.text).await.unwrap().was_live();
            end_one(model, session, ended);
        }
        Event::EndSession { session } => {
            let index = newest(session, model.sessions.len());
            let Some(session) = model.sessions.get(index) else { return };
            let token =
                TokenIdentity::new().with_issuer("https://id.test").with_session_id(&*session.id);
            let ended = tokens.end_verified(&token).await.unwrap().was_live();
            end_one(model, index, ended);
        }
        Event::EndSessionOf { subject: number, session } => {
            let index = newest(session, model.sessions.len());
            let Some(session) = model.sessions.get(index) else { return };
            let own = session.subject == number;
            let ended = tokens.end_session(&subject(number), &session.id).await.unwrap();
            assert!(own || !ended.is_over());
            if own {
                end_one(model, index, ended.was_live());
            }
        }
        Event::EndAll { subject: number } => {
            let ended = tokens.end_all(&subject(number)).await.unwrap().sessions;
            end_where(model, ended.len(), |session| session.subject == number);
        }
        Event::EndAllBut { subject: number, session } => {
            let index = newest(session, model.sessions.len());
            let Some(session) = model.sessions.get(index) else { return };
            let id = session.id.clone();
            let kept = session.subject == number && model.alive(index);
            let ended = tokens.end_all_but(&subject(number), &id).await.unwrap();
            assert_eq!(ended.kept.is_some(), kept);
            if kept {
                model.sessions[index].valid_from = model.now;
            }
            let ended = ended.sessions.len();
            end_where(model, ended, |one| one.subject == number && !(kept && one.id == id));
        }
        Event::RevokeSession { session } => {
            let index = newest(session, model.sessions.len());
            let Some(session) = model.sessions.get_mut(index) else { return };
            let soon = UnixTime::from_secs(model.now + 1);
            tokens.store().revoke(&Revocation::session(&*session.id, soon)).await.unwrap();
            session.revoked = true;
        }
        Event::RevokeSubject { subject: number } => {
            let (now, soon) = (UnixTime::from_secs(model.now), UnixTime::from_secs(model.now + 1));
            let epoch = Revocation::subject(subject(number), now, soon).issuer("https://id.test");
            tokens.store().revoke(&epoch).await.unwrap();
            for session in model.sessions.iter_mut().filter(|one| one.subject == number) {
                session.revoked |= session.valid_from < model.now;
            }
        }
        Event::Pass { secs } => {
            system.clock.advance(Duration::from_secs(secs));
            model.now += secs;
        }
    }
}

/// A session was asked to end. One that was revoked may have been as good as live.
fn end_one(model: &mut Model, index: usize, ended: bool) {
    assert!(ended == model.alive(index) || model.sessions[index].revoked);
    model.sessions[index].ended = true;
}

fn end_where(model: &mut Model, ended: usize, which: impl Fn(&Session) -> bool) {
    let chosen: Vec<_> =
        (0..model.sessions.len()).filter(|index| which(&model.sessions[*index])).collect();
    let alive = chosen.iter().filter(|index| model.alive(**index)).count();
    let revoked = chosen.iter().filter(|index| model.sessions[**index].revoked).count();
    assert!((alive..=alive + revoked).contains(&ended), "{ended} of {alive} ended");
    for index in chosen {
        model.sessions[index].ended = true;
    }
}

/// What holds after every event.
async fn check(system: &System, model: &Model) {
    for number in 0..3 {
        let listed = system.tokens.sessions(&subject(number)).await.unwrap();
        let mut found: Vec<_> = listed.iter().map(|session| session.id.to_string()).collect();
        let indices = 0..model.sessions.len();
        let alive = indices.filter(|index| model.alive(*index)).map(|index| &model.sessions[index]);
        let mut wanted: Vec<_> =
            alive.filter(|one| one.subject == number).map(|one| one.id.clone()).collect();
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted, "the sessions of {number}");
    }
    for session in &model.sessions {
        let token =
            TokenIdentity::new().with_session_id(&*session.id).with_issued_at(system.clock.now());
        let revoked = system.tokens.store().status(&token).await.unwrap().is_revoked();
        // an access token of the last refresh may still be valid
        let may_live = model.now < (session.last_use + ACCESS).min(session.began + ABSOLUTE);
        if session.ended && may_live {
            assert!(revoked, "an access token of an ended session is accepted");
        }
        if !session.ended && !session.revoked {
            assert!(!revoked, "a session is revoked that did not end");
        }
    }
}
