//! Who may do what: scopes, roles and conditions on claims, and how they combine.
//!
//! A [`Guard`] looks at a [`Principal`](crate::claims::Principal) and lets it pass or says why not.
//! The same guards serve a [`RequireLayer`](crate::layer::RequireLayer) on a route,
//! `Granted<P, C>` in a handler's signature (feature `axum`), and plain calls: `user.require(role("clerk"))?`
//! of [`Claims`](crate::claims::Claims::require) or [`Principal`](crate::claims::Principal::require).
//!
//! 1. A request without a token is answered 401, by whatever guard.
//! 2. A missing scope is answered 403 `insufficient_scope` with all scopes that the operation needs
//!    ([RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)), so that a client can ask
//!    for them; a missing role, or any other condition, 403 and nothing else.
//! 3. An authentication that is too old or too weak is answered 401
//!    ([RFC 9470](https://www.rfc-editor.org/rfc/rfc9470)), so that a client can step up.
//! 4. In [`all`], what no new token can mend weighs most: a missing role hides a missing scope. In
//!    [`any`], it is the other way round: the answer names the way that is open. [`not`] turns a
//!    denial into a pass, and never an error.
//!
//! ```
//! use serde_json::json;
//! use tower_bearer::guard::{Guard, all, any, claims, role, scope};
//! use tower_bearer::testing::inject_with;
//! use tower_bearer::{Principal, RejectionKind};
//!
//! struct User { tenant: String }
//!
//! let guard = all((
//!     scope("orders:write"),
//!     any((role("clerk"), role("admin"))),
//!     claims(|user: &User| user.tenant == "acme"),
//! ));
//!
//! // What the layer puts into the extensions; here the feature `testing` does.
//! let check = |registered| {
//!     let mut extensions = http::Extensions::new();
//!     inject_with(&mut extensions, User { tenant: "acme".into() }, &registered);
//!     guard.check(Principal::from_extensions(&extensions).unwrap())
//! };
//! assert!(check(json!({"scope": "orders:write", "roles": ["clerk"]})).is_ok());
//!
//! let denied = check(json!({"roles": ["admin"]})).unwrap_err();
//! assert_eq!(denied.kind(), RejectionKind::InsufficientScope);
//! assert_eq!(denied.scope(), Some("orders:write"));
//!
//! let denied = check(json!({"scope": "orders:write"})).unwrap_err();
//! assert_eq!(denied.kind(), RejectionKind::Forbidden);
//! ```

mod bound;
mod combine;
mod condition;
mod hierarchy;
mod policy;
mod require;
mod role;
mod scope;
mod step_up;
#[cfg(all(test, feature = "testing"))]
mod tests;
mod traits;

pub use bound::bound;
pub use combine::{Guards, all, any, not};
pub use condition::{authenticated, claims, guard_fn};
pub use hierarchy::RoleHierarchy;
pub use policy::Policy;
pub use role::role;
pub use scope::scope;
pub use step_up::{acr_any_of, authenticated_within};
pub use traits::Guard;
