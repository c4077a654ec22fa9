//! Help for tests (feature `testing`): of services behind the layer, and of stores plugged into it.
//!
//! 1. [`TestIssuer`] makes a key, signs tokens with it and builds the verifier that accepts them:
//!    the whole stack is tested as it runs.
//! 2. [`inject`] puts claims into a request without any token, for a handler by itself.
//! 3. [`FakeClock`] stands still until the test moves it.
//! 4. [`revocation::conformance`] is the suite that every revocation store has to pass, one's own
//!    included. With the feature `issuer` there are others, for stores of refresh tokens and of
//!    single-use tokens.
//!
//! Enable the feature in `[dev-dependencies]` only: what is here panics where a service must not.

mod clock;
mod inject;
mod issuer;
pub mod once;
pub mod revocation;
#[cfg(feature = "issuer")]
#[cfg_attr(docsrs, doc(cfg(feature = "issuer")))]
pub mod session;
#[cfg(feature = "issuer")]
#[cfg_attr(docsrs, doc(cfg(feature = "issuer")))]
pub mod single_use;
mod unique;

pub use clock::FakeClock;
pub use inject::{inject, inject_with};
pub use issuer::{TestIssuer, TokenBuilder};
use unique::unique_id;
#[cfg(feature = "issuer")]
use unique::{unique, unique_hash};
