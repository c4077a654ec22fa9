//! [`Observer`]: one hook for metrics.

use std::time::Duration;

use crate::rejection::{Rejection, RejectionKind};

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decision {
    /// Authenticated.
    Accepted,
    /// Let through without a token.
    Anonymous,
    /// A CORS preflight.
    Preflight,
    /// Rejected by authentication; in [`Inspect`](super::Mode::Inspect) mode it may still have
    /// reached the handler.
    Rejected,
    /// Authenticated or anonymous, and then rejected by a guard or an extractor behind the layer.
    Denied,
}

/// One decision, for counting and timing. Holds nothing that a client could choose, so every field
/// can be a metric's label.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AuthEvent<'a> {
    /// What became of the request.
    pub outcome: Decision,
    /// What was wrong, if anything was.
    pub kind: Option<RejectionKind>,
    /// The issuer of the token, once it was verified.
    pub issuer: Option<&'a str>,
    /// How long the decision took, waiting for keys and stores included; zero for
    /// [`Decision::Denied`].
    pub latency: Duration,
}

/// Is told of every decision: for metrics.
///
/// It runs on the request's path, so it must neither block nor panic. A closure will do.
pub trait Observer: Send + Sync + 'static {
    /// Called once for every request, and once more if something behind the layer denies it.
    fn observe(&self, event: &AuthEvent<'_>);
}

impl<F: Fn(&AuthEvent<'_>) + Send + Sync + 'static> Observer for F {
    fn observe(&self, event: &AuthEvent<'_>) {
        self(event);
    }
}

/// Writes a rejection to the log. Fixed texts and error sources only: no token, no claims.
#[cfg(feature = "tracing")]
pub(crate) fn log(rejection: &Rejection) {
    let (kind, reason, source) = (rejection.kind(), rejection.reason(), causes(rejection));
    match kind {
        RejectionKind::Misconfigured => tracing::error!(?kind, reason, source, "request rejected"),
        RejectionKind::KeysUnavailable
        | RejectionKind::RevocationUnavailable
        | RejectionKind::IntrospectionUnavailable => {
            tracing::warn!(?kind, reason, source, "request rejected");
        }
        _ => tracing::debug!(?kind, reason, source, "request rejected"),
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn log(_: &Rejection) {}

/// Writes to the log that a request passed which would be rejected for this, had the operator not
/// chosen otherwise.
#[cfg(feature = "tracing")]
pub(super) fn log_accepted(despite: &Rejection) {
    let (kind, reason, source) = (despite.kind(), despite.reason(), causes(despite));
    tracing::warn!(?kind, reason, source, "request accepted without a revocation check");
}

#[cfg(not(feature = "tracing"))]
pub(super) fn log_accepted(_: &Rejection) {}

/// The errors behind an error, outermost first: a store's own text is fixed, and what happened
/// stands below it.
#[cfg(feature = "tracing")]
pub(crate) fn causes(
    error: &dyn std::error::Error,
) -> Option<tracing::field::DisplayValue<Causes<'_>>> {
    error.source().map(|source| tracing::field::display(Causes(source)))
}

/// What is logged meanwhile.
#[cfg(all(test, feature = "tracing"))]
pub(crate) fn logged(run: impl FnOnce()) -> String {
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, run);
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

#[cfg(feature = "tracing")]
pub(crate) struct Causes<'a>(&'a (dyn std::error::Error + 'static));

#[cfg(feature = "tracing")]
impl std::fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut error = self.0;
        while let Some(source) = error.source() {
            write!(f, ": {source}")?;
            error = source;
        }
        Ok(())
    }
}
