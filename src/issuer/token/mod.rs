//! Signed tokens: access tokens and ID tokens.

mod builder;
mod issued;
mod issuer;
mod request;

pub use self::builder::IssuerBuilder;
pub use self::issued::{AccessToken, IdToken};
pub use self::issuer::Issuer;
pub use self::request::{Access, Id, TokenRequest};
