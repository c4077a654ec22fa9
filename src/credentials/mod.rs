//! Where in a request the token is: [`TokenSource`] finds a [`BearerToken`], or tells that there
//! is none, or that the request is ill-formed.
//!
//! 1. Nothing found is `Ok(None)`: the layer decides whether that is a rejection.
//! 2. Anything doubtful is [`InvalidRequest`](crate::rejection::RejectionKind::InvalidRequest)
//!    (400, [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)): a token sent
//!    twice, characters that no token has, more bytes than the limit.
//! 3. Limits are checked before the bytes are looked at. A token found in a header field is not
//!    copied: it shares the field's buffer.
//! 4. The default source is [`AuthorizationHeader`]. [`Cookie`], [`HeaderField`] and
//!    [`WebSocketProtocol`] read other places, [`Sources`] asks several, and a closure or an own
//!    [`TokenSource`] reads the rest. The query string is read only through
//!    [`dangerous::QueryParameter`].
//!
//! A token in a cookie travels with every request that the browser sends to the site, also with
//! those that another site causes: a service that takes cookies needs protection against
//! cross-site request forgery (`SameSite`, and a check of `Origin` or `Sec-Fetch-Site`).
//!
//! ```
//! use http::Request;
//! use tower_bearer::credentials::{AuthorizationHeader, Cookie, Sources, TokenSource};
//! use tower_bearer::head::RequestHead;
//! use tower_bearer::rejection::RejectionKind;
//!
//! let sources = Sources::new()
//!     .and(AuthorizationHeader::new())
//!     .and(Cookie::named("__Host-access"));
//!
//! let request = Request::get("/").header("cookie", "lang=fi; __Host-access=abc").body(())?;
//! let token = sources.find(&RequestHead::from(&request)).unwrap().unwrap();
//! assert_eq!(token.expose_secret(), "abc");
//!
//! let twice = Request::get("/")
//!     .header("authorization", "Bearer abc")
//!     .header("cookie", "__Host-access=abc")
//!     .body(())?;
//! let rejection = sources.find(&RequestHead::from(&twice)).unwrap_err();
//! assert_eq!(rejection.kind(), RejectionKind::InvalidRequest);
//! # Ok::<(), http::Error>(())
//! ```

mod authorization;
mod cookie;
pub mod dangerous;
mod header;
mod list;
mod preflight;
mod scheme;
mod sensitive;
mod source;
mod sources;
mod token;
mod websocket;

pub use authorization::AuthorizationHeader;
pub use cookie::Cookie;
pub use header::HeaderField;
pub use preflight::is_cors_preflight;
pub(crate) use sensitive::mark_sensitive;
pub use source::TokenSource;
pub use sources::Sources;
pub use token::{BearerToken, TokenOrigin};
pub use websocket::WebSocketProtocol;
