//! [`AuthEvent`]: one hook for metrics.

use std::sync::Arc;
use std::time::Duration;

use crate::rejection::RejectionKind;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decision {
    /// Authenticated.
    Accepted,
    /// Let through without a token.
    Anonymous,
    /// A CORS preflight that was let through.
    Preflight,
    /// Rejected by authentication; in [`Inspect`](super::Mode::Inspect) mode it may still have
    /// reached the handler.
    Rejected,
    /// Authenticated or anonymous, and then rejected by a guard or an extractor behind the layer.
    Denied,
}

impl Decision {
    /// A name for metrics and logs, in snake case; it stays the same from version to version.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Anonymous => "anonymous",
            Self::Preflight => "preflight",
            Self::Rejected => "rejected",
            Self::Denied => "denied",
        }
    }
}

/// One decision, for counting and timing. Holds nothing that a client could choose, so every field
/// can be a metric's label.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// # use tower_bearer::{AuthLayer, StandardClaims, testing::TestIssuer};
/// # fn increment(_: &str, _: [(&str, &str); 3]) {}
/// # let verifier = TestIssuer::new().verifier::<StandardClaims>().build()?;
/// let layer = AuthLayer::new(verifier).realm("orders").observer(|event| {
///     let labels = [
///         ("realm", event.realm.unwrap_or_default()),
///         ("outcome", event.outcome.as_str()),
///         ("kind", event.kind.map_or("", |kind| kind.as_str())),
///     ];
///     increment("auth_requests_total", labels); // e.g. metrics::counter!("..", &labels)
/// });
/// # let _ = layer;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AuthEvent<'a> {
    /// What became of the request.
    pub outcome: Decision,
    /// What was wrong, if anything was.
    pub kind: Option<RejectionKind>,
    /// The issuer of the token, once it was verified.
    pub issuer: Option<&'a str>,
    /// The realm of the layer that decided; `None` where an
    /// [`Authenticator`](super::Authenticator) was asked without one.
    pub realm: Option<&'a str>,
    /// How long the decision took, waiting for keys and stores included; zero for
    /// [`Decision::Denied`].
    pub latency: Duration,
}

/// Is told of every decision.
pub(super) type Observer = Arc<dyn Fn(&AuthEvent<'_>) + Send + Sync>;
