//! Sessions, from login to logout, kept alive by refresh tokens
//! ([RFC 6749 §6](https://www.rfc-editor.org/rfc/rfc6749#section-6),
//! [RFC 9700 §4.14](https://www.rfc-editor.org/rfc/rfc9700#section-4.14)).
//!
//! 1. A session has a **family** of refresh tokens, each of which is used once and names its
//!    successor. A token is opaque, holds 256 random bits, and only its hash is stored.
//! 2. **Reuse** of a spent token means that two have it. The session ends, its access tokens are
//!    revoked, and the [observers](SessionsBuilder::observe) are told, at least once: thief and
//!    victim are out, and the victim signs in again.
//! 3. **Grace**: the token that was spent *last* yields another successor, for a response that got
//!    lost and for tabs that refresh at once; by default until a successor is first used, and twice:
//!    [`Grace`]. The first of the tokens that were given out so to be used decides: whoever comes
//!    with another one from then on, or with a token two generations back, ends the session.
//! 4. A session expires when it has idled, and in any case at an absolute time that no refresh
//!    moves. Its access tokens expire with it at the latest.
//! 5. **An ended session is a record too**, until it would have expired: nothing comes alive again,
//!    and a spent token is noticed after logout as before it. Of a subject with more than 256 such
//!    sessions the ones that ended longest ago are forgotten: they stay dead, since nothing is left to
//!    be refreshed, and of their stolen tokens nobody is told. Ending revokes the `sid` in the same
//!    step ([`Apart`]: before it), for as long as the longest-lived of its access tokens lives.
//! 6. **Revoked is revoked, by whatever API**: a [`Revocation`](crate::revocation::Revocation) by
//!    session, subject or version that covers a session keeps it from ever being refreshed, and from
//!    being begun with an authentication of before. The store checks that in the step that
//!    refreshes or begins.
//! 7. A session belongs to its **issuer** and its client. Another issuer over the same store does
//!    not know it.
//! 8. The scope of a session is what was granted when it began. A refresh may ask for less for its
//!    access token, never for more.
//! 9. "There is no such session" is only said by a store that is certain. One that is not is
//!    [`Unavailable`](SessionErrorKind::Unavailable), and the client comes again.
//!
//! # What a refresh token does
//!
//! The first line that fits holds. *Retry* means: it is the token that was spent last, and
//! [`Grace`] lets it pass; *too often*: it would, had it not been used
//! [so often](Policy::retries) already.
//!
//! | the session | the token | and | answer | the session then |
//! |---|---|---|---|---|
//! | is past `expires_at` | | | `invalid_grant`, [`Expired`](SessionEvent::Expired) | |
//! | has ended, a theft is untold | | | `invalid_grant`, [`Reused`](SessionEvent::Reused) | theft told |
//! | has ended | neither current nor a retry | no theft was noticed before | `invalid_grant`, [`Reused`](SessionEvent::Reused) | theft noticed, then told |
//! | has ended | | | `invalid_grant` | |
//! | has idled | | | `invalid_grant`, [`Expired`](SessionEvent::Expired) | |
//! | | neither current nor a retry | | `invalid_grant`, [`Reused`](SessionEvent::Reused) | ended and revoked, theft noticed, then told |
//! | | | of another client | `invalid_grant`, [`WrongClient`](SessionEvent::WrongClient) | |
//! | | | bound to a key that was not proven | `invalid_grant`, [`WrongKey`](SessionEvent::WrongKey) | |
//! | | | a scope was asked for that was not granted | `invalid_scope` | |
//! | | retry, too often | | `temporarily_unavailable` | |
//! | is covered by a revocation | | | `invalid_grant`, [`Ended`](SessionEvent::Ended) | ended and revoked |
//! | | retry | | granted, [`Retried`](SessionEvent::Retried) | the successor **joins** the current tokens; the window does not move |
//! | | current | the policy has [no rotation](Policy::without_rotation) | granted, [`Refreshed`](SessionEvent::Refreshed) | the token stays |
//! | | current | | granted, [`Refreshed`](SessionEvent::Refreshed) | it is the one spent last, the successor is the one current token, generation + 1 |
//!
//! The table is code in one place, and no store knows of it: a [`SessionStore`] keeps opaque records
//! and swaps them. [`MemorySessionStore`] is the one for a single process; with the feature `redis`,
//! `RedisStore` and `Replica` are for several. An application that chooses at run time names none of
//! them: [`BoxSessionStore`].
//!
//! # In deployment
//!
//! **After a new password** call [`Sessions::end_all`], or [`end_all_but`](Sessions::end_all_but) to
//! keep the session that changed it. Both revoke tokens without a session too, and those of the very
//! second; what is issued within it without a session needs [`EndedAll::issue_from`]. Single-use
//! links and codes [of the subject](crate::issuer::single_use::SingleUse::subject) in the same store
//! are dead too.
//!
//! **Stolen tokens**: call [`Sessions::tell_pending`] when the process starts and every few minutes.
//!
//! **In a browser** the refresh token belongs into a cookie that scripts cannot read, and the token
//! endpoint has to be protected from requests of other sites: the feature `cookie` does both.
//!
//! **Errors** map to [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2); see
//! [`SessionErrorKind::code`].

mod apart;
mod boxed;
mod builder;
mod ending;
mod error;
mod event;
mod id;
mod layer;
#[cfg(feature = "replica")]
mod logged;
mod machine;
mod memory;
mod policy;
mod record;
mod refresh_token;
mod request;
mod response;
mod sessions;
mod step;
mod store;
mod table;
mod tokens;
mod view;

pub use self::apart::Apart;
pub use self::boxed::BoxSessionStore;
pub use self::builder::SessionsBuilder;
pub use self::ending::{EndedAll, Ending};
pub use self::error::{SessionError, SessionErrorKind};
pub use self::event::{Reuse, SessionEvent};
pub use self::id::{BoundKey, IndexKey, SessionId};
#[cfg(feature = "replica")]
#[cfg_attr(docsrs, doc(cfg(feature = "replica")))]
pub use self::logged::SessionLog;
pub use self::memory::{MemorySessionStore, MemorySessionStoreBuilder};
pub use self::policy::{Grace, Policy};
pub use self::refresh_token::RefreshToken;
pub use self::request::{NewSession, RefreshRequest};
pub use self::response::TokenResponse;
pub use self::sessions::Sessions;
pub use self::store::{Commit, Committed, Limit, Page, SessionStore, StoredSession, Write};
pub use self::tokens::SessionTokens;
pub use self::view::{EndedBy, Session, Subject};
