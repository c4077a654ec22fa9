//! Keys of an identity provider, fetched and kept fresh: [`RemoteKeys`] (feature `remote`).
//!
//! 1. Only URLs from configuration are asked for, and the `jwks_uri` of the provider's metadata
//!    ([OpenID Connect Discovery §4](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig),
//!    [RFC 8414 §3](https://www.rfc-editor.org/rfc/rfc8414#section-3)); `https`, loopback and a
//!    spelled-out choice apart. Nothing in a token ever becomes a URL.
//! 2. The `issuer` in the metadata is compared exactly with the configured one, slash and all.
//! 3. Requests read the keys without locks. They wait for the network in two cases: there are no
//!    keys yet, or none for their `kid`; then for at most [`wait`](RemoteKeysBuilder::wait).
//! 4. There is one fetch at a time, however many requests wait for it.
//! 5. A `kid` that is not there makes one fetch per [`cooldown`](RemoteKeysBuilder::cooldown), all
//!    such tokens together. Between those, tokens with an unknown `kid` are rejected at once. All
//!    issuers of the process together are asked no more than ten times per second for this, after
//!    100 at once; beyond that, such tokens are answered with 503.
//! 6. A background task refreshes the keys, as `Cache-Control: max-age` asks within bounds, with
//!    `If-None-Match`; past every cache where an unknown `kid` or
//!    [`RemoteKeys::refresh`] asks for it, and at least once in
//!    [`keep_for`](RemoteKeysBuilder::keep_for). An answer that is broken, empty, too large, late or
//!    redirected never replaces keys. The task stops when the last handle is dropped.
//! 7. Through an outage the last keys serve for [`keep_for`](RemoteKeysBuilder::keep_for). After
//!    that, requests are answered with 503 and `Retry-After`, never with 401. So are tokens that no
//!    key fits, for an unknown `kid` or without any, while the provider cannot be asked.
//! 8. A set with other keys gets a new [epoch](crate::key::KeySet::epoch); one with the same keys,
//!    in whatever order, leaves everything as it is.
//! 9. The task runs on the runtime that asked first. One that is gone, blocked or driven by nobody is
//!    noticed by the next request on another, which takes over. Time that the machine was suspended
//!    counts, and after a long sleep requests wait for fresh keys first.
//! 10. A service that is restarted while its provider is away can start with the keys that it
//!     [exported](RemoteKeys::export) before.
//!
//! Configuration for well-known providers: [`providers`].
//!
//! # Deployment
//! - An attacker who sends random `kid`s can use up the cooldown, so that a key which appears
//!   without notice is learned of up to one cooldown later. Providers publish a key before they
//!   sign with it, which leaves the background refresh enough time.
//! - A key that the provider withdraws verifies tokens until the next refresh. In an emergency call
//!   [`RemoteKeys::refresh`].
//! - Keys are fetched on tokio, with timers enabled as `#[tokio::main]` has them. Requests may wait for
//!   them on any runtime.
//!
//! # Example
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use tower_bearer::claims::StandardClaims;
//! use tower_bearer::key::remote::RemoteKeys;
//! use tower_bearer::verify::Verifier;
//!
//! let keys = RemoteKeys::discover("https://id.example.com").eager().await?;
//! let verifier = Verifier::<StandardClaims>::builder()
//!     .keys(keys.clone())
//!     .issuer("https://id.example.com")
//!     .audience("orders-api")
//!     .build()?;
//! # let _ = verifier;
//! // for the health endpoint
//! assert!(keys.ready().await.is_ok());
//! println!("{:?}", keys.status());
//! # Ok(())
//! # }
//! ```

mod allowance;
mod builder;
mod config;
mod document;
mod error;
mod flight;
mod handle;
mod log;
mod machine;
pub mod providers;
mod refresh;
mod seed;
mod state;
mod status;

pub use builder::RemoteKeysBuilder;
pub use error::{RemoteKeysError, RemoteKeysErrorKind};
pub use handle::RemoteKeys;
pub use seed::SeedKeys;
pub use status::RemoteStatus;
