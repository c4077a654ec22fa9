//! The steps of authentication put together, without any tower in it.
//!
//! A request's head goes in; what comes out is an [`Authentication`] that the layer puts into the
//! request's extensions, or a [`Rejection`](crate::rejection::Rejection). In between, each step may
//! answer at once or later; as long as all answer at once, no future is made.

mod admission;
mod authentication;
mod authenticator;
mod future;
mod mode;
mod observe;

pub use authentication::Authentication;
pub(crate) use authenticator::Authenticator;
pub(crate) use future::AuthenticateFuture;
pub use mode::Mode;
#[cfg(all(feature = "issuer", feature = "tracing"))]
pub(crate) use observe::causes;
#[cfg(feature = "cookie")]
pub(crate) use observe::log;
#[cfg(all(test, feature = "issuer", feature = "tracing"))]
pub(crate) use observe::logged;
pub use observe::{AuthEvent, Decision, Observer};
