//! [`Rejection`]: the one error of the request path, made for two readers.
//!
//! The client reads the status, the challenge and a short fixed text. The operator reads
//! [`Rejection::reason`] and [`source`](std::error::Error::source), which never leave the process
//! unless the operator sends them somewhere.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};

type BoxError = Box<dyn Error + Send + Sync>;

/// What kind of thing was wrong; decides status, challenge and gRPC code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// No credentials, or a scheme that the layer does not speak. 401, a challenge without `error`.
    MissingToken,
    /// The token was sent twice, or its header is ill-formed. 400, `invalid_request`.
    InvalidRequest,
    /// Not a well-formed token. 401, `invalid_token`, as are all kinds up to [`Self::Inactive`].
    MalformedToken,
    /// No trusted key fits the token's `kid`, algorithm and issuer.
    UnknownKey,
    /// The header's `alg` is not the algorithm of the key.
    WrongAlgorithm,
    /// The signature does not verify.
    InvalidSignature,
    /// `iss` is absent, ill-typed or names an issuer that is not trusted here.
    WrongIssuer,
    /// `aud` is absent, ill-typed or does not name this service.
    WrongAudience,
    /// `typ` names another kind of token.
    WrongType,
    /// `nbf` or `iat` lies in the future, beyond the leeway.
    NotYetValid,
    /// `exp` has passed, or the token is older than the maximum age. The description says so, so
    /// that a client knows to refresh.
    Expired,
    /// A claim is missing, ill-typed or does not fit the application's claims type.
    InvalidClaims,
    /// The token lacks an identifier (`jti`, `sid`, …) that the revocation check decides by: it
    /// could never be taken back. A setting of the issuer or of this service does not fit.
    MissingIdentifier,
    /// The token, its session or its subject's tokens were revoked.
    Revoked,
    /// The token is bound to its sender (`cnf`), and the request does not come from them as far as can be
    /// told: the key or certificate is another one or missing, it was sent as a bearer token, or no proof
    /// is asked for here
    /// ([RFC 9449 §7.2](https://www.rfc-editor.org/rfc/rfc9449#section-7.2),
    /// [RFC 8705 §3](https://www.rfc-editor.org/rfc/rfc8705#section-3)).
    BoundToken,
    /// The token is bound to nobody, and was sent as if it were, or only bound ones are accepted here.
    UnboundToken,
    /// The issuer says that the token is not active
    /// ([RFC 7662 §2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2)): expired, revoked or
    /// never issued, it does not say which. 401, `invalid_token`.
    Inactive,
    /// The DPoP proof is missing, was used before, or is wrong in any other way
    /// ([RFC 9449 §4.3](https://www.rfc-editor.org/rfc/rfc9449#section-4.3)). 401, `invalid_dpop_proof`.
    InvalidDpopProof,
    /// The DPoP proof has no nonce of this service that counts
    /// ([RFC 9449 §9](https://www.rfc-editor.org/rfc/rfc9449#section-9)). 401, `use_dpop_nonce`, and the
    /// answer has one.
    UseDpopNonce,
    /// The token lacks a scope. 403, `insufficient_scope`.
    InsufficientScope,
    /// The token lacks a role, or another guard said no. 403, no challenge.
    Forbidden,
    /// The token came in a cookie, and a page of another site caused the request
    /// ([`CrossSiteProtection`](crate::credentials::CrossSiteProtection)). 403, no challenge.
    CrossSite,
    /// The authentication is too old or too weak for this operation
    /// ([RFC 9470](https://www.rfc-editor.org/rfc/rfc9470)). 401,
    /// `insufficient_user_authentication`.
    InsufficientAuthentication,
    /// The keys cannot be fetched at present. 503, fails closed.
    KeysUnavailable,
    /// The revocation store cannot be asked at present. 503, fails closed.
    RevocationUnavailable,
    /// The introspection endpoint cannot be asked at present, or does not answer as it should. 503,
    /// fails closed.
    IntrospectionUnavailable,
    /// Whether a DPoP proof was used before cannot be told at present. 503, fails closed.
    ReplayUnavailable,
    /// The service is put together wrongly: the layer is missing, or it yields claims of another
    /// type. 500, with nothing more than the status or the responder's fixed text; the reason says
    /// how to mend it.
    Misconfigured,
}

impl RejectionKind {
    /// A name for metrics and logs, in snake case; it stays the same from version to version.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingToken => "missing_token",
            Self::InvalidRequest => "invalid_request",
            Self::MalformedToken => "malformed_token",
            Self::UnknownKey => "unknown_key",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::InvalidSignature => "invalid_signature",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::WrongType => "wrong_type",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::InvalidClaims => "invalid_claims",
            Self::MissingIdentifier => "missing_identifier",
            Self::Revoked => "revoked",
            Self::BoundToken => "bound_token",
            Self::UnboundToken => "unbound_token",
            Self::Inactive => "inactive",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InsufficientScope => "insufficient_scope",
            Self::Forbidden => "forbidden",
            Self::CrossSite => "cross_site",
            Self::InsufficientAuthentication => "insufficient_authentication",
            Self::KeysUnavailable => "keys_unavailable",
            Self::RevocationUnavailable => "revocation_unavailable",
            Self::IntrospectionUnavailable => "introspection_unavailable",
            Self::ReplayUnavailable => "replay_unavailable",
            Self::Misconfigured => "misconfigured",
        }
    }

    /// Whether the operation is denied to a client that is known, by what its token says.
    #[cfg(feature = "axum")]
    pub(crate) const fn is_denial(self) -> bool {
        matches!(self, Self::InsufficientScope | Self::InsufficientAuthentication | Self::Forbidden)
    }

    /// The HTTP status of this kind.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::InsufficientScope | Self::Forbidden | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::KeysUnavailable
            | Self::RevocationUnavailable
            | Self::IntrospectionUnavailable
            | Self::ReplayUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Misconfigured => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// The `grpc-status` of this kind: 16 UNAUTHENTICATED, 7 PERMISSION_DENIED, 14 UNAVAILABLE or
    /// 13 INTERNAL.
    #[must_use]
    pub fn grpc_status(self) -> u8 {
        match self {
            Self::InsufficientScope | Self::Forbidden | Self::CrossSite => 7,
            Self::KeysUnavailable
            | Self::RevocationUnavailable
            | Self::IntrospectionUnavailable
            | Self::ReplayUnavailable => 14,
            Self::Misconfigured => 13,
            _ => 16,
        }
    }

    /// The `error` code of the challenge
    /// ([RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1), RFC 9470 §3, RFC 9449 §7.1); `None`
    /// where the challenge has none or there is no challenge.
    #[must_use]
    pub fn error_code(self) -> Option<&'static str> {
        match self {
            Self::MissingToken
            | Self::Forbidden
            | Self::CrossSite
            | Self::KeysUnavailable
            | Self::RevocationUnavailable
            | Self::IntrospectionUnavailable
            | Self::ReplayUnavailable
            | Self::Misconfigured => None,
            Self::InvalidRequest => Some("invalid_request"),
            Self::InvalidDpopProof => Some("invalid_dpop_proof"),
            Self::UseDpopNonce => Some("use_dpop_nonce"),
            Self::InsufficientScope => Some("insufficient_scope"),
            Self::InsufficientAuthentication => Some("insufficient_user_authentication"),
            _ => Some("invalid_token"),
        }
    }

    /// Whether the response carries a `WWW-Authenticate` challenge.
    #[must_use]
    pub fn has_challenge(self) -> bool {
        self == Self::MissingToken || self.error_code().is_some()
    }

    /// The text for the client: fixed, printable ASCII without quotes or backslashes.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::MissingToken => "Authentication is required",
            Self::InvalidRequest => "The request carries ill-formed or repeated credentials",
            Self::Expired => "The access token expired",
            Self::InvalidDpopProof => "The DPoP proof is missing or invalid",
            Self::UseDpopNonce => "The DPoP proof needs the nonce of this answer",
            Self::InsufficientScope => "The access token lacks a required scope",
            Self::Forbidden => "Access is denied",
            Self::CrossSite => "The request came from another site",
            Self::InsufficientAuthentication => {
                "A more recent or stronger authentication is required"
            }
            Self::KeysUnavailable
            | Self::RevocationUnavailable
            | Self::IntrospectionUnavailable
            | Self::ReplayUnavailable => "Authentication is temporarily unavailable",
            Self::Misconfigured => "Internal server error",
            _ => "The access token is invalid",
        }
    }
}

/// Why a request was not let through.
///
/// `Display` and `Debug` show the kind and the operator's reason; neither ever holds a token or a
/// claim's value. The rejection of a response can be read from the response's extensions.
#[derive(Clone)]
#[doc(alias("error", "401", "unauthorized", "forbidden"))]
pub struct Rejection {
    kind: RejectionKind,
    /// Whether it concerns the scheme `DPoP`.
    dpop: bool,
    reason: &'static str,
    detail: Option<Arc<Detail>>,
}

#[derive(Clone, Default)]
struct Detail {
    source: Option<Arc<dyn Error + Send + Sync>>,
    scope: Option<Box<str>>,
    acr_values: Option<Box<str>>,
    max_age: Option<Duration>,
    retry_after: Option<Duration>,
    dpop_nonce: Option<HeaderValue>,
}

impl Rejection {
    /// A rejection of this kind, with a reason for the operator.
    ///
    /// The reason is fixed text on purpose: nothing that came with the request can end up in it.
    #[must_use]
    pub const fn new(kind: RejectionKind, reason: &'static str) -> Self {
        Self { kind, dpop: false, reason, detail: None }
    }

    /// Adds the error behind this rejection, for logs. It is never sent to the client.
    #[must_use]
    pub fn with_source(self, source: impl Into<BoxError>) -> Self {
        self.with(|detail| detail.source = Some(source.into().into()))
    }

    /// Adds the space-separated scopes that the operation needs, for the challenge's `scope`.
    #[must_use]
    pub fn with_scope(self, scope: impl Into<Box<str>>) -> Self {
        self.with(|detail| detail.scope = Some(scope.into()))
    }

    /// Adds the space-separated authentication context classes of which one is needed, for the
    /// challenge's `acr_values` (RFC 9470 §3).
    #[must_use]
    pub fn with_acr_values(self, acr_values: impl Into<Box<str>>) -> Self {
        self.with(|detail| detail.acr_values = Some(acr_values.into()))
    }

    /// Adds how old an authentication may be, for the challenge's `max_age` in whole seconds
    /// (RFC 9470 §3).
    #[must_use]
    pub fn with_max_age(self, max_age: Duration) -> Self {
        self.with(|detail| detail.max_age = Some(max_age))
    }

    /// Adds when to try again, for `Retry-After` in whole seconds, rounded up.
    #[must_use]
    pub fn with_retry_after(self, retry_after: Duration) -> Self {
        self.with(|detail| detail.retry_after = Some(retry_after))
    }

    /// Adds the nonce for the client's next DPoP proof, for the header field `DPoP-Nonce`
    /// ([RFC 9449 §9](https://www.rfc-editor.org/rfc/rfc9449#section-9)).
    #[must_use]
    pub fn with_dpop_nonce(self, nonce: HeaderValue) -> Self {
        self.with(|detail| detail.dpop_nonce = Some(nonce))
    }

    /// What kind of thing was wrong.
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// What exactly was wrong, for the operator.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.reason
    }

    /// The space-separated scopes that the operation needs.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.detail.as_ref()?.scope.as_deref()
    }

    /// The space-separated authentication context classes of which one is needed.
    #[must_use]
    pub fn acr_values(&self) -> Option<&str> {
        self.detail.as_ref()?.acr_values.as_deref()
    }

    /// How old an authentication may be.
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.detail.as_ref()?.max_age
    }

    /// When to try again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.detail.as_ref()?.retry_after
    }

    /// The nonce for the client's next DPoP proof.
    #[must_use]
    pub fn dpop_nonce(&self) -> Option<&HeaderValue> {
        self.detail.as_ref()?.dpop_nonce.as_ref()
    }

    /// It concerns credentials of the scheme `DPoP`, whose challenge is to tell it.
    pub(crate) fn in_dpop(self) -> Self {
        Self { dpop: true, ..self }
    }

    /// Whether the challenge of the scheme `DPoP` is to tell it.
    pub(crate) fn is_in_dpop(&self) -> bool {
        let own = [RejectionKind::InvalidDpopProof, RejectionKind::UseDpopNonce];
        self.dpop || own.contains(&self.kind)
    }

    fn with(mut self, set: impl FnOnce(&mut Detail)) -> Self {
        set(Arc::make_mut(self.detail.get_or_insert_default()));
        self
    }
}

impl From<RejectionKind> for Rejection {
    fn from(kind: RejectionKind) -> Self {
        Self::new(kind, kind.description())
    }
}

/// For what takes either a token or text that may be none.
impl From<Infallible> for Rejection {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::opaque::debug(f, "Rejection", &self.kind, self)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl Error for Rejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.detail.as_ref()?.source.as_deref()?;
        Some(source)
    }
}
