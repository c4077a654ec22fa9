//! How this crate speaks HTTP to an identity provider, where it has to (feature `remote`).
//!
//! 1. A [`Fetch`] sends one request and collects one response; nothing here retries, caches or
//!    follows redirects.
//! 2. Only URLs from configuration, and those that a configured provider's metadata names, are ever
//!    asked for. `https` is required, loopback and a spelled-out choice apart.
//! 3. Every response is bounded in size and time ([`FetchLimits`]), by the implementation and once
//!    more by its caller.
//!
//! `ReqwestFetch` (feature `reqwest`) is the ready one. For a proxy, a private CA or client
//! certificates, give it a client builder of your own, or implement [`Fetch`] over any client.
//!
//! The runtime is tokio's, with its timers enabled, as `#[tokio::main]` does.

mod deadline;
mod document;
mod error;
mod limits;
mod metadata;
#[cfg(feature = "reqwest-no-provider")]
mod reqwest_fetch;
mod send;
mod traits;
mod url;

pub(crate) use deadline::{can_wait, within};
pub(crate) use document::{Asking, DocumentError, Freshness, Problem, without_query};
pub use error::{FetchError, FetchErrorKind};
pub use limits::FetchLimits;
pub(crate) use metadata::{discover, metadata_urls};
#[cfg(feature = "reqwest-no-provider")]
#[cfg_attr(docsrs, doc(cfg(any(feature = "reqwest", feature = "reqwest-no-provider"))))]
pub use reqwest_fetch::ReqwestFetch;
#[cfg(feature = "introspection")]
pub(crate) use send::send;
pub use traits::Fetch;
#[cfg(feature = "introspection")]
pub(crate) use url::UrlProblem;
pub(crate) use url::checked_url;
