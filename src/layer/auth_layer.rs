//! [`AuthLayer`]: who may come in, and how that is found out.

use std::fmt;
use std::sync::{Arc, OnceLock};

use tower_layer::Layer;

use super::config::Config;
use super::service::AuthService;
use super::shards::Shards;
use crate::authenticate::{AuthEvent, Authenticator, IntoAuthenticator, Mode};
use crate::bound::{ClientCertificates, Dpop};
use crate::credentials::TokenSource;
use crate::dangerous::Dangerous;
use crate::respond::{Auto, Challenge, EmptyBody, Responder};
use crate::revocation::{
    BoxRevocationCheck, Identifiers, IntoRevocation, NoRevocation, RevocationCheck,
};
use crate::verify::{BoxVerifier, TokenVerifier};

/// An [`AuthLayer`] of a type that can be written down, whatever verifies tokens and whatever
/// revokes them: what [`AuthLayer::boxed`] yields.
pub type DynAuthLayer<C> = AuthLayer<BoxVerifier<C>, BoxRevocationCheck>;

/// Authenticates every request by its bearer token.
///
/// Give it a [`Verifier`](crate::verify::Verifier), and a revocation store if tokens shall be taken
/// back before they expire; or an [`Authenticator`] that has both. The claims are then in the extensions of every request that comes
/// through; requests without good credentials are answered by the layer.
///
/// ```no_run
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// use tower_bearer::claims::StandardClaims;
/// use tower_bearer::key::{Key, Secret};
/// use tower_bearer::layer::AuthLayer;
/// use tower_bearer::revocation::MemoryStore;
/// use tower_bearer::verify::Verifier;
///
/// let verifier = Verifier::<StandardClaims>::builder()
///     .keys(Key::hs256(Secret::from_env("JWT_SECRET")?)?)
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
#[doc(alias("middleware", "jwt", "authentication", "authorization"))]
pub struct AuthLayer<V, R = NoRevocation> {
    shared: Arc<Shared<V, R>>,
}

struct Shared<V, R> {
    config: Config<V, R>,
    /// What the services share; made when there is the first.
    shards: OnceLock<Arc<Shards<Config<V, R>>>>,
}

impl<V: TokenVerifier, R: RevocationCheck> AuthLayer<V, R> {
    /// Requires a bearer token in the `Authorization` header that this verifier, or
    /// [`Authenticator`], accepts. Without [`revocation`](AuthLayer::revocation), a token is good
    /// until it expires.
    pub fn new(verifier: impl IntoAuthenticator<Verifier = V, Revocation = R>) -> Self {
        Self::around(verifier.into_authenticator())
    }

    /// The same behind a type that names only the claims: for a struct's field, or where
    /// configuration decides between two of different types.
    ///
    /// ```
    /// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
    /// # use tower_bearer::{AuthLayer, StandardClaims, Verifier, testing::TestIssuer};
    /// # use tower_bearer::revocation::MemoryStore;
    /// use tower_bearer::layer::DynAuthLayer;
    ///
    /// struct App {
    ///     auth: DynAuthLayer<StandardClaims>,
    /// }
    ///
    /// fn app(verifier: Verifier<StandardClaims>, revocable: bool) -> App {
    ///     let auth = AuthLayer::new(verifier);
    ///     let auth =
    ///         if revocable { auth.revocation(MemoryStore::new()).boxed() } else { auth.boxed() };
    ///     App { auth }
    /// }
    /// # let app = app(TestIssuer::new().verifier().build()?, true);
    /// # let _ = app.auth;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn boxed(self) -> DynAuthLayer<V::Claims> {
        self.map(Authenticator::boxed)
    }
}

impl<V, R> AuthLayer<V, R> {
    fn of(mut config: Config<V, R>) -> Self {
        // Whichever was set first: the challenge asks for what the authenticator accepts.
        if let Some(sender) = config.authenticator.sender() {
            config.challenge = config.challenge.for_sender(sender);
        }
        Self { shared: Arc::new(Shared { config, shards: OnceLock::new() }) }
    }

    fn into_config(self) -> Config<V, R> {
        match Arc::try_unwrap(self.shared) {
            Ok(shared) => shared.config,
            Err(shared) => shared.config.clone(),
        }
    }
}

impl<V: TokenVerifier, R> AuthLayer<V, R> {
    fn around(authenticator: Authenticator<V, R>) -> Self {
        Self::of(Config {
            authenticator,
            challenge: Challenge::default(),
            responder: Arc::new(Auto::<EmptyBody>::default()),
            speaks_grpc: true,
        })
    }

    /// Asks this store, or check, on every request whether the token was revoked, and rejects tokens
    /// that lack an identifier it needs. It replaces an earlier one; to ask two, see
    /// [`both`](crate::revocation::both).
    ///
    /// When it cannot answer, requests are answered 503.
    pub fn revocation<M, I: IntoRevocation<M>>(self, check: I) -> AuthLayer<V, I::Check> {
        self.map(|authenticator| authenticator.revocation(check))
    }

    /// Accepts tokens that lack these identifiers although the revocation check asks for them. Such
    /// a token can be revoked only by the identifiers it has.
    pub fn may_lack(self, identifiers: Identifiers) -> Self {
        self.map(|authenticator| authenticator.may_lack(identifiers))
    }

    /// Where tokens are looked for. Default: the `Authorization` header.
    ///
    /// To accept several places, give [`Sources`](crate::credentials::Sources). A closure has to name
    /// the type of its argument, `|head: &RequestHead<'_>| ..`, or the compiler finds it "not general
    /// enough".
    pub fn source(self, source: impl TokenSource) -> Self {
        self.map(|authenticator| authenticator.source(source))
    }

    /// Accepts tokens that are bound to a key (`cnf.jkt`), by the scheme `DPoP` and with a proof, beside
    /// bearer tokens: [RFC 9449](https://www.rfc-editor.org/rfc/rfc9449). Without this they are rejected.
    /// See [`bound`](crate::bound). The challenges offer the scheme, too.
    ///
    /// They are found in the `Authorization` header, whatever the [`source`](Self::source) of others.
    pub fn dpop(self, dpop: Dpop) -> Self {
        self.map(|authenticator| authenticator.dpop(dpop))
    }

    /// Accepts tokens that are bound to the certificate of the client (`cnf.x5t#S256`), beside bearer
    /// tokens: [RFC 8705](https://www.rfc-editor.org/rfc/rfc8705). Without this they are rejected. See
    /// [`bound`](crate::bound).
    #[doc(alias("mtls", "mutual TLS"))]
    pub fn client_certificates(self, certificates: ClientCertificates) -> Self {
        self.map(|authenticator| authenticator.client_certificates(certificates))
    }

    /// Rejects bearer tokens: only those are accepted that are bound to their sender. With DPoP alone the
    /// challenge is of its scheme alone.
    pub fn only_bound(self) -> Self {
        self.map(Authenticator::only_bound)
    }

    /// What happens to requests without good credentials. Default: they are rejected. With
    /// [`Mode::Optional`], handlers take `Option<Claims<C>>`; with [`Mode::Inspect`], each handler
    /// decides by what it takes.
    pub fn mode(self, mode: Mode) -> Self {
        self.map(|authenticator| authenticator.mode(mode))
    }

    /// Lets CORS preflights pass without a token: see [`Authenticator::let_preflights_pass`]. Not
    /// needed where the CORS layer stands outside of this one, as it should.
    #[doc(alias("cors", "options"))]
    pub fn let_preflights_pass(self) -> Self {
        self.map(Authenticator::let_preflights_pass)
    }

    /// The realm in challenges: what clients show when they ask for credentials. Default: `api`.
    pub fn realm(self, realm: impl AsRef<str>) -> Self {
        self.with(|config| config.challenge = config.challenge.clone().realm(realm.as_ref()))
    }

    /// All that challenges say. A challenge that names no realm keeps the one that was set before.
    pub fn challenge(self, challenge: Challenge) -> Self {
        self.with(|config| config.challenge = challenge.or_realm_of(&config.challenge))
    }

    /// Answers requests that look like gRPC as plain HTTP, for services that speak none: a `POST`
    /// with the content type `application/grpc` is otherwise answered with status 200 and a
    /// `grpc-status`, which whatever counts 401s does not see.
    pub fn without_grpc(self) -> Self {
        self.with(|config| config.speaks_grpc = false)
    }

    /// What rejections look like. Default: an empty body for HTTP, and a status that gRPC and
    /// gRPC-Web clients understand for those.
    ///
    /// A responder of yours answers everything, gRPC included, unless it is put into
    /// [`Auto::new`]. A closure has to name the types of its arguments, see [`Responder`].
    #[doc(alias("error body", "json", "on_error"))]
    pub fn responder(self, responder: impl Responder) -> Self {
        self.with(|config| config.responder = Arc::new(responder))
    }

    /// Is told of every decision, once for each request, and once more if something behind the layer
    /// denies it: for metrics. It runs on the request's path, so it must neither block nor panic. See
    /// [`AuthEvent`].
    #[doc(alias("metrics", "prometheus"))]
    pub fn observer(self, observer: impl Fn(&AuthEvent<'_>) + Send + Sync + 'static) -> Self {
        self.map(|authenticator| authenticator.observer(observer))
    }

    /// Options that make the layer accept what it should not.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }

    fn with(self, set: impl FnOnce(&mut Config<V, R>)) -> Self {
        let mut config = self.into_config();
        set(&mut config);
        Self::of(config)
    }

    /// The same settings around what becomes of the authenticator.
    fn map<V2, R2>(
        self,
        change: impl FnOnce(Authenticator<V, R>) -> Authenticator<V2, R2>,
    ) -> AuthLayer<V2, R2> {
        let Config { authenticator, challenge, responder, speaks_grpc } = self.into_config();
        let authenticator = change(authenticator);
        let config = Config { authenticator, challenge, responder, speaks_grpc };
        AuthLayer::of(config)
    }
}

impl<V: TokenVerifier, R> Dangerous<AuthLayer<V, R>> {
    /// Accepts tokens without knowing whether they were revoked, for as long as the revocation
    /// check cannot answer. Whoever can keep the store from answering then has all revoked tokens
    /// back.
    pub fn accept_when_revocation_is_unavailable(self) -> AuthLayer<V, R> {
        self.0
            .map(|authenticator| authenticator.dangerous().accept_when_revocation_is_unavailable())
    }
}

impl<S, V, R> Layer<S> for AuthLayer<V, R> {
    type Service = AuthService<S, V, R>;

    fn layer(&self, inner: S) -> Self::Service {
        let shared = &*self.shared;
        let shards = shared.shards.get_or_init(|| Shards::new(&shared.config));
        AuthService::new(inner, Arc::clone(shards))
    }
}

impl<V, R> Clone for AuthLayer<V, R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<V, R> fmt::Debug for AuthLayer<V, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer")
            .field("authenticator", &self.shared.config.authenticator)
            .finish_non_exhaustive()
    }
}
