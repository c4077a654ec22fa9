//! [`RemoteKeysBuilder`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::config::{Config, Endpoint, LONGEST, Timing};
use super::error::RemoteKeysError;
use super::handle::RemoteKeys;
use super::seed::{Seed, SeedKeys};
#[cfg(feature = "reqwest-no-provider")]
use crate::causes::Causes;
use crate::clock::{Clock, SystemClock};
use crate::dangerous::Dangerous;
use crate::fetch::{Fetch, FetchLimits, can_wait, checked_url, metadata_urls};
use crate::key::JwksOptions;

/// Builds [`RemoteKeys`]: made with [`RemoteKeys::discover`] or [`RemoteKeys::jwks`].
///
/// The last call decides when the first fetch is made: [`eager`](Self::eager) before anything is
/// served, [`spawn`](Self::spawn) in the background at once, [`build`](Self::build) with the first
/// use.
#[must_use = "a builder does nothing until `eager`, `spawn` or `build`"]
pub struct RemoteKeysBuilder {
    place: Place,
    fetch: Option<Arc<dyn Fetch>>,
    limits: FetchLimits,
    allow_http: bool,
    jwks: JwksOptions,
    clock: Arc<dyn Clock>,
    timing: Timing,
    seed: Option<SeedKeys>,
}

enum Place {
    Issuer(String),
    Jwks(String),
}

impl RemoteKeysBuilder {
    pub(super) fn discover(issuer: String) -> Self {
        Self::new(Place::Issuer(issuer))
    }

    pub(super) fn jwks(url: String) -> Self {
        Self::new(Place::Jwks(url))
    }

    fn new(place: Place) -> Self {
        Self {
            place,
            fetch: None,
            limits: FetchLimits::new(),
            allow_http: false,
            jwks: JwksOptions::new(),
            clock: Arc::new(SystemClock),
            timing: Timing::default(),
            seed: None,
        }
    }

    /// Sends requests this way. Default: a `ReqwestFetch` that keeps no connections, with feature
    /// `reqwest`; without it, this has to be called.
    pub fn fetch(mut self, fetch: impl Fetch) -> Self {
        self.fetch = Some(Arc::new(fetch));
        self
    }

    /// The most time for one request to the provider. Default: 5 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout;
        self
    }

    /// The longest answer that is read, in bytes. Default: 1 MiB.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.limits.max_body = bytes;
        self
    }

    /// How the key set is read. Default: [`JwksOptions::new`], so keys without `alg` are for `RS256`
    /// if they are RSA keys.
    pub fn options(mut self, options: JwksOptions) -> Self {
        self.jwks = options;
        self
    }

    /// How often keys are refreshed if the response has no `Cache-Control: max-age`. Default: an
    /// hour.
    pub fn refresh_every(mut self, interval: Duration) -> Self {
        self.timing.refresh = interval;
        self
    }

    /// The bounds within which `max-age` (RFC 9111 §5.2.2.1) and
    /// [`refresh_every`](Self::refresh_every) count. Default: a minute and twelve hours. Half of
    /// [`keep_for`](Self::keep_for) is a bound too. Up to a tenth is taken off at random.
    pub fn refresh_within(mut self, least: Duration, most: Duration) -> Self {
        self.timing.refresh_min = least;
        self.timing.refresh_max = most;
        self
    }

    /// How soon a failed refresh is tried again: `first`, then twice as long each time up to
    /// `most`. Default: a second and a minute.
    pub fn retry_within(mut self, first: Duration, most: Duration) -> Self {
        self.timing.retry_min = first;
        self.timing.retry_max = most;
        self
    }

    /// How often tokens with an unknown `kid` make the provider be asked, all together. Default:
    /// 30 seconds.
    pub fn cooldown(mut self, cooldown: Duration) -> Self {
        self.timing.cooldown = cooldown;
        self
    }

    /// How long a request waits for keys at most. Default: 3 seconds.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.timing.wait = wait;
        self
    }

    /// How long keys serve after the provider last confirmed them, so through an outage. Default:
    /// 24 hours. Longer rides out longer outages; but whoever can keep this service from reaching
    /// the provider can keep a withdrawn key in use for as long.
    pub fn keep_for(mut self, time: Duration) -> Self {
        self.timing.keep_for = time;
        self
    }

    /// Keys to start with, from an earlier process or a file: they serve until the provider has
    /// answered, for as long as if they had been fetched here
    /// ([`keep_for`](Self::keep_for), counted from when the provider confirmed them). So a service
    /// that is restarted while its provider is away serves at once, and [`eager`](Self::eager) does
    /// not fail.
    ///
    /// ```no_run
    /// # #[cfg(feature = "reqwest")]
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use tower_bearer::key::remote::{RemoteKeys, SeedKeys};
    ///
    /// let mut builder = RemoteKeys::discover("https://id.example.com");
    /// // A file that is missing or damaged is no reason not to start.
    /// if let Ok(json) = std::fs::read_to_string("keys.json")
    ///     && let Ok(seed) = SeedKeys::from_json(&json)
    /// {
    ///     builder = builder.seed(seed);
    /// }
    /// let keys = builder.eager().await?;
    /// // Now and then, and before the process ends:
    /// if let Some(seed) = keys.export() {
    ///     std::fs::write("keys.json", seed.to_json())?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn seed(mut self, seed: SeedKeys) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The clock that all times are told by. Default: the system's. The monotonic clock is watched
    /// beside it, so that neither a clock that is set nor a machine that sleeps keeps old keys in
    /// use.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Options that give up some of the protection.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }

    /// The keys, fetched with their first use: a request, [`RemoteKeys::ready`] or
    /// [`RemoteKeys::refresh`]. Needs no runtime yet.
    ///
    /// # Errors
    /// [`Configuration`](super::RemoteKeysErrorKind::Configuration) if the URL is not one that may
    /// be asked or is that of metadata, a time is zero, bounds contradict each other, the seed is of
    /// another provider, or there is nothing to fetch with;
    /// [`Keys`](super::RemoteKeysErrorKind::Keys) if no key of the seed can be used. Times of more
    /// than a year count as one.
    pub fn build(self) -> Result<RemoteKeys, RemoteKeysError> {
        let wrong = |text: &'static str| Err(RemoteKeysError::configuration(text));
        let timing = self.timing;
        if timing.refresh_min > timing.refresh_max || timing.retry_min > timing.retry_max {
            return wrong("of the bounds for refreshing or retrying, the lower is above the upper");
        }
        let zero = [
            timing.refresh_min,
            timing.retry_min,
            timing.cooldown,
            timing.wait,
            timing.keep_for,
            self.limits.timeout,
        ];
        if zero.contains(&Duration::ZERO) {
            return wrong(
                "a time is zero: it would mean asking the provider without pause, or never having keys",
            );
        }
        if !can_wait() {
            return wrong("no thread can be started, so waiting for keys could not be bounded");
        }
        let endpoint = match self.place {
            Place::Issuer(issuer) => {
                metadata_urls(&issuer, self.allow_http).map_err(RemoteKeysError::configuration)?;
                Endpoint::Issuer(issuer.into())
            }
            Place::Jwks(url) if is_metadata(&url) => {
                return wrong(
                    "the URL of the key set is that of metadata: give `RemoteKeys::discover` the issuer",
                );
            }
            Place::Jwks(url) => {
                Endpoint::Jwks(checked_url(&url, self.allow_http).map_err(|problem| {
                    RemoteKeysError::configuration(format!("the URL of the key set {problem}"))
                })?)
            }
        };
        let seed = self.seed.map(|seed| Seed::new(seed, &endpoint, &self.jwks)).transpose()?;
        let mut limits = self.limits;
        limits.timeout = limits.timeout.min(LONGEST);
        let config = Config {
            endpoint,
            fetch: self.fetch.map_or_else(default_fetch, Ok)?,
            limits,
            allow_http: self.allow_http,
            jwks: self.jwks,
            clock: self.clock,
            timing: timing.clamped(),
        };
        Ok(RemoteKeys::new(config, seed))
    }

    /// The keys, being fetched in the background from now on.
    ///
    /// # Errors
    /// As for [`build`](Self::build), and
    /// [`NoRuntime`](super::RemoteKeysErrorKind::NoRuntime) outside of a tokio runtime.
    pub fn spawn(self) -> Result<RemoteKeys, RemoteKeysError> {
        let keys = self.build()?;
        keys.start()?;
        Ok(keys)
    }

    /// The keys, fetched: a service that starts with them knows that its configuration is right.
    ///
    /// # Errors
    /// As for [`build`](Self::build), and why the first fetch failed, unless
    /// [seeded](Self::seed) keys serve meanwhile.
    pub async fn eager(self) -> Result<RemoteKeys, RemoteKeysError> {
        let keys = self.build()?;
        match keys.ask(false).await {
            Err(error) if !keys.usable() => Err(error),
            _ => Ok(keys),
        }
    }

    /// The keys, fetched, trying again for this long: for a service that may start before its
    /// provider does.
    ///
    /// # Errors
    /// As for [`build`](Self::build), and why the last fetch failed.
    pub async fn eager_within(self, time: Duration) -> Result<RemoteKeys, RemoteKeysError> {
        let keys = self.build()?;
        keys.within(time).await?;
        Ok(keys)
    }
}

/// Whether this is where an issuer's metadata is. Some have their key set beneath it.
fn is_metadata(url: &str) -> bool {
    url.ends_with("/.well-known/openid-configuration")
        || url.contains("/.well-known/oauth-authorization-server")
}

#[cfg(feature = "reqwest-no-provider")]
fn default_fetch() -> Result<Arc<dyn Fetch>, RemoteKeysError> {
    // Keys are fetched too rarely for connections to be worth keeping, and one that is kept belongs to
    // the runtime that opened it, which may not run any more.
    let client = reqwest::Client::builder().tls_backend_rustls().pool_max_idle_per_host(0);
    match crate::fetch::ReqwestFetch::with_builder(client) {
        Ok(fetch) => Ok(Arc::new(fetch)),
        Err(error) => {
            let text = Causes(&error).to_string();
            Err(RemoteKeysError::configuration(text).with_source(error))
        }
    }
}

#[cfg(not(feature = "reqwest-no-provider"))]
fn default_fetch() -> Result<Arc<dyn Fetch>, RemoteKeysError> {
    Err(RemoteKeysError::configuration(
        "there is nothing to fetch with: enable the feature `reqwest`, or give a `Fetch`",
    ))
}

impl Dangerous<RemoteKeysBuilder> {
    /// Takes `http` URLs for other hosts than loopback. Whoever is on the way to the provider can
    /// then give this service keys of their own, and sign whatever they like.
    pub fn allow_http(mut self) -> RemoteKeysBuilder {
        self.0.allow_http = true;
        self.0
    }
}

impl fmt::Debug for RemoteKeysBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeysBuilder").finish_non_exhaustive()
    }
}
