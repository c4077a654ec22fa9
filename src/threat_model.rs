//! What this crate defends against, and what it leaves to you. Documentation only.
//!
//! # Who is trusted
//!
//! Whoever configures the service, the holders of the configured keys, and the revocation store. A
//! client is not trusted with anything, and neither is a token before its signature was checked: the
//! one thing read earlier is `iss`, where several issuers are configured, to choose whose keys to
//! check it with.
//!
//! # What is defended against
//!
//! | Attack | Defence |
//! |---|---|
//! | `alg: none`, `alg` switched from RS256 to HS256 ([RFC 8725 §2.1](https://www.rfc-editor.org/rfc/rfc8725#section-2.1)) | The algorithm belongs to the key; the header's is only compared. A public key given as an HMAC secret is refused when it is loaded |
//! | Keys brought along: `jwk`, `jku`, `x5u`, `x5c` | Never looked at in tokens, never fetched |
//! | `kid` as a path, a query, a megabyte | A bounded string, looked up in a map |
//! | One issuer's key signing for another (RFC 8725 §2.7, §3.8) | Keys belong to an issuer; `iss` is required where it is configured |
//! | A token for one service used at another (RFC 8725 §3.9) | `aud` is required where it is configured, and not configuring it has to be spelled out |
//! | An ID token, a logout token or a security event used as access token (RFC 8725 §3.11) | `typ` that names another kind is rejected; with `access_token_profile`, so is its absence |
//! | Members that two parsers read differently: duplicates in the header and of registered claims, sloppy base64, trailing data | Rejected; claims are read once, for the application and for the rules together. Of other claims that appear twice your type decides: serde's structs refuse them, maps take the last |
//! | Critical extensions ignored (RFC 7515 §4.1.11, RFC 7797) | `crit` and `b64` are rejected |
//! | Signatures with r or s of zero, of the wrong length, in DER | Rejected by both crypto backends, tested against Wycheproof |
//! | Weak secrets and short RSA keys | Refused when they are loaded |
//! | A stolen token that is bound to its sender (`cnf`: DPoP, client certificates) | Rejected without the proof of its sender, which is good for one request; see [`bound`](crate::bound) |
//! | A proof that is used again, for another request, for another token, or made ahead | Method, URL, token and time are in it; a memory, shared if you say so, knows the used ones; nonces, if you want them, keep proofs from being made ahead |
//! | Header fields that claim a client certificate, or another URL | Looked at only where the code says so, and only from peers that it names |
//! | A stolen token | Short lifetimes, revocation by token, session and subject; refused at once when the store knows |
//! | A stolen refresh token (RFC 9700 §4.14) | Used once; the second use ends the session and revokes its access tokens. Only hashes are stored. With the feature `issuer` |
//! | The store kept from answering | 503: closed unless code says otherwise |
//! | A token sent twice, so that two parties read a different one | 400 |
//! | Pages of other sites that act through a user's cookie: forged forms, WebSockets of other origins, other subdomains and ports | Requests whose token came in a cookie are rejected if `Sec-Fetch-Site` or `Origin` tell of another origin, unless it is trusted; see [`CrossSiteProtection`](crate::credentials::CrossSiteProtection) |
//! | Input made to be large or deep | The token's length is bounded before anything is allocated; so is the depth of JSON, to 64, whatever parser features other crates turn on; names with a private meaning to the parser are refused |
//! | Timing of comparisons | Signatures and MACs are compared by the crypto backend in constant time. Issuers, audiences, scopes and roles are no secrets |
//! | Secrets in logs, errors and responses | `Debug` of tokens, keys and of this crate's claims types is redacted (of your own it is yours), headers are marked sensitive, parser messages are dropped since they quote values; what a client sees is fixed text |
//! | Handlers reached without the layer | Extractors and guards answer 500 and say so in the log; they never let a request through |
//!
//! # What is left to you
//!
//! - **TLS.** A bearer token is as good as a password while it is valid.
//! - **The order of layers.** In axum, `Router::layer` wraps the routes that were added before it. A
//!   route added later is not protected; its extractors and guards will answer 500, a handler that
//!   takes no claims will answer anyone.
//! - **CORS** belongs outside of the `AuthLayer`: a CORS layer there answers preflights, which browsers
//!   send without credentials, and lets scripts read why a request was rejected. Inside, preflights
//!   are rejected like any request without a token.
//!   [`let_preflights_pass`](crate::layer::AuthLayer::let_preflights_pass) lets them through to a
//!   service that need not look at the method (a handler registered with axum's `any`, a gRPC
//!   method): then guards and extractors are all that rejects them.
//! - **Authentication for a proxy** (`auth_request`, `ext_authz`, forward-auth): rejections of gRPC
//!   requests have HTTP status 200, as gRPC demands, and the proxy would take that for a yes. Give
//!   such a service `.without_grpc()`. It asks with `GET` about requests of any method: tokens
//!   in cookies need
//!   [`forwarded_method`](crate::credentials::CrossSiteProtection::forwarded_method) there.
//! - **Tokens in cookies:** GET, HEAD and OPTIONS pass the check of the origin, so they must change
//!   nothing. Scripts of your own pages, and of origins that you trust, act for the user: keep others
//!   from running scripts there. Set such cookies `Secure`, `HttpOnly` and `SameSite`, send
//!   `Strict-Transport-Security`, and let proxies pass `Host` and `Origin` on. A cookie that no
//!   source of the layer reads is not protected; tower-http's `csrf` layer covers those.
//! - **Memory of proofs.** With several processes and no shared [`replay`](crate::bound::DpopBuilder::replay)
//!   memory, a DPoP proof is good once at each of them.
//! - **Rate limits.** Rejecting a token costs less than accepting one, and still costs a signature
//!   check if the attacker knows a `kid`.
//! - **Lifetimes.** A verifier enforces `exp`; how far ahead it lies is the issuer's choice, unless
//!   [`max_age`](crate::verify::VerifierBuilder::max_age) is set.
//! - **What claims mean.** `email` is what someone typed unless `email_verified` says otherwise;
//!   `preferred_username` is no identifier. Identify users by issuer and `sub` together.
//! - **Memory.** Tokens live in header buffers that many parts of a server hold; they are not wiped.
//!   HMAC secrets and private keys that this crate holds are, with `aws-lc-rs`; with `rust-crypto` the
//!   prepared state of an HMAC key is not, nor is the text of a key set that
//!   [`allow_symmetric`](crate::key::JwksOptions::allow_symmetric) lets hold secrets.
