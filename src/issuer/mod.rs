//! Tokens are made here.

mod body;
mod compact;
mod error;
mod keys;
mod random;
pub mod refresh;
mod scope;
pub mod single_use;
mod token;

pub use self::body::BytesBody;
pub use self::error::{IssueError, IssueErrorKind};
pub use self::keys::{JwksService, PrivateKey, SigningKeys};
pub use self::random::TokenHash;
pub use self::token::{Access, AccessToken, Id, IdToken, Issuer, IssuerBuilder, TokenRequest};
