//! [`RedisStore`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::redis::{Client, FromRedisValue, Script, ScriptInvocation};

use super::RedisStoreBuilder;
use super::connection::{Connection, store_error};
use super::keys::Keys;
#[cfg(feature = "issuer")]
use super::refresh::Scripts;
use crate::revocation::replica::{EntryName, LogEntry};
use crate::revocation::{
    Identifiers, Revocation, RevocationStatus, RevocationStore, StoreError, TokenIdentity, random,
};

/// Revocations in Redis, shared by every process; with the feature `issuer` sessions and single-use
/// tokens too. A clone is a handle on the same connection.
///
/// 1. A question is one `MGET`, a revocation one script, a transition of a session one script: one
///    round trip each. The end of all of a subject's sessions takes two.
/// 2. A call ends within the [`timeout`](RedisStoreBuilder::timeout), with an answer or an error.
///    The connection is made anew by itself after it was lost.
/// 3. Redis at its `maxmemory` is [`StoreErrorKind::Full`](crate::revocation::StoreErrorKind): the
///    revocation is then not in force.
/// 4. A revocation that was answered with an error may be in force all the same: the answer may
///    have been what was lost. Revoking again is harmless.
/// 5. Of what is revoked no identifiers are kept, only 96 bits of a SHA-256. Sessions are kept in
///    clear, except for their tokens, of which there are hashes.
/// 6. A session whose id was revoked by itself ends when it is next refreshed.
///
/// The store knows what Redis knows: if Redis forgets, so does the store. A
/// [`Replica`](super::Replica) does not.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
}

struct Inner {
    connection: Connection,
    keys: Keys,
    required: Identifiers,
    log_seconds: u64,
    script: Script,
    #[cfg(feature = "issuer")]
    refresh: Scripts,
}

impl RedisStore {
    /// Sets up a store from a URL: `redis://[user:password@]host[:port][/database]`, or
    /// `rediss://` with the feature `redis-tls`. For TLS, rustls needs a provider of cryptography
    /// for the whole process: if the application has not installed one by the time the store is
    /// built, it is AWS-LC.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Unavailable`](crate::revocation::StoreErrorKind::Unavailable) if the URL
    /// is none that the client knows.
    pub fn builder(url: &str) -> Result<RedisStoreBuilder, StoreError> {
        let client = Client::open(url).map_err(store_error)?;
        Ok(Self::with_client(client))
    }

    /// Sets up a store from a client of the `redis` crate, version 1.
    pub fn with_client(client: Client) -> RedisStoreBuilder {
        RedisStoreBuilder::new(client)
    }

    pub(super) fn from_parts(
        connection: Connection,
        keys: Keys,
        required: Identifiers,
        log_seconds: u64,
    ) -> Self {
        let script = concat!(include_str!("revocation.lua"), include_str!("revoke.lua"));
        let inner = Inner {
            connection,
            keys,
            required,
            log_seconds,
            script: Script::new(script),
            #[cfg(feature = "issuer")]
            refresh: Scripts::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Asks whether Redis is there, may be used, and keeps what it is given.
    ///
    /// # Errors
    ///
    /// If it cannot be asked, or may evict revocations to make room for others: with `maxmemory`
    /// the policy must be `noeviction`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let info: String = self
            .connection()
            .run(|mut manager| async move {
                ::redis::cmd("INFO").arg("memory").query_async(&mut manager).await
            })
            .await?;
        let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name));
        let limited = field("maxmemory:").is_some_and(|limit| limit != "0");
        let evicts = field("maxmemory_policy:").is_some_and(|policy| policy != "noeviction");
        if limited && evicts {
            return Err(StoreError::unavailable(
                "Redis may evict revocations: its maxmemory-policy is not noeviction",
            ));
        }
        Ok(())
    }

    pub(super) fn client(&self) -> &Client {
        &self.inner.connection.client
    }

    pub(super) fn timeout(&self) -> Duration {
        self.inner.connection.timeout
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    #[cfg(feature = "issuer")]
    pub(super) fn scripts(&self) -> &Scripts {
        &self.inner.refresh
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.inner.connection
    }

    /// Runs a script, for as long as the timeout allows.
    pub(super) async fn invoke<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        let run = |mut manager| async move { script.invoke_async(&mut manager).await };
        self.connection().run(run).await
    }

    /// Begins to call a script that revokes, with what `revocation.lua` asks for.
    pub(super) fn revoking<'a>(&self, script: &'a Script) -> ScriptInvocation<'a> {
        let mut script = script.prepare_invoke();
        script.key(&*self.inner.keys.meta).key(&*self.inner.keys.log);
        script.arg(format!("{:016x}{:016x}", random(), random())).arg(self.inner.log_seconds);
        script
    }

    /// The script that writes these revocations.
    pub(super) fn write(&self, entries: &[LogEntry]) -> ScriptInvocation<'_> {
        let keys = &self.inner.keys;
        let mut script = self.revoking(&self.inner.script);
        for entry in entries {
            script.key(keys.entry(entry.name())).arg(entry.name().to_string());
            script.arg(keep_until_text(entry.keep_until())).arg(bound_text(entry.bound()));
        }
        script
    }
}

impl RevocationStore for RedisStore {
    fn required_identifiers(&self) -> Identifiers {
        self.inner.required
    }

    async fn status(&self, token: &TokenIdentity<'_>) -> Result<RevocationStatus, StoreError> {
        let names = EntryName::all_of(token);
        if names.is_empty() {
            return Ok(RevocationStatus::Active);
        }
        let mut command = ::redis::cmd("MGET");
        for name in &names {
            command.arg(self.inner.keys.entry(*name));
        }
        let values: Vec<Option<Vec<u8>>> = self
            .connection()
            .run(|mut manager| async move { command.query_async(&mut manager).await })
            .await?;
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
        self.invoke(&self.write(&[LogEntry::from(revocation)])).await
    }
}

/// An entry from its value: 10 digits and 20 digits.
pub(super) fn read_entry(name: EntryName, value: &[u8]) -> Option<LogEntry> {
    let (keep_until, bound) = std::str::from_utf8(value).ok()?.split_at_checked(10)?;
    Some(LogEntry::new(name, keep_until.parse().ok()?, bound.parse().ok()?))
}

pub(super) fn keep_until_text(keep_until: u32) -> String {
    format!("{keep_until:010}")
}

pub(super) fn bound_text(bound: u64) -> String {
    format!("{bound:020}")
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("required", &self.inner.required)
            .field("timeout", &self.timeout())
            .finish_non_exhaustive()
    }
}
