//! The steps of authentication put together, without any tower in it.
//!
//! An [`Authenticator`] turns a request's head, or a token that came some other way, into
//! [`Claims`](crate::claims::Claims). The [`AuthLayer`](crate::layer::AuthLayer) is plumbing around
//! one: it puts an [`Authentication`] into the extensions of each request, or answers with a
//! [`Rejection`](crate::rejection::Rejection). Each step may answer at once or later; as long as all
//! answer at once, no future is made.

mod admission;
mod authentication;
mod authenticator;
mod boxed;
mod checks;
mod into;
mod log;
mod mode;
mod observe;
#[cfg(all(test, feature = "testing", any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests;
#[cfg(any(feature = "tracing", test))]
mod throttle;

pub(crate) use admission::AfterEffects;
pub use authentication::Authentication;
pub use authenticator::Authenticator;
pub(crate) use authenticator::Deciding;
pub use boxed::DynAuthenticator;
pub use into::IntoAuthenticator;
#[cfg(all(feature = "issuer", feature = "tracing"))]
pub(crate) use log::causes;
#[cfg(feature = "cookie")]
pub(crate) use log::log;
#[cfg(all(test, feature = "issuer", feature = "tracing"))]
pub(crate) use log::logged;
pub use mode::Mode;
pub use observe::{AuthEvent, Decision};
