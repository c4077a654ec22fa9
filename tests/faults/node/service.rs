//! All that a node does with the crate, in one place.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};
use tower_bearer::claims::StandardClaims;
use tower_bearer::clock::{Clock, SystemClock, UnixTime};
use tower_bearer::issuer::session::{
    MemorySessionStore, NewSession, RefreshRequest, SessionError, SessionErrorKind, SessionStore,
    SessionTokens, Sessions,
};
use tower_bearer::issuer::{Issuer, SigningKeys};
use tower_bearer::key::Secret;
use tower_bearer::layer::AuthLayer;
use tower_bearer::redis_store::{OnStale, RedisStore, Replica};
use tower_bearer::revocation::{
    Identifiers, MemoryStore, Revocation, RevocationStore, TokenIdentity,
};
use tower_bearer::verify::Verifier;

use super::NodeConfig;
use super::server::{EndBody, say};

/// Why there is no good answer.
pub(super) enum Failure {
    Refused,
    Unavailable,
    Odd(String),
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        match error.kind() {
            SessionErrorKind::InvalidGrant | SessionErrorKind::InvalidRequest => Self::Refused,
            SessionErrorKind::Unavailable => Self::Unavailable,
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

pub(super) enum Service {
    Memory(Over<MemorySessionStore>),
    Redis(Over<Replica>),
}

pub(super) struct Over<S> {
    store: S,
    tenants: Vec<Tenant>,
    clock: Moved,
    leeway: Duration,
}

struct Tenant {
    name: String,
    keys: SigningKeys,
    long: Sessions,
    short: Sessions,
}

macro_rules! over {
    ($service:expr, $over:ident => $do:expr) => {
        match $service {
            Service::Memory($over) => $do,
            Service::Redis($over) => $do,
        }
    };
}

type Answer = Result<Value, Failure>;
type BoxError = Box<dyn std::error::Error>;

impl Service {
    pub(super) async fn start(config: &NodeConfig) -> Result<Self, BoxError> {
        let clock = Moved::default();
        let required = Identifiers::TOKEN_ID
            | Identifiers::SESSION_ID
            | Identifiers::SUBJECT_EPOCH
            | Identifiers::TOKEN_VERSION;
        match config.store.as_str() {
            "memory" => {
                let revocations = MemoryStore::builder().clock(clock.clone()).require(required);
                let store = MemorySessionStore::with_revocations(revocations.build(), 1_000_000);
                Ok(Self::Memory(Over::new(store, config, clock)?))
            }
            "redis" => {
                let store = RedisStore::builder(&config.url)?.require(required);
                let on_stale =
                    if config.ask_store { OnStale::AskStore } else { OnStale::FailClosed };
                let replica = Replica::builder(store.build()?)
                    .max_staleness(Duration::from_millis(config.staleness_ms))
                    .on_stale(on_stale)
                    .clock(clock.clone())
                    .build()?;
                Ok(Self::Redis(Over::new(replica, config, clock)?))
            }
            other => Err(format!("no store {other}").into()),
        }
    }

    pub(super) async fn login(&self, tenant: u8, subject: &str, version: u64) -> Answer {
        over!(self, over => over.login(tenant, subject, version).await)
    }

    pub(super) async fn refresh(&self, tenant: u8, token: &str, version: u64) -> Answer {
        over!(self, over => over.refresh(tenant, token, version).await)
    }

    pub(super) async fn end(&self, body: &EndBody) -> Answer {
        over!(self, over => over.end(body).await)
    }

    pub(super) async fn list(&self, tenant: u8, subject: &str) -> Answer {
        over!(self, over => over.list(tenant, subject).await)
    }

    pub(super) fn protect(&self, router: Router, tenant: u8) -> Result<Router, BoxError> {
        over!(self, over => over.protect(router, tenant))
    }

    pub(super) fn move_clock(&self, offset_ms: i64) {
        over!(self, over => over.clock.0.store(offset_ms, Ordering::Relaxed));
    }

    pub(super) fn health(&self) -> Value {
        match self {
            Self::Memory(_) => json!({"current": true, "losses": 0}),
            Self::Redis(over) => {
                let health = over.store.health();
                json!({"current": health.current, "losses": health.losses})
            }
        }
    }
}

impl<S> Over<S>
where
    S: SessionStore + RevocationStore + Clone,
{
    fn new(store: S, config: &NodeConfig, clock: Moved) -> Result<Self, BoxError> {
        let leeway = Duration::from_secs(config.leeway);
        let tenant = |number: u8| -> Result<Tenant, BoxError> {
            let name = format!("https://tenant-{number}.example");
            // every process of a tenant signs with the same key
            let secret = format!("of tenant {number}, for tests and nothing else");
            let keys = SigningKeys::hs256(&Secret::new(secret))?;
            let sessions = |lifetime: u64| -> Result<Sessions, BoxError> {
                let issuer = Issuer::builder()
                    .keys(keys.clone())
                    .issuer(name.as_str())
                    .audience("api")
                    .lifetime(Duration::from_secs(lifetime))
                    .clock(clock.clone())
                    .build()?;
                let grace = Duration::from_secs(if config.grace { 60 } else { 0 });
                let sessions = Sessions::builder(issuer, store.clone())
                    .idle_lifetime(Duration::from_secs(3_600))
                    .absolute_lifetime(Duration::from_secs(7_200))
                    .grace(grace)
                    .verifier_leeway(leeway)
                    .on_reuse(|reuse| say(&format!("told {}", reuse.session.id)))
                    .build()?;
                Ok(sessions)
            };
            let (long, short) = (sessions(config.long)?, sessions(config.short)?);
            Ok(Tenant { name: name.clone(), keys, long, short })
        };
        let tenants = (0..config.tenants).map(tenant).collect::<Result<_, _>>()?;
        Ok(Self { store, tenants, clock, leeway })
    }

    fn tenant(&self, tenant: u8) -> Result<&Tenant, Failure> {
        self.tenants.get(usize::from(tenant)).ok_or(Failure::Refused)
    }

    async fn login(&self, tenant: u8, subject: &str, version: u64) -> Answer {
        let grant = self.tenant(tenant)?.long.begin(NewSession::new(subject, "app")).await?;
        answer(&grant, version)
    }

    async fn refresh(&self, tenant: u8, token: &str, version: u64) -> Answer {
        let grant = self.tenant(tenant)?.long.refresh(RefreshRequest::new(token, "app")).await?;
        answer(&grant, version)
    }

    async fn list(&self, tenant: u8, subject: &str) -> Answer {
        let sessions = self.tenant(tenant)?.long.sessions(subject).await?;
        Ok(sessions.iter().map(|session| session.id.as_str()).collect())
    }

    async fn end(&self, body: &EndBody) -> Answer {
        let tenant = self.tenant(body.tenant)?;
        let sessions = if body.short { &tenant.short } else { &tenant.long };
        let now = self.clock.now();
        let mut moment = now;
        let ended = match body.how.as_str() {
            "token" => Some(sessions.end_by_token(&body.token).await?.was_live()),
            "sid" => {
                let token = TokenIdentity::new()
                    .with_issuer(tenant.name.as_str())
                    .with_session_id(body.sid.as_str());
                Some(sessions.end_verified(&token).await?.was_live())
            }
            "of_subject" => Some(sessions.end_session(&body.subject, &body.sid).await?.was_live()),
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
        let longest = self.tenant(body.tenant)?.long_lifetime();
        let keep = now.saturating_add(longest).saturating_add(self.leeway);
        let revocation = match how {
            "revoke_token" => Revocation::token(token_id(&body.access), keep),
            "revoke_session" => {
                // until the last token that was given out is gone, and not a moment longer
                let last = UnixTime::from_secs(body.keep_until).saturating_add(self.leeway);
                Revocation::session(body.sid.as_str(), last)
            }
            "revoke_subject" => Revocation::subject(body.subject.as_str(), now, keep),
            "revoke_version" => Revocation::version(body.subject.as_str(), body.minimum, keep),
            _ => return Err(Failure::Refused),
        };
        let done = RevocationStore::revoke(&self.store, &revocation.issuer(issuer)).await;
        done.map_err(|_| Failure::Unavailable)
    }

    fn protect(&self, router: Router, tenant: u8) -> Result<Router, BoxError> {
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
}

impl Tenant {
    fn long_lifetime(&self) -> Duration {
        LONGEST
    }
}

/// As long as any service's access tokens live.
const LONGEST: Duration = Duration::from_secs(150);

fn answer(grant: &SessionTokens, version: u64) -> Answer {
    let request = grant.access_token().claims(&json!({ "token_version": version }));
    let access = request.issue().map_err(|error| Failure::Odd(error.to_string()))?;
    let session = grant.session();
    Ok(json!({
        "sid": session.id.as_str(),
        "access": access.expose_secret(),
        "refresh": grant.refresh_token().expose_secret(),
        "issued": access.issued_at().as_secs(),
        "expires": access.expires_at().as_secs(),
        "generation": session.generation,
        "created_ms": u64::try_from(session.created_at.since_epoch().as_millis()).unwrap_or_default(),
    }))
}

/// The `jti` of a token that this driver was given.
fn token_id(token: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Option<Value> = payload.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    claims.and_then(|claims| claims["jti"].as_str().map(str::to_owned)).unwrap_or_default()
}
