//! [`ProvenKey`]: what a client has proven at a token endpoint.

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// A key that the sender of a request has proven to hold, by a proof that is used up now: made by
/// [`Dpop::proven_key`](super::Dpop::proven_key) and by nothing else.
///
/// With the feature `issuer` it is what sessions and access tokens are bound to: `NewSession::bound_to`,
/// `RefreshRequest::proven_key`, `AccessTokenBuilder::bound_to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenKey {
    thumbprint: Box<str>,
    nonce: Option<HeaderValue>,
}

impl ProvenKey {
    pub(super) fn new(thumbprint: Box<str>, nonce: Option<HeaderValue>) -> Self {
        Self { thumbprint, nonce }
    }

    /// The SHA-256 thumbprint of the key, as base64url: the `jkt` of what is bound to it
    /// ([RFC 9449 §6.1](https://www.rfc-editor.org/rfc/rfc9449#section-6.1)).
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Gives the client its next nonce with a good answer, if the one that it has will end soon
    /// ([RFC 9449 §8.2](https://www.rfc-editor.org/rfc/rfc9449#section-8.2)).
    pub fn write_nonce(&self, headers: &mut HeaderMap) {
        if let Some(nonce) = &self.nonce {
            headers.insert(DPOP_NONCE, nonce.clone());
        }
    }
}
