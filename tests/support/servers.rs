//! What tests of whole stacks share: servers on loopback, tokens, the log.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::io;
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use tokio::net::TcpListener;
use tower_bearer::testing::TestIssuer;
use tower_bearer::{AuthLayer, Verifier};

/// The claims of most tests.
#[derive(Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) sub: String,
}

pub(crate) fn verifier(issuer: &TestIssuer) -> Verifier<User> {
    issuer.verifier().build().unwrap()
}

pub(crate) fn layer(issuer: &TestIssuer) -> AuthLayer<Verifier<User>> {
    AuthLayer::new(verifier(issuer))
}

/// `Bearer` and alice's token.
pub(crate) fn alice(issuer: &TestIssuer) -> String {
    bearer(&issuer.token().subject("alice").sign())
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A free port on loopback.
pub(crate) async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// All that the crate logs on this thread while it lives.
pub(crate) struct Log {
    written: Arc<Mutex<Vec<u8>>>,
    #[cfg(feature = "tracing")]
    _guard: tracing::subscriber::DefaultGuard,
}

#[derive(Clone)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    #[cfg(feature = "tracing")]
    pub(crate) fn capture() -> Self {
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let writer = Written(Arc::clone(&written));
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter("tower_bearer=trace")
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        Self { written, _guard: guard }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }

    /// What was logged since the last time.
    pub(crate) fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.written.lock().unwrap())).unwrap()
    }
}
