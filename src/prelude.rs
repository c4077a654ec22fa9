//! What most files that protect something use: `use tower_bearer::prelude::*;`.
//!
//! The types of the crate's root, the traits whose methods are called or implemented, and the words of
//! guards.
//!
//! ```
//! use tower_bearer::prelude::*;
//!
//! struct CanWrite;
//! impl Policy for CanWrite {
//!     fn guard() -> impl Guard {
//!         all((scope("orders:write"), any((role("clerk"), role("admin")))))
//!     }
//! }
//! ```

#[cfg(feature = "axum")]
#[doc(no_inline)]
pub use crate::extract::Granted;
#[doc(no_inline)]
pub use crate::{
    authenticate::{Authenticator, Mode},
    claims::{Claims, Principal, StandardClaims},
    clock::Clock,
    guard::{Guard, Policy, all, any, claims, not, role, scope},
    key::{Key, Secret},
    layer::{AuthLayer, RequireLayer},
    rejection::{Rejection, RejectionKind},
    respond::Responder,
    revocation::{RevocationCheck, RevocationStore},
    verify::{TokenVerifier, Verifier},
};
