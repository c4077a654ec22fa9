//! [`RedisStoreBuilder`].

use std::fmt;
use std::time::Duration;

use ::redis::Client;
use ::redis::aio::ConnectionManager;

use super::RedisStore;
use super::connection::Connection;
use super::keys::Keys;
use crate::revocation::{Identifiers, StoreError};

/// Sets up a [`RedisStore`].
///
/// `Debug` shows no address and no credentials.
#[must_use = "a builder does nothing until it builds"]
pub struct RedisStoreBuilder {
    client: Client,
    manager: Option<ConnectionManager>,
    prefix: Box<str>,
    pub(super) timeout: Duration,
    required: Identifiers,
    log_retention: Duration,
}

impl RedisStoreBuilder {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            manager: None,
            prefix: "tower-bearer".into(),
            timeout: Duration::from_millis(500),
            required: Identifiers::TOKEN_ID,
            log_retention: Duration::from_secs(10 * 60),
        }
    }

    /// Uses this connection manager for requests, until it lets one time out; then the store makes
    /// its own from the client.
    pub fn connection_manager(mut self, manager: ConnectionManager) -> Self {
        self.manager = Some(manager);
        self
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

    /// The store. Nothing is sent yet: it connects when it is first asked, and a Redis that is
    /// down now is an error then. [`RedisStore::ping`] asks at once.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Unavailable`](crate::revocation::StoreErrorKind::Unavailable) if the
    /// prefix cannot be a hash tag, or there is no tokio runtime here.
    pub fn build(self) -> Result<RedisStore, StoreError> {
        let keys = Keys::new(&self.prefix).ok_or_else(|| {
            StoreError::unavailable("a key prefix must not be empty and must not hold braces")
        })?;
        let rest = u64::from(self.log_retention.subsec_nanos() > 0);
        let log_seconds = self.log_retention.as_secs().saturating_add(rest).clamp(1, 1 << 32);
        let connection = match self.manager {
            Some(manager) => Connection::with_manager(self.client, self.timeout, manager),
            None => Connection::new(self.client, self.timeout)?,
        };
        Ok(RedisStore::from_parts(connection, keys, self.required, log_seconds))
    }
}

impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("required", &self.required)
            .field("log_retention", &self.log_retention)
            .finish_non_exhaustive()
    }
}
