//! [`IntrospectionBuilder`]: the decisions that introspection cannot be built without, and those it
//! can.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::client_auth::ClientAuth;
use super::endpoint::Endpoint;
use super::inquiry::{Inquiry, Limits};
use super::introspect::Introspection;
use super::place::Place;
use super::response::Kinds;
use crate::claims::ClaimPath;
use crate::clock::{Clock, SystemClock};
use crate::dangerous::Dangerous;
use crate::fetch::{Fetch, UrlProblem, can_wait, checked_url, metadata_urls};
use crate::verify::BuildError;
use crate::verify::builder::{Audiences, NeedsAudience};
use crate::verify::options::Options;
use crate::verify::rules::{Accept, Types};

/// Default of [`IntrospectionBuilder::timeout`].
const TIMEOUT: Duration = Duration::from_secs(5);
/// Nobody waits longer for a response.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Remembering for longer than this gives up on what introspection is for.
const LONGEST_MEMORY: Duration = Duration::from_secs(3600);
const LIMITS: Limits = Limits {
    remember_active: Duration::from_secs(30),
    remember_rejected: Duration::from_secs(5),
    entries: 10_000,
    calls: 64,
};

/// The builder does not know how this service authenticates itself at the endpoint: call
/// [`IntrospectionBuilder::client`].
#[derive(Debug, Clone, Copy)]
pub struct NeedsClient;

/// How this service authenticates itself was decided on.
#[derive(Debug)]
pub struct Client(ClientAuth);

/// Builds an [`Introspection`]: made with [`Introspection::builder`].
///
/// Client authentication and audience are decisions: `build` does not exist until both were taken,
/// and the type in the compiler's message ([`NeedsClient`], [`NeedsAudience`]) says which one is
/// missing. All else has a safe default.
#[must_use = "a builder does nothing until `build`"]
pub struct IntrospectionBuilder<C, N = NeedsClient, A = NeedsAudience> {
    endpoint: At,
    fetch: Arc<dyn Fetch>,
    client: N,
    audiences: A,
    settings: Settings,
    claims: PhantomData<fn() -> C>,
}

/// Where the endpoint is.
pub(super) enum At {
    Url(String),
    Issuer(String),
}

struct Settings {
    issuers: Accept,
    options: Options,
    kinds: Kinds,
    limits: Limits,
    timeout: Duration,
    allow_http: bool,
    clock: Arc<dyn Clock>,
}

impl<C> IntrospectionBuilder<C> {
    pub(super) fn new(endpoint: At, fetch: Arc<dyn Fetch>) -> Self {
        Self {
            endpoint,
            fetch,
            client: NeedsClient,
            audiences: NeedsAudience,
            settings: Settings {
                issuers: Accept::Any,
                // The endpoint judges the expiry itself, and need not tell it.
                options: Options { expiry_required: false, ..Options::default() },
                kinds: Kinds::NotAnother,
                limits: LIMITS,
                timeout: TIMEOUT,
                allow_http: false,
                clock: Arc::new(SystemClock),
            },
            claims: PhantomData,
        }
    }
}

impl<C, A> IntrospectionBuilder<C, NeedsClient, A> {
    /// How this service authenticates itself at the endpoint.
    pub fn client(self, client: impl Into<ClientAuth>) -> IntrospectionBuilder<C, Client, A> {
        let Self { endpoint, fetch, audiences, settings, claims, .. } = self;
        let client = Client(client.into());
        IntrospectionBuilder { endpoint, fetch, client, audiences, settings, claims }
    }
}

impl<C, N> IntrospectionBuilder<C, N, NeedsAudience> {
    /// The name of this service in `aud`, compared exactly. A response without `aud`, or for others
    /// only, then rejects the token. Calling it again adds another name of this service.
    pub fn audience(self, audience: impl Into<String>) -> IntrospectionBuilder<C, N, Audiences> {
        self.audiences(Accept::OneOf(vec![audience.into().into()]))
    }

    /// Accepts tokens for whatever audience, for endpoints that do not tell it, as many do not.
    ///
    /// Safe where the endpoint answers `"active": false` to a service that a token is not meant for
    /// ([RFC 7662 §2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2)); otherwise a token that
    /// one service was given can be used at all others. Check a scope then that only this service
    /// has.
    pub fn any_audience(self) -> IntrospectionBuilder<C, N, Audiences> {
        self.audiences(Accept::Any)
    }

    fn audiences(self, audiences: Accept) -> IntrospectionBuilder<C, N, Audiences> {
        let Self { endpoint, fetch, client, settings, claims, .. } = self;
        let audiences = Audiences(audiences);
        IntrospectionBuilder { endpoint, fetch, client, audiences, settings, claims }
    }
}

impl<C, N> IntrospectionBuilder<C, N, Audiences> {
    /// Adds another name of this service. After
    /// [`any_audience`](IntrospectionBuilder::any_audience) only the names added count.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.0.add(audience.into());
        self
    }
}

impl<C, N, A> IntrospectionBuilder<C, N, A> {
    /// Requires this `iss`, compared exactly, of every response; calling it again adds another name
    /// of the same issuer. By default `iss` is not looked at: the endpoint was chosen by its URL,
    /// and many leave `iss` out.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.settings.issuers.add(issuer.into());
        self
    }

    /// How far clocks may disagree: `exp`, `nbf`, `iat` and the maximum age are all judged with
    /// this much patience. Default 60 seconds, at most one hour.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.settings.options.leeway = leeway;
        self
    }

    /// The longest time since `iat` for which a token is accepted, whatever the endpoint says.
    /// `iat` is then required. Default: none.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.settings.options.max_age = Some(max_age);
        self
    }

    /// Registered claims that a response must have, such as `exp`, `sub` or `jti`: RFC 7662 leaves
    /// all of them to the endpoint.
    pub fn require(mut self, claims: impl IntoIterator<Item = &'static str>) -> Self {
        self.settings.options.required.extend(claims);
        self
    }

    /// Accepts only tokens that were issued to these clients, as
    /// [`VerifierBuilder::clients`](crate::verify::VerifierBuilder::clients) has it: by `client_id` or
    /// `azp` of the response. Calling it again adds others.
    pub fn clients(mut self, clients: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.settings.options.add_clients(clients);
        self
    }

    /// Requires of every response that the member there has this value, as
    /// [`VerifierBuilder::require_value`](crate::verify::VerifierBuilder::require_value) has it.
    pub fn require_value(
        mut self,
        claim: impl Into<ClaimPath>,
        value: impl Into<serde_json::Value>,
    ) -> Self {
        self.settings.options.add_value(claim.into(), value.into());
        self
    }

    /// Requires of every response that it names the kind of token, in `token_type`, `token_use` or
    /// `typ`. By default one that names none is taken for an access token, which a refresh token
    /// could be too where the endpoint does not tell them apart.
    pub fn require_token_type(mut self) -> Self {
        self.settings.kinds = Kinds::Named;
        self
    }

    /// Where roles stand, as [`VerifierBuilder::roles_at`](crate::verify::VerifierBuilder::roles_at)
    /// has it.
    pub fn roles_at(mut self, path: impl Into<ClaimPath>) -> Self {
        self.settings.options.add_roles_at(path.into());
        self
    }

    /// The claim that holds the token version, a whole number. Default: `token_version`.
    pub fn token_version_claim(mut self, name: impl Into<String>) -> Self {
        self.settings.options.names.token_version = name.into().into();
        self
    }

    /// How long it is remembered that a token is active, at most until its `exp`. A token that its
    /// issuer revokes works for this much longer. Default 30 seconds, at most one hour; zero asks on
    /// every request, and only requests at the same time share an answer.
    pub fn remember_active(mut self, time: Duration) -> Self {
        self.settings.limits.remember_active = time;
        self
    }

    /// How long it is remembered that a token was rejected, so that a client that insists on a bad
    /// token does not reach the endpoint each time. Default 5 seconds, at most one hour; zero
    /// remembers none. Failures of the endpoint are never remembered.
    pub fn remember_rejected(mut self, time: Duration) -> Self {
        self.settings.limits.remember_rejected = time;
        self
    }

    /// How many active tokens, and as many rejected ones, are remembered at most. On average an
    /// entry may have 2 KiB, and where there is no room, the oldest goes. Default 10,000.
    pub fn capacity(mut self, entries: usize) -> Self {
        self.settings.limits.entries = entries;
        self
    }

    /// How many questions may be under way at the endpoint at once, and so how many connections a
    /// flood of made-up tokens can open. Sixteen times as many wait for their turn, within the
    /// [`timeout`](Self::timeout); beyond that requests are answered 503 at once. Default 64.
    pub fn concurrency(mut self, calls: usize) -> Self {
        self.settings.limits.calls = calls;
        self
    }

    /// The longest that a request waits for an answer, its turn included. Default 5 seconds, at most
    /// one minute.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// The clock that all time rules go by. Default: the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// Options that make it accept what it should not.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }
}

impl<C, N, A> Dangerous<IntrospectionBuilder<C, N, A>> {
    /// Asks an endpoint whose URL is `http` and not on this machine: whoever is on the way reads
    /// tokens and the client's secret, and can call any token active.
    pub fn allow_http(mut self) -> IntrospectionBuilder<C, N, A> {
        self.0.settings.allow_http = true;
        self.0
    }

    /// Accepts active tokens of every kind, refresh tokens included; not those that are bound to their
    /// sender.
    pub fn allow_any_token_type(mut self) -> IntrospectionBuilder<C, N, A> {
        self.0.settings.kinds = Kinds::Any;
        self.0
    }

    /// Accepts tokens that are bound to their sender (`cnf`, or the type `DPoP`) as if they were not:
    /// whoever has stolen one can use it, which the issuer wanted to prevent. For a service behind
    /// something that checks the proof.
    pub fn accept_bound_tokens_without_proof(mut self) -> IntrospectionBuilder<C, N, A> {
        self.0.settings.options.bound_accepted = true;
        self.0
    }
}

impl<C> IntrospectionBuilder<C, Client, Audiences> {
    /// The verifier.
    ///
    /// # Errors
    /// If a setting cannot be meant: an endpoint that is not an `https` URL (`http` does for
    /// loopback), or has user info or a fragment; an empty client id, secret, issuer or audience; a
    /// time limit or concurrency of zero; a time beyond its maximum; a required claim that is not a
    /// registered one; more than eight places for roles.
    pub fn build(self) -> Result<Introspection<C>, BuildError> {
        let Self { endpoint, fetch, client: Client(client), audiences, settings, .. } = self;
        let Settings { issuers, options, kinds, limits, timeout, allow_http, clock } = settings;
        let place = match endpoint {
            At::Url(url) => Place::Here(checked_url(&url, allow_http).map_err(url_problem)?),
            At::Issuer(issuer) => {
                if issuer.contains("/.well-known/") {
                    return Err(BuildError::new(
                        "the issuer is the URL of its metadata: give the issuer, without /.well-known/…",
                    ));
                }
                metadata_urls(&issuer, allow_http).map_err(|_| {
                    BuildError::new("the issuer is not an https URL without query and fragment")
                })?;
                Place::of_issuer(issuer, allow_http)
            }
        };
        client.check().map_err(BuildError::new)?;
        let rules = options.into_rules(issuers, audiences.0, Types::Usual)?;
        if timeout.is_zero() || timeout > LONGEST_TIMEOUT {
            return Err(BuildError::new("the timeout is zero or more than a minute"));
        }
        if !can_wait() {
            return Err(BuildError::new(
                "no thread can be started, so waiting could not be bounded",
            ));
        }
        if limits.calls == 0 {
            return Err(BuildError::new("the concurrency is zero, so nothing could be asked"));
        }
        if limits.remember_active.max(limits.remember_rejected) > LONGEST_MEMORY {
            return Err(BuildError::new(
                "answers are to be remembered for more than an hour: what was revoked works for as long",
            ));
        }
        let endpoint = Endpoint { place, client, fetch, timeout };
        let inquiry = Inquiry::new(endpoint, rules, kinds, clock, limits).map_err(|_| {
            BuildError::new(
                "tokens cannot be hashed: enable the feature `aws-lc-rs` or `rust-crypto`",
            )
        })?;
        Ok(Introspection::new(inquiry))
    }
}

fn url_problem(problem: UrlProblem) -> BuildError {
    BuildError::new(match problem {
        UrlProblem::Malformed => {
            "the endpoint is not an absolute URL, such as https://id.example.com/introspect"
        }
        UrlProblem::NotHttps => {
            "the endpoint's URL is not https: anyone on the way could read tokens and call any token active"
        }
        UrlProblem::Credentials => {
            "the endpoint's URL holds a user name or password: give them to `client(..)`"
        }
        UrlProblem::Fragment => "the endpoint's URL has a fragment (#)",
    })
}

impl<C, N, A> fmt::Debug for IntrospectionBuilder<C, N, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionBuilder").finish_non_exhaustive()
    }
}
