//! My token is rejected. Documentation only.
//!
//! The client is told little on purpose. The reason is in the log: `RUST_LOG=tower_bearer=debug`, with
//! tracing-subscriber, has a line for each rejection. Those that only a trusted issuer, a mistake in the
//! configuration or an outage can cause are warnings, once a minute and kind.
//!
//! ```text
//! WARN tower_bearer::authenticate::log: request rejected kind=wrong_audience reason="…" source=… hint=…
//! ```
//!
//! In a test, the [`Rejection`](crate::Rejection) is in the response's extensions:
//!
//! ```
//! use tower_bearer::Rejection;
//!
//! fn why<B>(response: &http::Response<B>) -> String {
//!     match response.extensions().get::<Rejection>() {
//!         Some(rejection) => format!("{:?}: {}", rejection.kind(), rejection.reason()),
//!         None => "the layer did not reject it".to_owned(),
//!     }
//! }
//! # assert!(why(&http::Response::new(())).contains("did not"));
//! ```
//!
//! | Kind | Status | Usual cause | What to do |
//! |---|---|---|---|
//! | `MissingToken` | 401 | no `Authorization` header; a proxy strips it; the scheme is not `Bearer`; the token is in a cookie | tell [`.source(..)`](crate::layer::AuthLayer::source) where it is |
//! | `MissingToken` on OPTIONS | 401 | a CORS preflight reached the layer | put the CORS layer outside of the `AuthLayer`, so that it answers preflights itself |
//! | `InvalidRequest` | 400 | `Bearer` twice, quotes around the token, a line break, the token sent in two places | look at the header's bytes; `curl -v` shows them |
//! | `MalformedToken` | 401 | an opaque token or an encrypted one where a signed JWT is expected; a token that was cut off | decode the part before the first dot; for opaque tokens see [`introspection`](crate::verify::introspection) |
//! | `UnknownKey` | 401 | the token is from another provider, tenant or environment; the key was withdrawn; the key file is old | the log has the token's `kid` and those of the keys |
//! | `WrongAlgorithm` | 401 | the key is for RS256 and the token says PS256; an RSA key without `alg` is read as RS256 | say so in [`JwksOptions`](crate::key::JwksOptions), or load the key for the right algorithm |
//! | `InvalidSignature` | 401 | another secret: a line break at its end, base64 taken as text; a key pair that does not belong together | [`Secret::from_base64`](crate::Secret::from_base64) for secrets that are written in base64 |
//! | `WrongIssuer` | 401 | a slash at the end, `http` for `https`, another host name, `/v2.0` left out | copy `iss` from a token, letter by letter |
//! | `WrongAudience` | 401 | the client asked for no audience, or for another API's; an ID token (its audience is the client) | copy `aud` from an *access* token; [`providers`](crate::key::remote::providers) tells how each sets it |
//! | `WrongType` | 401 | an ID, logout or refresh token; or [`access_token_profile()`](crate::verify::VerifierBuilder::access_token_profile) is on and the provider sends `typ: JWT` | send the access token, or leave the profile off |
//! | `Expired`, `NotYetValid` | 401 | clocks differ; milliseconds where seconds belong | compare `exp`, `nbf`, `iat` with `date +%s` |
//! | `InvalidClaims` | 401 | the claims type wants a member that the token lacks, or one of another type | the log names the member; make it an `Option`, or give it `#[serde(default)]` |
//! | `Revoked` | 401 | it was revoked | if it was not: the store may be shared with another service or test |
//! | `MissingIdentifier` | 401 | the token lacks the `jti` or `sid` that the store asks for | ask for another ([`Identifiers`](crate::revocation::Identifiers)), have the issuer add it, or [`may_lack`](crate::layer::AuthLayer::may_lack) |
//! | `BoundToken` | 401 | the token has a `cnf`: it is for one sender, who proves it. Either the service was not told how to check that, or it was sent as `Bearer`, by another key, or without the client certificate | [`bound_tokens`](super::bound_tokens); if something in front of the service checks the proof, [`dangerous()`](crate::verify::VerifierBuilder::dangerous) |
//! | `UnboundToken` | 401 | a bearer token sent as `DPoP`, or where only bound ones are accepted | have the client prove a key when it gets its token |
//! | `InvalidDpopProof` | 401 | the public URL that is configured is not the one that clients use; clocks differ; a proof was sent twice | the log says which |
//! | `UseDpopNonce` | 401 | every client's first request, where nonces are used | none: clients try once more |
//! | `Inactive` | 401 | the issuer says so: expired, revoked, or of another realm | ask the endpoint with `curl` |
//! | `InsufficientScope` | 403 | the token lacks the scope; it is in a claim other than `scope` or `scp` | the challenge names what is missing |
//! | `Forbidden` | 403 | a role is missing, or it is elsewhere than in `roles` | [`roles_at`](crate::verify::VerifierBuilder::roles_at) |
//! | `CrossSite` | 403 | a page of another origin, and the token in a cookie; a proxy that changes `Host` | [`CrossSiteProtection`](crate::credentials::CrossSiteProtection): trust the origin, or mend the proxy |
//! | `InsufficientAuthentication` | 401 | the login is too old or too weak for this operation | sign in again |
//! | `KeysUnavailable`, `RevocationUnavailable`, `IntrospectionUnavailable`, `ReplayUnavailable` | 503 | see [`outages`](super::outages); the log has the cause: DNS, TLS, a wrong URL | |
//! | `Misconfigured` | 500 | no layer around this route, or it yields another claims type | the log says which and where to put it |
//!
//! # It worked with the old library
//!
//! These are checked here and often not elsewhere: the secret has at least 32 bytes; `aud` and `iss` must be
//! there if they are configured; `exp` must be there; a `typ` that names another kind of token is
//! refused; claims that occur twice, base64 with padding, and dates as text are refused; `Bearer` and a
//! cookie at once are refused.
//!
//! # Look into a token
//!
//! ```sh
//! cut -d. -f1,2 <<< "$TOKEN" | tr . '\n' | while read -r part; do
//!   printf '%s' "$part" | tr '_-' '/+' | base64 -d 2> /dev/null; echo
//! done
//! ```
//!
//! Do not paste tokens of real users into web pages.
