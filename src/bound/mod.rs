//! Tokens that are bound to their sender: DPoP ([RFC 9449](https://www.rfc-editor.org/rfc/rfc9449)) and
//! client certificates ([RFC 8705](https://www.rfc-editor.org/rfc/rfc8705)).
//!
//! A stolen bearer token works for the thief until someone notices. A bound token names a key or a
//! certificate in its claim `cnf`, and whoever sends it has to prove with every request that they hold
//! the private half.
//!
//! 1. **A bound token is never accepted as a bearer token.** Without the settings of this module every
//!    token with a `cnf` is rejected, and with them every one whose proof is not complete.
//! 2. [`Dpop`] checks proofs of the header field `DPoP`: `AuthLayer::new(verifier).dpop(dpop)`.
//!    [`ClientCertificates`] finds the certificate of a TLS connection:
//!    `.client_certificates(certificates)`. Bearer tokens are accepted beside them unless
//!    `.only_bound()` is said.
//! 3. The token is checked first, and the thumbprint of the proof's key is compared before its
//!    signature is: whoever has no good token costs one check.
//! 4. A proof is good once, within its window of time, for one method, one URL and one token.
//! 5. Handlers and guards are told: [`Claims::binding`](crate::Claims::binding),
//!    [`guard::bound`](crate::guard::bound).
//!
//! The page [`guide::bound_tokens`](crate::guide::bound_tokens) goes through it by task.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
//! use std::convert::Infallible;
//!
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_bearer::bound::Dpop;
//! use tower_bearer::testing::{DpopClient, TestIssuer};
//! use tower_bearer::{AuthLayer, StandardClaims};
//!
//! // The feature `testing` stands in for the issuer and for the client.
//! let (issuer, client) = (TestIssuer::new(), DpopClient::new());
//! let service = ServiceBuilder::new()
//!     .layer(AuthLayer::new(issuer.verifier::<StandardClaims>().build()?)
//!         .dpop(Dpop::new("https://api.example.com")?))
//!     .service(service_fn(|_: Request<String>| async {
//!         Ok::<_, Infallible>(Response::new(String::from("taken")))
//!     }));
//! let ask = async |authorization: String, proof: &str| {
//!     let request = Request::get("/orders?page=2")
//!         .header("authorization", authorization)
//!         .header("dpop", proof);
//!     let request = request.body(String::new()).unwrap();
//!     service.clone().oneshot(request).await.unwrap().status().as_u16()
//! };
//!
//! let token = issuer.token().claim("cnf", client.confirmation()).sign();
//! let proof = client.proof("GET", "https://api.example.com/orders").token(&token).sign();
//! assert_eq!(ask(format!("DPoP {token}"), &proof).await, 200);
//! assert_eq!(ask(format!("DPoP {token}"), &proof).await, 401); // the same proof again
//! assert_eq!(ask(format!("Bearer {token}"), "").await, 401); // a thief
//! # }
//! # Ok(())
//! # }
//! ```

pub mod dpop;
pub mod mtls;
mod peers;
mod sender;
#[cfg(all(test, feature = "testing", any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests;

pub(crate) use dpop::DPOP_NONCE;
pub use dpop::{Dpop, DpopBuilder, DpopSigner, ProvenKey};
pub use mtls::{ClientCertificate, ClientCertificates};
pub use peers::TrustedPeers;
pub(crate) use sender::{Claiming, KeptHead, Proof, Sender};
