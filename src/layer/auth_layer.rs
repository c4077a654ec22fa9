//! [`AuthLayer`]: who may come in, and how that is found out.

use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::config::Config;
use super::service::AuthService;
use crate::authenticate::{Authenticator, Mode, Observer};
use crate::credentials::{AuthorizationHeader, TokenSource};
use crate::dangerous::Dangerous;
use crate::respond::{Auto, Challenge, EmptyBody, Responder};
use crate::revocation::{Identifiers, IntoRevocation, NoRevocation, OnOutage};
use crate::verify::TokenVerifier;

/// Authenticates every request by its bearer token.
///
/// Give it a [`Verifier`](crate::verify::Verifier), and a revocation store if tokens shall be taken
/// back before they expire. The claims are then in the extensions of every request that comes
/// through; requests without good credentials are answered by the layer.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// use tower_bearer::claims::StandardClaims;
/// use tower_bearer::key::{Key, Secret};
/// use tower_bearer::layer::AuthLayer;
/// use tower_bearer::revocation::MemoryStore;
/// use tower_bearer::verify::Verifier;
///
/// let verifier = Verifier::<StandardClaims>::builder()
///     .keys(Key::hs256(Secret::new("a secret of 32 bytes or more, please"))?)
///     .issuer("https://id.example.com")
///     .audience("orders-api")
///     .build()?;
/// let revoked = MemoryStore::new();
/// let layer = AuthLayer::new(verifier).revocation(revoked.clone()).realm("orders");
/// # let _ = layer;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a layer does nothing until it is put around a service"]
pub struct AuthLayer<V, R = NoRevocation> {
    config: Arc<Config<V, R>>,
}

impl<V: TokenVerifier> AuthLayer<V> {
    /// Requires a bearer token in the `Authorization` header that this verifier accepts. Without
    /// [`revocation`](AuthLayer::revocation), a token is good until it expires.
    pub fn new(verifier: V) -> Self {
        let source = AuthorizationHeader::new();
        let sensitive = source.header_names().into();
        Self {
            config: Arc::new(Config {
                authenticator: Authenticator {
                    source: Arc::new(source),
                    verifier,
                    revocation: Arc::new(NoRevocation),
                    on_outage: OnOutage::default(),
                    may_lack: Identifiers::NONE,
                    mode: Mode::default(),
                    preflight_passes: true,
                    observer: None,
                },
                sensitive,
                challenge: Challenge::default(),
                responder: Arc::new(Auto::<EmptyBody>::default()),
            }),
        }
    }
}

impl<V: TokenVerifier, R> AuthLayer<V, R> {
    /// Asks this store, or check, on every request whether the token was revoked, and rejects tokens
    /// that lack an identifier it needs. It replaces an earlier one; to ask two, see
    /// [`both`](crate::revocation::both).
    ///
    /// When it cannot answer, requests are answered 503.
    pub fn revocation<M, I: IntoRevocation<M>>(self, check: I) -> AuthLayer<V, I::Check> {
        let Config { authenticator, sensitive, challenge, responder } =
            Arc::unwrap_or_clone(self.config);
        let Authenticator {
            source,
            verifier,
            on_outage,
            may_lack,
            mode,
            preflight_passes,
            observer,
            ..
        } = authenticator;
        let authenticator = Authenticator {
            source,
            verifier,
            revocation: Arc::new(check.into_check()),
            on_outage,
            may_lack,
            mode,
            preflight_passes,
            observer,
        };
        AuthLayer { config: Arc::new(Config { authenticator, sensitive, challenge, responder }) }
    }

    /// Accepts tokens that lack these identifiers although the revocation check asks for them. Such
    /// a token can be revoked only by the identifiers it has.
    pub fn may_lack(self, identifiers: Identifiers) -> Self {
        self.with(|config| config.authenticator.may_lack = identifiers)
    }

    /// Where tokens are looked for. Default: the `Authorization` header.
    ///
    /// To accept several places, give [`Sources`](crate::credentials::Sources). A closure has to name
    /// the type of its argument, `|head: &RequestHead<'_>| ..`, or the compiler finds it "not general
    /// enough".
    pub fn source(self, source: impl TokenSource) -> Self {
        self.with(|config| {
            config.sensitive = source.header_names().into();
            config.authenticator.source = Arc::new(source);
        })
    }

    /// What happens to requests without good credentials. Default: they are rejected. With
    /// [`Mode::Optional`], handlers take `Option<Claims<C>>`; with [`Mode::Inspect`],
    /// `Result<Claims<C>, Rejection>`.
    pub fn mode(self, mode: Mode) -> Self {
        self.with(|config| config.authenticator.mode = mode)
    }

    /// Requires a token of CORS preflights too. Call it in front of tonic, and wherever no CORS layer
    /// stands further inside.
    ///
    /// By default they pass, since browsers send them without credentials: requests with method
    /// OPTIONS, the headers `Origin` and `Access-Control-Request-Method`, and no body. They are meant
    /// for a CORS layer inside of this one. A service that does not look at the method would answer
    /// them like any other request, unless a guard or an extractor asks for a token.
    pub fn authenticate_preflight(self) -> Self {
        self.with(|config| config.authenticator.preflight_passes = false)
    }

    /// The realm in challenges: what clients show when they ask for credentials. Default: `api`.
    pub fn realm(self, realm: impl AsRef<str>) -> Self {
        self.with(|config| config.challenge = config.challenge.clone().realm(realm.as_ref()))
    }

    /// All that challenges say.
    pub fn challenge(self, challenge: Challenge) -> Self {
        self.with(|config| config.challenge = challenge)
    }

    /// What rejections look like. Default: an empty body for HTTP, and a status that gRPC and
    /// gRPC-Web clients understand for those.
    ///
    /// A responder of one's own answers everything, gRPC included, unless it is put into
    /// [`Auto::new`]. A closure has to name the types of its arguments, see [`Responder`].
    pub fn responder(self, responder: impl Responder) -> Self {
        self.with(|config| config.responder = Arc::new(responder))
    }

    /// Is told of every decision: for metrics.
    ///
    /// ```
    /// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
    /// # use tower_bearer::{AuthLayer, StandardClaims, testing::TestIssuer};
    /// # let verifier = TestIssuer::new().verifier::<StandardClaims>().build()?;
    /// use tower_bearer::authenticate::AuthEvent;
    ///
    /// let layer = AuthLayer::new(verifier).observer(|event: &AuthEvent<'_>| {
    ///     println!("{:?} {:?} in {:?}", event.outcome, event.kind, event.latency);
    /// });
    /// # let _ = layer;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn observer(self, observer: impl Observer) -> Self {
        self.with(|config| config.authenticator.observer = Some(Arc::new(observer)))
    }

    /// Options that make the layer accept what it should not.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }

    fn with(self, set: impl FnOnce(&mut Config<V, R>)) -> Self {
        let mut config = Arc::unwrap_or_clone(self.config);
        set(&mut config);
        Self { config: Arc::new(config) }
    }
}

impl<V: TokenVerifier, R> Dangerous<AuthLayer<V, R>> {
    /// Accepts tokens without knowing whether they were revoked, for as long as the revocation
    /// check cannot answer. Whoever can keep the store from answering then has all revoked tokens
    /// back.
    pub fn accept_when_revocation_is_unavailable(self) -> AuthLayer<V, R> {
        self.0.with(|config| config.authenticator.on_outage = OnOutage::AcceptUnchecked)
    }
}

impl<S, V, R> Layer<S> for AuthLayer<V, R> {
    type Service = AuthService<S, V, R>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService::new(inner, Arc::clone(&self.config))
    }
}

impl<V, R> Clone for AuthLayer<V, R> {
    fn clone(&self) -> Self {
        Self { config: Arc::clone(&self.config) }
    }
}

impl<V, R> fmt::Debug for AuthLayer<V, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer")
            .field("mode", &self.config.authenticator.mode)
            .field("preflight_passes", &self.config.authenticator.preflight_passes)
            .finish_non_exhaustive()
    }
}
