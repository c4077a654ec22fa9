//! [`ClientAuth`]: how this service proves to the endpoint that it may ask.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use serde_json::json;
use zeroize::Zeroizing;

use super::form;
use crate::clock::UnixTime;
use crate::credentials::BearerToken;
use crate::key::crypto::random_id;
use crate::key::{KeyError, Secret, SigningKey};

/// How long an assertion is good for: it is used at once.
const ASSERTION_LIFETIME: Duration = Duration::from_secs(60);
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How this service authenticates itself at the introspection endpoint, which must not answer just
/// anyone ([RFC 7662 §2.1](https://www.rfc-editor.org/rfc/rfc7662#section-2.1)).
///
/// The identity provider knows this service as a client of its own: register one for it, with the
/// method you choose here. `Debug` shows the method alone; secrets are wiped when dropped. The
/// request that carries them is the HTTP client's, and is not wiped.
#[derive(Clone)]
pub struct ClientAuth(Method);

#[derive(Clone)]
enum Method {
    Basic { id: String, secret: Secret },
    Post { id: String, secret: Secret },
    Bearer(Secret),
    Assertion(Arc<PrivateKeyJwt>),
}

impl ClientAuth {
    /// `client_secret_basic`: id and secret in the `Authorization` field, each form-encoded first
    /// ([RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).
    #[must_use]
    pub fn basic(client_id: impl Into<String>, secret: Secret) -> Self {
        Self(Method::Basic { id: client_id.into(), secret })
    }

    /// `client_secret_post`: id and secret in the body (RFC 6749 §2.3.1). Prefer
    /// [`basic`](Self::basic) where the endpoint takes it: bodies are logged more often.
    #[must_use]
    pub fn post(client_id: impl Into<String>, secret: Secret) -> Self {
        Self(Method::Post { id: client_id.into(), secret })
    }

    /// A bearer token of this service's own (RFC 7662 §2.1). It is sent as it is and not renewed.
    #[must_use]
    pub fn bearer(token: Secret) -> Self {
        Self(Method::Bearer(token))
    }

    /// Whether it can work at all; says what to change.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let empty_id = "the client id is empty: give the one this service is registered under";
        match &self.0 {
            Method::Basic { id, .. } | Method::Post { id, .. } if id.is_empty() => Err(empty_id),
            Method::Basic { secret, .. } | Method::Post { secret, .. }
                if secret.expose().is_empty() =>
            {
                Err("the client secret is empty")
            }
            Method::Bearer(token) => match str::from_utf8(token.expose()).map(BearerToken::parse) {
                Ok(Ok(_)) => Ok(()),
                _ => Err("the service's own token is not a bearer token (RFC 6750 section 2.1)"),
            },
            Method::Assertion(assertion) if assertion.client_id.is_empty() => Err(empty_id),
            Method::Assertion(assertion) if assertion.audience.is_empty() => {
                Err("the audience of the client's assertions is empty")
            }
            _ => Ok(()),
        }
    }

    /// Adds the credentials to a request.
    pub(super) fn apply(
        &self,
        now: UnixTime,
        headers: &mut HeaderMap,
        form: &mut Zeroizing<String>,
    ) -> Result<(), KeyError> {
        match &self.0 {
            Method::Basic { id, secret } => {
                let mut pair = Zeroizing::new(String::with_capacity(
                    3 * (id.len() + secret.expose().len()) + 1,
                ));
                form::encode(&mut pair, id.as_bytes());
                pair.push(':');
                form::encode(&mut pair, secret.expose());
                authorize(headers, "Basic ", STANDARD.encode(pair.as_bytes()).as_bytes());
            }
            Method::Bearer(token) => authorize(headers, "Bearer ", token.expose()),
            Method::Post { id, secret } => {
                form::append(form, "client_id", id.as_bytes());
                form::append(form, "client_secret", secret.expose());
            }
            Method::Assertion(assertion) => {
                form::append(form, "client_assertion_type", ASSERTION_TYPE.as_bytes());
                form::append(form, "client_assertion", assertion.sign(now)?.as_bytes());
            }
        }
        Ok(())
    }

    /// The most bytes that [`apply`](Self::apply) adds to a form, so that it need not grow: a form
    /// that grows leaves its old buffer behind.
    pub(super) fn form_len(&self) -> usize {
        match &self.0 {
            Method::Post { id, secret } => 64 + 3 * (id.len() + secret.expose().len()),
            Method::Basic { .. } | Method::Bearer(_) => 0,
            Method::Assertion(_) => 4096,
        }
    }
}

fn authorize(headers: &mut HeaderMap, scheme: &str, credentials: &[u8]) {
    let text = Zeroizing::new([scheme.as_bytes(), credentials].concat());
    // Base64 and b64tokens are visible ASCII, so there always is a value.
    if let Ok(mut value) = HeaderValue::from_bytes(&text) {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
}

impl From<PrivateKeyJwt> for ClientAuth {
    fn from(assertion: PrivateKeyJwt) -> Self {
        Self(Method::Assertion(Arc::new(assertion)))
    }
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Method::Basic { .. } => "ClientAuth(client_secret_basic)",
            Method::Post { .. } => "ClientAuth(client_secret_post)",
            Method::Bearer(_) => "ClientAuth(bearer)",
            Method::Assertion(_) => "ClientAuth(private_key_jwt)",
        })
    }
}

/// `private_key_jwt`: a token signed for each request with a private key of this service
/// ([RFC 7523 §2.2, §3](https://www.rfc-editor.org/rfc/rfc7523#section-2.2)). The identity provider
/// knows the public half only, and nothing worth stealing is sent.
///
/// ```no_run
/// # use tower_bearer::key::{Algorithm, SigningKey};
/// # use tower_bearer::verify::introspection::{ClientAuth, PrivateKeyJwt};
/// let key = SigningKey::from_pem_file(Algorithm::ES256, "/run/secrets/client.pem")?;
/// let auth: ClientAuth = PrivateKeyJwt::new("orders-api", key)
///     .audience("https://id.example.com")
///     .key_id("2024-06")
///     .into();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it proves nothing until a builder has it"]
pub struct PrivateKeyJwt {
    client_id: String,
    audience: String,
    key: SigningKey,
    key_id: Option<String>,
}

impl PrivateKeyJwt {
    /// Signs as this client with this key. The [`audience`](Self::audience) has to be named, too.
    pub fn new(client_id: impl Into<String>, key: SigningKey) -> Self {
        Self { client_id: client_id.into(), audience: String::new(), key, key_id: None }
    }

    /// Names the authorization server: its issuer identifier, unless it is known to want the URL of
    /// its token endpoint (RFC 7523 §3).
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Names the key in the assertion's header (`kid`), for clients that registered several. There
    /// is none by default: the server knows the key by its own name for it, if any.
    pub fn key_id(mut self, kid: impl Into<String>) -> Self {
        self.key_id = Some(kid.into());
        self
    }

    fn sign(&self, now: UnixTime) -> Result<Zeroizing<String>, KeyError> {
        let mut header = json!({ "alg": self.key.algorithm().as_str(), "typ": "JWT" });
        if let Some(kid) = &self.key_id {
            header["kid"] = kid.as_str().into();
        }
        let claims = json!({
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "jti": random_id()?,
            "iat": now.as_secs(),
            "exp": now.saturating_add(ASSERTION_LIFETIME).as_secs(),
        });
        let (header, claims) = (header.to_string(), claims.to_string());
        self.key.sign_compact(header.as_bytes(), claims.as_bytes()).map(Zeroizing::new)
    }
}

impl fmt::Debug for PrivateKeyJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKeyJwt")
            .field("client_id", &self.client_id)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(auth: &ClientAuth) -> (HeaderMap, String) {
        let (mut headers, mut form) = (HeaderMap::new(), Zeroizing::new("token=t".to_owned()));
        auth.apply(UnixTime::EPOCH, &mut headers, &mut form).unwrap();
        (headers, form.to_string())
    }

    #[test]
    fn rfc6749_s2_3_1_id_and_secret_are_form_encoded_before_base64() {
        let (headers, form) = applied(&ClientAuth::basic("a:b c", Secret::new("p%ä+&=/")));
        let field = headers[AUTHORIZATION].to_str().unwrap();
        let pair = STANDARD.decode(field.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(str::from_utf8(&pair).unwrap(), "a%3Ab%20c:p%25%C3%A4%2B%26%3D%2F");
        assert_eq!(form, "token=t");
        assert!(headers[AUTHORIZATION].is_sensitive());
    }

    #[test]
    fn post_adds_to_the_form_and_bearer_to_the_headers() {
        let (headers, form) = applied(&ClientAuth::post("a&b", Secret::new("s=cret")));
        assert!(headers.is_empty());
        assert_eq!(form, "token=t&client_id=a%26b&client_secret=s%3Dcret");
        let (headers, form) = applied(&ClientAuth::bearer(Secret::new("own.token")));
        assert_eq!(
            (headers[AUTHORIZATION].as_bytes(), &*form),
            (&b"Bearer own.token"[..], "token=t")
        );
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for (auth, problem) in [
            (ClientAuth::basic("", Secret::new("s")), "client id is empty"),
            (ClientAuth::post("", Secret::new("s")), "client id is empty"),
            (ClientAuth::basic("c", Secret::new("")), "client secret is empty"),
            (ClientAuth::post("c", Secret::new("")), "client secret is empty"),
            (ClientAuth::bearer(Secret::new("")), "not a bearer token"),
            (ClientAuth::bearer(Secret::new("a\r\nb")), "not a bearer token"),
            (ClientAuth::bearer(Secret::new(vec![0xff])), "not a bearer token"),
        ] {
            assert!(auth.check().unwrap_err().contains(problem), "{auth:?}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        for auth in [
            ClientAuth::basic("client", Secret::new("s3cret")),
            ClientAuth::post("client", Secret::new("s3cret")),
            ClientAuth::bearer(Secret::new("s3cret")),
        ] {
            assert!(!format!("{auth:#?}").contains("s3cret"));
        }
    }
}
