//! [`Policy`]: a guard with a name, for handler signatures.

use super::traits::Guard;

/// Names a guard, so that a handler's signature can say what it needs: `Granted<CanWrite, User>`.
///
/// ```
/// use tower_bearer::guard::{Guard, Policy, all, role, scope};
///
/// struct CanWrite;
/// impl Policy for CanWrite {
///     fn guard() -> impl Guard {
///         all((scope("orders:write"), role("clerk")))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy",
    note = "`Granted<P, C>` takes the policy first and the claims type second",
    note = "a policy is a unit struct: `impl Policy for CanWrite {{ fn guard() -> impl Guard {{ scope(\"orders:write\") }} }}`"
)]
pub trait Policy: 'static {
    /// The guard. It is made anew for every request; guards of string literals cost nothing to
    /// make, others are kept in a `static`.
    fn guard() -> impl Guard;
}
