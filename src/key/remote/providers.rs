//! Configuration for well-known identity providers.
//!
//! Two lines differ from one to the next: the issuer, exactly as the provider writes it, and the
//! audience. [`RemoteKeys::discover`](super::RemoteKeys::discover) refuses an issuer that differs
//! by so much as a slash, so a mistake shows at start with [`eager`](super::RemoteKeysBuilder::eager).
//! Where roles are elsewhere than in the claim `roles`, tell
//! [`roles_at`](crate::verify::VerifierBuilder::roles_at). Scopes are read from `scope` and `scp`,
//! as text or list, without being told.
//!
//! All of them sign with RS256 unless told otherwise, so
//! [`JwksOptions`](crate::key::JwksOptions)' default suits keys without `alg`.
//!
//! | Provider | Issuer | Roles | Audience of an access token |
//! |---|---|---|---|
//! | [Keycloak](#keycloak) | `https://HOST/realms/REALM` | `["realm_access", "roles"]`, `["resource_access", CLIENT, "roles"]` | must be configured |
//! | [Auth0](#auth0) | `https://TENANT.auth0.com/` | `permissions`, or a claim of your own | the API's identifier |
//! | [Entra ID](#microsoft-entra-id) | `https://login.microsoftonline.com/TENANT-ID/v2.0` | `roles` | the API's client id |
//! | [Okta](#okta) | `https://ORG.okta.com/oauth2/default` | `groups`, once configured | that of the authorization server |
//! | [Cognito](#amazon-cognito) | `https://cognito-idp.REGION.amazonaws.com/POOL-ID` | `cognito:groups` | as a rule none |
//! | [Google](#google) | `https://accounts.google.com` | none | only ID tokens: the client id |
//! | [Zitadel](#zitadel) | `https://INSTANCE.zitadel.cloud` | an object, for your claims type | the project id, by scope |
//!
//! # Keycloak
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # use tower_bearer::{claims::StandardClaims, key::remote::RemoteKeys, verify::Verifier};
//! let keys = RemoteKeys::discover("https://id.example.com/realms/shop").eager().await?;
//! let verifier = Verifier::<StandardClaims>::builder()
//!     .keys(keys)
//!     .issuer("https://id.example.com/realms/shop")
//!     .audience("orders-api")
//!     .roles_at(["realm_access", "roles"])
//!     .roles_at(["resource_access", "orders-api", "roles"])
//!     .build()?;
//! # Ok(()) }
//! ```
//! No slash at the end; `/auth` stood before `/realms` until version 17. The issuer follows the host
//! name that the client used unless the server's `hostname` is set. The client that a token was
//! issued to is its `azp`, not its `aud`: `aud` names the clients that the user has client roles in
//! (often `account`), is left out if there are none, and names your API through an Audience mapper
//! in a client scope.
//!
//! # Auth0
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # use tower_bearer::{claims::StandardClaims, key::remote::RemoteKeys, verify::Verifier};
//! let keys = RemoteKeys::discover("https://shop.eu.auth0.com/").eager().await?;
//! let verifier = Verifier::<StandardClaims>::builder()
//!     .keys(keys)
//!     .issuer("https://shop.eu.auth0.com/")
//!     .audience("https://orders.example.com")
//!     .roles_at("permissions")
//!     .build()?;
//! # Ok(()) }
//! ```
//! With the slash at the end. A client that does not ask for an `audience` gets an opaque token, which
//! is not for your API. With scope `openid`, `aud` is a list that names `/userinfo` too. `permissions`
//! is there once "RBAC" and "Add Permissions in the Access Token" are on for the API; roles come as a
//! namespaced claim that an Action adds: `roles_at("https://example.com/roles")`. With the API's RFC
//! 9068 profile on, call
//! [`access_token_profile`](crate::verify::VerifierBuilder::access_token_profile).
//!
//! # Microsoft Entra ID
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # use tower_bearer::{claims::StandardClaims, key::remote::RemoteKeys, verify::Verifier};
//! # const TENANT: &str = "72f988bf-0000-0000-0000-000000000000";
//! let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
//! let keys = RemoteKeys::discover(&issuer).eager().await?;
//! let verifier = Verifier::<StandardClaims>::builder()
//!     .keys(keys)
//!     .issuer(&issuer)
//!     .audience("6e74172b-0000-0000-0000-000000000000")
//!     .build()?;
//! # Ok(()) }
//! ```
//! Which version of token an API gets is its own setting (`requestedAccessTokenVersion` in the
//! manifest): set it to 2. Version 1 tokens are issued by `https://sts.windows.net/TENANT-ID/`, with
//! the slash, and may name the API's App ID URI as audience. App roles are in `roles`, delegated
//! permissions in `scp`. `groups` holds ids, not names, and is replaced by a link where there are too
//! many. Use the tenant's id, not `common`: the metadata of `common` name a pattern as issuer. For
//! several tenants, one verifier each ([`Verifier::of_issuers`](crate::verify::Verifier::of_issuers),
//! [`Tenants`](crate::verify::Tenants)). Tokens for Microsoft Graph are not for you to verify.
//!
//! # Okta
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # use tower_bearer::{claims::StandardClaims, key::remote::RemoteKeys, verify::Verifier};
//! let keys = RemoteKeys::discover("https://shop.okta.com/oauth2/default").eager().await?;
//! let verifier = Verifier::<StandardClaims>::builder()
//!     .keys(keys)
//!     .issuer("https://shop.okta.com/oauth2/default")
//!     .audience("api://default")
//!     .roles_at("groups")
//!     .build()?;
//! # Ok(()) }
//! ```
//! A custom authorization server (`/oauth2/default` or `/oauth2/ID`), which production orgs license
//! as API Access Management. Access tokens of the org server (`https://shop.okta.com` alone) are for
//! Okta's own APIs and cannot be verified here: introspect them. The audience is set per
//! authorization server. Scopes come as the list `scp`; a `groups` claim has to be added to the
//! authorization server's access tokens.
//!
//! # Amazon Cognito
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # use tower_bearer::{key::remote::RemoteKeys, verify::Verifier};
//! #[derive(serde::Deserialize)]
//! struct User { sub: String, username: String }
//!
//! let issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI";
//! let keys = RemoteKeys::discover(issuer).eager().await?;
//! let verifier = Verifier::<User>::builder()
//!     .keys(keys)
//!     .issuer(issuer)
//!     .any_audience()
//!     .client("1example23456789abcdefghij")
//!     .require_value("token_use", "access")
//!     .roles_at("cognito:groups")
//!     .build()?;
//! # Ok(()) }
//! ```
//! Access tokens have no `aud` unless the client asked for a resource. So name your clients, and require
//! that `token_use` is `access`: or an ID token, and the token of any other client of the pool, would do.
//! Scopes of your own are `RESOURCE-SERVER/SCOPE`.
//!
//! # Google
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # use tower_bearer::{claims::StandardClaims, key::remote::RemoteKeys, verify::Verifier};
//! let keys = RemoteKeys::discover("https://accounts.google.com").eager().await?;
//! let verifier = Verifier::<StandardClaims>::builder()
//!     .keys(keys)
//!     .issuer("https://accounts.google.com")
//!     .issuer("accounts.google.com")
//!     .audience("1234-abcd.apps.googleusercontent.com")
//!     .build()?;
//! # Ok(()) }
//! ```
//! Google's access tokens are opaque and for Google's APIs. What can be verified are ID tokens, whose
//! audience is your client id: they say who signed in, not what a client may do. `iss` may come
//! without `https://`. Know a user by `sub`; `hd` names a Workspace domain. Keys are at another host
//! than the issuer, and change often: `max-age` is honoured.
//!
//! # Zitadel
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::collections::HashMap;
//! # use tower_bearer::{key::remote::RemoteKeys, verify::Verifier};
//! #[derive(serde::Deserialize)]
//! struct User {
//!     sub: String,
//!     /// Role to the organisations that granted it.
//!     #[serde(rename = "urn:zitadel:iam:org:project:roles", default)]
//!     roles: HashMap<String, HashMap<String, String>>,
//! }
//!
//! let keys = RemoteKeys::discover("https://shop-abc123.zitadel.cloud").eager().await?;
//! let verifier = Verifier::<User>::builder()
//!     .keys(keys)
//!     .issuer("https://shop-abc123.zitadel.cloud")
//!     .audience("69234237810729019")
//!     .build()?;
//! # Ok(()) }
//! ```
//! Access tokens are opaque unless the application is set to JWT. The audience is a project id, and
//! is there if the client asks for the scope `urn:zitadel:iam:org:project:id:PROJECT-ID:aud`. Roles
//! are the members of an object, not a list, and are there with the scope
//! `urn:zitadel:iam:org:projects:roles` or the project's setting; check them with a guard over your
//! claims type.
//!
//! # Any other
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # use tower_bearer::{claims::StandardClaims, key::remote::RemoteKeys, verify::Verifier};
//! let keys = RemoteKeys::discover("https://id.example.com").eager().await?;
//! let verifier = Verifier::<StandardClaims>::builder()
//!     .keys(keys)
//!     .issuer("https://id.example.com")
//!     .audience("orders-api")
//!     .build()?;
//! # Ok(()) }
//! ```
//! Decode one token and look: `iss` is the issuer, and has to be that of
//! `ISSUER/.well-known/openid-configuration` or of RFC 8414's place for it; without either, give the
//! key set's URL to [`RemoteKeys::jwks`](super::RemoteKeys::jwks). Take the value of `aud` that names
//! your API. A token without two dots is opaque, and has to be introspected.
