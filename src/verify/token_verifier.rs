//! [`TokenVerifier`]: the step from a bearer token to a verified one.

use super::verified::Verified;
use crate::credentials::BearerToken;
use crate::head::RequestHead;
use crate::rejection::Rejection;
use crate::step::Step;

/// Turns a bearer token into a [`Verified`] one, or says why not.
///
/// [`Verifier`](super::Verifier) does so for signed tokens. The head of the request is there for
/// tokens that are bound to their sender. A verifier of your own says by name that it has checked a
/// token: [`Verified::dangerous_vouched`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not verify tokens",
    note = "give the layer a `Verifier`, built with `Verifier::<YourClaims>::builder()`",
    note = "`build()` returns a `Result`: add `?`"
)]
pub trait TokenVerifier: Clone + Send + Sync + 'static {
    /// The application's claims type.
    type Claims: Send + Sync + 'static;
    /// The answer, where it takes waiting for keys.
    type Future: Future<Output = Result<Verified<Self::Claims>, Rejection>> + Send + 'static;

    /// Verifies the token.
    ///
    /// # Errors
    /// A [`Rejection`] for every token that is not right in all respects, and one of kind
    /// `KeysUnavailable` or `IntrospectionUnavailable` where that cannot be told at present.
    fn verify(
        &self,
        token: BearerToken,
        head: &RequestHead<'_>,
    ) -> Step<Result<Verified<Self::Claims>, Rejection>, Self::Future>;
}
