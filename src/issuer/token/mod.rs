//! Signed tokens: access tokens and ID tokens.

mod builder;
mod draft;
mod issued;
mod issuer;

pub use self::builder::IssuerBuilder;
pub use self::draft::{AccessTokenBuilder, Draft, IdTokenBuilder};
pub use self::issued::{AccessToken, IdToken};
pub use self::issuer::Issuer;
