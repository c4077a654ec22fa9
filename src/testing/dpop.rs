//! [`DpopClient`]: a client whose tokens are bound to a key of its own.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::unique::unique;
use crate::clock::{Clock, SystemClock, UnixTime};
use crate::key::crypto::{base64url, sha256_of};
use crate::key::{Algorithm, KeyError, SigningKey};

/// Makes DPoP proofs for tests ([RFC 9449](https://www.rfc-editor.org/rfc/rfc9449)), good ones and
/// others.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// use tower_bearer::testing::{DpopClient, TestIssuer};
///
/// let (issuer, client) = (TestIssuer::new(), DpopClient::new());
/// let token = issuer.token().claim("cnf", client.confirmation()).sign();
/// let proof = client.proof("GET", "https://api.example.com/orders").token(&token).sign();
/// # let _ = proof;
/// # }
/// ```
#[derive(Clone)]
pub struct DpopClient {
    key: SigningKey,
    jwk: Value,
    thumbprint: String,
    clock: Arc<dyn Clock>,
}

impl DpopClient {
    /// A client with a fresh ES256 key.
    ///
    /// # Panics
    /// If no crypto backend is enabled.
    #[must_use]
    #[allow(clippy::expect_used, reason = "a test cannot go on without its key")]
    pub fn new() -> Self {
        Self::with_algorithm(Algorithm::ES256).expect("a crypto backend for the test client")
    }

    /// A client with a fresh key for this algorithm.
    ///
    /// # Errors
    /// If it is symmetric, no crypto backend is enabled, or it does not have the algorithm.
    pub fn with_algorithm(algorithm: Algorithm) -> Result<Self, KeyError> {
        let key = SigningKey::generate(algorithm)?;
        let (jwk, thumbprint) = (key.bare_jwk()?, key.thumbprint()?);
        Ok(Self { key, jwk, thumbprint, clock: Arc::new(SystemClock) })
    }

    /// Goes by this clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The thumbprint of its key.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// The public key as JWK.
    #[must_use]
    pub fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// The claim `cnf` of tokens that are bound to its key.
    #[must_use]
    pub fn confirmation(&self) -> Value {
        json!({"jkt": self.thumbprint})
    }

    /// A good proof for a request without a token, to be changed and signed; each has an id of its own.
    pub fn proof(&self, method: &str, url: &str) -> ProofBuilder<'_> {
        let now = self.clock.now();
        let mut header = Map::new();
        header.insert("typ".into(), "dpop+jwt".into());
        header.insert("alg".into(), self.key.algorithm().as_str().into());
        header.insert("jwk".into(), self.jwk.clone());
        let proof = ProofBuilder { client: self, header, claims: Map::new(), now };
        proof
            .claim("jti", unique("proof"))
            .claim("htm", method)
            .claim("htu", url)
            .claim("iat", now.as_secs())
    }
}

impl Default for DpopClient {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for DpopClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DpopClient").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

/// A proof under construction: starts good, and is changed by the test.
#[derive(Debug, Clone)]
#[must_use = "there is no proof until `sign`"]
pub struct ProofBuilder<'a> {
    client: &'a DpopClient,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    now: UnixTime,
}

impl ProofBuilder<'_> {
    /// For a request with this token (`ath`).
    ///
    /// # Panics
    /// If no crypto backend is enabled.
    #[allow(clippy::expect_used, reason = "a test cannot go on without its proof")]
    pub fn token(self, token: &str) -> Self {
        let hash = sha256_of(token.as_bytes()).expect("a crypto backend for the test client");
        self.claim("ath", base64url(&hash))
    }

    /// With the nonce that the server gave.
    pub fn nonce(self, nonce: impl Into<String>) -> Self {
        self.claim("nonce", nonce.into())
    }

    /// Made this long ago.
    pub fn age(self, age: Duration) -> Self {
        let iat = self.now.saturating_sub(age).as_secs();
        self.claim("iat", iat)
    }

    /// Sets a claim, of whatever type and to whatever value.
    ///
    /// # Panics
    /// If the value cannot be written as JSON.
    #[allow(clippy::expect_used, reason = "a wrong fixture should fail the test that wrote it")]
    pub fn claim(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("a claim's value must be JSON");
        self.claims.insert(name.into(), value);
        self
    }

    /// Takes a claim away.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets a member of the header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), value.into());
        self
    }

    /// Takes a member of the header away.
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// The proof.
    #[must_use]
    pub fn sign(&self) -> String {
        let (header, claims) = (Value::Object(self.header.clone()), &self.claims);
        let claims = Value::Object(claims.clone()).to_string();
        self.sign_raw(header.to_string().as_bytes(), claims.as_bytes())
    }

    /// A proof with this header and these claims, in the text of which no JSON writer would write them.
    ///
    /// # Panics
    /// If the key refuses to sign.
    #[must_use]
    #[allow(clippy::expect_used, reason = "a test cannot go on without its proof")]
    pub fn sign_raw(&self, header: &[u8], claims: &[u8]) -> String {
        self.client.key.sign_compact(header, claims).expect("the test key signs")
    }
}
