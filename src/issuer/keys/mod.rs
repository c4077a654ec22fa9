//! The keys that tokens are signed with, and their publication.

mod jwks_service;
mod private_key;
mod signing_keys;

pub use self::jwks_service::JwksService;
pub use self::private_key::PrivateKey;
pub use self::signing_keys::SigningKeys;
