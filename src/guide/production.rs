//! What to check before real users come. Documentation only.
//!
//! **Tokens**
//!
//! - [ ] **TLS in front of everything.** Whoever reads a bearer token is its owner.
//! - [ ] **Issuer and audience are set.** `any_issuer()` and `any_audience()` are for tests and for tokens
//!   that have neither: without an audience, a token for the newsletter opens the accounts.
//! - [ ] **[`access_token_profile()`](crate::verify::VerifierBuilder::access_token_profile)** if the issuer
//!   follows RFC 9068 (`typ` is `at+jwt`). It keeps ID tokens out for certain.
//! - [ ] **Only your clients,** if the issuer has others:
//!   [`client`](crate::verify::VerifierBuilder::client), and
//!   [`require_value`](crate::verify::VerifierBuilder::require_value) for the rest.
//! - [ ] **Access tokens live for minutes.** [`max_age`](crate::verify::VerifierBuilder::max_age) bounds it
//!   here if the issuer does not.
//! - [ ] **Clocks are synchronised.** The leeway is for seconds; the default is 60.
//! - [ ] **Secrets come from the environment or a file**, never from the source
//!   ([`Secret::from_env`](crate::Secret::from_env)). With a shared secret, each service that verifies can
//!   also sign: prefer a key pair.
//! - [ ] **`.dangerous()` does not occur**, or there is a comment beside it.
//!
//! **The service**
//!
//! - [ ] **The layer is on every router that needs it**, after its routes. A handler that takes no claims
//!   and stands outside of the layer answers anyone; one that takes claims answers 500 there. One test
//!   that asks each path without a token finds both.
//! - [ ] **The order of layers:** CORS, tracing, compression and limits for strangers outside; what trusts
//!   the user inside. CORS *must* be outside, or preflights are rejected, and scripts cannot read why they were.
//! - [ ] **A limit on requests before the layer.** A forged token costs a signature check.
//! - [ ] **Tokens are not logged elsewhere:** the layer marks the header as sensitive for what is inside
//!   of it; a proxy or an outer layer may still print `Authorization`, cookies or a query string.
//! - [ ] **Tokens in cookies:** `Secure`, `HttpOnly`, `SameSite`, a `__Host-` name, HSTS; GET changes
//!   nothing; the proxy passes `Host` and `Origin` on. See
//!   [`CrossSiteProtection`](crate::credentials::CrossSiteProtection).
//! - [ ] **Users are identified by `iss` and `sub` together**, not by `email` or `preferred_username`.
//!
//! **Keys from an identity provider**
//!
//! - [ ] **Choose how to start:** `.eager().await?` fails when the provider is down; `.spawn()?` starts
//!   anyway and answers 503 until keys are there. With several replicas of a service take the second, and
//!   let readiness tell.
//! - [ ] **Readiness** asks [`Verifier::key_status`](crate::verify::Verifier::key_status), which covers all
//!   issuers and answers at once, or [`Verifier::ready`](crate::verify::Verifier::ready), which waits for a
//!   bounded time. Liveness asks neither: restarting does not bring a provider back.
//! - [ ] **A restart during an outage** serves if the keys of the process before are
//!   [exported](crate::key::remote::RemoteKeys::export) to a file that only the service can write, and
//!   [given](crate::key::remote::RemoteKeysBuilder::seed) to the next one.
//! - [ ] **You know how to throw a key out**: [`RemoteKeys::refresh`](crate::key::remote::RemoteKeys::refresh),
//!   from an endpoint for operators.
//!
//! **Revocation**
//!
//! - [ ] **The store is on the layer,** and there is a test that logs out and then gets a 401. Without
//!   `.revocation(..)` logging out does nothing until the token expires.
//! - [ ] **Several processes share one store.** [`MemoryStore`](crate::revocation::MemoryStore) knows its
//!   own process only, and nothing after a restart.
//! - [ ] **Revocations are kept for as long as the tokens live, plus the leeway.**
//! - [ ] **Redis:** `maxmemory-policy noeviction`, persistence on, an alarm for the health of replicas,
//!   `rediss://` or a network of its own. See [`redis_store`](crate::redis_store).
//! - [ ] **You have decided what an outage does:** see [`outages`](super::outages).
//!
//! **If you issue tokens**
//!
//! - [ ] **All instances sign with the same key**, from a file or a vault, and you have tried
//!   [rotating it](crate::issuer::SigningKeys).
//! - [ ] **[`on_reuse`](crate::issuer::session::SessionsBuilder::on_reuse) reaches a person**, and the
//!   user.
//! - [ ] **[`grace`](crate::issuer::session::SessionsBuilder::grace) is as it comes**,
//!   [`Grace::UntilUsed`](crate::issuer::session::Grace::UntilUsed), if clients are browsers or phones:
//!   answers get lost, tabs refresh at once. `Grace::Never` is for clients that lose nothing.
//! - [ ] **[`tell_pending`](crate::issuer::session::Sessions::tell_pending) is called** when a process
//!   starts and every few minutes: then no theft stays untold, whichever process dies.
//! - [ ] **Links and codes for users are [of the subject](crate::issuer::single_use::SingleUse::subject)**,
//!   in the store of the sessions: the end of all that a user has ends them too.
//! - [ ] **A change of password, e-mail or role ends all sessions of the user.**
//! - [ ] **Log-in has its own limits and its own log.** This crate checks no passwords.
//!
//! **Operation**
//!
//! - [ ] **`tower_bearer=info` is in the log filter**; with `debug`, each rejection has a line with its reason.
//! - [ ] **A counter by outcome and kind:** [`AuthLayer::observer`](crate::layer::AuthLayer::observer).
//!   Alarms: 503s at all, `unknown_key` and `wrong_audience` rising after a deployment, `revoked` rising
//!   after an incident.
//! - [ ] **The features are the ones you need** ([table](super::choose#which-features)), and `testing` is
//!   not among those of the release build.
//!
//! Then read [the threat model](crate::threat_model): it says what is left to you.
