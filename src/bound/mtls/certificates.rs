//! [`ClientCertificates`]: where the client's certificate is.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;

use super::certificate::ClientCertificate;
use super::fields;
use crate::bound::peers::TrustedPeers;
use crate::head::RequestHead;
use crate::rejection::{Rejection, RejectionKind};

type Find = dyn Fn(&RequestHead<'_>) -> Option<ClientCertificate> + Send + Sync;

/// Where the certificate of the client is found: attached by the server that ends TLS, or in one header
/// field of a proxy that does.
#[derive(Clone)]
#[doc(alias("rfc8705", "mutual TLS", "x5t#S256"))]
pub struct ClientCertificates(Arc<Find>);

impl ClientCertificates {
    /// The [`ClientCertificate`] in the request's extensions, which the server that ends TLS puts there.
    #[must_use]
    pub fn from_extension() -> Self {
        Self::by(|head| head.extensions().get::<ClientCertificate>().cloned())
    }

    /// What this finds in the extensions of a request, for servers that attach certificates in a type of
    /// their own, as tonic's `TlsConnectInfo`. It must not look at header fields, which anybody can
    /// send; and it must neither block nor panic.
    pub fn by(
        find: impl Fn(&RequestHead<'_>) -> Option<ClientCertificate> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(find))
    }

    /// `Client-Cert` ([RFC 9440](https://www.rfc-editor.org/rfc/rfc9440)), of these peers.
    #[must_use]
    pub fn from_client_cert(peers: TrustedPeers) -> Self {
        Self::in_field(HeaderName::from_static("client-cert"), peers, fields::client_cert)
    }

    /// `X-Forwarded-Client-Cert` of Envoy and Istio, of these peers: the `Hash` of its only element. The
    /// proxy has to write it anew (`SANITIZE_SET`): of several elements none is taken.
    #[must_use]
    pub fn from_envoy(peers: TrustedPeers) -> Self {
        let name = HeaderName::from_static("x-forwarded-client-cert");
        Self::in_field(name, peers, fields::envoy)
    }

    /// A PEM certificate, percent-encoded, in a field of this name: nginx's `$ssl_client_escaped_cert`,
    /// of these peers.
    #[must_use]
    pub fn from_escaped_pem(name: HeaderName, peers: TrustedPeers) -> Self {
        Self::in_field(name, peers, fields::escaped_pem)
    }

    fn in_field(
        name: HeaderName,
        peers: TrustedPeers,
        parse: fn(&str) -> Option<ClientCertificate>,
    ) -> Self {
        Self::by(move |head| {
            let mut values = head.headers().get_all(&name).iter();
            let value = values.next()?;
            if values.next().is_some() || value.len() > fields::LONGEST || !peers.trust(head) {
                return None;
            }
            parse(value.to_str().ok()?)
        })
    }

    /// Whether the request came with the certificate of this thumbprint.
    pub(in crate::bound) fn prove(
        &self,
        thumbprint: &str,
        head: &RequestHead<'_>,
    ) -> Result<(), Rejection> {
        let refused = |reason| Err(Rejection::new(RejectionKind::BoundToken, reason));
        match (self.0)(head) {
            Some(certificate) if certificate.thumbprint() == thumbprint => Ok(()),
            Some(_) => {
                refused("the client's certificate is another one than the token is bound to")
            }
            None => {
                refused("the token is bound to a certificate, and the request came without one")
            }
        }
    }
}

impl fmt::Debug for ClientCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificates")
    }
}
