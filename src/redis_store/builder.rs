//! [`RedisStoreBuilder`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::connection::Connection;
use super::keys::Keys;
use super::source::Source;
use super::store::{Durable, RedisStore, Settings};
use crate::clock::{Clock, SystemClock};
use crate::revocation::Identifiers;
use crate::store::StoreError;

/// Sets up a [`RedisStore`].
///
/// `Debug` shows no address and no credentials.
#[must_use = "a builder does nothing until it builds"]
pub struct RedisStoreBuilder {
    source: Source,
    prefix: Box<str>,
    timeout: Duration,
    required: Identifiers,
    log_retention: Duration,
    log_length: usize,
    durable: Option<(usize, Duration)>,
    clock: Arc<dyn Clock>,
}

impl RedisStoreBuilder {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            prefix: "tower-bearer".into(),
            timeout: Duration::from_millis(500),
            required: Identifiers::TOKEN_ID,
            log_retention: Duration::from_secs(10 * 60),
            log_length: 100_000,
            durable: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets what all keys begin with, in braces: `tower-bearer` by default. It must not be empty
    /// and must not hold braces, because it is the keys' hash tag in a cluster.
    pub fn prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long a call may take, connecting included: 500 ms by default. After that it is an
    /// error.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the identifiers that a token must carry, `jti` by default. Name those that you revoke
    /// by.
    pub fn require(mut self, required: Identifiers) -> Self {
        self.required = required;
        self
    }

    /// Sets how far back the log reaches, in whole seconds, rounded up: 10 minutes by default. A
    /// replica that was cut off for longer loads everything anew.
    pub fn log_retention(mut self, retention: Duration) -> Self {
        self.log_retention = retention;
        self
    }

    /// Sets how many items the log has at most, about: 100,000 by default, some 10 MB. It is what
    /// bounds it where many are revoked within the [retention](Self::log_retention), or where the
    /// clock of Redis was set back.
    pub fn log_length(mut self, items: usize) -> Self {
        self.log_length = items;
        self
    }

    /// Has every revocation, and every step of a session, wait until this many replicas of Redis
    /// have it (`WAIT`), for as long as `timeout`. Where that is not reached the answer is an error,
    /// although the primary has it. Off by default: then a failover can take back the last moments.
    ///
    /// With `min-replicas-to-write` in the configuration of Redis beside it, a primary that is cut
    /// off takes nothing in the first place.
    pub fn durable(mut self, replicas: usize, timeout: Duration) -> Self {
        self.durable = (replicas > 0).then_some((replicas, timeout));
        self
    }

    /// Sets the clock that tells how long a revocation has to be kept from now on. The system's by
    /// default.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The store. Nothing is sent yet: it connects when it is first asked, and a Redis that is
    /// down now is an error then. [`RedisStore::ping`] asks at once.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`](crate::store::StoreErrorKind::Configuration) if the
    /// prefix cannot be a hash tag.
    pub fn build(self) -> Result<RedisStore, StoreError> {
        let keys = Keys::new(&self.prefix).ok_or_else(|| {
            StoreError::configuration("a key prefix must not be empty and must not hold braces")
        })?;
        let rest = u64::from(self.log_retention.subsec_nanos() > 0);
        let log_seconds = self.log_retention.as_secs().saturating_add(rest).clamp(1, 1 << 32);
        let connection = Connection::new(Arc::new(self.source), &keys.entries, self.timeout);
        let durable = self.durable.map(|(replicas, wait)| {
            let connection = connection.beside(self.timeout.saturating_add(wait));
            Durable { connection, replicas, wait }
        });
        Ok(RedisStore::new(Settings {
            connection,
            durable,
            keys,
            required: self.required,
            log_seconds,
            log_length: self.log_length,
            clock: self.clock,
        }))
    }
}

impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("required", &self.required)
            .field("log_retention", &self.log_retention)
            .field("log_length", &self.log_length)
            .field("durable", &self.durable)
            .finish_non_exhaustive()
    }
}
