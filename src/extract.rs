//! Extractors for axum handlers (feature `axum`; over axum-core alone).
//!
//! | In a handler's signature | Yields |
//! |---|---|
//! | [`Claims<C>`] | the claims; anonymous requests are answered 401, in every mode |
//! | `Option<Claims<C>>` | `None` for anonymous requests; a bad token is still rejected |
//! | `Result<Claims<C>, Rejection>` | whatever came of it, in [`Inspect`](crate::authenticate::Mode::Inspect) mode |
//! | [`Granted<P, C>`] | the claims, if the policy `P` lets them pass |
//! | `Option<Granted<P, C>>` | `None` for anonymous requests and those that the policy denies |
//! | `Result<Granted<P, C>, Rejection>` | the claims, or why not |
//! | [`Principal`] | the same token, whatever the type of the claims |
//!
//! All need an [`AuthLayer`](crate::layer::AuthLayer) around the route. Without one, or with one
//! that yields another claims type, requests are answered 500 with an empty body (or what the
//! layer's responder makes of it) and the log says what to do.
//!
//! Coming from an extractor that verifies tokens by itself, and public routes that never look at the
//! header? Put a layer in [`Inspect`](crate::authenticate::Mode::Inspect) mode around the whole router:
//! each handler is then protected by what it takes, and by nothing else.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
//! use axum::{Router, body::Body, http::Request, routing::get};
//! use tower::ServiceExt;
//! use tower_bearer::authenticate::Mode;
//! use tower_bearer::testing::TestIssuer;
//! use tower_bearer::{AuthLayer, Claims, StandardClaims};
//!
//! async fn me(user: Claims<StandardClaims>) -> String {
//!     format!("hello {}", user.sub.as_deref().unwrap_or("machine"))
//! }
//!
//! async fn news(user: Option<Claims<StandardClaims>>) -> &'static str {
//!     if user.is_some() { "news for you" } else { "news for all" }
//! }
//!
//! // The feature `testing` stands in for whoever issues the tokens.
//! let issuer = TestIssuer::new();
//! let verifier = issuer.verifier::<StandardClaims>().build()?;
//! let app = Router::new()
//!     .route("/me", get(me))
//!     .route("/news", get(news))
//!     .layer(AuthLayer::new(verifier).mode(Mode::Optional));
//! let status = async |path: &str, token: Option<String>| {
//!     let mut request = Request::get(path);
//!     if let Some(token) = token {
//!         request = request.header("authorization", format!("Bearer {token}"));
//!     }
//!     let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await;
//!     response.unwrap().status().as_u16()
//! };
//!
//! let good = issuer.token().subject("alice");
//! assert_eq!(status("/me", Some(good.sign())).await, 200);
//! assert_eq!(status("/me", None).await, 401);
//! assert_eq!(status("/news", None).await, 200);
//! assert_eq!(status("/news", Some(good.expired().sign())).await, 401);
//! # }
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::authenticate::Authentication;
use crate::claims::{Claims, Principal};
use crate::guard::{Guard, Policy};
use crate::layer::{ResponseBody, undecorated};
use crate::rejection::Rejection;
use crate::respond::RequestInfo;

impl<C, S> FromRequestParts<S> for Claims<C>
where
    C: Send + Sync + 'static,
    S: Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Self::require_from(&parts.extensions)
    }
}

impl<C, S> OptionalFromRequestParts<S> for Claims<C>
where
    C: Send + Sync + 'static,
    S: Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        if is_anonymous(parts)? {
            return Ok(None);
        }
        Self::require_from(&parts.extensions).map(Some)
    }
}

/// The claims of a request that the policy `P` lets pass; dereferences to them.
///
/// ```
/// use tower_bearer::extract::Granted;
/// use tower_bearer::claims::StandardClaims;
/// use tower_bearer::guard::{Guard, Policy, scope};
///
/// struct CanWrite;
/// impl Policy for CanWrite {
///     fn guard() -> impl Guard {
///         scope("orders:write")
///     }
/// }
///
/// async fn create(user: Granted<CanWrite, StandardClaims>) -> String {
///     format!("created for {}", user.sub.as_deref().unwrap_or("a machine"))
/// }
/// ```
#[doc(alias("authorize", "rbac", "permission"))]
pub struct Granted<P, C> {
    claims: Claims<C>,
    policy: PhantomData<fn() -> P>,
}

impl<P, C> Granted<P, C> {
    /// The claims, without the proof.
    #[must_use]
    pub fn into_claims(self) -> Claims<C> {
        self.claims
    }
}

impl<P, C, S> FromRequestParts<S> for Granted<P, C>
where
    P: Policy,
    C: Send + Sync + 'static,
    S: Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let claims = Claims::<C>::require_from(&parts.extensions)?;
        P::guard().check(Authentication::of(&parts.extensions)?.principal()?)?;
        Ok(Self { claims, policy: PhantomData })
    }
}

/// `None` for anonymous requests and for those that the policy denies; what cannot be decided, and a
/// bad token, is still rejected.
impl<P, C, S> OptionalFromRequestParts<S> for Granted<P, C>
where
    P: Policy,
    C: Send + Sync + 'static,
    S: Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Rejection> {
        if is_anonymous(parts)? {
            return Ok(None);
        }
        match <Self as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(granted) => Ok(Some(granted)),
            Err(rejection) if rejection.kind().is_denial() => Ok(None),
            Err(rejection) => Err(rejection),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Authentication::of(&parts.extensions)?.principal().cloned()
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        if is_anonymous(parts)? {
            return Ok(None);
        }
        Authentication::of(&parts.extensions)?.principal().cloned().map(Some)
    }
}

fn is_anonymous(parts: &Parts) -> Result<bool, Rejection> {
    let outcome = Authentication::of(&parts.extensions)?;
    Ok(matches!(outcome, Authentication::Anonymous | Authentication::Preflight))
}

impl<P, C> Deref for Granted<P, C> {
    type Target = Claims<C>;

    fn deref(&self) -> &Claims<C> {
        &self.claims
    }
}

impl<P, C> Clone for Granted<P, C> {
    fn clone(&self) -> Self {
        Self { claims: self.claims.clone(), policy: PhantomData }
    }
}

impl<P, C> fmt::Debug for Granted<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Granted").field("claims", &self.claims).finish_non_exhaustive()
    }
}

/// The response a client gets; the [`AuthLayer`](crate::layer::AuthLayer) around the handler adds its
/// realm and renders it for gRPC where that was asked for.
impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let response: Response<ResponseBody<Body>> = undecorated(self, RequestInfo::default());
        response.map(Body::new)
    }
}
