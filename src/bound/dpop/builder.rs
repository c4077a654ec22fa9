//! [`DpopBuilder`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::known_keys::KnownKeys;
use super::nonce::Nonces;
use super::policy::{Dpop, Inner};
use super::replay::Replay;
use super::target::{ForwardAuth, Forwarded, Target};
use super::url::PublicUrl;
use crate::bound::peers::TrustedPeers;
use crate::clock::{Clock, SystemClock};
use crate::credentials::DpopAuthorization;
use crate::dangerous::Dangerous;
use crate::key::{Algorithm, Secret, SigningKey};
use crate::store::{MemoryOnce, Once};
use crate::verify::BuildError;

/// What proofs may be signed with, unless it is said.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::ES256,
    Algorithm::EdDSA,
    Algorithm::ES384,
    Algorithm::ES512,
    Algorithm::PS256,
    Algorithm::RS256,
];
const MAX_AGE: Duration = Duration::from_secs(60);
const LEEWAY: Duration = Duration::from_secs(30);
const NONCE_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// Proofs are remembered for this long at most.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Sets up a [`Dpop`]: made with [`Dpop::builder`].
#[must_use = "a builder does nothing until `build`"]
pub struct DpopBuilder {
    urls: Vec<String>,
    target: Target,
    algorithms: Vec<Algorithm>,
    max_age: Duration,
    leeway: Duration,
    nonces: NonceKeys,
    nonce_lifetime: Duration,
    replay: Option<Replay>,
    authorization: DpopAuthorization,
    allow_http: bool,
    clock: Arc<dyn Clock>,
}

enum NonceKeys {
    None,
    Own,
    Shared(Vec<Secret>),
}

impl DpopBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            urls: vec![url.to_owned()],
            target: Target::Own,
            algorithms: ALGORITHMS.to_vec(),
            max_age: MAX_AGE,
            leeway: LEEWAY,
            nonces: NonceKeys::None,
            nonce_lifetime: NONCE_LIFETIME,
            replay: None,
            authorization: DpopAuthorization::new(),
            allow_http: false,
            clock: Arc::new(SystemClock),
        }
    }

    /// Another public URL of the same service. A proof names one of them.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.urls.push(url.into());
        self
    }

    /// What proofs may be signed with, in place of ES256, EdDSA, ES384, ES512, PS256 and RS256. The
    /// challenge names them in this order.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms.clear();
        for algorithm in algorithms {
            if !self.algorithms.contains(&algorithm) {
                self.algorithms.push(algorithm);
            }
        }
        self
    }

    /// For how long after its `iat` a proof is good, where nonces are not used: 60 seconds by default,
    /// an hour at most. Proofs are remembered for as long, and for the [leeway](Self::leeway).
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// How far the clock of a client may be off, either way, where nonces are not used: 30 seconds by
    /// default, an hour at most.
    #[doc(alias("clock skew"))]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Wants a nonce in every proof ([RFC 9449 §9](https://www.rfc-editor.org/rfc/rfc9449#section-9)),
    /// made by this process and good for it alone: with several, see
    /// [`shared_nonces`](Self::shared_nonces).
    ///
    /// Proofs can then not be made ahead by whoever has the key for a moment, and the clocks of clients
    /// do not matter.
    pub fn nonces(mut self) -> Self {
        self.nonces = NonceKeys::Own;
        self
    }

    /// Wants a nonce in every proof. Nodes with the same secret, of at least 32 bytes, know each
    /// other's. Calling it again adds an older secret, whose nonces are still accepted.
    pub fn shared_nonces(mut self, secret: Secret) -> Self {
        match &mut self.nonces {
            NonceKeys::Shared(secrets) => secrets.push(secret),
            nonces => *nonces = NonceKeys::Shared(vec![secret]),
        }
        self
    }

    /// For how long a nonce counts: five minutes by default, from ten seconds to an hour. From the
    /// middle of that time on, good answers carry the next one. Proofs are remembered for as long.
    pub fn nonce_lifetime(mut self, lifetime: Duration) -> Self {
        self.nonce_lifetime = lifetime;
        self
    }

    /// Remembers used proofs there, in place of a [`MemoryOnce`] of this process: with several
    /// processes, in what all of them share. It is asked last, once for each request with a proof that
    /// is right in all other respects.
    pub fn replay(mut self, memory: impl Once) -> Self {
        self.replay = Some(Replay::new(memory));
        self
    }

    /// Believes these peers what public scheme, host and prefix a request has
    /// (`X-Forwarded-Proto`, `-Host`, `-Prefix`); for the requests of others the configured URLs count.
    /// The proxy has to set all of them, and to refuse hosts that are not its own: a proof for whatever
    /// host it lets through is accepted.
    pub fn believe_x_forwarded(mut self, peers: TrustedPeers) -> Self {
        self.target = Target::Forwarded(peers, Forwarded::X);
        self
    }

    /// Believes these peers what public scheme and host a request has, by `Forwarded`
    /// ([RFC 7239](https://www.rfc-editor.org/rfc/rfc7239)); see
    /// [`believe_x_forwarded`](Self::believe_x_forwarded).
    pub fn believe_forwarded(mut self, peers: TrustedPeers) -> Self {
        self.target = Target::Forwarded(peers, Forwarded::Standard);
        self
    }

    /// For a service that a proxy asks whether to let a request pass: the method and the path are those
    /// that the proxy tells of, and only these peers are answered anything else than 401.
    ///
    /// Such a service remembers proofs apart from those that serve requests, even where they share the
    /// [memory](Self::replay): a request that was let pass can be checked once more.
    pub fn forward_auth(mut self, names: ForwardAuth, peers: TrustedPeers) -> Self {
        self.target = Target::ForwardAuth(peers, names);
        self
    }

    /// Takes `Authorization: DPoP …` of up to this many bytes, scheme included: 16 KiB by default.
    pub fn max_len(mut self, bytes: usize) -> Self {
        self.authorization = self.authorization.max_len(bytes);
        self
    }

    /// The clock that `iat`, nonces and the memory go by. Default: the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Options that make it accept what it should not.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }

    /// What proofs have to obey.
    ///
    /// # Errors
    /// If a setting cannot be meant: a URL that is not an absolute `https` URL (`http` does for
    /// loopback), or has user info, a query or a fragment; no algorithm, or a symmetric one; a time of
    /// zero, or beyond its maximum; a secret for nonces that is short.
    pub fn build(self) -> Result<Dpop, BuildError> {
        let wrong = |problem| Err(BuildError::new(problem));
        let mut urls = Vec::new();
        for url in &self.urls {
            let Some(url) = PublicUrl::parse(url) else {
                return wrong(
                    "the public URL is not absolute, such as https://api.example.com, or has user info, a query or a fragment",
                );
            };
            if !(url.is_https() || url.is_loopback() || self.allow_http) {
                return wrong(
                    "the public URL is not https: tokens and proofs could be read on the way",
                );
            }
            urls.push(url);
        }
        if self.algorithms.is_empty() || self.algorithms.iter().any(|it| it.is_symmetric()) {
            return wrong("proofs are signed with a private key: name algorithms such as ES256");
        }
        if self.max_age.is_zero() || self.max_age > LONGEST || self.leeway > LONGEST {
            return wrong("the age of proofs is zero, or it or the leeway is more than an hour");
        }
        if !(Duration::from_secs(10)..=LONGEST).contains(&self.nonce_lifetime) {
            return wrong("nonces count for ten seconds to an hour");
        }
        let keys = match &self.nonces {
            NonceKeys::None => None,
            NonceKeys::Own => Some(SigningKey::generate(Algorithm::HS256).map(|key| vec![key])),
            NonceKeys::Shared(secrets) => {
                let key = |secret| SigningKey::hmac(Algorithm::HS256, secret);
                Some(secrets.iter().map(key).collect())
            }
        };
        let keys = keys.transpose().map_err(|_| {
            BuildError::new(
                "nonces cannot be made: the secret needs 32 random bytes, and the crate the feature `aws-lc-rs` or `rust-crypto`",
            )
        })?;
        let stage: &[u8] = match &self.target {
            Target::ForwardAuth(..) => b"forward-auth",
            _ => b"service",
        };
        Ok(Dpop::of(Inner {
            urls,
            target: self.target,
            algorithms: self.algorithms,
            max_age: self.max_age,
            leeway: self.leeway,
            nonces: keys.map(|keys| Nonces::new(keys, self.nonce_lifetime)),
            replay: self.replay.unwrap_or_else(|| Replay::Memory(MemoryOnce::new())),
            stage,
            known: KnownKeys::new(),
            authorization: self.authorization,
            clock: self.clock,
        }))
    }
}

impl Dangerous<DpopBuilder> {
    /// Takes a public URL that is `http` and not on this machine: whoever is on the way reads tokens and
    /// proofs, and can send the request before its sender does.
    pub fn allow_http(mut self) -> DpopBuilder {
        self.0.allow_http = true;
        self.0
    }
}

impl fmt::Debug for DpopBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopBuilder").field("urls", &self.urls).finish_non_exhaustive()
    }
}
