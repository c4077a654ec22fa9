//! [`Confirmation`]: by what proof a bound token's sender shows that it is theirs.

use std::fmt;

use super::text::Text;

/// `cnf` of a token: it is bound to a key or certificate, and whoever sends it has to prove that they hold
/// that ([RFC 7800 §3.1](https://www.rfc-editor.org/rfc/rfc7800#section-3.1)).
///
/// A token that has one is no bearer token: layers reject it unless its sender proves that it is theirs,
/// see [`bound`](crate::bound).
#[derive(Clone, Copy)]
pub struct Confirmation<'a> {
    pub(super) methods: &'a Methods,
    pub(super) buffer: &'a str,
}

/// What stands in `cnf`.
#[derive(Clone, Default)]
pub(super) struct Methods {
    pub(super) jwk_thumbprint: Option<Text>,
    pub(super) certificate_thumbprint: Option<Text>,
    /// How many members there are beside those.
    pub(super) others: usize,
}

impl<'a> Confirmation<'a> {
    /// `jkt`: the SHA-256 thumbprint of the key that DPoP proofs are signed with, base64url
    /// ([RFC 9449 §6.1](https://www.rfc-editor.org/rfc/rfc9449#section-6.1)).
    #[must_use]
    pub fn jwk_thumbprint(&self) -> Option<&'a str> {
        self.methods.jwk_thumbprint.map(|text| text.get(self.buffer))
    }

    /// `x5t#S256`: the SHA-256 hash of the client certificate, base64url
    /// ([RFC 8705 §3.1](https://www.rfc-editor.org/rfc/rfc8705#section-3.1)).
    #[must_use]
    pub fn certificate_thumbprint(&self) -> Option<&'a str> {
        self.methods.certificate_thumbprint.map(|text| text.get(self.buffer))
    }

    /// Whether it names a method that this crate does not know. Then no proof of the others is enough.
    #[must_use]
    pub fn has_unknown_methods(&self) -> bool {
        self.methods.others > 0
    }

    /// How many methods it names, unknown ones included; zero for an empty object.
    #[must_use]
    pub fn methods(&self) -> usize {
        let known = [self.methods.jwk_thumbprint, self.methods.certificate_thumbprint];
        known.iter().flatten().count() + self.methods.others
    }
}

/// Says which methods it names, not what they hold.
impl fmt::Debug for Confirmation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = [
            ("jkt", self.methods.jwk_thumbprint.is_some()),
            ("x5t#S256", self.methods.certificate_thumbprint.is_some()),
            ("unknown", self.has_unknown_methods()),
        ];
        f.write_str("Confirmation ")?;
        f.debug_set()
            .entries(known.iter().filter(|(_, there)| *there).map(|(name, _)| name))
            .finish()
    }
}
