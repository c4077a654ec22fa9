//! [`DynAuthenticator`]: one whose parts are chosen at run time.

use super::authenticator::Authenticator;
use crate::revocation::{BoxRevocationCheck, RevocationCheck};
use crate::verify::{BoxVerifier, TokenVerifier};

/// An [`Authenticator`] of a type that can be written down, whatever verifies its tokens and
/// whatever revokes them: what [`Authenticator::boxed`] yields.
pub type DynAuthenticator<C> = Authenticator<BoxVerifier<C>, BoxRevocationCheck>;

impl<V: TokenVerifier, R: RevocationCheck> Authenticator<V, R> {
    /// The same behind a type that names only the claims: for a struct's field, or where
    /// configuration decides between two of different types.
    ///
    /// What answers at once still does, for a virtual call; only what has to wait is boxed.
    pub fn boxed(self) -> DynAuthenticator<V::Claims> {
        self.map_checks(BoxVerifier::new, BoxRevocationCheck::new)
    }
}
