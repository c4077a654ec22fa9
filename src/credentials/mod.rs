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
//! those that another site causes. So a [`Cookie`] has a [`CrossSiteProtection`], on by default:
//! requests that could change something are rejected with
//! [`CrossSite`](crate::rejection::RejectionKind::CrossSite) (403) if their token came in that
//! cookie and `Sec-Fetch-Site` or `Origin` tell of another site. Others are not affected: neither
//! those without the cookie, nor those whose token is in a header field.
//!
//! The `csrf` layer of tower-http decides alike, but on every request, whether it carries a cookie or
//! not; it suits services whose cookies mean something without a token too. Both together work: the
//! origins that are trusted have to be told to both.
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
//!
//! let forged = Request::post("/")
//!     .header("cookie", "__Host-access=abc")
//!     .header("sec-fetch-site", "cross-site")
//!     .body(())?;
//! let rejection = sources.find(&RequestHead::from(&forged)).unwrap_err();
//! assert_eq!(rejection.kind(), RejectionKind::CrossSite);
//! # Ok::<(), http::Error>(())
//! ```

mod authorization;
mod cookie;
mod cross_site;
pub mod dangerous;
mod dpop;
mod header;
mod list;
mod origin;
mod preflight;
mod scheme;
mod sensitive;
mod source;
mod sources;
mod token;
mod websocket;

pub use authorization::AuthorizationHeader;
pub use cookie::Cookie;
pub use cross_site::CrossSiteProtection;
pub(crate) use dpop::{DpopAuthorization, is_dpop};
pub use header::HeaderField;
pub use origin::InvalidOrigin;
pub use preflight::is_cors_preflight;
pub(crate) use sensitive::mark_sensitive;
pub use source::TokenSource;
pub use sources::Sources;
pub use token::{BearerToken, TokenOrigin};
pub use websocket::WebSocketProtocol;
