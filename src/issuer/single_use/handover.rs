//! [`Handover`]: a session carried to another domain by a signed token of seconds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::{SingleUseError, SingleUseErrorKind};
use super::nonce::{HandoverChallenge, HandoverNonce};
use super::tokens::SingleUseToken;
use crate::clock::{Clock, SystemClock, UnixTime};
use crate::credentials::BearerToken;
use crate::head::RequestHead;
use crate::issuer::token::Issuer;
use crate::key::IntoKeySource;
use crate::key::crypto::{once_id, random_id};
use crate::step::Step;
use crate::store::Once;
use crate::verify::builder::{Audiences, Issuers, Keys, NeedsAudience, NeedsIssuer, NeedsKeys};
use crate::verify::{BuildError, TokenVerifier, Verifier, VerifierBuilder};

/// The `typ` of these tokens: no verifier of access tokens accepts it.
const TYPE: &str = "handover+jwt";
/// How long one is valid, in seconds.
const LIFETIME: u64 = 10;
/// How far clocks of two machines may differ.
const LEEWAY: Duration = Duration::from_secs(5);
/// How long after it expired a token is remembered as used: longer than any of these machines may
/// accept it, whoever's clock forgets it.
const REMEMBERED: Duration = Duration::from_secs(60);

impl Issuer {
    /// A signed token that carries a payload to the service of this audience, once, within ten
    /// seconds, in the browser that the challenge came from: a session that goes over to another
    /// domain. [`Handover`] redeems it, and shows all steps.
    ///
    /// The payload is signed, not encrypted: who has the token can read it.
    ///
    /// # Errors
    /// If the payload cannot be written, or signing fails.
    pub fn handover<T: Serialize + ?Sized>(
        &self,
        audience: &str,
        purpose: &str,
        challenge: &HandoverChallenge,
        payload: &T,
    ) -> Result<SingleUseToken, SingleUseError> {
        let payload = serde_json::to_value(payload)
            .map_err(|error| SingleUseError::of(SingleUseErrorKind::Payload).with_source(error))?;
        let issued_at = self.now().as_secs();
        let expires_at = issued_at.saturating_add(LIFETIME);
        let mut claims = Map::new();
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set("iss", self.name().into());
        set("aud", audience.into());
        set("iat", issued_at.into());
        set("exp", expires_at.into());
        set("jti", random_id()?.into());
        set("purpose", purpose.into());
        set("challenge", challenge.as_str().into());
        set("payload", payload);
        let text = self.sign(TYPE, &claims)?;
        Ok(SingleUseToken { text, expires_at: UnixTime::from_secs(expires_at) })
    }
}

#[derive(Deserialize)]
struct Carried {
    purpose: String,
    challenge: String,
    payload: Value,
}

/// Redeems the tokens that [`Issuer::handover`] makes, each once, in the browser that asked. A clone
/// is a handle on the same.
///
/// It needs the issuer's public keys and a store; all processes of the service share it.
///
/// 1. The domain that the user goes to makes a [`HandoverNonce`], keeps it in a cookie of its own and
///    sends the browser to the domain that signs, with the [`HandoverChallenge`].
/// 2. That one makes the token for the user who is signed in there, and sends the browser back.
/// 3. The first takes the token with the nonce from the cookie. A link that somebody else started is
///    of no use in this browser, and one that was stolen is of no use in another.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
/// # futures_util::future::FutureExt::now_or_never(async {
/// # use tower_bearer::issuer::{Issuer, SigningKeys};
/// # use tower_bearer::key::Algorithm;
/// use tower_bearer::issuer::single_use::{Handover, HandoverChallenge, HandoverNonce};
/// use tower_bearer::store::MemoryOnce;
/// # let keys = SigningKeys::generate(Algorithm::EdDSA)?;
/// # let issuer =
/// #     Issuer::builder().keys(keys.clone()).issuer("https://id.example").audience("a").build()?;
///
/// // shop.example: the browser keeps the nonce, and is sent to id.example
/// let nonce = HandoverNonce::generate()?;
/// let cookie = nonce.set_cookie();
/// let query = nonce.challenge()?.as_str().to_owned();
///
/// // id.example: the user is signed in here
/// let challenge = HandoverChallenge::parse(&query).ok_or("no challenge")?;
/// let token = issuer.handover("https://shop.example", "sign-in", &challenge, &"ada")?;
///
/// // shop.example: `HandoverNonce::from_cookie(request.headers())`
/// let handover = Handover::builder(MemoryOnce::new())
///     .keys(keys.verification_keys())
///     .issuer("https://id.example")
///     .audience("https://shop.example")
///     .build()?;
/// let stranger = HandoverNonce::generate()?;
/// let token = token.expose_secret();
/// assert!(handover.redeem::<String>("sign-in", token, &stranger).await.is_err());
/// let user: String = handover.redeem("sign-in", token, &nonce).await?;
/// assert_eq!(user, "ada");
/// # let _ = cookie;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
pub struct Handover<S> {
    verifier: Verifier<Carried>,
    store: Arc<S>,
    clock: Arc<dyn Clock>,
}

impl<S: Once> Handover<S> {
    /// Sets up what redeems, with a store for what was used.
    pub fn builder(store: S) -> HandoverBuilder<S> {
        let verifier = Verifier::builder()
            .token_type(TYPE)
            .require(["jti", "iat"])
            .max_age(Duration::from_secs(LIFETIME))
            .leeway(LEEWAY);
        HandoverBuilder { verifier, store, clock: Arc::new(SystemClock) }
    }

    /// Yields the payload, once. A token for another purpose, or of another browser, is rejected and
    /// stays as it is.
    ///
    /// # Errors
    /// As for [`SingleUse::redeem`](super::SingleUse::redeem).
    pub async fn redeem<T: DeserializeOwned>(
        &self,
        purpose: &str,
        token: &str,
        nonce: &HandoverNonce,
    ) -> Result<T, SingleUseError> {
        let bearer = BearerToken::parse(token)?;
        let verified = {
            let request = http::Request::new(());
            self.verifier.verify(bearer, &RequestHead::from(&request))
        };
        let verified = match verified {
            Step::Now(verified) => verified?,
            Step::Later(verified) => verified.await?,
        };
        if verified.to_be_proven().is_some() {
            return Err(SingleUseError::rejected());
        }
        let registered = verified.registered();
        let (Some(token_id), Some(issuer)) = (registered.token_id(), registered.issuer()) else {
            return Err(SingleUseError::rejected());
        };
        let carried = verified.custom();
        if carried.purpose != purpose || !nonce.answers(&carried.challenge)? {
            return Err(SingleUseError::rejected());
        }
        let id = once_id(&[b"handover", issuer.as_bytes(), token_id.as_bytes()])?;
        let until = registered.expires_at().unwrap_or(UnixTime::MAX).saturating_add(REMEMBERED);
        if !self.store.claim(&id, until, self.clock.now()).await? {
            return Err(SingleUseError::rejected());
        }
        T::deserialize(&carried.payload)
            .map_err(|_| SingleUseError::of(SingleUseErrorKind::Payload))
    }
}

impl<S> Clone for Handover<S> {
    fn clone(&self) -> Self {
        Self {
            verifier: self.verifier.clone(),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
        }
    }
}

impl<S> fmt::Debug for Handover<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover").finish_non_exhaustive()
    }
}

/// Sets up a [`Handover`]: keys, issuer and audience are decisions, and `build` does not exist until
/// all three were taken.
#[must_use = "a builder does nothing until `build`"]
pub struct HandoverBuilder<S, K = NeedsKeys, I = NeedsIssuer, A = NeedsAudience> {
    verifier: VerifierBuilder<Carried, K, I, A>,
    store: S,
    clock: Arc<dyn Clock>,
}

impl<S, I, A> HandoverBuilder<S, NeedsKeys, I, A> {
    /// Redeems what these keys signed.
    pub fn keys(self, keys: impl IntoKeySource) -> HandoverBuilder<S, Keys, I, A> {
        let Self { verifier, store, clock } = self;
        HandoverBuilder { verifier: verifier.keys(keys), store, clock }
    }
}

impl<S, K, A> HandoverBuilder<S, K, NeedsIssuer, A> {
    /// Redeems tokens of this issuer.
    pub fn issuer(self, issuer: impl Into<String>) -> HandoverBuilder<S, K, Issuers, A> {
        let Self { verifier, store, clock } = self;
        HandoverBuilder { verifier: verifier.issuer(issuer), store, clock }
    }
}

impl<S, K, I> HandoverBuilder<S, K, I, NeedsAudience> {
    /// Redeems tokens for this audience, which is this service.
    pub fn audience(self, audience: impl Into<String>) -> HandoverBuilder<S, K, I, Audiences> {
        let Self { verifier, store, clock } = self;
        HandoverBuilder { verifier: verifier.audience(audience), store, clock }
    }
}

impl<S, K, I, A> HandoverBuilder<S, K, I, A> {
    /// Goes by this clock. The system's by default.
    pub fn clock(self, clock: impl Clock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        Self { verifier: self.verifier.clock(Arc::clone(&clock)), clock, ..self }
    }
}

impl<S: Once> HandoverBuilder<S, Keys, Issuers, Audiences> {
    /// What redeems.
    ///
    /// # Errors
    /// If there is no key, or a name is empty.
    pub fn build(self) -> Result<Handover<S>, BuildError> {
        let Self { verifier, store, clock } = self;
        Ok(Handover { verifier: verifier.build()?, store: Arc::new(store), clock })
    }
}

impl<S, K, I, A> fmt::Debug for HandoverBuilder<S, K, I, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandoverBuilder").finish_non_exhaustive()
    }
}
