//! [`VerifierBuilder`]: the decisions a verifier cannot be built without, and those it can.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::checks::Checks;
use super::error::BuildError;
use super::options::Options;
use super::policy::Policy;
use super::rules::{Accept, Types, short};
use super::verifier::Verifier;
use crate::claims::{ClaimPath, RegisteredClaims};
use crate::clock::{Clock, SystemClock};
use crate::dangerous::Dangerous;
use crate::key::{IntoKeySource, KeySource};

/// RFC 9068 §2.2.
const ACCESS_TOKEN_CLAIMS: [&str; 7] = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"];

/// The builder has no keys yet: call [`VerifierBuilder::keys`].
#[derive(Debug, Clone, Copy)]
pub struct NeedsKeys;

/// The builder does not know the issuer yet: call [`VerifierBuilder::issuer`], or
/// [`VerifierBuilder::any_issuer`] if you mean it.
#[derive(Debug, Clone, Copy)]
pub struct NeedsIssuer;

/// The builder does not know the audience yet: call [`VerifierBuilder::audience`], or
/// [`VerifierBuilder::any_audience`] if you mean it.
#[derive(Debug, Clone, Copy)]
pub struct NeedsAudience;

/// The keys were decided on.
pub struct Keys(Arc<dyn KeySource>);

/// The issuer was decided on.
#[derive(Debug)]
pub struct Issuers(pub(super) Accept);

/// The audience was decided on.
#[derive(Debug)]
pub struct Audiences(pub(super) Accept);

/// Builds a [`Verifier`]: made with [`Verifier::builder`].
///
/// Keys, issuer and audience are decisions: `build` does not exist until all three were taken, and
/// the type in the compiler's message ([`NeedsKeys`], [`NeedsIssuer`], [`NeedsAudience`]) says which
/// one is missing. All else has a safe default.
///
/// ```compile_fail,E0599
/// use tower_bearer::{claims::StandardClaims, verify::Verifier};
/// // no keys, no issuer, no audience: there is no `build`
/// let verifier = Verifier::<StandardClaims>::builder().build();
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct VerifierBuilder<C, K, I, A> {
    keys: K,
    issuers: I,
    audiences: A,
    settings: Settings<C>,
}

/// What need not be decided on.
struct Settings<C> {
    options: Options,
    types: Types,
    checks: Checks<C>,
    clock: Arc<dyn Clock>,
}

impl<C> Verifier<C> {
    /// Starts building: keys, issuer and audience have to be decided on.
    pub fn builder() -> VerifierBuilder<C, NeedsKeys, NeedsIssuer, NeedsAudience> {
        VerifierBuilder {
            keys: NeedsKeys,
            issuers: NeedsIssuer,
            audiences: NeedsAudience,
            settings: Settings {
                options: Options::default(),
                types: Types::Usual,
                checks: Checks::new(),
                clock: Arc::new(SystemClock),
            },
        }
    }
}

impl<C, I, A> VerifierBuilder<C, NeedsKeys, I, A> {
    /// The keys that tokens may be signed with: a [`Key`](crate::key::Key), several of them, a
    /// [`KeySet`](crate::key::KeySet), or a source whose keys change at run time.
    pub fn keys(self, keys: impl IntoKeySource) -> VerifierBuilder<C, Keys, I, A> {
        let Self { issuers, audiences, settings, .. } = self;
        VerifierBuilder { keys: Keys(keys.into_key_source()), issuers, audiences, settings }
    }
}

impl<C, K, A> VerifierBuilder<C, K, NeedsIssuer, A> {
    /// The issuer whose tokens are accepted, compared exactly with `iss`, trailing slash and all.
    /// A token without `iss` is then rejected.
    ///
    /// Calling it again adds another name of the same issuer. Issuers with keys of their own each
    /// get a verifier of their own: [`Verifier::of_issuers`].
    pub fn issuer(self, issuer: impl Into<String>) -> VerifierBuilder<C, K, Issuers, A> {
        self.issuers(Accept::OneOf(vec![issuer.into().into()]))
    }

    /// Accepts tokens of whatever issuer, or none, as long as the keys fit. Right where the keys
    /// are used for nothing else, such as one secret shared by one service with itself.
    pub fn any_issuer(self) -> VerifierBuilder<C, K, Issuers, A> {
        self.issuers(Accept::Any)
    }

    fn issuers(self, issuers: Accept) -> VerifierBuilder<C, K, Issuers, A> {
        let Self { keys, audiences, settings, .. } = self;
        VerifierBuilder { keys, issuers: Issuers(issuers), audiences, settings }
    }
}

impl<C, K, A> VerifierBuilder<C, K, Issuers, A> {
    /// Adds another name of the same issuer. After
    /// [`any_issuer`](VerifierBuilder::any_issuer) only the names added count.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuers.0.add(issuer.into());
        self
    }
}

impl<C, K, I> VerifierBuilder<C, K, I, NeedsAudience> {
    /// The name of this service in `aud`, compared exactly. A token without `aud`, or for others
    /// only, is then rejected.
    ///
    /// Calling it again adds another name of this service.
    pub fn audience(self, audience: impl Into<String>) -> VerifierBuilder<C, K, I, Audiences> {
        self.audiences(Accept::OneOf(vec![audience.into().into()]))
    }

    /// Accepts tokens for whatever audience. A token that one service was given can then be used at
    /// all others that do the same
    /// ([RFC 8725 §3.9](https://www.rfc-editor.org/rfc/rfc8725#section-3.9)).
    pub fn any_audience(self) -> VerifierBuilder<C, K, I, Audiences> {
        self.audiences(Accept::Any)
    }

    fn audiences(self, audiences: Accept) -> VerifierBuilder<C, K, I, Audiences> {
        let Self { keys, issuers, settings, .. } = self;
        VerifierBuilder { keys, issuers, audiences: Audiences(audiences), settings }
    }
}

impl<C, K, I> VerifierBuilder<C, K, I, Audiences> {
    /// Adds another name of this service. After
    /// [`any_audience`](VerifierBuilder::any_audience) only the names added count.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.0.add(audience.into());
        self
    }
}

impl<C, K, I, A> VerifierBuilder<C, K, I, A> {
    /// How far clocks may disagree: `exp`, `nbf`, `iat` and the maximum age are all judged with
    /// this much patience. Default 60 seconds, at most one hour.
    #[doc(alias("clock skew"))]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.settings.options.leeway = leeway;
        self
    }

    /// The longest time since `iat` for which a token is accepted, whatever its `exp` says. `iat`
    /// is then required. Default: none.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.settings.options.max_age = Some(max_age);
        self
    }

    /// Registered claims that a token must have, and not as an empty string, beyond those that other
    /// settings need. Claims of
    /// the application's type are required by not being an `Option` there.
    pub fn require(mut self, claims: impl IntoIterator<Item = &'static str>) -> Self {
        self.settings.options.required.extend(claims);
        self
    }

    /// Accepts only tokens that were issued to this client: by `client_id`
    /// ([RFC 9068 §2.2](https://www.rfc-editor.org/rfc/rfc9068#section-2.2)) or `azp`, compared
    /// exactly; where a token has both, by both. Calling it again adds another client.
    ///
    /// For issuers whose tokens name no audience, or one that all clients share.
    pub fn client(self, client: impl Into<String>) -> Self {
        self.clients([client])
    }

    /// Accepts only tokens that were issued to these clients, and to those added before; see
    /// [`client`](Self::client).
    pub fn clients(mut self, clients: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.settings.options.add_clients(clients);
        self
    }

    /// Requires of every token that the claim there has this value, compared exactly: `1` is not
    /// `1.0`, and a list has to be the same list. Calling it again for the same claim adds another
    /// value that is accepted. The payload is read once more for each such claim.
    ///
    /// ```
    /// # use tower_bearer::{claims::StandardClaims, verify::Verifier};
    /// let builder = Verifier::<StandardClaims>::builder()
    ///     .require_value("token_use", "access")
    ///     .require_value(["https://example.com/plan", "paid"], true);
    /// ```
    pub fn require_value(
        mut self,
        claim: impl Into<ClaimPath>,
        value: impl Into<serde_json::Value>,
    ) -> Self {
        self.settings.options.add_value(claim.into(), value.into());
        self
    }

    /// A rule of your own, for every token that the others let pass; the error says why not, to the
    /// log. It must answer from memory. Tokens that the cache knows are checked anew each time.
    ///
    /// ```
    /// # use serde::Deserialize;
    /// # use tower_bearer::verify::Verifier;
    /// #[derive(Deserialize)]
    /// struct User { email: String, email_verified: bool }
    ///
    /// let builder = Verifier::<User>::builder().check(|user, _registered| {
    ///     if user.email_verified { Ok(()) } else { Err("the e-mail address is not verified") }
    /// });
    /// ```
    pub fn check<E: Into<Box<dyn Error + Send + Sync>>>(
        mut self,
        check: impl Fn(&C, &RegisteredClaims) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        self.settings.checks.add(check);
        self
    }

    /// Accepts only access tokens of
    /// [RFC 9068](https://www.rfc-editor.org/rfc/rfc9068): `typ` is `at+jwt`, and `iss`, `exp`,
    /// `aud`, `sub`, `client_id`, `iat` and `jti` are there; roles are an array, never a lone string.
    /// ID tokens, refresh tokens and logout tokens of the same issuer are then rejected.
    pub fn access_token_profile(mut self) -> Self {
        self.settings.types = match self.settings.types {
            Types::Usual | Types::AccessToken => Types::AccessToken,
            _ => Types::Contradictory,
        };
        self.settings.options.required.extend(ACCESS_TOKEN_CLAIMS);
        self.settings.options.names.lone_role = false;
        self
    }

    /// Accepts only tokens whose header has this `typ`, compared without case; on either side
    /// `application/` may be left out. Calling it again adds another.
    ///
    /// By default tokens without `typ`, with `JWT` and with `at+jwt` are accepted, and any `typ`
    /// that names another kind of token is rejected
    /// ([RFC 8725 §3.11](https://www.rfc-editor.org/rfc/rfc8725#section-3.11)).
    pub fn token_type(mut self, typ: impl Into<String>) -> Self {
        let typ = short(&typ.into()).into();
        match &mut self.settings.types {
            Types::Only(types) => types.push(typ),
            types @ (Types::AccessToken | Types::Contradictory) => *types = Types::Contradictory,
            types => *types = Types::Only(vec![typ]),
        }
        self
    }

    /// Where roles stand: an array of strings, or a string that is one role. Default: the claim
    /// `roles`. Calling it again adds another place; the roles of all places are added up. A token
    /// without that claim has no roles; one in which it has another shape is rejected.
    ///
    /// ```
    /// # use tower_bearer::{claims::StandardClaims, verify::Verifier};
    /// let keycloak = Verifier::<StandardClaims>::builder().roles_at(["realm_access", "roles"]);
    /// let auth0 = Verifier::<StandardClaims>::builder().roles_at("https://example.com/roles");
    /// ```
    pub fn roles_at(mut self, path: impl Into<ClaimPath>) -> Self {
        self.settings.options.add_roles_at(path.into());
        self
    }

    /// The claim that holds the token version, a whole number. Default: `token_version`.
    pub fn token_version_claim(mut self, name: impl Into<String>) -> Self {
        self.settings.options.names.token_version = name.into().into();
        self
    }

    /// The clock that all time rules go by. Default: the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// Options that make a verifier accept what it should not.
    pub fn dangerous(self) -> Dangerous<Self> {
        Dangerous(self)
    }
}

impl<C, K, I, A> Dangerous<VerifierBuilder<C, K, I, A>> {
    /// Accepts tokens without `exp`: they are valid for ever, unless revoked or limited by
    /// [`max_age`](VerifierBuilder::max_age).
    pub fn allow_missing_expiry(mut self) -> VerifierBuilder<C, K, I, A> {
        self.0.settings.options.expiry_required = false;
        self.0
    }

    /// Accepts tokens that are bound to their sender (`cnf`) as if they were not: whoever has stolen one
    /// can use it, which the issuer wanted to prevent. For a service behind something that checks the
    /// proof.
    pub fn accept_bound_tokens_without_proof(mut self) -> VerifierBuilder<C, K, I, A> {
        self.0.settings.options.bound_accepted = true;
        self.0
    }
}

impl<C> VerifierBuilder<C, Keys, Issuers, Audiences> {
    /// The verifier.
    ///
    /// # Errors
    /// If a setting cannot be meant: an empty issuer or audience, a leeway of more than an hour, a
    /// maximum age of zero, a required claim that is not a registered one, an empty client, more than eight
    /// places for roles or one within another, an empty set of keys, or keys that are known to be of another issuer. The text says what
    /// to change.
    pub fn build(self) -> Result<Verifier<C>, BuildError> {
        let Self { keys, issuers, audiences, settings } = self;
        let Settings { options, types, checks, clock } = settings;
        let rules = options.into_rules(issuers.0, audiences.0, types)?;
        if keys.0.current().is_ok_and(|keys| keys.is_empty()) {
            return Err(BuildError::new("there is no key, so no token could ever be accepted"));
        }
        if let (Some(issuer), Accept::OneOf(accepted)) = (keys.0.issuer(), &rules.issuers)
            && !accepted.iter().any(|accepted| **accepted == *issuer)
        {
            return Err(BuildError::new(
                "the keys are of another issuer: give `issuer(..)` what they were discovered for, slash and all",
            ));
        }
        Ok(Verifier::new(Policy { keys: keys.0, rules, checks, clock }))
    }
}

impl<C, K, I, A> fmt::Debug for VerifierBuilder<C, K, I, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder").finish_non_exhaustive()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}
