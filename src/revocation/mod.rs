//! Taking tokens back before they expire.
//!
//! A signed token is good until its `exp`, whatever happens to its owner. A revocation check asks,
//! on every request, whether it still counts.
//!
//! 1. A token can be taken back by itself (`jti`), with its session (`sid`), with everything of
//!    its subject that was issued before a moment ("log out everywhere", a new password), or by a
//!    version that the issuer counts up: [`Revocation`].
//! 2. A check decides by [`TokenIdentity`] alone and says which [`Identifiers`] it needs. A token
//!    that lacks one of them is rejected: it could never be taken back.
//! 3. A store that cannot be asked is an error and never "active": the layer answers 503.
//! 4. A check answers at once where it can ([`Step::Now`](crate::step::Step::Now)) and waits only
//!    where it must.
//!
//! Pick a check:
//!
//! | | answers | a revocation takes effect |
//! |---|---|---|
//! | [`MemoryStore`] | at once | at once, in this process, until it ends |
//! | your [`RevocationStore`] | after a round trip | at once, everywhere |
//! | [`Cached`] over that | mostly at once | after at most the staleness you give |
//! | `redis_store::RedisStore` | after a round trip | at once, everywhere |
//! | `redis_store::Replica` of that | at once | in milliseconds, everywhere |
//! | [`check_fn`], [`check_async_fn`] | as the closure does | as the closure does |
//! | [`both`] of two of them | when both did | when either does |
//! | [`BoxRevocationCheck`] of any of them, chosen at run time | as it does | as it does |
//! | [`NoRevocation`] | at once | never |
//!
//! **In deployment.** `MemoryStore` forgets on restart and knows nothing of other processes: with
//! more than one, use a shared store. Keep revocations until the tokens they cover have expired
//! *with the verifiers' leeway*, or a token outlives its revocation.
//!
//! ```
//! use tower_bearer::revocation::{MemoryStore, TokenIdentity};
//! use tower_bearer::clock::{Clock, SystemClock};
//! use std::time::Duration;
//!
//! let store = MemoryStore::new();
//! // In a handler, the `Claims` know all this: `claims.token_revocation()`.
//! let expires_at = SystemClock.now().saturating_add(Duration::from_secs(900));
//! let token = TokenIdentity::new().with_token_id("5f0c").with_expires_at(expires_at);
//! assert!(!store.status_now(&token).is_revoked());
//!
//! let logout = token.token_revocation().ok_or("the token has no jti")?;
//! store.revoke_now(&logout)?;
//! assert!(store.status_now(&token).is_revoked());
//! assert!(!store.status_now(&TokenIdentity::new().with_token_id("77aa")).is_revoked());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod both;
mod cached;
mod check;
mod entry;
mod fingerprint;
mod from_fn;
mod identifiers;
mod identity;
mod into_revocation;
mod marker;
mod memory;
#[cfg(feature = "replica")]
#[cfg_attr(docsrs, doc(cfg(feature = "replica")))]
pub mod replica;
mod status;
mod store;
mod table;

pub use self::both::{Both, BothFuture, both};
pub use self::cached::{Cached, CachedFuture};
pub use self::check::{BoxCheckFuture, BoxRevocationCheck, NoRevocation, RevocationCheck};
pub use self::entry::{Revocation, RevocationTarget};
pub use self::from_fn::{CheckAsyncFn, CheckFn, check_async_fn, check_fn};
pub use self::identifiers::Identifiers;
pub use self::identity::TokenIdentity;
pub use self::into_revocation::IntoRevocation;
pub use self::memory::{MemoryStore, MemoryStoreBuilder};
pub(crate) use self::status::OnOutage;
pub use self::status::RevocationStatus;
pub use self::store::{RevocationStore, StoreCheck};
#[doc(no_inline)]
pub use crate::store::{StoreError, StoreErrorKind};

#[cfg(feature = "redis")]
pub(crate) use self::fingerprint::random;
#[cfg(all(feature = "redis", feature = "issuer"))]
pub(crate) use self::marker::whole_seconds;
