//! [`Issuer`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::IssuerBuilder;
use super::request::{Access, Id, TokenRequest};
use crate::clock::{Clock, UnixTime};
use crate::issuer::compact::Compact;
use crate::issuer::keys::SigningKeys;
use crate::key::KeyError;

/// Signs access tokens. A clone is a handle on the same issuer.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// use tower_bearer::claims::StandardClaims;
/// use tower_bearer::issuer::{Issuer, SigningKeys};
/// use tower_bearer::key::Algorithm;
/// use tower_bearer::verify::Verifier;
///
/// let keys = SigningKeys::generate(Algorithm::EdDSA)?;
/// let issuer = Issuer::builder()
///     .keys(keys.clone())
///     .issuer("https://id.example.com")
///     .audience("orders-api")
///     .build()?;
/// let token = issuer.access_token("ada").client_id("web").scope("orders:read").issue()?;
///
/// // in the same process, or from the published keys in another
/// let verifier = Verifier::<StandardClaims>::builder()
///     .keys(keys.verification_keys())
///     .issuer("https://id.example.com")
///     .audience("orders-api")
///     .access_token_profile()
///     .build()?;
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
    pub fn access_token(&self, subject: impl Into<Box<str>>) -> TokenRequest<Access> {
        TokenRequest::new(self.clone(), subject.into())
    }

    /// An ID token for this client, of the type `id_token+jwt`, which no verifier of access tokens
    /// accepts.
    pub fn id_token(
        &self,
        subject: impl Into<Box<str>>,
        client_id: impl Into<Box<str>>,
    ) -> TokenRequest<Id> {
        TokenRequest::new(self.clone(), subject.into()).client_id(client_id)
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
