//! [`Authenticator`]: a request's head, or a token alone, in; claims out.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName};
use pin_project_lite::pin_project;

use super::admission::{Admission, AfterEffects};
use super::checks::{Checks, Waiting};
use super::log::Log;
use super::mode::Mode;
use super::observe::{AuthEvent, Decision, Observer};
use crate::bound::{ClientCertificates, Dpop, Sender};
use crate::claims::Claims;
use crate::credentials::{
    AuthorizationHeader, BearerToken, DpopAuthorization, TokenOrigin, TokenSource,
    is_cors_preflight,
};
use crate::dangerous::Dangerous;
use crate::head::RequestHead;
use crate::rejection::{Rejection, RejectionKind};
use crate::revocation::{Identifiers, IntoRevocation, NoRevocation, OnOutage, RevocationCheck};
use crate::step::Step;
use crate::verify::TokenVerifier;

/// All the checks of one service: where tokens are found, what verifies them, and whether they were
/// taken back. A clone is a handle on the same, so that one serves a layer and everything else.
///
/// An [`AuthLayer`](crate::layer::AuthLayer) asks it on every request. Ask it yourself where a token
/// comes without a request's head: in the first message of a WebSocket, in a GraphQL
/// `connection_init`, in the metadata of a queue's message, on a command line. The rules are the
/// same, revocation and observer included.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// use tower_bearer::revocation::MemoryStore;
/// use tower_bearer::testing::TestIssuer;
/// use tower_bearer::{AuthLayer, Authenticator, RejectionKind, StandardClaims};
///
/// # let issuer = TestIssuer::new();
/// # let (token, expired) = (issuer.token().subject("alice").token_id("1").sign(), issuer.token().expired().sign());
/// # let verifier = issuer.verifier::<StandardClaims>().build()?;
/// let auth = Authenticator::new(verifier).revocation(MemoryStore::new());
/// let layer = AuthLayer::new(auth.clone()).realm("orders"); // for requests
///
/// let user = auth.claims(&token).await?; // for a token alone
/// assert_eq!(user.sub.as_deref(), Some("alice"));
/// let rejection = auth.claims(&expired).await.unwrap_err();
/// assert_eq!(rejection.kind(), RejectionKind::Expired);
/// # let _ = layer;
/// # }
/// # Ok(())
/// # }
/// ```
#[must_use = "an authenticator does nothing until it is asked"]
#[doc(alias("websocket", "graphql", "decode"))]
pub struct Authenticator<V, R = NoRevocation> {
    inner: Arc<Inner<V, R>>,
}

struct Inner<V, R> {
    checks: Checks<V, R>,
    source: Arc<dyn TokenSource>,
    /// The request's header fields that may hold the token.
    sensitive: Arc<[HeaderName]>,
    mode: Mode,
    preflight_passes: bool,
    observer: Option<Observer>,
}

pin_project! {
    /// A decision that has to wait for keys or for a store.
    #[must_use = "nothing was decided yet"]
    pub(crate) struct Deciding<V: TokenVerifier, R: RevocationCheck> {
        #[pin]
        waiting: Waiting<V, R>,
        started: Option<Instant>,
        // Whether the token came by the scheme `DPoP`.
        by_dpop: bool,
    }
}

impl<V: TokenVerifier> Authenticator<V> {
    /// Accepts what this verifier accepts, from the `Authorization` header. Without
    /// [`revocation`](Authenticator::revocation), a token is good until it expires.
    pub fn new(verifier: V) -> Self {
        let source = AuthorizationHeader::new();
        let sensitive = source.header_names().into();
        let checks = Checks {
            verifier,
            revocation: Arc::new(NoRevocation),
            may_lack: Identifiers::NONE,
            on_outage: OnOutage::default(),
            sender: None,
            log: Arc::new(Log::new()),
        };
        Self {
            inner: Arc::new(Inner {
                checks,
                source: Arc::new(source),
                sensitive,
                mode: Mode::default(),
                preflight_passes: false,
                observer: None,
            }),
        }
    }
}

impl<V: TokenVerifier, R> Authenticator<V, R> {
    /// Asks this store, or check, for every token whether it was revoked, and rejects tokens that lack
    /// an identifier it needs. It replaces an earlier one; to ask two, see
    /// [`both`](crate::revocation::both).
    ///
    /// When it cannot answer, requests are answered 503.
    pub fn revocation<M, I: IntoRevocation<M>>(self, check: I) -> Authenticator<V, I::Check> {
        self.map_checks(|verifier| verifier, |_| check.into_check())
    }

    /// Accepts tokens that lack these identifiers although the revocation check asks for them. Such
    /// a token can be revoked only by the identifiers it has.
    pub fn may_lack(self, identifiers: Identifiers) -> Self {
        self.with(|inner| inner.checks.may_lack = identifiers)
    }

    /// Where tokens are looked for in a request. Default: the `Authorization` header.
    ///
    /// To accept several places, give [`Sources`](crate::credentials::Sources). A closure has to name
    /// the type of its argument, `|head: &RequestHead<'_>| ..`, or the compiler finds it "not general
    /// enough".
    pub fn source(self, source: impl TokenSource) -> Self {
        self.with(|inner| {
            inner.sensitive = source.header_names().into();
            inner.source = Arc::new(source);
        })
    }

    /// Accepts tokens that are bound to a key (`cnf.jkt`), by the scheme `DPoP` and with a proof, beside
    /// bearer tokens: [RFC 9449](https://www.rfc-editor.org/rfc/rfc9449). Without this they are rejected.
    /// See [`bound`](crate::bound).
    ///
    /// They are found in the `Authorization` header, whatever the [`source`](Self::source) of others.
    pub fn dpop(self, dpop: Dpop) -> Self {
        self.with_sender(|sender| sender.dpop = Some(dpop))
    }

    /// Accepts tokens that are bound to the certificate of the client (`cnf.x5t#S256`), beside bearer
    /// tokens: [RFC 8705](https://www.rfc-editor.org/rfc/rfc8705). Without this they are rejected. See
    /// [`bound`](crate::bound).
    #[doc(alias("mtls", "mutual TLS"))]
    pub fn client_certificates(self, certificates: ClientCertificates) -> Self {
        self.with_sender(|sender| sender.certificates = Some(certificates))
    }

    /// Rejects bearer tokens: only those are accepted that are bound to their sender.
    pub fn only_bound(self) -> Self {
        self.with_sender(|sender| sender.only_bound = true)
    }

    /// What becomes of requests without good credentials. Default: they are rejected.
    pub fn mode(self, mode: Mode) -> Self {
        self.with(|inner| inner.mode = mode)
    }

    /// Lets CORS preflights pass without a token, for a CORS layer further inside. What is behind
    /// the layer then sees requests with method OPTIONS, the headers `Origin` and
    /// `Access-Control-Request-Method`, and no body, that nobody authenticated: a service that does
    /// not look at the method answers them like any other, unless a guard or an extractor asks for a
    /// token.
    ///
    /// By default they are rejected like any request without a token: the CORS layer belongs outside,
    /// where scripts can also read why a request was rejected.
    pub fn let_preflights_pass(self) -> Self {
        self.with(|inner| inner.preflight_passes = true)
    }

    /// Is told of every decision, once for each request or token, and once more if something behind
    /// a layer denies the request: for metrics. It runs on the request's path, so it must neither
    /// block nor panic. See [`AuthEvent`].
    pub fn observer(self, observer: impl Fn(&AuthEvent<'_>) + Send + Sync + 'static) -> Self {
        self.with(|inner| inner.observer = Some(Arc::new(observer)))
    }

    /// Options that make it accept what it should not.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }

    fn with_sender(self, set: impl FnOnce(&mut Sender)) -> Self {
        self.with(|inner| {
            set(Arc::make_mut(inner.checks.sender.get_or_insert_default()));
            let (mut names, dpop) = (inner.sensitive.to_vec(), DpopAuthorization::header_name());
            if !names.contains(&dpop) {
                names.push(dpop);
            }
            inner.sensitive = names.into();
        })
    }

    fn with(self, set: impl FnOnce(&mut Inner<V, R>)) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.inner);
        set(&mut inner);
        Self { inner: Arc::new(inner) }
    }

    /// The same settings around another verifier and another revocation check.
    pub(super) fn map_checks<V2, R2>(
        self,
        verifier: impl FnOnce(V) -> V2,
        revocation: impl FnOnce(Arc<R>) -> R2,
    ) -> Authenticator<V2, R2> {
        let Inner { checks, source, sensitive, mode, preflight_passes, observer } =
            Arc::unwrap_or_clone(self.inner);
        let checks = Checks {
            verifier: verifier(checks.verifier),
            revocation: Arc::new(revocation(checks.revocation)),
            may_lack: checks.may_lack,
            on_outage: checks.on_outage,
            sender: checks.sender,
            log: checks.log,
        };
        let inner = Inner { checks, source, sensitive, mode, preflight_passes, observer };
        Authenticator { inner: Arc::new(inner) }
    }
}

impl<V: TokenVerifier, R> Dangerous<Authenticator<V, R>> {
    /// Accepts tokens without knowing whether they were revoked, for as long as the revocation
    /// check cannot answer. Whoever can keep the store from answering then has all revoked tokens
    /// back.
    pub fn accept_when_revocation_is_unavailable(self) -> Authenticator<V, R> {
        self.0.with(|inner| inner.checks.on_outage = OnOutage::AcceptUnchecked)
    }
}

impl<V: TokenVerifier, R: RevocationCheck> Authenticator<V, R> {
    /// The claims of a token that came some other way than in a request's head; text is taken as
    /// the bare token, without `Bearer`, of at most 16 KiB
    /// ([`BearerToken::parse_up_to`] sets another limit).
    ///
    /// A token that is bound to its sender needs a request to prove that by, and is rejected here.
    ///
    /// # Errors
    /// As the layer would reject a request with this token.
    pub async fn claims<T>(&self, token: T) -> Result<Claims<V::Claims>, Rejection>
    where
        T: TryInto<BearerToken>,
        Rejection: From<T::Error>,
    {
        let started = self.started();
        let judged = match token.try_into() {
            Ok(token) => match self.inner.checks.run(token, &RequestHead::empty()) {
                Step::Now(judged) => judged,
                Step::Later(waiting) => {
                    let mut waiting = pin!(waiting);
                    poll_fn(|cx| waiting.as_mut().poll(cx, &self.inner.checks)).await
                }
            },
            Err(error) => Err(error.into()),
        };
        let (Ok(admission) | Err(admission)) =
            judged.map(Admission::Admitted).map_err(Admission::Rejected);
        match self.decided(admission, started, None) {
            Admission::Admitted(claims) => Ok(claims),
            Admission::Rejected(rejection) | Admission::Inspected(rejection) => Err(rejection),
            Admission::Anonymous | Admission::Preflight => Err(RejectionKind::MissingToken.into()),
        }
    }

    /// The claims of a request's token, by the head alone: for extractors and middleware of your
    /// own, and servers that speak no tower. `None` where the request has no token and the mode is
    /// not [`Mode::Required`].
    ///
    /// Nothing is put into the extensions, and a CORS preflight is a request like any other.
    ///
    /// ```
    /// # use tower_bearer::{Authenticator, Claims, Rejection, StandardClaims, Verifier};
    /// # type Auth = Authenticator<Verifier<StandardClaims>>;
    /// async fn user(auth: &Auth, parts: &http::request::Parts) -> Result<String, Rejection> {
    ///     match auth.authenticate(parts).await? {
    ///         Some(user) => Ok(user.sub.clone().unwrap_or_default()),
    ///         None => Ok("anonymous".to_owned()),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// If the token is bad, whatever the mode; or missing, where the mode requires one.
    pub async fn authenticate<'a>(
        &self,
        head: impl Into<RequestHead<'a>>,
    ) -> Result<Option<Claims<V::Claims>>, Rejection> {
        // A body that cannot be seen may be there: no request passes as a preflight.
        let admission = match self.admit(&head.into(), true, None) {
            Step::Now(admission) => admission,
            Step::Later(deciding) => {
                let mut deciding = pin!(deciding);
                poll_fn(|cx| deciding.as_mut().poll(cx, self, None)).await
            }
        };
        match admission {
            Admission::Admitted(claims) => Ok(Some(claims)),
            Admission::Rejected(rejection) | Admission::Inspected(rejection) => Err(rejection),
            Admission::Anonymous | Admission::Preflight => Ok(None),
        }
    }

    /// Decides on a request; at once, if nothing has to wait.
    #[inline]
    pub(crate) fn admit(
        &self,
        head: &RequestHead<'_>,
        has_body: bool,
        realm: Option<&str>,
    ) -> Step<Admission<V::Claims>, Deciding<V, R>> {
        let inner = &*self.inner;
        let started = self.started();
        // A preflight has no body. What has one may be a call that only looks like a preflight, to a
        // service that does not look at the method; gRPC services do not.
        if inner.preflight_passes && !has_body && is_cors_preflight(head) {
            return Step::Now(self.decided(Admission::Preflight, started, realm));
        }
        let found = match &inner.checks.sender {
            None => inner.source.find(head),
            Some(sender) => sender.find(&*inner.source, head),
        };
        let admission = match found {
            Ok(Some(token)) => {
                let by_dpop = token.origin() == TokenOrigin::Dpop;
                match inner.checks.run(token, head) {
                    Step::Now(judged) => self.judged(judged, by_dpop),
                    Step::Later(waiting) => {
                        return Step::Later(Deciding { waiting, started, by_dpop });
                    }
                }
            }
            Ok(None) if inner.mode == Mode::Required => {
                if is_cors_preflight(head) {
                    inner.checks.log.rejected_preflight(realm);
                }
                Admission::Rejected(RejectionKind::MissingToken.into())
            }
            Ok(None) => Admission::Anonymous,
            Err(rejection) => self.judged(Err(rejection), false),
        };
        Step::Now(self.decided(admission, started, realm))
    }

    fn judged(
        &self,
        judged: Result<Claims<V::Claims>, Rejection>,
        by_dpop: bool,
    ) -> Admission<V::Claims> {
        match judged.map_err(|it| if by_dpop { it.in_dpop() } else { it }) {
            Ok(claims) => Admission::Admitted(claims),
            Err(rejection) if self.inner.mode == Mode::Inspect => Admission::Inspected(rejection),
            Err(rejection) => Admission::Rejected(rejection),
        }
    }

    /// Logs and reports a decision.
    fn decided(
        &self,
        admission: Admission<V::Claims>,
        started: Option<Instant>,
        realm: Option<&str>,
    ) -> Admission<V::Claims> {
        let log = &self.inner.checks.log;
        let (outcome, kind) = match &admission {
            Admission::Admitted(_) => (Decision::Accepted, None),
            Admission::Anonymous => (Decision::Anonymous, None),
            Admission::Preflight => (Decision::Preflight, None),
            Admission::Inspected(rejection) => {
                log.rejected(rejection, realm, true);
                (Decision::Rejected, Some(rejection.kind()))
            }
            Admission::Rejected(rejection) => {
                log.rejected(rejection, realm, false);
                (Decision::Rejected, Some(rejection.kind()))
            }
        };
        if let (Some(observer), Some(started)) = (&self.inner.observer, started) {
            let issuer = match &admission {
                Admission::Admitted(claims) => claims.registered().issuer(),
                _ => None,
            };
            observer(&AuthEvent { outcome, kind, issuer, realm, latency: started.elapsed() });
        }
        admission
    }

    fn started(&self) -> Option<Instant> {
        self.inner.observer.is_some().then(Instant::now)
    }
}

impl<V: TokenVerifier, R: RevocationCheck> Deciding<V, R> {
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        authenticator: &Authenticator<V, R>,
        realm: Option<&str>,
    ) -> Poll<Admission<V::Claims>> {
        let this = self.project();
        let judged = ready!(this.waiting.poll(cx, &authenticator.inner.checks));
        let admission = authenticator.judged(judged, *this.by_dpop);
        Poll::Ready(authenticator.decided(admission, *this.started, realm))
    }
}

impl<V, R> Authenticator<V, R> {
    /// The request's header fields that may hold the token.
    pub(crate) fn sensitive(&self) -> &[HeaderName] {
        &self.inner.sensitive
    }

    /// What senders have to prove, if anything.
    pub(crate) fn sender(&self) -> Option<&Sender> {
        self.inner.checks.sender.as_deref()
    }

    /// What authentication has to do with the answer to a request that it let through.
    #[inline]
    pub(crate) fn finish(&self, after: AfterEffects, headers: &mut HeaderMap) {
        let nonce = || self.sender()?.dpop.as_ref()?.nonce();
        after.apply(headers, nonce);
    }

    /// Logs and reports that something behind the layer denied an admitted request.
    pub(crate) fn denied(&self, rejection: &Rejection, realm: Option<&str>) {
        self.inner.checks.log.rejected(rejection, realm, false);
        if let Some(observer) = &self.inner.observer {
            observer(&AuthEvent {
                outcome: Decision::Denied,
                kind: Some(rejection.kind()),
                issuer: None,
                realm,
                latency: Duration::ZERO,
            });
        }
    }
}

impl<V: Clone, R> Clone for Inner<V, R> {
    fn clone(&self) -> Self {
        Self {
            checks: self.checks.clone(),
            source: Arc::clone(&self.source),
            sensitive: Arc::clone(&self.sensitive),
            mode: self.mode,
            preflight_passes: self.preflight_passes,
            observer: self.observer.clone(),
        }
    }
}

impl<V, R> Clone for Authenticator<V, R> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<V, R> fmt::Debug for Authenticator<V, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("mode", &self.inner.mode)
            .field("preflight_passes", &self.inner.preflight_passes)
            .finish_non_exhaustive()
    }
}
