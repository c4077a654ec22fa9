//! [`Connection`]: the shared connection, with a bound on every wait.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, ErrorKind, RedisError, RedisResult};
use arc_swap::ArcSwap;
use tokio::runtime::Handle;

use crate::revocation::StoreError;

/// A connection that many requests share. It connects when it is first used, and again after it
/// was lost. Nothing that blocks may be sent over it.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) timeout: Duration,
    manager: ArcSwap<ConnectionManager>,
}

impl Connection {
    pub(super) fn new(client: Client, timeout: Duration) -> Result<Self, StoreError> {
        #[cfg(feature = "redis-tls")]
        choose_cryptography(&client);
        let manager = manager(&client, timeout)?;
        Ok(Self { client, timeout, manager: ArcSwap::from_pointee(manager) })
    }

    /// A connection that was made elsewhere, to the same server.
    pub(super) fn with_manager(
        client: Client,
        timeout: Duration,
        manager: ConnectionManager,
    ) -> Self {
        #[cfg(feature = "redis-tls")]
        choose_cryptography(&client);
        Self { client, timeout, manager: ArcSwap::from_pointee(manager) }
    }

    /// Runs commands, for as long as the timeout allows.
    pub(super) async fn run<T, F>(
        &self,
        commands: impl FnOnce(ConnectionManager) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let used = self.manager.load_full();
        let commands = commands(ConnectionManager::clone(&used));
        match tokio::time::timeout(self.timeout, commands).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if error.is_timeout() {
                    self.replace(&used);
                }
                Err(store_error(error))
            }
            Err(_) => {
                self.replace(&used);
                Err(StoreError::unavailable(NoAnswer(self.timeout)))
            }
        }
    }

    /// A connection whose other end vanished without a word only ever times out, so after a
    /// timeout the next request takes a new one.
    fn replace(&self, used: &Arc<ConnectionManager>) {
        // of many that time out together the first has done it
        if !Arc::ptr_eq(&self.manager.load(), used) {
            return;
        }
        if let Ok(fresh) = manager(&self.client, self.timeout) {
            self.manager.compare_and_swap(used, Arc::new(fresh));
        }
    }
}

/// The client asks rustls for the process's cryptography and panics if nobody has chosen any. So
/// where that is open, it is AWS-LC.
#[cfg(feature = "redis-tls")]
fn choose_cryptography(client: &Client) {
    use ::redis::ConnectionAddr;
    use rustls::crypto::{CryptoProvider, aws_lc_rs};

    let encrypted = matches!(client.get_connection_info().addr(), ConnectionAddr::TcpTls { .. });
    if encrypted && CryptoProvider::get_default().is_none() {
        // Someone else may have been faster, and then it is chosen too.
        let _ = aws_lc_rs::default_provider().install_default();
    }
}

fn manager(client: &Client, timeout: Duration) -> Result<ConnectionManager, StoreError> {
    // The manager spawns a task and would panic.
    Handle::try_current().map_err(StoreError::unavailable)?;
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(timeout))
        .set_response_timeout(Some(timeout))
        .set_min_delay(Duration::from_millis(20))
        .set_number_of_retries(1);
    ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(store_error)
}

/// What an error of the client means to a caller.
pub(super) fn store_error(error: RedisError) -> StoreError {
    if is_full(&error) { StoreError::full() } else { StoreError::unavailable(error) }
}

/// Whether Redis has reached its `maxmemory`. Before version 7 the code of an error in a script is
/// inside of its text.
pub(super) fn is_full(error: &RedisError) -> bool {
    error.code() == Some("OOM") || error.to_string().contains("OOM command not allowed")
}

pub(super) fn other_layout() -> RedisError {
    (ErrorKind::UnexpectedReturnType, "what is in Redis is of another layout").into()
}

#[derive(Debug)]
struct NoAnswer(Duration);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis gave no answer within {:?}", self.0)
    }
}

impl Error for NoAnswer {}
