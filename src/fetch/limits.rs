//! [`FetchLimits`]: what a response may cost.

use std::time::Duration;

/// What one response may cost at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchLimits {
    /// The most bytes of body that are read. Default: 1 MiB.
    pub max_body: usize,
    /// The most time from connecting to the last byte of the body. Default: 5 seconds.
    pub timeout: Duration,
}

impl FetchLimits {
    /// The defaults: 1 MiB, 5 seconds.
    #[must_use]
    pub const fn new() -> Self {
        Self { max_body: 1024 * 1024, timeout: Duration::from_secs(5) }
    }

    /// Sets the most bytes of body.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sets the most time for the whole exchange.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self::new()
    }
}
