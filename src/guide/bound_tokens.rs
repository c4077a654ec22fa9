//! Sender-constrained tokens: a stolen token that is of no use to the thief. Documentation only.
//!
//! A bearer token works for whoever has it. A *bound* token names a key or a certificate (`cnf`), and
//! its sender proves with every request that they hold it. The issuer decides: a service that is not told
//! how to check the proof rejects bound tokens.
//!
//! | The clients are | Take |
//! |---|---|
//! | browsers, phones, programs on machines of others | DPoP ([RFC 9449](https://www.rfc-editor.org/rfc/rfc9449)): a key of the client's own, a small signed proof in each request |
//! | services with certificates of their own, a mesh | mutual TLS ([RFC 8705](https://www.rfc-editor.org/rfc/rfc8705)): nothing but the TLS connection |
//!
//! # With DPoP
//!
//! One line at the service, which names its public URL:
//!
//! ```
//! # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
//! use tower_bearer::AuthLayer;
//! use tower_bearer::bound::Dpop;
//!
//! # let verifier = tower_bearer::testing::TestIssuer::new().verifier::<tower_bearer::StandardClaims>().build()?;
//! let layer = AuthLayer::new(verifier).dpop(Dpop::new("https://api.example.com")?);
//! # let _ = layer;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | I want to | |
//! |---|---|
//! | accept bound tokens only | `.only_bound()` of the layer; for one route the guard [`bound`](crate::guard::bound()) |
//! | know in a handler | [`Claims::binding`](crate::Claims::binding) |
//! | run several processes | [`replay`](crate::bound::DpopBuilder::replay) with a store that all of them share, such as [`RedisStore`](crate::redis_store::RedisStore) |
//! | serve clients whose clocks are wrong, or keep proofs from being made ahead | [`shared_nonces`](crate::bound::DpopBuilder::shared_nonces) with one secret for all processes |
//! | serve several host names | [`url`](crate::bound::DpopBuilder::url) for each |
//! | stand behind a proxy that strips a prefix, or within `Router::nest("/v1", …)` | name it in the URL: `https://api.example.com/v1` |
//! | take host and scheme from a proxy | [`believe_x_forwarded`](crate::bound::DpopBuilder::believe_x_forwarded), of [peers that are trusted](crate::bound::TrustedPeers) |
//! | answer nginx's `auth_request` or Traefik's `ForwardAuth` | [`forward_auth`](crate::bound::DpopBuilder::forward_auth) |
//! | serve browsers of another origin | expose `DPoP-Nonce` and `WWW-Authenticate`, allow `Authorization` and `DPoP`, in the CORS layer |
//! | test | [`testing::DpopClient`](crate::testing::DpopClient) makes proofs |
//! | call a service that wants proofs | [`DpopSigner`](crate::bound::DpopSigner), with any HTTP client |
//!
//! Without a shared memory a proof is good once at *each* process: a thief on the way, who has both token
//! and proof, could send it to another one within its window. TLS is what keeps thieves from being on the
//! way.
//!
//! # Issue bound tokens
//!
//! At the token endpoint, the proof shows the client's key before anything is granted. A session that
//! began with a key is refreshed with that key only, and its access tokens are bound to it:
//!
//! ```
//! # #[cfg(all(feature = "issuer", any(feature = "aws-lc-rs", feature = "rust-crypto")))] {
//! use http::request::Parts;
//! use tower_bearer::bound::Dpop;
//! use tower_bearer::issuer::session::{
//!     BoundKey, NewSession, RefreshRequest, SessionError, Sessions, TokenResponse,
//! };
//!
//! async fn sign_in(sessions: &Sessions, dpop: &Dpop, request: &Parts) -> Result<TokenResponse, SessionError> {
//!     // 400 `invalid_dpop_proof` or `use_dpop_nonce`, if it is an error.
//!     let key = dpop.proven_key(request).await?;
//!     let mut session = NewSession::new("ada", "web"); // who has shown who they are
//!     if let Some(key) = &key {
//!         session = session.bound_to(key);
//!     }
//!     Ok(sessions.begin(session).await?.respond(|token| token)?)
//! }
//!
//! async fn refresh(
//!     sessions: &Sessions,
//!     dpop: &Dpop,
//!     request: &Parts,
//!     refresh_token: &str,
//! ) -> Result<TokenResponse, SessionError> {
//!     let key = dpop.proven_key(request).await?.map(BoundKey::from);
//!     let mut ask = RefreshRequest::new(refresh_token, "web");
//!     if let Some(key) = &key {
//!         ask = ask.proven_key(key); // another one: `invalid_grant`, and an event
//!     }
//!     Ok(sessions.refresh(ask).await?.respond(|token| token)?)
//! }
//! # }
//! ```
//!
//! [`ProvenKey::write_nonce`](crate::bound::ProvenKey::write_nonce) gives the client its next nonce with a
//! good answer. A `Dpop` for the token endpoint has the issuer's URL, and may share memory and nonces with
//! that of the service.
//!
//! # With client certificates
//!
//! ```
//! # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
//! use tower_bearer::AuthLayer;
//! use tower_bearer::bound::ClientCertificates;
//!
//! # let verifier = tower_bearer::testing::TestIssuer::new().verifier::<tower_bearer::StandardClaims>().build()?;
//! let layer =
//!     AuthLayer::new(verifier).client_certificates(ClientCertificates::from_extension());
//! # let _ = layer;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Whoever ends the TLS connection knows the certificate. **hyper or axum with tokio-rustls** puts it into
//! the extensions of each request of the connection, where it accepts connections:
//!
//! ```ignore
//! let stream = tls_acceptor.accept(tcp).await?; // a rustls ServerConfig that asks for certificates
//! let certificate = match stream.get_ref().1.peer_certificates() {
//!     Some([first, ..]) => Some(ClientCertificate::from_der(first)?),
//!     _ => None,
//! };
//! let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
//!     if let Some(certificate) = &certificate {
//!         request.extensions_mut().insert(certificate.clone());
//!     }
//!     router.clone().oneshot(request)
//! });
//! ```
//!
//! **tonic** has attached it already, in a type of its own:
//!
//! ```ignore
//! ClientCertificates::by(|head| {
//!     let info = head.extensions().get::<TlsConnectInfo<TcpConnectInfo>>()?;
//!     ClientCertificate::from_der(info.peer_certs()?.first()?).ok()
//! })
//! ```
//!
//! **A proxy** passes it on in a header field, which it has to remove from what clients send:
//!
//! | | Take |
//! |---|---|
//! | `Client-Cert` ([RFC 9440](https://www.rfc-editor.org/rfc/rfc9440)) | [`from_client_cert`](crate::bound::ClientCertificates::from_client_cert) |
//! | Envoy, Istio: `X-Forwarded-Client-Cert`, written anew (`SANITIZE_SET`) | [`from_envoy`](crate::bound::ClientCertificates::from_envoy) |
//! | nginx: `proxy_set_header X-SSL-Cert $ssl_client_escaped_cert;` | [`from_escaped_pem`](crate::bound::ClientCertificates::from_escaped_pem) |
//!
//! Each believes only the [peers](crate::bound::TrustedPeers) that it is given.
//!
//! An issuer binds sessions and tokens to a certificate as it does to a key: `NewSession::bound_to` and
//! `AccessTokenBuilder::bound_to` take a [`ClientCertificate`](crate::bound::ClientCertificate), too.
//!
//! # When it does not work
//!
//! The log has the reason of each rejection, see [`rejected`](super::rejected).
//!
//! | What the client is told | Usual cause |
//! |---|---|
//! | `invalid_dpop_proof` | `htu` is another URL than the one configured: another host, a missing prefix, a port; the clock; the proof of the first try was sent again with a retry |
//! | `use_dpop_nonce` | as it should be: the answer has the nonce, try once more with it |
//! | `invalid_token` with a good token | it was sent as `Bearer`; or the proof is by another key than the token was issued for |
