//! Client certificates, [RFC 8705 §3](https://www.rfc-editor.org/rfc/rfc8705#section-3): the token names
//! the certificate (`cnf.x5t#S256`), and TLS has proven that the client holds its key.
//!
//! Whoever ends the TLS connection sees the certificate: this process, or a proxy that passes it on in a
//! header field. [`ClientCertificates`] says which, and nothing else is looked at.
//!
//! The certificate need not be issued by an authority: the token names it exactly. The TLS server asks
//! for a certificate and may accept any; what it must do is to check that the client holds the key, as
//! every TLS library does.
//!
//! [`guide::bound_tokens`](crate::guide::bound_tokens#with-client-certificates) has the lines for axum with
//! tokio-rustls, tonic, Envoy and nginx.

mod certificate;
mod certificates;
mod fields;

pub use certificate::ClientCertificate;
pub use certificates::ClientCertificates;
