//! What was issued: [`AccessToken`], [`IdToken`].

use crate::clock::UnixTime;
use crate::issuer::compact::Compact;

macro_rules! issued {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// `Debug` redacts the token; the text is wiped when it is dropped.
        #[derive(Debug, Clone)]
        pub struct $name {
            pub(super) token: Compact,
            pub(super) token_id: Box<str>,
            pub(super) issued_at: UnixTime,
            pub(super) expires_at: UnixTime,
            /// The scopes, separated by spaces.
            pub(super) scope: Option<Box<str>>,
            /// Whether it is bound to a key that DPoP proofs are signed with.
            pub(super) is_dpop: bool,
        }

        impl $name {
            /// The compact token, to be given to its client and nobody else.
            #[must_use]
            pub fn expose_secret(&self) -> &str {
                self.token.as_str()
            }

            /// The scopes, separated by spaces, if any were asked for.
            #[must_use]
            pub fn scope(&self) -> Option<&str> {
                self.scope.as_deref()
            }

            /// The token's id (`jti`), by which it can be revoked.
            #[must_use]
            pub fn token_id(&self) -> &str {
                &self.token_id
            }

            /// When it was issued (`iat`).
            #[must_use]
            pub fn issued_at(&self) -> UnixTime {
                self.issued_at
            }

            /// When it expires (`exp`).
            #[must_use]
            pub fn expires_at(&self) -> UnixTime {
                self.expires_at
            }
        }
    };
}

issued! {
    /// A signed access token
    /// ([RFC 9068](https://www.rfc-editor.org/rfc/rfc9068)).
    AccessToken
}

impl AccessToken {
    /// `DPoP` if the token is bound to a key (`cnf.jkt`), else `Bearer`: the `token_type` of the answer
    /// ([RFC 9449 §5](https://www.rfc-editor.org/rfc/rfc9449#section-5)).
    #[must_use]
    pub fn token_type(&self) -> &'static str {
        if self.is_dpop { "DPoP" } else { "Bearer" }
    }
}

issued! {
    /// A signed ID token: tells a client who signed in, and opens nothing. Its type is not that of
    /// an access token, and its audience is the client.
    IdToken
}
