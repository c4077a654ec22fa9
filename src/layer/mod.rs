//! The tower layers: [`AuthLayer`] around a service, [`RequireLayer`] around what needs more.
//!
//! 1. [`AuthLayer`] authenticates each request and puts the outcome into its extensions, as
//!    [`Authentication`](crate::authenticate::Authentication), by which
//!    [`Claims<C>`](crate::claims::Claims) are found.
//! 2. [`RequireLayer`] lets pass whom its [`Guard`](crate::guard::Guard) lets pass. It has to be
//!    inside an [`AuthLayer`].
//! 3. What they reject is rendered in one place, by the outer `AuthLayer`, whoever rejected it: the
//!    layer, a guard, an extractor, or a handler that returned a
//!    [`Rejection`](crate::rejection::Rejection). The rejection itself rides in the response's
//!    extensions.
//! 4. The service that was polled ready is the one that is called. As long as keys and revocation
//!    are at hand, no future is boxed and the service is not cloned.
//!
//! Both work wherever a tower layer does: `Router::layer`, `Router::route_layer`, `ServiceBuilder`,
//! `tonic::transport::Server::builder().layer(..)`, plain hyper. With axum, remember that
//! `Router::layer` wraps the routes added before it.
//!
//! Deployment: put CORS, tracing and compression layers outside of the `AuthLayer`, rate limits for
//! anonymous clients outside too, and anything that trusts the user inside. A CORS layer inside would
//! see no preflight, since browsers send those without a token, and scripts could not read why a
//! request was rejected.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
//! use std::convert::Infallible;
//!
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_bearer::guard::scope;
//! use tower_bearer::testing::TestIssuer;
//! use tower_bearer::{AuthLayer, RequireLayer, StandardClaims};
//!
//! // The feature `testing` stands in for whoever issues the tokens.
//! let issuer = TestIssuer::new();
//! let service = ServiceBuilder::new()
//!     .layer(AuthLayer::new(issuer.verifier::<StandardClaims>().build()?).realm("orders"))
//!     .layer(RequireLayer::new(scope("orders:write")))
//!     .service(service_fn(|_: Request<String>| async {
//!         Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::from("taken")))
//!     }));
//! let ask = |token: String| {
//!     let request = Request::get("/").header("authorization", format!("Bearer {token}"));
//!     service.clone().oneshot(request.body(String::new()).unwrap())
//! };
//!
//! let good = issuer.token().scope("orders:write");
//! assert_eq!(ask(good.sign()).await?.status(), StatusCode::OK);
//!
//! let expired = ask(good.clone().expired().sign()).await?;
//! assert_eq!(expired.status(), StatusCode::UNAUTHORIZED);
//! assert_eq!(
//!     expired.headers()["www-authenticate"],
//!     "Bearer realm=\"orders\", error=\"invalid_token\", \
//!      error_description=\"The access token expired\"",
//! );
//!
//! let reader = ask(issuer.token().scope("orders:read").sign()).await?;
//! assert_eq!(reader.status(), StatusCode::FORBIDDEN);
//! # }
//! # Ok(())
//! # }
//! ```

mod auth_layer;
mod body;
mod config;
mod future;
mod render;
mod require;
mod requirement;
mod service;
mod shards;

#[doc(no_inline)]
pub use crate::authenticate::Mode;
pub use auth_layer::{AuthLayer, DynAuthLayer};
pub use body::ResponseBody;
pub use future::ResponseFuture;
#[cfg(feature = "axum")]
pub(crate) use render::undecorated;
pub use require::{RequireFuture, RequireLayer, RequireService};
#[doc(hidden)]
pub use requirement::{ByHead, Requirement};
pub use service::AuthService;
