//! What the driver knows while it runs: the history, and the texts of the tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use crate::history::{
    Access, AccessIx, At, Bounds, History, Op, Refresh, RefreshIx, Session, SessionIx, Told,
};
use crate::rng::Rng;

/// Grants as a node answers them.
#[derive(Debug, Deserialize)]
pub struct Granted {
    pub sid: String,
    pub access: String,
    pub refresh: String,
    pub issued: u64,
    pub expires: u64,
    pub generation: u64,
    pub created_ms: u64,
}

/// A client's side of a session.
#[derive(Debug, Default)]
pub struct Side {
    pub tokens: Vec<RefreshIx>,
    pub accesses: Vec<AccessIx>,
    /// Somebody honest is just refreshing it.
    pub busy: bool,
}

pub struct World {
    pub history: History,
    pub access_texts: Vec<String>,
    pub refresh_texts: Vec<String>,
    pub sids: Vec<String>,
    by_sid: HashMap<String, SessionIx>,
    pub sides: Vec<Side>,
    /// Sessions that somebody may still want.
    pub live: Vec<SessionIx>,
    /// Sessions that were ended, or so it seems.
    pub dead: Vec<SessionIx>,
    /// What a subject's tokens have as their version.
    pub versions: HashMap<(u8, u32), u64>,
    /// What each node last said when it could not answer.
    pub excuses: HashMap<u8, String>,
}

/// A handle on the world, and its clock.
#[derive(Clone)]
pub struct Shared {
    world: Arc<Mutex<World>>,
    began: Instant,
}

impl Shared {
    pub fn new(bounds: Bounds) -> Self {
        let began = Instant::now();
        let epoch_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let world = World {
            history: History::new(bounds, u64::try_from(epoch_ms).unwrap_or_default()),
            access_texts: Vec::new(),
            refresh_texts: Vec::new(),
            sids: Vec::new(),
            by_sid: HashMap::new(),
            sides: Vec::new(),
            live: Vec::new(),
            dead: Vec::new(),
            versions: HashMap::new(),
            excuses: HashMap::new(),
        };
        Self { world: Arc::new(Mutex::new(world)), began }
    }

    pub fn now(&self) -> At {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(At::MAX)
    }

    /// Not to be held while anything is waited for.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn sleep(&self, micros: u64) {
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }

    /// A node's hook told of theft.
    pub fn told(&self, sid: &str) {
        let at = self.now();
        let mut world = self.world();
        if let Some(session) = world.by_sid.get(sid).copied() {
            world.history.told.push(Told { session, at });
        }
    }
}

impl World {
    pub fn session_of_sid(&self, sid: &str) -> Option<SessionIx> {
        self.by_sid.get(sid).copied()
    }

    /// Takes a new session, or new tokens of one.
    pub fn take_grant(
        &mut self,
        granted: Granted,
        new: Option<(u8, u32, u64)>,
        parent: Option<RefreshIx>,
    ) -> Option<(SessionIx, AccessIx, RefreshIx)> {
        let op = u32::try_from(self.history.ops.len()).ok()?;
        let session = match (new, parent) {
            (Some((tenant, subject, version)), _) => {
                let ix = u32::try_from(self.sids.len()).ok()?;
                let created_ms = granted.created_ms;
                let session = Session { tenant, subject, version, created_ms, login: op };
                self.history.sessions.push(session);
                self.by_sid.insert(granted.sid.clone(), ix);
                self.sids.push(granted.sid);
                self.sides.push(Side::default());
                self.live.push(ix);
                ix
            }
            (None, Some(parent)) => self.history.refresh(parent).session,
            (None, None) => return None,
        };
        let version = self.history.session(session).version;
        let access = u32::try_from(self.access_texts.len()).ok()?;
        let Granted { issued, expires, generation, .. } = granted;
        self.history.accesses.push(Access { session, issued, expires, version, made_by: op });
        self.access_texts.push(granted.access);
        let refresh = u32::try_from(self.refresh_texts.len()).ok()?;
        self.history.refreshes.push(Refresh { session, made_by: op, generation });
        self.refresh_texts.push(granted.refresh);
        let side = &mut self.sides[session as usize];
        side.tokens.push(refresh);
        side.accesses.push(access);
        Some((session, access, refresh))
    }

    pub fn record(&mut self, op: Op) {
        self.history.end = self.history.end.max(op.end);
        self.history.ops.push(op);
    }

    pub fn version(&self, tenant: u8, subject: u32) -> u64 {
        self.versions.get(&(tenant, subject)).copied().unwrap_or(1)
    }

    /// Moves a session from the living to the dead, where thieves and probes look for them.
    pub fn bury(&mut self, session: SessionIx) {
        if let Some(at) = self.live.iter().position(|live| *live == session) {
            self.live.swap_remove(at);
            self.dead.push(session);
        }
    }

    pub fn bury_subject(&mut self, tenant: u8, subject: u32, but: Option<SessionIx>) {
        let of_subject: Vec<_> = self
            .live
            .iter()
            .copied()
            .filter(|ix| {
                let session = self.history.session(*ix);
                session.tenant == tenant && session.subject == subject && Some(*ix) != but
            })
            .collect();
        for session in of_subject {
            self.bury(session);
        }
    }

    pub fn pick_live(&self, rng: &mut Rng) -> Option<SessionIx> {
        rng.pick(&self.live).copied()
    }

    /// Often one that died lately.
    pub fn pick_dead(&self, rng: &mut Rng) -> Option<SessionIx> {
        let late = rng.percent(60);
        let from = if late { self.dead.len().saturating_sub(20) } else { 0 };
        rng.pick(self.dead.get(from..)?).copied()
    }
}
