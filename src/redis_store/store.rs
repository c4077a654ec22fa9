//! [`RedisStore`].

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use ::redis::cluster::ClusterClient;
use ::redis::sentinel::SentinelNodeConnectionInfo;
use ::redis::{
    Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo, RedisError, RedisResult, Script,
};

use super::builder::RedisStoreBuilder;
use super::connection::{Connection, check_role, inspect, other_layout, store_error};
use super::keys::Keys;
use super::script::{Call, call};
#[cfg(feature = "issuer")]
use super::session;
use super::source::{Link, Source};
use crate::clock::Clock;
use crate::revocation::replica::{EntryName, LogEntry, RevocationLog};
use crate::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, TokenIdentity, random,
};
use crate::store::StoreError;

/// Revocations in Redis, shared by every process; with the feature `issuer` sessions and single-use
/// tokens too. A clone is a handle on the same connection.
///
/// 1. A question is one round trip, and so is a revocation. Whoever answers says in the same breath
///    that it is a primary: what a replica says may be old, and is an error.
/// 2. A call ends within the [`timeout`](RedisStoreBuilder::timeout), with an answer or an error.
///    The connection is made anew by itself after it was lost.
/// 3. Redis at its `maxmemory` is [`StoreErrorKind::Full`](crate::revocation::StoreErrorKind): the
///    revocation is then not in force.
/// 4. A revocation that was answered with an error may be in force all the same: the answer may
///    have been what was lost. Revoking again is harmless.
/// 5. Of what is revoked no identifiers are kept, only 96 bits of a SHA-256. Sessions are kept in
///    clear, except for their tokens, of which there are hashes.
/// 6. A revocation, of anything but a single token, is kept for as long as there are sessions: what
///    it covers is never refreshed again.
///
/// The store knows what Redis knows: if Redis forgets, so does the store. A
/// [`Replica`](super::Replica) does not.
#[derive(Clone)]
#[doc(alias("blacklist", "denylist", "blocklist", "logout", "valkey"))]
pub struct RedisStore {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    revoke: Script,
    beat: Script,
    mark: Script,
    #[cfg(feature = "issuer")]
    sessions: Script,
}

pub(super) struct Settings {
    pub(super) connection: Connection,
    pub(super) durable: Option<Durable>,
    pub(super) keys: Keys,
    pub(super) required: Identifiers,
    pub(super) log_seconds: u64,
    pub(super) log_length: usize,
    pub(super) clock: Arc<dyn Clock>,
}

/// That replicas have to have what was written.
pub(super) struct Durable {
    /// Of its own, because `WAIT` holds up what comes after it.
    pub(super) connection: Connection,
    pub(super) replicas: usize,
    pub(super) wait: Duration,
}

/// Makes a script of those that it begins with and itself.
macro_rules! revoking_script {
    ($($file:literal),+) => {
        ::redis::Script::new(concat!(include_str!("revocation.lua"), $(include_str!($file)),+))
    };
}

impl RedisStore {
    /// Sets up a store from a URL: `redis://[user:password@]host[:port][/database]`, or
    /// `rediss://` with the feature `redis-tls`. For TLS, rustls needs a provider of cryptography
    /// for the whole process: if the application has not installed one by the time the store is
    /// built, it is AWS-LC.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`](crate::store::StoreErrorKind::Configuration) if the URL is
    /// none that the client knows.
    pub fn builder(url: &str) -> Result<RedisStoreBuilder, StoreError> {
        let client = Client::open(url).map_err(store_error)?;
        Ok(Self::with_client(client))
    }

    /// Sets up a store from a client of the `redis` crate, version 1.
    pub fn with_client(client: Client) -> RedisStoreBuilder {
        RedisStoreBuilder::new(Source::Single(client))
    }

    /// Sets up a store whose primary is found by asking sentinels, at these URLs, for the service of
    /// this name. After a failover it is asked for anew. For nodes that want a password, or TLS, see
    /// [`with_sentinel`](Self::with_sentinel).
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`](crate::store::StoreErrorKind::Configuration) if there is no
    /// URL, or one is none that the client knows.
    pub fn sentinel<'a>(
        urls: impl IntoIterator<Item = &'a str>,
        service: &str,
    ) -> Result<RedisStoreBuilder, StoreError> {
        Self::with_sentinel(urls, service, SentinelNodeConnectionInfo::default())
    }

    /// Like [`sentinel`](Self::sentinel), with what the nodes themselves want to be connected with.
    ///
    /// # Errors
    ///
    /// As for [`sentinel`](Self::sentinel).
    pub fn with_sentinel<'a>(
        urls: impl IntoIterator<Item = &'a str>,
        service: &str,
        node: SentinelNodeConnectionInfo,
    ) -> Result<RedisStoreBuilder, StoreError> {
        let sentinels = urls.into_iter().map(IntoConnectionInfo::into_connection_info);
        let sentinels = sentinels.collect::<Result<Vec<_>, _>>().map_err(store_error)?;
        if sentinels.is_empty() {
            return Err(StoreError::configuration("no sentinel to ask"));
        }
        let service = service.into();
        let source = Source::Sentinel { sentinels, service, node, next: AtomicUsize::new(0) };
        Ok(RedisStoreBuilder::new(source))
    }

    /// Sets up a store in a cluster, of which these are some nodes. All of its keys are in one slot,
    /// whose owner is found by the client.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`](crate::store::StoreErrorKind::Configuration) if there is no
    /// URL, or one is none that the client knows.
    pub fn cluster<'a>(
        urls: impl IntoIterator<Item = &'a str>,
    ) -> Result<RedisStoreBuilder, StoreError> {
        let client = ClusterClient::new(urls.into_iter().collect::<Vec<_>>());
        Ok(Self::with_cluster(client.map_err(store_error)?))
    }

    /// Sets up a store from a client of a cluster, of the `redis` crate, version 1.
    pub fn with_cluster(client: ClusterClient) -> RedisStoreBuilder {
        RedisStoreBuilder::new(Source::Cluster(Box::new(client)))
    }

    pub(super) fn new(settings: Settings) -> Self {
        let inner = Inner {
            settings,
            revoke: revoking_script!("revoke.lua"),
            beat: revoking_script!("beat.lua"),
            mark: Script::new(include_str!("mark.lua")),
            #[cfg(feature = "issuer")]
            sessions: session::script(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Asks whether Redis is there, is a primary, may be used, and keeps what it is given. Whatever
    /// is asked later asks for the same; this says it at start.
    ///
    /// # Errors
    ///
    /// If it cannot be asked or is a replica; of kind
    /// [`Configuration`](crate::store::StoreErrorKind::Configuration) if it may evict revocations
    /// to make room for others: with `maxmemory` the policy must be `noeviction`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.connection().run(|mut link| async move { inspect(&mut link).await }).await
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.inner.settings.keys
    }

    pub(super) fn beat_script(&self) -> &Script {
        &self.inner.beat
    }

    #[cfg(feature = "issuer")]
    pub(super) fn session_script(&self) -> &Script {
        &self.inner.sessions
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.inner.settings.connection
    }

    /// Runs a script that writes, by whoever is a primary and says so in the same breath: one that
    /// finds its work done writes nothing, and a replica would not refuse it. If replicas have to
    /// have it, until they do.
    pub(super) async fn commit<T: FromRedisValue>(
        &self,
        script: &Call<'_>,
    ) -> Result<T, StoreError> {
        let Settings { connection, durable, .. } = &self.inner.settings;
        let connection = durable.as_ref().map_or(connection, |durable| &durable.connection);
        connection.run(|mut link| async move { self.commit_over(&mut link, script).await }).await
    }

    /// Like [`commit`](Self::commit), over this connection.
    pub(super) async fn commit_over<T: FromRedisValue>(
        &self,
        link: &mut Link,
        script: &Call<'_>,
    ) -> RedisResult<T> {
        let Some(Durable { replicas, wait, .. }) = &self.inner.settings.durable else {
            let mut answers = call(link, &[script], [::redis::cmd("ROLE")]).await?;
            check_role(answers.pop())?;
            return first(answers);
        };
        let mut mark = Call::new(&self.inner.mark);
        mark.key(&*self.keys().entries).key(&*self.keys().mark);
        let mut answers = call(link, &[script, &mark], [await_replicas(*replicas, *wait)]).await?;
        let reached: usize = ::redis::from_redis_value(answers.pop().ok_or_else(other_layout)?)?;
        if reached < *replicas {
            let text = "fewer replicas of Redis have what was written than have to";
            return Err(RedisError::from((ErrorKind::Extension, text)));
        }
        first(answers)
    }

    /// Whether a write that another node made shows that this node's would count: where replicas
    /// have to have it, nobody sees whether they do.
    pub(super) fn others_vouch(&self) -> bool {
        self.inner.settings.durable.is_none()
    }

    /// How long a connection may have to wait for replicas.
    pub(super) fn longest_wait(&self) -> Duration {
        self.inner.settings.durable.as_ref().map_or(Duration::ZERO, |durable| durable.wait)
    }

    /// Begins to call a script that revokes, with what `revocation.lua` asks for.
    pub(super) fn revoking<'a>(&self, script: &'a Script) -> Call<'a> {
        let Settings { keys, log_seconds, log_length, .. } = &self.inner.settings;
        let mut script = Call::new(script);
        script.key(&*keys.entries).key(&*keys.expiry).key(&*keys.log).key(&*keys.until);
        script.arg(format!("{:016x}{:016x}", random(), random()));
        script.arg(*log_seconds).arg(*log_length);
        script
    }

    /// What `revocation.lua` has to be told of a revocation: its name, `keep_until`, bound, and for
    /// how many seconds it has to be kept from now on, below zero if that has passed.
    pub(super) fn entry_args(&self, entry: &LogEntry) -> (String, String, String, i64) {
        let now = i64::try_from(self.inner.settings.clock.now().as_secs()).unwrap_or(i64::MAX);
        let left = match entry.keep_until() {
            u32::MAX => 1 << 33,
            keep_until => i64::from(keep_until).saturating_sub(now).max(-(1 << 33)),
        };
        let (keep_until, bound) = (entry.keep_until(), entry.bound());
        (entry.name().to_string(), format!("{keep_until:010}"), format!("{bound:020}"), left)
    }

    /// The script that writes these revocations. It answers where the log stands then, how many it
    /// changed, and what is kept of each.
    pub(super) fn write(&self, entries: &[LogEntry]) -> Result<Call<'_>, StoreError> {
        let mut script = self.revoking(&self.inner.revoke);
        let entries: Vec<_> = entries.iter().map(|entry| self.entry_args(entry)).collect();
        script.arg(serde_json::to_string(&entries).map_err(StoreError::unavailable)?);
        Ok(script)
    }
}

impl RevocationStore for RedisStore {
    fn required_identifiers(&self) -> Identifiers {
        self.inner.settings.required
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        let names = EntryName::all_of(token);
        if names.is_empty() {
            return Ok(RevocationStatus::Active);
        }
        let mut command = ::redis::pipe();
        command.cmd("HMGET").arg(&*self.keys().entries);
        for name in &names {
            command.arg(name.to_string());
        }
        let (values,): (Vec<Option<Vec<u8>>>,) = self.connection().ask(command).await?;
        let (asked, answered) = (names.len(), values.len());
        if asked != answered {
            return Err(StoreError::unavailable("Redis answered another question"));
        }
        let mut revoked = false;
        for (name, value) in names.into_iter().zip(values) {
            let Some(value) = value else {
                continue;
            };
            let entry = read_entry(name, &value)
                .ok_or_else(|| StoreError::unavailable("a value in Redis is of another layout"))?;
            revoked |= entry.covers(token);
        }
        Ok(RevocationStatus::revoked_if(revoked))
    }

    async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.append(&[LogEntry::from(revocation)]).await.map(|_| ())
    }
}

/// Waits until so many replicas have what was written over this connection; answers how many have.
fn await_replicas(replicas: usize, wait: Duration) -> Cmd {
    // Zero would wait for ever.
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 40);
    let mut command = ::redis::cmd("WAIT");
    command.arg(replicas).arg(millis);
    command
}

fn first<T: FromRedisValue>(answers: Vec<::redis::Value>) -> RedisResult<T> {
    let answer = answers.into_iter().next().ok_or_else(other_layout)?;
    Ok(::redis::from_redis_value(answer)?)
}

/// An entry from its value: 10 digits and 20 digits.
pub(super) fn read_entry(name: EntryName, value: &[u8]) -> Option<LogEntry> {
    let (keep_until, bound) = std::str::from_utf8(value).ok()?.split_at_checked(10)?;
    Some(LogEntry::new(name, keep_until.parse().ok()?, bound.parse().ok()?))
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("required", &self.inner.settings.required)
            .field("timeout", &self.connection().timeout)
            .finish_non_exhaustive()
    }
}
