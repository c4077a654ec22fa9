//! What a verified token says: the application's own claims type, and the registered claims beside it.
//!
//! 1. [`Claims<C>`] is what handlers take: one `Arc`, dereferencing to the application's type `C`.
//! 2. [`RegisteredClaims`] are read for every token, whatever `C` is: issuer, subject, audience,
//!    times, identifiers, [`Scopes`] and [`Roles`].
//! 3. Both are filled in one pass over the JSON, after the signature was checked.
//! 4. [`Principal`] is the same token without `C`, for guards and middleware that serve any type.
//!
//! `C` is any [`DeserializeOwned`](serde::de::DeserializeOwned) type that reads a JSON object. It
//! may declare registered claims too (`sub: Uuid`, say); those it does not declare are skipped by
//! serde as usual. [`StandardClaims`] serves where you want no type of your own.

mod binding;
mod confirmation;
mod decode;
mod error;
mod heard;
mod name;
mod names;
mod notes;
mod principal;
mod registered;
mod registry;
mod roles;
mod scalar;
mod scopes;
mod spy;
mod standard;
mod tap;
#[cfg(test)]
mod tests;
mod text;
mod token;
mod value;

pub use binding::Binding;
pub(crate) use binding::Proven;
pub use confirmation::Confirmation;
pub(crate) use decode::{decode, decode_into, peek_issuer};
pub use error::ClaimsError;
pub(crate) use names::ClaimNames;
pub use names::ClaimPath;
pub use principal::Principal;
pub use registered::RegisteredClaims;
pub use roles::Roles;
pub(crate) use scalar::Str;
pub use scopes::Scopes;
pub use standard::StandardClaims;
pub use token::Claims;
#[cfg(feature = "introspection")]
pub(crate) use token::TokenClaims;
pub(crate) use token::{SharedToken, TokenHandle, VerifiedToken};
