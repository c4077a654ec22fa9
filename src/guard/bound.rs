//! [`bound`]: the token's sender must have proven that it is theirs.

use super::condition::guard_fn;
use super::traits::Guard;

/// Passes tokens that are bound to their sender, who has proven it: by DPoP or by a client certificate
/// ([`bound`](crate::bound)). For routes where a stolen token would do most harm, in a service that
/// accepts bearer tokens elsewhere.
///
/// Bearer tokens are denied with 403. Where none is good enough, say `only_bound()` of the layer, whose
/// challenge then asks for what is needed.
#[must_use]
#[doc(alias("dpop", "mtls", "sender-constrained"))]
pub fn bound() -> impl Guard {
    guard_fn(|principal| principal.binding().is_bound())
}
