//! What tests of whole stacks share: servers on loopback, tokens, the log.

use std::cell::RefCell;
#[cfg(feature = "tracing")]
use std::io;

use serde::Deserialize;
use tokio::net::TcpListener;
use tower_bearer::testing::TestIssuer;
use tower_bearer::{AuthLayer, Verifier};

/// The claims of most tests.
#[derive(Debug, Deserialize)]
pub struct User {
    pub sub: String,
}

pub fn verifier(issuer: &TestIssuer) -> Verifier<User> {
    subscribe();
    issuer.verifier().build().unwrap()
}

pub fn layer(issuer: &TestIssuer) -> AuthLayer<Verifier<User>> {
    AuthLayer::new(verifier(issuer))
}

/// `Bearer` and alice's token.
pub fn alice(issuer: &TestIssuer) -> String {
    bearer(&issuer.token().subject("alice").sign())
}

pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A free port on loopback.
pub async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Makes what the crate logs go where [`Log`] finds it.
///
/// One subscriber for the whole process, set before anything is logged: whether an event is worth
/// anything is remembered for the process too, and a thread without subscriber could spoil it.
fn subscribe() {
    #[cfg(feature = "tracing")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            let subscriber = tracing_subscriber::fmt()
                .with_env_filter("tower_bearer=trace")
                .with_ansi(false)
                .without_time()
                .with_writer(|| OfThisThread)
                .finish();
            tracing::subscriber::set_global_default(subscriber).unwrap();
        });
    }
}

thread_local! {
    static LOGGED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

#[cfg(feature = "tracing")]
struct OfThisThread;

#[cfg(feature = "tracing")]
impl io::Write for OfThisThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| {
            if let Some(logged) = logged {
                logged.extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All that the crate logs on this thread while it lives.
pub struct Log(());

impl Log {
    pub fn capture() -> Self {
        subscribe();
        LOGGED.set(Some(Vec::new()));
        Self(())
    }

    /// What was logged since the last time.
    pub fn take(&self) -> String {
        String::from_utf8(LOGGED.replace(Some(Vec::new())).unwrap()).unwrap()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        LOGGED.set(None);
    }
}
