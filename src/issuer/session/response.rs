//! [`TokenResponse`]: what a token endpoint answers.

use http::{Response, StatusCode};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::refresh_token::RefreshToken;
use crate::issuer::token::AccessToken;
use crate::respond::{BytesBody, json_response};

/// A successful answer ([RFC 6749 §5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1)):
/// `access_token`, `token_type`, `expires_in`, perhaps `refresh_token` and `scope`.
///
/// To be sent with [`into_response`](Self::into_response), which forbids caches to store it.
/// `Debug` redacts the tokens.
#[derive(Debug)]
#[must_use = "the client waits for its tokens"]
pub struct TokenResponse {
    access: AccessToken,
    refresh: Option<RefreshToken>,
}

impl TokenResponse {
    /// An answer with an access token alone: for machine clients, and where the refresh token goes
    /// into a cookie.
    pub fn new(access: AccessToken) -> Self {
        Self { access, refresh: None }
    }

    /// Adds the refresh token. Not for browsers: there it belongs into a cookie that scripts cannot
    /// read.
    pub fn with_refresh_token(mut self, refresh: RefreshToken) -> Self {
        self.refresh = Some(refresh);
        self
    }

    /// The answer as HTTP: 200, JSON, `Cache-Control: no-store`.
    #[must_use]
    pub fn into_response(self) -> Response<BytesBody> {
        match serde_json::to_vec(&self) {
            Ok(body) => json_response(StatusCode::OK, body),
            Err(_) => json_response(StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
        }
    }
}

impl Serialize for TokenResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut response = serializer.serialize_struct("TokenResponse", 5)?;
        response.serialize_field("access_token", self.access.expose_secret())?;
        response.serialize_field("token_type", self.access.token_type())?;
        let lifetime = self.access.expires_at().saturating_since(self.access.issued_at());
        response.serialize_field("expires_in", &lifetime.as_secs())?;
        if let Some(refresh) = &self.refresh {
            response.serialize_field("refresh_token", refresh.expose_secret())?;
        }
        if let Some(scope) = self.access.scope() {
            response.serialize_field("scope", scope)?;
        }
        response.end()
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for TokenResponse {
    fn into_response(self) -> axum_core::response::Response {
        Self::into_response(self).map(axum_core::body::Body::new)
    }
}
