//! Refresh tokens: sessions, from login to logout.

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
