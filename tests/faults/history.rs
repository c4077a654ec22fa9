//! What was called and answered, and when: all that the checker knows.

use std::fmt;

/// Microseconds since the run began, by the driver's monotonic clock.
pub type At = u64;

/// The end of what has not ended.
pub const NEVER: At = At::MAX;

pub type SessionIx = u32;
pub type AccessIx = u32;
pub type RefreshIx = u32;

/// A bit for each node.
pub type NodeSet = u32;

/// The bounds that the run was configured with.
#[derive(Clone, Debug)]
pub struct Bounds {
    pub nodes: u8,
    /// How old a node's knowledge may be.
    pub staleness: At,
    /// By how much the machine had more to do than it can: 1 if it had not.
    pub strain: u64,
    /// How many may win with one refresh token: 1 without grace.
    pub winners: usize,
    pub grace: Grace,
    /// How far the clocks of two nodes may be apart.
    pub skew: At,
    /// How long after a node has found its store again what that store lost may stay unknown there.
    pub write_back: At,
    /// How long an isolated primary may go on believing in itself.
    pub isolation: At,
    /// How long a node may take to find out that its store evicts.
    pub inspection: At,
    /// How long after its end a fault may keep a node from answering.
    pub recovery: At,
    /// What services of the short lifetime keep a revocation for.
    pub short_keep: At,
    /// Whether an acknowledged revocation survives the loss of the primary alone.
    pub durable: bool,
    /// Whether stale nodes ask the store, so that a refusal does not mean that the node knows.
    pub asks_store: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grace {
    None,
    /// The spent token yields successors until one of them has been used.
    UntilUsed,
}

#[derive(Clone, Debug)]
pub struct Session {
    pub tenant: u8,
    pub subject: u32,
    pub version: u64,
    /// When the node that began it says that it began, in milliseconds since 1970.
    pub created_ms: u64,
    pub login: u32,
}

#[derive(Clone, Debug)]
pub struct Access {
    pub session: SessionIx,
    /// Seconds since 1970.
    pub issued: u64,
    pub expires: u64,
    pub version: u64,
    pub made_by: u32,
}

#[derive(Clone, Debug)]
pub struct Refresh {
    pub session: SessionIx,
    pub made_by: u32,
    pub generation: u64,
}

/// How something is taken back. The first five are the sessions' own calls, the others are
/// revocations that go straight to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    ByToken(RefreshIx),
    BySid(SessionIx),
    OfSubject(SessionIx),
    All { tenant: u8, subject: u32 },
    AllBut(SessionIx),
    RevokeToken(AccessIx),
    RevokeSession(SessionIx),
    RevokeSubject { tenant: u8, subject: u32 },
    RevokeVersion { tenant: u8, subject: u32, minimum: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Login {
        tenant: u8,
        subject: u32,
        version: u64,
    },
    Refresh {
        tenant: u8,
        token: RefreshIx,
    },
    Use {
        token: AccessIx,
    },
    /// At this tenant's endpoint; `short`: by a service whose own tokens live shortly.
    End {
        tenant: u8,
        end: End,
        short: bool,
    },
    List {
        tenant: u8,
        subject: u32,
    },
    Health,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Granted {
        session: SessionIx,
        access: AccessIx,
        refresh: RefreshIx,
    },
    Accepted,
    /// `ended`: true if something that lived has ended, false if there was no such session; where the
    /// call says neither, nothing. `moment_ms`: the moment of an epoch.
    Done {
        ended: Option<bool>,
        moment_ms: u64,
    },
    Listed(Vec<SessionIx>),
    Health {
        current: bool,
        losses: u64,
    },
    /// A definite refusal: 400 or 401.
    Refused,
    /// 503: it cannot be decided.
    Unavailable,
    /// What must never be answered.
    Odd(u16),
    /// No answer came: it may have been done.
    Unknown,
    /// The request never left.
    NotSent,
}

#[derive(Clone, Debug)]
pub struct Op {
    pub node: u8,
    /// The node's life, counted from 0: every start is a new one. `None` if it changed meanwhile.
    pub life: Option<u32>,
    pub call: Call,
    pub start: At,
    pub end: At,
    pub outcome: Outcome,
}

/// Theft was told, by a node's hook.
#[derive(Clone, Debug)]
pub struct Told {
    pub session: SessionIx,
    pub at: At,
}

/// What the nemesis did.
#[derive(Clone, Debug)]
pub struct Fault {
    pub kind: &'static str,
    pub from: At,
    /// When all was mended.
    pub healed: At,
    /// When all nodes worked again; [`NEVER`] if they did not within the bound.
    pub recovered: At,
    /// Of these nodes it is certain that they could not speak to a writable primary in
    /// `blind.1..blind.2`.
    pub blind: Option<(NodeSet, At, At)>,
    /// The store may evict from here to `healed`, so nobody can know.
    pub evicting: bool,
    pub loss: Option<Loss>,
    /// Nodes that were left with a primary that nobody else has.
    pub isolated: NodeSet,
}

/// The store went back to what it was.
#[derive(Clone, Debug)]
pub struct Loss {
    /// What was acknowledged after this may be lost,
    pub maybe_from: At,
    /// and after this surely.
    pub surely_from: At,
    /// What was acknowledged after this is not lost.
    pub until: At,
    /// Only what was acknowledged by these nodes is lost.
    pub nodes: NodeSet,
    /// Only an asynchronous failover: the durable setting rules it out.
    pub by_failover: bool,
}

#[derive(Clone, Debug)]
pub struct Life {
    pub node: u8,
    pub life: u32,
    pub to: At,
}

#[derive(Clone, Debug)]
pub struct History {
    pub bounds: Bounds,
    pub sessions: Vec<Session>,
    pub accesses: Vec<Access>,
    pub refreshes: Vec<Refresh>,
    pub ops: Vec<Op>,
    pub told: Vec<Told>,
    pub faults: Vec<Fault>,
    pub lives: Vec<Life>,
    /// When the run began, in milliseconds since 1970.
    pub epoch_ms: u64,
    pub end: At,
}

impl History {
    pub fn new(bounds: Bounds, epoch_ms: u64) -> Self {
        Self {
            bounds,
            sessions: Vec::new(),
            accesses: Vec::new(),
            refreshes: Vec::new(),
            ops: Vec::new(),
            told: Vec::new(),
            faults: Vec::new(),
            lives: Vec::new(),
            epoch_ms,
            end: 0,
        }
    }

    pub fn session(&self, ix: SessionIx) -> &Session {
        &self.sessions[ix as usize]
    }

    pub fn access(&self, ix: AccessIx) -> &Access {
        &self.accesses[ix as usize]
    }

    pub fn refresh(&self, ix: RefreshIx) -> &Refresh {
        &self.refreshes[ix as usize]
    }
}

/// The session that a call is about, if it is about one.
pub fn session_of(history: &History, call: &Call) -> Option<SessionIx> {
    match *call {
        Call::Refresh { token, .. } => Some(history.refresh(token).session),
        Call::Use { token } => Some(history.access(token).session),
        Call::End { end, .. } => match end {
            End::ByToken(token) => Some(history.refresh(token).session),
            End::BySid(session)
            | End::OfSubject(session)
            | End::AllBut(session)
            | End::RevokeSession(session) => Some(session),
            End::RevokeToken(token) => Some(history.access(token).session),
            _ => None,
        },
        _ => None,
    }
}

fn seconds(at: At) -> String {
    if at == NEVER { "never".into() } else { format!("{:.6}", at as f64 / 1e6) }
}

impl History {
    /// One line for the reader.
    pub fn line(&self, op: &Op) -> String {
        let life = op.life.map_or("?".into(), |life| life.to_string());
        let about = match session_of(self, &op.call) {
            Some(session) => {
                let s = self.session(session);
                format!(" (session {session}, tenant {}, subject {})", s.tenant, s.subject)
            }
            None => String::new(),
        };
        format!(
            "{} .. {}  node {}.{life}  {:?}{about}  ->  {:?}",
            seconds(op.start),
            seconds(op.end),
            op.node,
            op.call,
            op.outcome
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, from, healed, recovered, .. } = self;
        let (from, healed, recovered) = (seconds(*from), seconds(*healed), seconds(*recovered));
        write!(f, "{from} .. {healed}  fault {kind}, all nodes work again at {recovered}")?;
        if let Some((nodes, from, to)) = self.blind {
            write!(f, "; nodes {nodes:#b} without a primary {} .. {}", seconds(from), seconds(to))?;
        }
        if let Some(loss) = &self.loss {
            let (maybe, surely) = (seconds(loss.maybe_from), seconds(loss.surely_from));
            write!(f, "; lost: from {maybe}, surely from {surely}, to {}", seconds(loss.until))?;
        }
        Ok(())
    }
}
