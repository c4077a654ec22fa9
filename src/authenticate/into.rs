//! [`IntoAuthenticator`]: what a layer can be made of.

use super::authenticator::Authenticator;
use crate::revocation::{NoRevocation, RevocationCheck};
use crate::verify::TokenVerifier;

/// An [`Authenticator`], or a verifier alone: what
/// [`AuthLayer::new`](crate::layer::AuthLayer::new) takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not verify tokens",
    note = "give a `Verifier`, built with `Verifier::<YourClaims>::builder()`, or an `Authenticator`",
    note = "`build()` returns a `Result`: add `?`"
)]
pub trait IntoAuthenticator {
    /// What verifies tokens.
    type Verifier: TokenVerifier;
    /// What knows which were revoked.
    type Revocation: RevocationCheck;

    /// The authenticator.
    fn into_authenticator(self) -> Authenticator<Self::Verifier, Self::Revocation>;
}

impl<V: TokenVerifier> IntoAuthenticator for V {
    type Verifier = V;
    type Revocation = NoRevocation;

    fn into_authenticator(self) -> Authenticator<V> {
        Authenticator::new(self)
    }
}

impl<V: TokenVerifier, R: RevocationCheck> IntoAuthenticator for Authenticator<V, R> {
    type Verifier = V;
    type Revocation = R;

    fn into_authenticator(self) -> Self {
        self
    }
}
