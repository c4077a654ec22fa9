//! Tokens that are redeemed exactly once.
//!
//! 1. [`SingleUse`]: opaque, kept in a store: links to sign in or to confirm an address, codes to be
//!    typed.
//! 2. [`Handover`]: signed, for ten seconds, for one browser: a session that goes over to another
//!    domain.
//! 3. Of two concurrent redemptions exactly one succeeds, in every
//!    [`SessionStore`](super::session::SessionStore): a token is a record, and is swapped as those of
//!    sessions are.
//! 4. A token is bound to an issuer and a purpose, and is no use for another.
//! 5. The tokens of one subject are a [`Group`]: the newer replaces the older, all are revoked
//!    together, and what ends all that the subject has ends them: it is asked in the same step.
//! 6. Neither form is that of an access or of a refresh token.

mod error;
mod group;
mod handover;
mod kept;
mod nonce;
mod records;
mod tokens;

pub use self::error::{SingleUseError, SingleUseErrorKind};
pub use self::group::Group;
pub use self::handover::{Handover, HandoverBuilder};
pub use self::nonce::{HandoverChallenge, HandoverNonce};
pub use self::tokens::{SingleUse, SingleUseToken};
