//! [`SessionError`]: why a session was not refreshed, listed or ended.

use std::error::Error;
use std::fmt;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

#[cfg(feature = "tracing")]
use crate::authenticate::causes;
use crate::bound::DPOP_NONCE;
use crate::issuer::error::IssueError;
use crate::key::KeyError;
use crate::rejection::{Rejection, RejectionKind};
use crate::respond::{BytesBody, json_response};
use crate::store::{StoreError, StoreErrorKind};

/// What kind of failure a [`SessionError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionErrorKind {
    /// The request lacks what it needs, or holds what it must not.
    InvalidRequest,
    /// The token is none, spent, expired, of another client, or its session has ended: the user has
    /// to sign in again.
    InvalidGrant,
    /// A scope was asked for that was not granted.
    InvalidScope,
    /// The DPoP proof is wrong, or was used before.
    InvalidDpopProof,
    /// The DPoP proof needs a nonce, which the answer has.
    UseDpopNonce,
    /// The policy allows this client no sessions.
    UnauthorizedClient,
    /// The token came in a cookie, and a page of another site caused the request.
    CrossSite,
    /// It cannot be decided at present. The client should try again with the same token; but an
    /// answer of a store behind a network may have got lost after the token was spent, and then
    /// only [`grace`](super::SessionsBuilder::grace) keeps the second try from being taken for
    /// theft.
    Unavailable,
    /// The store does not hold the kind of revocation that this takes: another store is needed.
    Unsupported,
    /// The access token could not be issued: a mistake in this service, such as a claim that is
    /// reserved, or its keys. The refresh token may have been spent: the user may have to sign in
    /// again.
    Failed,
}

impl SessionErrorKind {
    /// The `error` of the response
    /// ([RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2), RFC 9449 §5; for
    /// [`CrossSite`](Self::CrossSite), [`Unavailable`](Self::Unavailable) and the mistakes of this
    /// service the codes of §4.1.2.1, since §5.2 has none).
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::CrossSite => "access_denied",
            Self::Unavailable => "temporarily_unavailable",
            Self::Unsupported | Self::Failed => "server_error",
        }
    }

    /// 400; 403 for [`CrossSite`](Self::CrossSite), 503 for [`Unavailable`](Self::Unavailable), 500
    /// for [`Unsupported`](Self::Unsupported) and [`Failed`](Self::Failed).
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unsupported | Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// Why a session was not begun, refreshed, listed or ended.
///
/// The client is told the code only. `Display` is a fixed text for the log; what happened beneath is
/// in [`source`](Error::source).
pub struct SessionError {
    kind: SessionErrorKind,
    reason: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl SessionError {
    pub(super) fn new(kind: SessionErrorKind, reason: &'static str) -> Self {
        Self { kind, reason, source: None }
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> SessionErrorKind {
        self.kind
    }

    /// The error as the token endpoint answers it (RFC 6749 §5.2), not to be stored by any cache.
    ///
    /// The answer tells the code only, so what is behind it goes to the log (feature `tracing`).
    #[must_use]
    pub fn to_response(&self) -> Response<BytesBody> {
        self.log();
        let body = json!({ "error": self.kind.code() }).to_string();
        let mut response = json_response(self.kind.status(), body);
        if self.kind == SessionErrorKind::Unavailable {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        let rejection = self.source.as_deref().and_then(|it| it.downcast_ref::<Rejection>());
        if let Some(nonce) = rejection.and_then(Rejection::dpop_nonce) {
            response.headers_mut().insert(DPOP_NONCE, nonce.clone());
        }
        response
    }
}

impl SessionError {
    #[cfg(feature = "tracing")]
    fn log(&self) {
        let (kind, reason, source) = (self.kind, self.reason, causes(self));
        match kind {
            SessionErrorKind::Unsupported | SessionErrorKind::Failed => {
                tracing::error!(?kind, reason, source, "no token was issued")
            }
            SessionErrorKind::Unavailable => {
                tracing::warn!(?kind, reason, source, "no token was issued");
            }
            _ => tracing::debug!(?kind, reason, source, "no token was issued"),
        }
    }

    #[cfg(not(feature = "tracing"))]
    fn log(&self) {}
}

impl From<StoreError> for SessionError {
    fn from(error: StoreError) -> Self {
        let (kind, reason) = match error.kind() {
            StoreErrorKind::Unsupported => (
                SessionErrorKind::Unsupported,
                "the store does not hold revocations of this kind: sessions need those by session, \
                 by subject and by version",
            ),
            _ => (SessionErrorKind::Unavailable, "the store of sessions cannot tell"),
        };
        Self { source: Some(Box::new(error)), ..Self::new(kind, reason) }
    }
}

impl From<KeyError> for SessionError {
    fn from(error: KeyError) -> Self {
        let reason = "the crypto library failed";
        Self { source: Some(Box::new(error)), ..Self::new(SessionErrorKind::Failed, reason) }
    }
}

impl From<IssueError> for SessionError {
    fn from(error: IssueError) -> Self {
        let reason = "the access token could not be issued";
        Self { source: Some(Box::new(error)), ..Self::new(SessionErrorKind::Failed, reason) }
    }
}

/// For refresh tokens that are read from a request as bearer tokens are, from a cookie say; and for
/// DPoP proofs ([`Dpop::proven_key`](crate::bound::Dpop::proven_key)).
impl From<Rejection> for SessionError {
    fn from(rejection: Rejection) -> Self {
        let kind = match rejection.kind() {
            // The cookie has expired with the session: the user has to sign in again.
            RejectionKind::MissingToken => SessionErrorKind::InvalidGrant,
            RejectionKind::CrossSite => SessionErrorKind::CrossSite,
            RejectionKind::InvalidDpopProof => SessionErrorKind::InvalidDpopProof,
            RejectionKind::UseDpopNonce => SessionErrorKind::UseDpopNonce,
            RejectionKind::ReplayUnavailable => SessionErrorKind::Unavailable,
            RejectionKind::Misconfigured => SessionErrorKind::Failed,
            _ => SessionErrorKind::InvalidRequest,
        };
        let reason = rejection.reason();
        Self { source: Some(Box::new(rejection)), ..Self::new(kind, reason) }
    }
}

impl fmt::Debug for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::opaque::debug(f, "SessionError", &self.kind, self)
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl Error for SessionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

#[cfg(feature = "axum")]
impl axum_core::response::IntoResponse for SessionError {
    fn into_response(self) -> axum_core::response::Response {
        self.to_response().map(axum_core::body::Body::new)
    }
}

#[cfg(all(test, feature = "tracing"))]
mod tests {
    use super::*;
    use crate::authenticate::logged;

    #[test]
    fn what_the_client_is_not_told_is_in_the_log() {
        let text = logged(|| {
            let outage = SessionError::from(StoreError::unavailable("the disk is full of eels"));
            assert_eq!(outage.to_response().status(), StatusCode::SERVICE_UNAVAILABLE);
            let kind = crate::issuer::IssueErrorKind::Claims;
            let failed = SessionError::from(IssueError::new(kind, "`exp` is the issuer's"));
            assert_eq!(failed.to_response().status(), StatusCode::INTERNAL_SERVER_ERROR);
        });
        let [outage, failed] = text.lines().collect::<Vec<_>>().try_into().unwrap();
        assert!(outage.contains("WARN") && outage.contains("full of eels"), "{outage}");
        assert!(failed.contains("ERROR") && failed.contains("`exp` is"), "{failed}");
    }
}
