//! [`Issuer`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::IssuerBuilder;
use super::draft::{AccessTokenBuilder, Draft, IdTokenBuilder};
use crate::clock::{Clock, UnixTime};
use crate::issuer::compact::Compact;
use crate::issuer::keys::SigningKeys;
use crate::key::KeyError;
use crate::verify::Verifier;
use crate::verify::builder::{Audiences, Issuers, Keys, VerifierBuilder};

/// Signs access tokens. A clone is a handle on the same issuer.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// use tower_bearer::claims::StandardClaims;
/// use tower_bearer::issuer::{Issuer, SigningKeys};
/// use tower_bearer::key::Algorithm;
///
/// let keys = SigningKeys::generate(Algorithm::EdDSA)?;
/// let issuer = Issuer::builder()
///     .keys(keys)
///     .issuer("https://id.example.com")
///     .audience("orders-api")
///     .build()?;
/// let token = issuer.access_token("ada").client_id("web").scope("orders:read").issue()?;
///
/// // in the same process; in another one by hand, from the published keys
/// let verifier = issuer.verifier::<StandardClaims>().build()?;
/// # let _ = (token, verifier);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[doc(alias("encode", "sign", "mint", "EncodingKey"))]
pub struct Issuer(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) keys: SigningKeys,
    pub(super) issuer: Box<str>,
    pub(super) audiences: Vec<Box<str>>,
    pub(super) lifetime: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

impl Issuer {
    /// Sets up an issuer.
    pub fn builder() -> IssuerBuilder {
        IssuerBuilder::new()
    }

    /// An access token for this subject (`sub`), by the profile of RFC 9068: `typ` is `at+jwt`, and
    /// `iss exp aud sub client_id iat jti` are there. The client's id has to be set.
    pub fn access_token(&self, subject: impl Into<Box<str>>) -> AccessTokenBuilder {
        Draft::new(self.clone(), subject.into())
    }

    /// An ID token for this client, of the type `id_token+jwt`, which no verifier of access tokens
    /// accepts.
    pub fn id_token(
        &self,
        subject: impl Into<Box<str>>,
        client_id: impl Into<Box<str>>,
    ) -> IdTokenBuilder {
        Draft::new(self.clone(), subject.into()).client_id(client_id)
    }

    /// A verifier builder for the access tokens of this issuer, in the same process: its keys as they
    /// rotate, its name, its audiences, the access token profile (RFC 9068) and its clock are set.
    ///
    /// A service with an audience of its own names that in place of the issuer's: see
    /// [`SigningKeys::verification_keys`].
    pub fn verifier<C>(&self) -> VerifierBuilder<C, Keys, Issuers, Audiences> {
        let Inner { keys, issuer, audiences, clock, .. } = &*self.0;
        let verifier = Verifier::builder().keys(keys.verification_keys()).issuer(&**issuer);
        // The builder of an issuer insists on an audience; an empty one accepts nothing.
        let (first, others) = match audiences.split_first() {
            Some((first, others)) => (&**first, others),
            None => ("", &[][..]),
        };
        let verifier = others.iter().fold(verifier.audience(first), |verifier, audience| {
            VerifierBuilder::<C, Keys, Issuers, Audiences>::audience(verifier, &**audience)
        });
        verifier.access_token_profile().clock(Arc::clone(clock))
    }

    /// The keys that it signs with.
    #[must_use]
    pub fn keys(&self) -> &SigningKeys {
        &self.0.keys
    }

    /// The name that it issues in (`iss`).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.issuer
    }

    /// How long its access tokens are valid at most.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.0.lifetime
    }

    pub(in crate::issuer) fn now(&self) -> UnixTime {
        self.0.clock.now()
    }

    pub(super) fn audiences(&self) -> Value {
        match self.0.audiences.as_slice() {
            [one] => Value::from(&**one),
            several => several.iter().map(|audience| Value::from(&**audience)).collect(),
        }
    }

    /// Signs these claims as a token of this type, with the current key.
    pub(in crate::issuer) fn sign(
        &self,
        typ: &str,
        claims: &Map<String, Value>,
    ) -> Result<Compact, KeyError> {
        let key = self.0.keys.current();
        let header = json!({"alg": key.algorithm().as_str(), "kid": key.id(), "typ": typ});
        let payload = serde_json::to_vec(claims).unwrap_or_default();
        key.sign_compact(header.to_string().as_bytes(), &payload).map(Compact::new)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("issuer", &self.0.issuer)
            .field("audiences", &self.0.audiences)
            .field("lifetime", &self.0.lifetime)
            .finish_non_exhaustive()
    }
}
