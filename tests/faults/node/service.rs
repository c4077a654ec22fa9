//! All that a node does with the crate, in one place.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tower_bearer::claims::StandardClaims;
use tower_bearer::clock::{Clock, SystemClock, UnixTime};
use tower_bearer::issuer::session::{
    BoxSessionStore, Ending, Grace, MemorySessionStore, NewSession, RefreshRequest, SessionError,
    SessionErrorKind, SessionEvent, SessionTokens, Sessions,
};
use tower_bearer::issuer::{Issuer, SigningKeys};
use tower_bearer::key::Secret;
use tower_bearer::layer::AuthLayer;
use tower_bearer::redis_store::{OnStale, RedisStore, RedisStoreBuilder, Replica};
use tower_bearer::revocation::{
    Identifiers, MemoryStore, Revocation, RevocationStore, TokenIdentity,
};
use tower_bearer::verify::Verifier;

use super::NodeConfig;
use super::planted::Planted;
use super::reborn::Reborn;
use super::server::{EndBody, say};
use crate::plant::Plant;

/// Why there is no good answer.
pub(super) enum Failure {
    Refused,
    /// And why, for the reader.
    Unavailable(String),
    Odd(String),
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        match error.kind() {
            SessionErrorKind::InvalidGrant | SessionErrorKind::InvalidRequest => Self::Refused,
            SessionErrorKind::Unavailable => Self::Unavailable(format!("{error:?}")),
            other => Self::Odd(format!("{other:?}: {error}")),
        }
    }
}

/// The system's time and what the nemesis adds.
#[derive(Clone, Default)]
struct Moved(Arc<AtomicI64>);

impl Clock for Moved {
    fn now(&self) -> UnixTime {
        let moved = self.0.load(Ordering::Relaxed);
        let by = Duration::from_millis(moved.unsigned_abs());
        let now = SystemClock.now();
        if moved < 0 { now.saturating_sub(by) } else { now.saturating_add(by) }
    }
}

/// Whether the node is current, and how many losses it has seen.
type Health = Box<dyn Fn() -> (bool, u64, String) + Send + Sync>;

pub(super) struct Service {
    store: Planted,
    health: Health,
    tenants: Vec<Tenant>,
    clock: Moved,
    leeway: Duration,
    plant: Option<Plant>,
    /// What was listed before, for the fault that lists it again.
    listed: Mutex<HashMap<(u8, String), Vec<Value>>>,
}

struct Tenant {
    name: String,
    keys: SigningKeys,
    long: Sessions,
    short: Sessions,
}

type Answer = Result<Value, Failure>;
type BoxError = Box<dyn std::error::Error>;

impl Service {
    pub(super) async fn start(config: &NodeConfig) -> Result<Self, BoxError> {
        let plant = config.plant.as_deref().and_then(Plant::named);
        let clock = Moved::default();
        let (store, health) = open(config, &clock)?;
        let leeway = Duration::from_secs(config.leeway);
        let short_keep = Duration::from_secs(config.short) + leeway;
        let broken = Arc::new(AtomicBool::new(false));
        let store = Planted { store, plant, short_keep, broken, kept: Arc::default() };
        let tenants = 0..config.tenants;
        let tenants = tenants.map(|number| Tenant::new(number, &store, config, &clock));
        let tenants = tenants.collect::<Result<_, _>>()?;
        let listed = Mutex::default();
        let service = Self { store, health, tenants, clock, leeway, plant, listed };
        for tenant in &service.tenants {
            tokio::spawn(tell_pending(tenant.long.clone()));
        }
        Ok(service)
    }

    fn has(&self, plant: Plant) -> bool {
        self.plant == Some(plant)
    }

    fn tenant(&self, tenant: u8) -> Result<&Tenant, Failure> {
        self.tenants.get(usize::from(tenant)).ok_or(Failure::Refused)
    }

    pub(super) async fn login(&self, tenant: u8, subject: &str, version: u64) -> Answer {
        let new = NewSession::new(subject, "app").version(version);
        let tokens = self.tenant(tenant)?.long.begin(new).await?;
        answer(&tokens, version)
    }

    pub(super) async fn refresh(&self, tenant: u8, token: &str, version: u64) -> Answer {
        let request = RefreshRequest::new(token, "app");
        match self.tenant(tenant)?.long.refresh(request).await {
            Ok(tokens) => {
                if self.has(Plant::FalseAlarm) {
                    say(&format!("told {}", tokens.session().id));
                }
                answer(&tokens, version)
            }
            Err(error) => match (error.kind(), self.plant) {
                (SessionErrorKind::Unavailable, Some(Plant::Definite)) => Err(Failure::Refused),
                (SessionErrorKind::InvalidGrant, Some(Plant::Odd)) => {
                    Err(Failure::Odd("as planted".into()))
                }
                (SessionErrorKind::InvalidGrant, Some(Plant::TenantsCross)) => {
                    let tokens = self.tenant(1 - tenant)?.long.refresh(request).await?;
                    answer(&tokens, version)
                }
                _ => Err(error.into()),
            },
        }
    }

    pub(super) async fn list(&self, tenant: u8, subject: &str) -> Answer {
        let sessions = self.tenant(tenant)?.long.sessions(subject).await?;
        let mut sids: Vec<Value> = sessions.iter().map(|one| one.id.as_str().into()).collect();
        if self.has(Plant::OldList) {
            let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
            let old = listed.entry((tenant, subject.to_owned())).or_default();
            old.append(&mut sids);
            sids = old.clone();
        }
        Ok(sids.into())
    }

    pub(super) async fn end(&self, body: &EndBody) -> Answer {
        let tenant = self.tenant(body.tenant)?;
        let sessions = if body.short { &tenant.short } else { &tenant.long };
        let now = self.clock.now();
        let mut moment = now;
        let ending = match body.how.as_str() {
            "token" => Some(sessions.end_by_token(&body.token).await),
            "sid" => {
                // as a handler does it with the claims of the token that came
                let token = TokenIdentity::new()
                    .with_issuer(&tenant.name)
                    .with_session_id(&body.sid)
                    .with_expires_at(UnixTime::from_secs(body.keep_until));
                Some(sessions.end_verified(&token).await)
            }
            "of_subject" => Some(sessions.end_session(&body.subject, &body.sid).await),
            "all" => {
                moment = sessions.end_all(&body.subject).await?.issue_from;
                None
            }
            "all_but" => {
                let _ = sessions.end_all_but(&body.subject, &body.sid).await?;
                None
            }
            how => {
                self.revoke(how, body, &tenant.name, now).await?;
                None
            }
        };
        let ended = match ending {
            None | Some(Ok(Ending::Before)) => None,
            Some(Ok(Ending::Ended)) => Some(true),
            Some(Ok(Ending::Unknown)) => Some(false),
            Some(Err(_)) if self.has(Plant::EndedNothing) => Some(false),
            Some(Err(error)) => return Err(error.into()),
        };
        let moment_ms = u64::try_from(moment.since_epoch().as_millis()).unwrap_or_default();
        Ok(json!({"ended": ended, "moment_ms": moment_ms}))
    }

    /// Straight through the store, as an administrator's tool does it.
    async fn revoke(
        &self,
        how: &str,
        body: &EndBody,
        issuer: &str,
        now: UnixTime,
    ) -> Result<(), Failure> {
        // until the last token that was given out is gone, and not a moment longer
        let last = if body.keep_until == 0 {
            now.saturating_add(LONGEST)
        } else {
            UnixTime::from_secs(body.keep_until)
        };
        let keep = last.saturating_add(self.leeway);
        let revocation = match how {
            "revoke_token" => Revocation::token(token_id(&body.access), keep),
            "revoke_session" => Revocation::session(body.sid.as_str(), keep),
            "revoke_subject" => Revocation::subject(body.subject.as_str(), now, keep),
            "revoke_version" => Revocation::version(body.subject.as_str(), body.minimum, keep),
            _ => return Err(Failure::Refused),
        };
        let done = self.store.revoke(&revocation.issuer(issuer)).await;
        done.map_err(|error| Failure::Unavailable(format!("{error:?}")))
    }

    pub(super) fn protect(&self, router: Router, tenant: u8) -> Result<Router, BoxError> {
        let tenant = self.tenants.get(usize::from(tenant)).ok_or("no such tenant")?;
        let verifier = Verifier::<StandardClaims>::builder()
            .keys(tenant.keys.verification_keys())
            .issuer(tenant.name.as_str())
            .audience("api")
            .access_token_profile()
            .leeway(self.leeway)
            .clock(self.clock.clone())
            .build()?;
        Ok(router.layer(AuthLayer::new(verifier).revocation(self.store.clone())))
    }

    pub(super) fn move_clock(&self, offset_ms: i64) {
        self.clock.0.store(offset_ms, Ordering::Relaxed);
    }

    pub(super) fn health(&self) -> Value {
        let (current, losses, words) = (self.health)();
        let current = current || self.has(Plant::HealthLies);
        let losses = if self.has(Plant::Uncounted) { 0 } else { losses };
        json!({"current": current, "losses": losses, "words": words})
    }
}

/// The store that the configuration names.
fn open(config: &NodeConfig, clock: &Moved) -> Result<(BoxSessionStore, Health), BoxError> {
    let required = Identifiers::TOKEN_ID
        | Identifiers::SESSION_ID
        | Identifiers::SUBJECT_EPOCH
        | Identifiers::TOKEN_VERSION;
    match config.store.as_str() {
        "memory" => {
            let revocations = MemoryStore::builder().clock(clock.clone()).require(required);
            let store = MemorySessionStore::builder()
                .revocations(revocations.build())
                .capacity(1_000_000)
                .build();
            Ok((BoxSessionStore::new(store), Box::new(|| (true, 0, String::new()))))
        }
        "redis" => redis(RedisStore::builder(&config.url)?, config, clock, required),
        "redis-sentinel" => {
            let store = RedisStore::sentinel(config.url.split(','), "faults")?;
            redis(store, config, clock, required)
        }
        "redis-cluster" => {
            redis(RedisStore::cluster(config.url.split(','))?, config, clock, required)
        }
        other => Err(format!("no store {other}").into()),
    }
}

/// A replica over Redis.
fn redis(
    store: RedisStoreBuilder,
    config: &NodeConfig,
    clock: &Moved,
    required: Identifiers,
) -> Result<(BoxSessionStore, Health), BoxError> {
    let mut store = store.require(required).clock(clock.clone());
    if config.durable {
        store = store.durable(1, Duration::from_secs(1));
    }
    let store = store.build()?;
    let (staleness, clock) = (Duration::from_millis(config.staleness_ms), clock.clone());
    let on_stale = if config.ask_store { OnStale::AskStore } else { OnStale::FailClosed };
    let build = move || {
        let replica = Replica::builder(store.clone()).max_staleness(staleness);
        replica.on_stale(on_stale).clock(clock.clone()).build().ok()
    };
    let health = |replica: &Replica| {
        let health = replica.health();
        (health.current, health.losses, format!("{health:?}"))
    };
    if config.plant.as_deref().and_then(Plant::named) == Some(Plant::LosesCopy) {
        let reborn = Reborn::start(build).ok_or("no replica")?;
        let watched = reborn.clone();
        let health = Box::new(move || health(&watched.now()));
        return Ok((BoxSessionStore::new(reborn), health));
    }
    let replica = build().ok_or("no replica")?;
    let watched = replica.clone();
    Ok((BoxSessionStore::new(replica), Box::new(move || health(&watched))))
}

impl Tenant {
    fn new(
        number: u8,
        store: &Planted,
        config: &NodeConfig,
        clock: &Moved,
    ) -> Result<Self, BoxError> {
        let name = format!("https://tenant-{number}.example");
        // every process of a tenant signs with the same key
        let keys = SigningKeys::hs256(&Secret::new(format!(
            "of tenant {number}, for tests and nothing else"
        )))?;
        let quiet = store.plant == Some(Plant::TheftUntold);
        let sessions = |lifetime: u64| -> Result<Sessions, BoxError> {
            let issuer = Issuer::builder()
                .keys(keys.clone())
                .issuer(name.as_str())
                .audience("api")
                .lifetime(Duration::from_secs(lifetime))
                .clock(clock.clone())
                .build()?;
            let sessions = Sessions::builder(issuer, store.clone())
                .idle_lifetime(Duration::from_secs(3_600))
                .absolute_lifetime(Duration::from_secs(7_200))
                .grace(if config.grace { Grace::UntilUsed } else { Grace::Never })
                .verifier_leeway(Duration::from_secs(config.leeway))
                .observe(move |event| match event {
                    SessionEvent::Reused(reuse) if !quiet => {
                        say(&format!("told {}", reuse.session.id));
                    }
                    _ => {}
                })
                .build()?;
            Ok(sessions)
        };
        let (long, short) = (sessions(config.long)?, sessions(config.short)?);
        Ok(Self { name: name.clone(), keys, long, short })
    }
}

/// What nobody was told of because a process or an answer was lost.
async fn tell_pending(sessions: Sessions) {
    loop {
        let _ = sessions.tell_pending().await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// As long as any service's access tokens live.
const LONGEST: Duration = Duration::from_secs(150);

fn answer(tokens: &SessionTokens, version: u64) -> Answer {
    let request = tokens.access_token().claims(&json!({ "token_version": version }));
    let access = request.issue().map_err(|error| Failure::Odd(error.to_string()))?;
    let session = tokens.session();
    let created_ms = u64::try_from(session.created_at.since_epoch().as_millis());
    Ok(json!({
        "sid": session.id.as_str(),
        "access": access.expose_secret(),
        "refresh": tokens.refresh_token().expose_secret(),
        "issued": access.issued_at().as_secs(),
        "expires": access.expires_at().as_secs(),
        "generation": session.generation,
        "created_ms": created_ms.unwrap_or_default(),
    }))
}

/// The `jti` of a token that this driver was given.
fn token_id(token: &str) -> String {
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Option<Value> = payload.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    claims.and_then(|claims| claims["jti"].as_str().map(str::to_owned)).unwrap_or_default()
}
