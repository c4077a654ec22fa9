//! [`Handover`]: a session carried to another domain by a signed token of seconds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::{SingleUseError, SingleUseErrorKind};
use super::store::SingleUseStore;
use super::tokens::SingleUseToken;
use crate::clock::{Clock, UnixTime};
use crate::credentials::BearerToken;
use crate::head::RequestHead;
use crate::issuer::token::Issuer;
use crate::key::IntoKeySource;
use crate::key::crypto::{once_id, random_id};
use crate::step::Step;
use crate::verify::{BuildError, TokenVerifier, Verifier};

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
    /// seconds: a session that goes over to another domain. [`Handover`] redeems it.
    ///
    /// The payload is signed, not encrypted: who has the token can read it.
    ///
    /// # Errors
    /// If the payload cannot be written, or signing fails.
    pub fn handover<T: Serialize + ?Sized>(
        &self,
        audience: &str,
        purpose: &str,
        payload: &T,
    ) -> Result<SingleUseToken, SingleUseError> {
        let payload = serde_json::to_value(payload)
            .map_err(|error| SingleUseError::new(SingleUseErrorKind::Payload).with_source(error))?;
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
        set("payload", payload);
        let text = self.sign(TYPE, &claims)?;
        Ok(SingleUseToken { text, expires_at: UnixTime::from_secs(expires_at) })
    }
}

#[derive(Deserialize)]
struct Carried {
    purpose: String,
    payload: Value,
}

/// Redeems the tokens that [`Issuer::handover`] makes, each once. A clone is a handle on the same.
///
/// It needs the issuer's public keys and a store of its own; all processes of the service share it.
pub struct Handover<S> {
    verifier: Verifier<Carried>,
    store: Arc<S>,
    clock: Arc<dyn Clock>,
}

impl<S: SingleUseStore> Handover<S> {
    /// Redeems tokens of this issuer for this audience, which is the own service.
    ///
    /// # Errors
    /// If there is no key.
    pub fn new(
        keys: impl IntoKeySource,
        issuer: &str,
        audience: &str,
        store: S,
        clock: impl Clock,
    ) -> Result<Self, BuildError> {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let verifier = Verifier::builder()
            .keys(keys)
            .issuer(issuer)
            .audience(audience)
            .token_type(TYPE)
            .require(["jti", "iat"])
            .max_age(Duration::from_secs(LIFETIME))
            .leeway(LEEWAY)
            .clock(Arc::clone(&clock))
            .build()?;
        Ok(Self { verifier, store: Arc::new(store), clock })
    }

    /// Yields the payload, once. A token for another purpose is rejected and stays as it is.
    ///
    /// # Errors
    /// As for [`SingleUse::redeem`](super::SingleUse::redeem).
    pub async fn redeem<T: DeserializeOwned>(
        &self,
        purpose: &str,
        token: &str,
    ) -> Result<T, SingleUseError> {
        let rejected = || SingleUseError::new(SingleUseErrorKind::Rejected);
        let bearer = BearerToken::parse(token)?;
        let verified = {
            let request = http::Request::new(());
            self.verifier.verify(bearer, &RequestHead::from(&request))
        };
        let verified = match verified {
            Step::Now(verified) => verified?,
            Step::Later(verified) => verified.await?,
        };
        let registered = verified.registered();
        let (Some(token_id), Some(issuer)) = (registered.token_id(), registered.issuer()) else {
            return Err(rejected());
        };
        let carried = verified.custom();
        if carried.purpose != purpose {
            return Err(rejected());
        }
        let id = once_id(&[b"handover", issuer.as_bytes(), token_id.as_bytes()])?;
        let until = registered.expires_at().unwrap_or(UnixTime::MAX).saturating_add(REMEMBERED);
        if !self.store.claim(&id, until, self.clock.now()).await? {
            return Err(rejected());
        }
        T::deserialize(&carried.payload)
            .map_err(|_| SingleUseError::new(SingleUseErrorKind::Payload))
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
