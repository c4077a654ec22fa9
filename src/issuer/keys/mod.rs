//! The keys that tokens are signed with, and their publication.

mod jwks_service;
mod signing_keys;

pub use self::jwks_service::JwksService;
pub use self::signing_keys::SigningKeys;
