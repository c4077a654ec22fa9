//! [`DpopSigner`]: proofs for calls to other services.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::proof::DPOP;
use super::proven::DPOP_NONCE;
use crate::clock::{Clock, SystemClock};
use crate::key::crypto::{base64url, random_id, sha256_of};
use crate::key::{Algorithm, KeyError, KeyErrorKind, SigningKey};

/// Servers whose nonces are remembered. With more, all are forgotten and learned anew.
const MOST_ORIGINS: usize = 256;
/// A longer nonce, in bytes, is not taken.
const LONGEST_NONCE: usize = 1024;

/// Signs requests that a service sends with tokens of its own, by any HTTP client: it writes
/// `Authorization` and `DPoP`, and remembers the nonces of each server. A clone shares key and nonces.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// use http::Request;
/// use tower_bearer::bound::DpopSigner;
/// use tower_bearer::key::Algorithm;
///
/// let signer = DpopSigner::generate(Algorithm::ES256)?;
/// let mut request = Request::get("https://api.example.com/orders").body(())?;
/// signer.sign(&mut request, Some("the.access.token"))?;
/// assert_eq!(request.headers()["authorization"], "DPoP the.access.token");
/// assert!(request.headers().contains_key("dpop"));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DpopSigner(Arc<Inner>);

struct Inner {
    key: SigningKey,
    /// `{"alg":…,"jwk":…,"typ":…}`.
    header: String,
    thumbprint: String,
    nonces: Mutex<HashMap<Box<str>, HeaderValue>>,
    clock: Arc<dyn Clock>,
}

impl DpopSigner {
    /// Signs with a new key, which is gone when the process ends.
    ///
    /// # Errors
    /// If the algorithm is symmetric, or the crypto backend is missing or fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        Self::new(SigningKey::generate(algorithm)?)
    }

    /// Signs with this key.
    ///
    /// # Errors
    /// [`KeyErrorKind::Symmetric`] if it is a shared secret.
    pub fn new(key: SigningKey) -> Result<Self, KeyError> {
        Self::by_clock(key, Arc::new(SystemClock))
    }

    /// Goes by this clock, with no nonces yet. Default: the system's.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn clock(self, clock: impl Clock) -> Result<Self, KeyError> {
        Self::by_clock(self.0.key.clone(), Arc::new(clock))
    }

    fn by_clock(key: SigningKey, clock: Arc<dyn Clock>) -> Result<Self, KeyError> {
        let (jwk, thumbprint) = (key.bare_jwk()?, key.thumbprint()?);
        let header = json!({"typ": "dpop+jwt", "alg": key.algorithm().as_str(), "jwk": jwk});
        let (header, nonces) = (header.to_string(), Mutex::default());
        Ok(Self(Arc::new(Inner { key, header, thumbprint, nonces, clock })))
    }

    /// The thumbprint of the key: the `jkt` of tokens that are bound to it.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// Writes the proof of a request, and the token if there is one: at a token endpoint there is none.
    /// The request has an absolute URI. A retry needs another proof: sign it again.
    ///
    /// # Errors
    /// If the URI is not absolute, the token is none, or signing fails.
    pub fn sign<B>(&self, request: &mut Request<B>, token: Option<&str>) -> Result<(), KeyError> {
        let odd = |text| KeyError::new(KeyErrorKind::Malformed, text);
        let origin = origin(request.uri()).ok_or_else(|| odd("the request has no absolute URI"))?;
        let nonce = self.nonces().get(&*origin).cloned();
        let mut claims = Map::new();
        claims.insert("jti".into(), random_id()?.into());
        claims.insert("htm".into(), request.method().as_str().into());
        claims.insert("htu".into(), format!("{origin}{}", request.uri().path()).into());
        claims.insert("iat".into(), self.0.clock.now().as_secs().into());
        if let Some(token) = token {
            claims.insert("ath".into(), base64url(&sha256_of(token.as_bytes())?).into());
        }
        if let Some(nonce) = nonce.as_ref().and_then(|nonce| nonce.to_str().ok()) {
            claims.insert("nonce".into(), nonce.into());
        }
        let claims = Value::Object(claims).to_string();
        let proof = self.0.key.sign_compact(self.0.header.as_bytes(), claims.as_bytes())?;
        let proof =
            HeaderValue::try_from(proof).map_err(|_| odd("the proof is no header value"))?;
        if let Some(token) = token {
            let value = HeaderValue::try_from(format!("DPoP {token}"));
            let mut value = value.map_err(|_| odd("the token is no header value"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        request.headers_mut().insert(DPOP, proof);
        Ok(())
    }

    /// Remembers the nonce of an answer, for the next request to this URI's server. `true` if the answer
    /// says that the request is to be sent again with it
    /// ([RFC 9449 §8](https://www.rfc-editor.org/rfc/rfc9449#section-8)); an answer of a token endpoint
    /// says so in its body, too, and any 400 with a nonce counts here.
    pub fn learn(&self, uri: &Uri, status: StatusCode, headers: &HeaderMap) -> bool {
        let (Some(origin), Some(nonce)) = (origin(uri), headers.get(DPOP_NONCE)) else {
            return false;
        };
        if nonce.len() > LONGEST_NONCE || nonce.to_str().is_err() {
            return false;
        }
        let mut nonces = self.nonces();
        if nonces.len() >= MOST_ORIGINS && !nonces.contains_key(&*origin) {
            nonces.clear();
        }
        let before = nonces.insert(origin.into(), nonce.clone());
        let is_new = before.as_ref() != Some(nonce);
        is_new && (status == StatusCode::BAD_REQUEST || wants_nonce(status, headers))
    }

    /// Signs a request and sends it by whatever sends requests; once more, if the server wants a nonce
    /// that it gives.
    ///
    /// ```
    /// # async fn example<E: From<tower_bearer::key::KeyError>>(
    /// #     signer: tower_bearer::bound::DpopSigner,
    /// #     client: impl AsyncFn(http::Request<String>) -> Result<http::Response<String>, E>,
    /// # ) -> Result<(), E> {
    /// let request = http::Request::get("https://api.example.com/orders").body(String::new());
    /// let response = signer.send(request.unwrap(), Some("the.access.token"), &client).await?;
    /// # let _ = response;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`sign`](Self::sign), and what sending yields.
    pub async fn send<B: Clone, R, E: From<KeyError>>(
        &self,
        request: Request<B>,
        token: Option<&str>,
        send: impl AsyncFn(Request<B>) -> Result<Response<R>, E>,
    ) -> Result<Response<R>, E> {
        let mut first = request.clone();
        self.sign(&mut first, token)?;
        let response = send(first).await?;
        if !self.learn(request.uri(), response.status(), response.headers()) {
            return Ok(response);
        }
        let mut second = request;
        self.sign(&mut second, token)?;
        let uri = second.uri().clone();
        let response = send(second).await?;
        self.learn(&uri, response.status(), response.headers());
        Ok(response)
    }

    /// Held for a look, never while waiting.
    fn nonces(&self) -> std::sync::MutexGuard<'_, HashMap<Box<str>, HeaderValue>> {
        self.0.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn origin(uri: &Uri) -> Option<String> {
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let authority = authority.as_str();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Some(format!("{scheme}://{host}"))
}

fn wants_nonce(status: StatusCode, headers: &HeaderMap) -> bool {
    let says = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| text.contains(r#"error="use_dpop_nonce""#))
    };
    status == StatusCode::UNAUTHORIZED && headers.get_all(WWW_AUTHENTICATE).iter().any(says)
}

impl fmt::Debug for DpopSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopSigner").field("key", &self.0.key).finish_non_exhaustive()
    }
}
