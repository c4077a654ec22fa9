//! [`Once`]: an id is claimed by one caller.

use std::fmt;
use std::sync::Arc;

use super::error::StoreError;
use crate::clock::UnixTime;

/// Remembers ids that must not come twice: of proofs of possession, logout tokens, signed tokens
/// that are good for one use. Write plain `async fn`.
///
/// 1. `claim` is one atomic step: of any number of concurrent claims of one id, exactly one is
///    `true`. The ids of different callers are apart by what they are a hash of.
/// 2. Time is `now` of the call, in whole seconds at least. An id is remembered until `until`, and
///    need not be any longer; a claim whose `until` is not after `now` is `false`.
/// 3. What has run out is removed by itself. A store that is full is an error: it forgets nothing
///    that may still be needed, since whatever it forgot could be used a second time.
/// 4. Every wait has a bound that the store sets itself, and what cannot be told is an error.
///
/// If a store loses its data, what was claimed before can be claimed again until it expires: keep
/// lifetimes to seconds or minutes.
///
/// `testing::once::conformance` (feature `testing`) tests a store for these rules.
#[doc(alias = "replay")]
#[doc(alias = "jti")]
#[doc(alias = "nonce")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not remember ids that were claimed",
    note = "implement `Once` with a plain `async fn claim`, or use `MemoryOnce`"
)]
pub trait Once: Send + Sync + 'static {
    /// Claims the id until `until`. `true` for exactly one caller, and for none if `until` has come.
    ///
    /// # Errors
    ///
    /// If that cannot be decided at present. The id may then be claimed.
    fn claim(
        &self,
        id: &OnceId,
        until: UnixTime,
        now: UnixTime,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

impl<S: Once> Once for Arc<S> {
    fn claim(
        &self,
        id: &OnceId,
        until: UnixTime,
        now: UnixTime,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        (**self).claim(id, until, now)
    }
}

/// What is claimed: a hash, such as the SHA-256 of everything that makes the thing one (what it is,
/// who issued it, its id), each part with its length. Of fixed size, whatever strangers send.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OnceId([u8; 32]);

impl OnceId {
    /// The id with this hash.
    #[must_use]
    pub const fn from_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for OnceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnceId")
    }
}
