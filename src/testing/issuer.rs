//! [`TestIssuer`]: real tokens, signed with a key made for the test.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::unique::unique;
use crate::clock::{Clock, SystemClock, UnixTime};
use crate::key::{Algorithm, Key, KeyError, Secret, SigningKey};
use crate::verify::Verifier;
use crate::verify::builder::{Audiences, Issuers, Keys, VerifierBuilder};

/// How long minted tokens are valid unless they are told otherwise.
const LIFETIME: Duration = Duration::from_secs(300);

/// Issues tokens for tests, and the verifier that accepts them.
///
/// ```
/// use tower_bearer::claims::StandardClaims;
/// use tower_bearer::layer::AuthLayer;
/// use tower_bearer::testing::TestIssuer;
///
/// let issuer = TestIssuer::new();
/// let layer = AuthLayer::new(issuer.verifier::<StandardClaims>().build()?);
/// let good = issuer.token().subject("alice").scope("orders:write").sign();
/// let late = issuer.token().subject("alice").expired().sign();
/// # let _ = (layer, good, late);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[doc(alias("mock", "fixture", "mint"))]
pub struct TestIssuer {
    key: SigningKey,
    kid: String,
    issuer: String,
    audience: String,
    clock: Arc<dyn Clock>,
}

impl TestIssuer {
    /// The issuer of [`TestIssuer::new`], as `iss`.
    pub const ISSUER: &str = "https://issuer.test";
    /// The audience of [`TestIssuer::new`], as `aud`.
    pub const AUDIENCE: &str = "test-audience";

    /// An issuer with a fresh HS256 key.
    ///
    /// # Panics
    /// If no crypto backend is enabled.
    #[must_use]
    #[allow(clippy::expect_used, reason = "a test cannot go on without its key")]
    pub fn new() -> Self {
        Self::with_algorithm(Algorithm::HS256).expect("a crypto backend for the test issuer")
    }

    /// An issuer with a fresh key for this algorithm, whose `kid` is `test`. RSA keys take a
    /// noticeable time to make.
    ///
    /// # Errors
    /// If no crypto backend is enabled, or it does not have the algorithm.
    pub fn with_algorithm(algorithm: Algorithm) -> Result<Self, KeyError> {
        SigningKey::generate(algorithm).map(Self::with_key)
    }

    /// An issuer that signs with this private key: PKCS#8 as PEM (`PRIVATE KEY`).
    ///
    /// # Errors
    /// If the document is not exactly one private key that fits the algorithm, or a weak one.
    pub fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        SigningKey::from_pem(algorithm, pem).map(Self::with_key)
    }

    /// An issuer that signs with this shared secret.
    ///
    /// # Errors
    /// If the algorithm is not an HMAC one, or the secret is too short for it.
    pub fn from_secret(algorithm: Algorithm, secret: &Secret) -> Result<Self, KeyError> {
        SigningKey::hmac(algorithm, secret).map(Self::with_key)
    }

    fn with_key(key: SigningKey) -> Self {
        Self {
            key,
            kid: "test".to_owned(),
            issuer: Self::ISSUER.to_owned(),
            audience: Self::AUDIENCE.to_owned(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Signs with this `kid` in the header.
    #[must_use]
    pub fn key_id(mut self, kid: impl Into<String>) -> Self {
        self.kid = kid.into();
        self
    }

    /// Issues in this name.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = issuer.into();
        self
    }

    /// Issues for this audience.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Goes by this clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The key that verifies this issuer's tokens.
    ///
    /// # Panics
    /// Never: the key was checked when it was made.
    #[must_use]
    #[allow(clippy::expect_used, reason = "the signing key was made by this crate")]
    pub fn key(&self) -> Key {
        let key = self.key.verification_key();
        key.expect("the public half of a key that signs").with_id(&self.kid)
    }

    /// The public key as a JWK Set, as an identity provider would publish it. For HMAC algorithms
    /// the set is empty: their keys are not public.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let jwk = self.key.public_jwk().map(|mut jwk| {
            jwk["kid"] = self.kid.as_str().into();
            jwk
        });
        json!({ "keys": jwk.into_iter().collect::<Vec<_>>() })
    }

    /// A verifier builder with this issuer's key, name, audience and clock.
    pub fn verifier<C>(&self) -> VerifierBuilder<C, Keys, Issuers, Audiences> {
        Verifier::builder()
            .keys(self.key())
            .issuer(&self.issuer)
            .audience(&self.audience)
            .clock(Arc::clone(&self.clock))
    }

    /// A token of this issuer that is valid for five minutes and has an id of its own (`jti`), to be
    /// changed and signed. `.without("jti")` takes a claim away.
    pub fn token(&self) -> TokenBuilder<'_> {
        let now = self.clock.now();
        let mut header = Map::new();
        header.insert("alg".into(), self.key.algorithm().as_str().into());
        header.insert("typ".into(), "JWT".into());
        header.insert("kid".into(), self.kid.as_str().into());
        let token = TokenBuilder { issuer: self, header, claims: Map::new(), now };
        token
            .claim("iss", &self.issuer)
            .claim("aud", &self.audience)
            .claim("iat", now.as_secs())
            .claim("exp", now.saturating_add(LIFETIME).as_secs())
            .claim("jti", unique("jti"))
    }

    /// An access token for this client as
    /// [`access_token_profile`](crate::verify::VerifierBuilder::access_token_profile) wants it
    /// (RFC 9068): `typ` is `at+jwt`, and `client_id`, `sub` and `jti` are there.
    pub fn access_token(&self, client_id: impl Into<String>) -> TokenBuilder<'_> {
        self.token()
            .header("typ", "at+jwt")
            .claim("client_id", client_id.into())
            .subject("test-user")
    }
}

impl Default for TestIssuer {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for TestIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestIssuer").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// A token under construction: starts valid, and is changed by the test.
#[derive(Debug, Clone)]
#[must_use = "there is no token until `sign`"]
pub struct TokenBuilder<'a> {
    issuer: &'a TestIssuer,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    now: UnixTime,
}

impl TokenBuilder<'_> {
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

    /// Sets all members of a claims value, such as the application's own claims type.
    ///
    /// # Panics
    /// If it is not written as a JSON object.
    #[allow(clippy::panic, reason = "a wrong fixture should fail the test that wrote it")]
    pub fn claims(mut self, claims: impl Serialize) -> Self {
        match serde_json::to_value(claims) {
            Ok(Value::Object(claims)) => self.claims.extend(claims),
            _ => panic!("claims must be written as a JSON object"),
        }
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

    /// `sub`.
    pub fn subject(self, subject: impl Into<String>) -> Self {
        self.claim("sub", subject.into())
    }

    /// `jti`.
    pub fn token_id(self, id: impl Into<String>) -> Self {
        self.claim("jti", id.into())
    }

    /// `sid`.
    pub fn session_id(self, id: impl Into<String>) -> Self {
        self.claim("sid", id.into())
    }

    /// `scope`: the scopes, separated by spaces.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.claim("scope", scope.into())
    }

    /// `roles`.
    pub fn roles<'r>(self, roles: impl IntoIterator<Item = &'r str>) -> Self {
        self.claim("roles", roles.into_iter().collect::<Vec<_>>())
    }

    /// `exp`: this long after now.
    pub fn expires_in(self, lifetime: Duration) -> Self {
        let exp = self.now.saturating_add(lifetime).as_secs();
        self.claim("exp", exp)
    }

    /// Valid for a hundred years: for a developer's own machine.
    pub fn lasting(self) -> Self {
        self.expires_in(Duration::from_secs(100 * 365 * 24 * 60 * 60))
    }

    /// Issued two hours ago, expired an hour ago: beyond any leeway.
    pub fn expired(self) -> Self {
        let ago = |hours: u64| self.now.saturating_sub(Duration::from_secs(hours * 3600)).as_secs();
        let (iat, exp) = (ago(2), ago(1));
        self.claim("iat", iat).claim("exp", exp)
    }

    /// The compact token.
    #[must_use]
    pub fn sign(&self) -> String {
        self.sign_payload(Value::Object(self.claims.clone()).to_string().as_bytes())
    }

    /// The compact token with this payload instead of the claims, for payloads that no JSON writer
    /// would write.
    ///
    /// # Panics
    /// If the key refuses to sign.
    #[must_use]
    #[allow(clippy::expect_used, reason = "a test cannot go on without its token")]
    pub fn sign_payload(&self, payload: &[u8]) -> String {
        let header = Value::Object(self.header.clone()).to_string();
        self.sign_raw(header.as_bytes(), payload)
    }

    /// The compact token with this header and this payload.
    ///
    /// # Panics
    /// If the key refuses to sign.
    #[must_use]
    #[allow(clippy::expect_used, reason = "a test cannot go on without its token")]
    pub fn sign_raw(&self, header: &[u8], payload: &[u8]) -> String {
        self.issuer.key.sign_compact(header, payload).expect("the test key signs")
    }
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::*;
    use crate::claims::StandardClaims;
    use crate::credentials::BearerToken;
    use crate::head::RequestHead;
    use crate::rejection::Rejection;
    use crate::step::Step;
    use crate::verify::TokenVerifier;

    fn verify(
        verifier: VerifierBuilder<StandardClaims, Keys, Issuers, Audiences>,
        token: &str,
    ) -> Result<Option<String>, Rejection> {
        let bearer = BearerToken::parse(token).unwrap();
        let request = http::Request::new(());
        match verifier.build().unwrap().verify(bearer, &RequestHead::from(&request)) {
            Step::Now(verified) => Ok(verified?.registered().token_id().map(str::to_owned)),
            Step::Later(_) => panic!("the key is there"),
        }
    }

    #[test]
    fn tokens_are_such_as_production_settings_accept() {
        let issuer = TestIssuer::new();
        let one = verify(issuer.verifier(), &issuer.token().sign()).unwrap();
        let two = verify(issuer.verifier(), &issuer.token().sign()).unwrap();
        assert!(one.is_some() && one != two);
        let bare = issuer.token().without("jti").sign();
        assert_eq!(verify(issuer.verifier(), &bare).unwrap(), None);
        let profile = || issuer.verifier().access_token_profile();
        assert!(verify(profile(), &issuer.access_token("web").sign()).unwrap().is_some());
        assert!(verify(profile(), &issuer.token().subject("ada").sign()).is_err());
        assert!(verify(issuer.verifier(), &issuer.token().lasting().sign()).is_ok());
    }
}
