//! Tokens that are redeemed exactly once.
//!
//! 1. [`SingleUse`]: opaque, kept in a store: links to sign in or to confirm an address.
//! 2. [`Handover`]: signed, for ten seconds: a session that goes over to another domain.
//! 3. Of two concurrent redemptions exactly one succeeds, in every [`SingleUseStore`].
//! 4. A token is bound to a purpose, and is no use for another.
//! 5. Neither form is that of an access or of a refresh token.

mod error;
mod handover;
mod memory;
mod store;
mod tokens;

pub use self::error::{SingleUseError, SingleUseErrorKind};
pub use self::handover::Handover;
pub use self::memory::MemorySingleUseStore;
pub use self::store::SingleUseStore;
pub use self::tokens::{SingleUse, SingleUseToken};
