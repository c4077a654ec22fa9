//! Refresh tokens: sessions, from login to logout
//! ([RFC 6749 §6](https://www.rfc-editor.org/rfc/rfc6749#section-6),
//! [RFC 9700 §4.14](https://www.rfc-editor.org/rfc/rfc9700#section-4.14)).
//!
//! 1. A session is a **family** of refresh tokens, each of which is used once and names its
//!    successor. A token is opaque, holds 256 random bits, and only its hash is stored.
//! 2. **Reuse** of a spent token means that two have it. The family ends, its access tokens are
//!    revoked, and [`on_reuse`](RefreshTokensBuilder::on_reuse) is told: thief and victim are out,
//!    and the victim signs in again.
//! 3. **Grace** (off by default): for some seconds the token that was spent *last* yields another
//!    successor, for a response that got lost and for tabs that refresh at once. Up to
//!    [`MOST_SUCCESSORS`] tokens then count side by side until the first of them is used: whoever
//!    comes with another one from then on, or with a token two generations back, ends the family.
//!    The window does not move. Tabs that refresh at once must therefore share what they got, as they
//!    do with a cookie.
//! 4. A session expires when it has idled, and in any case at an absolute time that no refresh
//!    moves. Its access tokens expire with it at the latest.
//! 5. Ending a session (logout, reuse, "log out everywhere") revokes its `sid` **first**, and in
//!    the same step wherever the store can. A crash in between leaves a session that can be ended
//!    again, never one that is gone while its access tokens live.
//! 6. The scope of a session is what was granted when it began. A refresh may ask for less for its
//!    access token, never for more.
//!
//! The whole state machine is the table of [`RefreshStore`]; every transition is one atomic step of
//! the store. [`MemoryRefreshStore`] is the one for a single process; with the feature `redis`,
//! `RedisStore` and `Replica` are for several.
//!
//! **After a new password** call [`RefreshTokens::end_all`], or
//! [`end_all_but`](RefreshTokens::end_all_but) to keep the session that changed it. The former
//! revokes tokens without a session too, and those of the very second; what is issued within it
//! needs [`EndedAll::issue_from`].
//!
//! **In a browser** the refresh token belongs into a cookie that scripts cannot read, and the token
//! endpoint has to be protected from requests of other sites: the feature `cookie` does both.
//!
//! **Errors** map to [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2); see
//! [`RefreshErrorKind::code`].

mod builder;
mod error;
mod family;
mod form;
mod grant;
mod memory;
mod request;
mod response;
mod reuse;
mod store;
mod tokens;
mod transition;

pub use self::builder::RefreshTokensBuilder;
pub use self::error::{RefreshError, RefreshErrorKind};
pub use self::family::{Family, Session, SessionId, SubjectKey};
pub use self::form::RefreshToken;
pub use self::grant::Grant;
pub use self::memory::MemoryRefreshStore;
pub use self::request::{NewSession, RefreshRequest};
pub use self::response::TokenResponse;
pub use self::reuse::Reuse;
pub use self::store::RefreshStore;
pub use self::tokens::{EndedAll, RefreshTokens};
pub use self::transition::{MOST_SUCCESSORS, NewFamily, Rotate, RotateOutcome};
