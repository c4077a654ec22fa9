//! Tokens are verified: against vectors, other implementations and real providers.

#![cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]

#[cfg(feature = "aws-lc-rs")]
mod claim_rules;
mod differential;
mod dpop_vectors;
#[cfg(all(feature = "introspection", feature = "axum"))]
mod endpoint;
#[cfg(all(feature = "introspection", feature = "axum"))]
mod introspection;
#[cfg(feature = "reqwest")]
mod oidc_provider;
mod rfc_vectors;
mod tenants;
mod token_cache;
mod vectors;
mod verifier_builder;
#[cfg(feature = "reqwest")]
mod with_a_provider;
#[cfg(all(feature = "reqwest", feature = "axum"))]
mod with_dpop;
mod wycheproof;
