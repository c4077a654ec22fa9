//! Two servers that replicate asynchronously, and the log that a node sees of them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::{START, Time};
use crate::revocation::replica::{
    Appended, LogEntry, LogHead, LogId, LogItem, LogPage, LogReader, RevocationLog,
};
use crate::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, TokenIdentity,
};
use crate::store::StoreError;

/// What a server has.
#[derive(Clone, Default)]
pub(super) struct Data {
    epoch: u64,
    beat: u64,
    last: LogId,
    pub(super) log: VecDeque<LogItem>,
    pub(super) entries: BTreeMap<String, LogEntry>,
    /// Where each entry became what it is.
    pub(super) made: BTreeMap<String, LogId>,
}

impl Data {
    pub(super) fn lose_all_but_the_log(&mut self) {
        let log = std::mem::take(&mut self.log);
        *self = Self { log, ..Self::default() };
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Primary,
    /// Believes to be the primary, and can reach no replica.
    Isolated,
    Replica,
    Down,
}

pub(super) struct Server {
    pub(super) data: Data,
    pub(super) role: Role,
    pub(super) frozen: bool,
    pub(super) evicts: bool,
    /// By how much its clock is ahead, in milliseconds.
    pub(super) ahead: u64,
    /// Until when it takes writes although it is isolated.
    pub(super) takes_until: Duration,
}

/// Both servers, and where the address leads.
pub(super) struct Cloud {
    pub(super) servers: Vec<Server>,
    pub(super) address: usize,
    /// Whether no answer is lost any more.
    pub(super) calm: bool,
    /// When items were last cut off from a log.
    pub(super) cut: Duration,
    pub(super) nodes: Vec<OfNode>,
}

/// What the cloud knows of a node.
#[derive(Clone, Default)]
pub(super) struct OfNode {
    /// Where its revocations go, until that fails.
    link: Option<usize>,
    /// When an isolated server that took writes last told it where the log stands.
    pub(super) deceived: Duration,
    /// When something that it appended was last refused, or the answer lost.
    pub(super) refused: Duration,
}

#[derive(Clone)]
pub(super) struct SimLog {
    pub(super) cloud: Arc<Mutex<Cloud>>,
    pub(super) time: Arc<Time>,
    pub(super) node: usize,
}

pub(super) struct SimReader {
    log: SimLog,
    server: usize,
}

impl Cloud {
    pub(super) fn new(nodes: usize) -> Self {
        let server = |role| Server {
            data: Data::default(),
            role,
            frozen: false,
            evicts: false,
            ahead: 0,
            takes_until: Duration::ZERO,
        };
        Self {
            servers: vec![server(Role::Primary), server(Role::Replica)],
            address: 0,
            calm: false,
            cut: Duration::ZERO,
            nodes: vec![OfNode::default(); nodes],
        }
    }

    /// The one whose word counts.
    pub(super) fn primary(&self) -> Option<usize> {
        self.servers.iter().position(|server| server.role == Role::Primary)
    }
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "address {}", self.address)?;
        self.servers.iter().try_for_each(|server| {
            let Server { data, role, frozen, evicts, .. } = server;
            let (entries, last) = (data.entries.len(), data.last);
            write!(f, "; {role:?}, frozen {frozen}, evicts {evicts}, {entries} entries to {last}")
        })
    }
}

impl Server {
    fn takes_alone(&self, time: &Time) -> bool {
        self.role == Role::Isolated && time.elapsed() < self.takes_until
    }

    fn write(&self, time: &Time) -> Result<(), StoreError> {
        match self.role {
            Role::Primary => Ok(()),
            Role::Isolated if self.takes_alone(time) => Ok(()),
            role => Err(StoreError::unavailable(format!("{role:?} takes no writes"))),
        }
    }

    fn begin(&mut self, time: &Time) {
        if self.data.epoch == 0 {
            self.data.epoch = time.random() | 1;
        }
    }

    fn append(&mut self, entries: &[LogEntry], time: &Time) -> Appended {
        self.begin(time);
        let mut changed = 0;
        for entry in entries {
            let name = entry.name().to_string();
            let old = self.data.entries.get(&name);
            let keep = old.map_or(0, LogEntry::keep_until).max(entry.keep_until());
            let bound = old.map_or(0, LogEntry::bound).max(entry.bound());
            let entry = LogEntry::new(entry.name(), keep, bound);
            if old == Some(&entry) {
                continue;
            }
            let millis = START * 1000 + time.elapsed().as_millis() as u64 + self.ahead;
            let previous = self.data.last;
            let (major, minor) = if previous.major() >= millis {
                (previous.major(), previous.minor() + 1)
            } else {
                (millis, 0)
            };
            let id = LogId::new(major, minor, time.random());
            self.data.last = id;
            self.data.log.push_back(LogItem { id, previous, entry });
            self.data.made.insert(name.clone(), id);
            self.data.entries.insert(name, entry);
            changed += 1;
        }
        Appended { position: self.data.last, changed, kept: Vec::new() }
    }

    fn head(&self) -> Result<LogHead, StoreError> {
        if !matches!(self.role, Role::Primary | Role::Isolated) {
            return Err(StoreError::unavailable("no primary"));
        }
        let Data { epoch, beat, last, .. } = self.data;
        let epoch = if epoch == 0 { String::new() } else { epoch.to_string() };
        Ok(LogHead { epoch: epoch.into(), last, beat: beat.to_string().into() })
    }
}

impl SimLog {
    pub(super) fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.cloud.lock().unwrap()
    }

    /// Runs a step at a server, after some time, and tells what came of it after some more; or loses
    /// the answer.
    async fn at<T>(
        &self,
        server: usize,
        step: impl FnOnce(&mut Server, &Time) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let latency = || Duration::from_micros(self.time.below(3000));
        self.time.sleep(latency()).await;
        if self.cloud().servers[server].frozen {
            self.time.sleep(Duration::from_millis(300)).await;
            return Err(StoreError::unavailable("no answer"));
        }
        let answer = {
            let server = &mut self.cloud().servers[server];
            match server.role {
                Role::Down => Err(StoreError::unavailable("refused")),
                _ => step(server, &self.time),
            }
        };
        self.time.sleep(latency()).await;
        if self.time.once_in(500) && !self.cloud().calm {
            return Err(StoreError::unavailable("the answer was lost"));
        }
        answer
    }

    fn address(&self) -> usize {
        self.cloud().address
    }
}

impl RevocationLog for SimLog {
    type Reader = SimReader;

    async fn open(&self, _: Duration) -> Result<SimReader, StoreError> {
        let server = self.address();
        let mut reader = SimReader { log: self.clone(), server };
        reader.inspect().await?;
        Ok(reader)
    }

    async fn append(&self, entries: &[LogEntry]) -> Result<Appended, StoreError> {
        let append = |server: &mut Server, time: &Time| {
            server.write(time)?;
            Ok(server.append(entries, time))
        };
        let link = {
            let mut cloud = self.cloud();
            let address = cloud.address;
            *cloud.nodes[self.node].link.get_or_insert(address)
        };
        let appended = self.at(link, append).await;
        if appended.is_err() {
            let own = &mut self.cloud().nodes[self.node];
            (own.link, own.refused) = (None, self.time.elapsed());
        }
        appended
    }
}

impl LogReader for SimReader {
    async fn head(&mut self) -> Result<LogHead, StoreError> {
        let head =
            |server: &mut Server, time: &Time| Ok((server.head()?, server.takes_alone(time)));
        let (head, deceived) = self.log.at(self.server, head).await?;
        if deceived {
            self.log.cloud().nodes[self.log.node].deceived = self.log.time.elapsed();
        }
        Ok(head)
    }

    async fn beat(&mut self, seen: &LogHead) -> Result<(), StoreError> {
        let beat = |server: &mut Server, time: &Time| {
            server.write(time)?;
            if *server.data.beat.to_string() == *seen.beat {
                server.begin(time);
                server.data.beat = time.random();
            }
            Ok(())
        };
        self.log.at(self.server, beat).await
    }

    fn others_vouch(&self) -> bool {
        true
    }

    async fn inspect(&mut self) -> Result<(), StoreError> {
        let inspect = |server: &mut Server, _: &Time| {
            server.head()?;
            let evicts = || StoreError::configuration("it evicts");
            if server.evicts { Err(evicts()) } else { Ok(()) }
        };
        self.log.at(self.server, inspect).await
    }

    async fn page(&mut self, from: Option<&str>) -> Result<LogPage, StoreError> {
        let page = |server: &mut Server, _: &Time| {
            let mut rest = server.data.entries.range(from.unwrap_or_default().to_owned()..);
            let entries = rest.by_ref().take(7).map(|(_, entry)| *entry).collect();
            Ok(LogPage { entries, next: rest.next().map(|(name, _)| name.as_str().into()) })
        };
        self.log.at(self.server, page).await
    }

    async fn items(
        &mut self,
        after: LogId,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<LogItem>, StoreError> {
        let until = self.log.time.elapsed() + wait;
        loop {
            let read = |server: &mut Server, _: &Time| {
                let later = server.data.log.iter().filter(|item| after.is_before(&item.id));
                Ok(later.take(limit).cloned().collect::<Vec<_>>())
            };
            let items = self.log.at(self.server, read).await?;
            if !items.is_empty() || self.log.time.elapsed() >= until {
                return Ok(items);
            }
            self.log.time.sleep(Duration::from_millis(5)).await;
        }
    }
}

impl RevocationStore for SimLog {
    fn required_identifiers(&self) -> Identifiers {
        Identifiers::TOKEN_ID
    }

    async fn status(&self, _: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        Err(StoreError::unsupported())
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.append(&[LogEntry::from(revocation)]).await.map(|_| ())
    }
}
