//! [`ClientCertificate`].

use std::fmt;
use std::sync::Arc;

use crate::key::KeyError;
use crate::key::crypto::{base64url, sha256_of};

/// The certificate that a client has shown in its TLS connection, by its thumbprint: what the server puts
/// into the extensions of each request of that connection.
///
/// ```
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// use tower_bearer::bound::ClientCertificate;
///
/// let certificate = ClientCertificate::from_der(b"the certificate, as DER")?;
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(certificate);
/// # }
/// # Ok::<(), tower_bearer::key::KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate(Arc<str>);

impl ClientCertificate {
    /// The certificate of these bytes (DER), the first of the client's chain. Nothing of it is checked
    /// here: that the client holds its key is for TLS to say.
    ///
    /// # Errors
    /// If the crypto backend is missing.
    pub fn from_der(certificate: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Ok(Self::from_sha256(&sha256_of(certificate.as_ref())?))
    }

    /// The certificate whose DER has this SHA-256 hash.
    #[must_use]
    pub fn from_sha256(hash: &[u8; 32]) -> Self {
        Self(base64url(hash).into())
    }

    /// The hash as base64url: the `x5t#S256` of what is bound to the certificate
    /// ([RFC 8705 §3.1](https://www.rfc-editor.org/rfc/rfc8705#section-3.1)).
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({})", self.0)
    }
}
