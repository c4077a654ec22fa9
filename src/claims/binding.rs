//! [`Binding`]: what a token's sender has proven.

/// What the sender of a request has proven beside having the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Binding {
    /// Nothing: whoever has the token can use it. That includes bound tokens that were accepted
    /// [without proof](crate::dangerous::Dangerous#method.accept_bound_tokens_without_proof).
    #[default]
    Bearer,
    /// The key that the token is bound to, by a DPoP proof
    /// ([RFC 9449](https://www.rfc-editor.org/rfc/rfc9449)).
    Dpop,
    /// The client certificate that the token is bound to
    /// ([RFC 8705](https://www.rfc-editor.org/rfc/rfc8705)).
    Certificate,
    /// Both: the token is bound to either.
    DpopAndCertificate,
}

impl Binding {
    /// A name for metrics and logs, in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Dpop => "dpop",
            Self::Certificate => "certificate",
            Self::DpopAndCertificate => "dpop_and_certificate",
        }
    }

    /// Whether the sender has proven that the token is theirs.
    #[must_use]
    pub const fn is_bound(self) -> bool {
        !matches!(self, Self::Bearer)
    }
}

/// What came of the proof, and what the answer owes for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Proven {
    pub(crate) binding: Binding,
    /// The nonce of the proof will end soon: the answer is to have the next one.
    pub(crate) nonce_due: bool,
}
